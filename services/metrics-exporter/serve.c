/* The answers: metrics, JSON and the page, made from what was heard last. */
#include "services/metrics-exporter/exporter.h"

#include "common/clock.h"
#include "services/metrics-exporter/page.h"
#include "services/metrics-exporter/status_json.h"

static void look_at_evidence(const struct exporter *exporter, struct evidence_view *view)
{
    const struct metrics *mirror = exporter->polls[SIBLING_BYZANTINE_MONITOR].mirror;

    view->is_known = exporter->snapshot.services[SIBLING_BYZANTINE_MONITOR].was_up;
    view->n_equivocation = metric_count(mirror, METRIC_evidence_total, LABEL_equivocation);
    view->n_invalid_signature =
        metric_count(mirror, METRIC_evidence_total, LABEL_invalid_signature);
    view->n_quorum_forgery = metric_count(mirror, METRIC_evidence_total, LABEL_quorum_forgery);
    view->n_replay = metric_count(mirror, METRIC_evidence_total, LABEL_replay);
    view->n_unacknowledged = (uint64_t)metric_value(mirror, METRIC_evidence_unacknowledged);
}

void exporter_look(struct exporter *exporter, struct verdict *ret_verdict)
{
    struct snapshot *snapshot = &exporter->snapshot;
    const struct metrics *registry = exporter->polls[SIBLING_SCHEMA_REGISTRY].mirror;

    snapshot->taken_ms = clock_wall_ms();
    snapshot->services[SIBLING_METRICS_EXPORTER].uptime_ms = clock_mono_ms() - exporter->started_ms;
    snapshot->has_schemas = snapshot->services[SIBLING_SCHEMA_REGISTRY].is_up;
    snapshot->n_schemas = (uint64_t)metric_value(registry, METRIC_schema_entries);
    look_at_evidence(exporter, &snapshot->evidence);
    verdict_reach(snapshot, &exporter->history, ret_verdict);
}

static void answer_metrics(void *arg, const struct http_request *request,
                           struct http_answer *answer)
{
    const struct exporter *exporter = arg;
    const struct metrics *parts[SIBLINGS_N];
    enum metric_format format = metric_format_wanted(request->accept);

    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++)
        parts[i] = exporter->polls[i].mirror;
    parts[SIBLING_METRICS_EXPORTER] = exporter->env->metrics;
    answer->content_type = metric_content_type(format);
    metrics_print_all(parts, SIBLINGS_N, format, &answer->body);
}

static void answer_status(void *arg, const struct http_request *request, struct http_answer *answer)
{
    struct exporter *exporter = arg;
    struct verdict verdict;

    (void)request;
    exporter_look(exporter, &verdict);
    answer->content_type = "application/json";
    status_json(&exporter->snapshot, &verdict, &exporter->history, &answer->body);
    buf_char(&answer->body, '\n');
}

static void answer_page(void *arg, const struct http_request *request, struct http_answer *answer)
{
    struct exporter *exporter = arg;
    struct verdict verdict;

    (void)request;
    exporter_look(exporter, &verdict);
    answer->content_type = "text/html; charset=utf-8";
    answer->policy = PAGE_POLICY;
    page_print(&exporter->snapshot, &verdict, &exporter->history, &answer->body);
}

const struct http_route exporter_routes[] = {{"/", answer_page},
                                             {"/status.json", answer_status},
                                             {"/metrics", answer_metrics},
                                             {NULL, NULL}};

static enum apm_err query_overview(void *state, struct span args_json, struct buf *ret_body)
{
    struct exporter *exporter = state;
    struct verdict verdict;

    (void)args_json;
    exporter_look(exporter, &verdict);
    status_json(&exporter->snapshot, &verdict, &exporter->history, ret_body);
    return APM_OK;
}

const struct admin_query exporter_queries[] = {
    {"overview", "the whole node: verdict, services, validators, votes", query_overview, NULL},
    {NULL, NULL, NULL, NULL},
};
