/* The questions: what each service is asked, one after the other, round by round. */
#include "services/metrics-exporter/exporter.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"

/* ---- what the answers do ---- */

static void take_service(struct poll *poll, const json_t *body)
{
    struct exporter *exporter = poll->exporter;

    snapshot_read_service(&exporter->snapshot.services[poll->which], body);
    metrics_load(poll->mirror, json_object_get(body, "metrics"));
    metrics_show(poll->mirror, ~UINT32_C(0));
    metric_set_at(exporter->env->metrics, METRIC_service_up, poll->which, 1);
    poll->heard_ms = clock_mono_ms();
}

static void take_validators(struct poll *poll, const json_t *body)
{
    snapshot_read_validators(&poll->exporter->snapshot.consensus, body);
}

static void take_status(struct poll *poll, const json_t *body)
{
    snapshot_read_status(&poll->exporter->snapshot.consensus, body);
}

static void take_votes(struct poll *poll, const json_t *body)
{
    snapshot_read_votes(&poll->exporter->snapshot.consensus, body);
}

static void take_why(struct poll *poll, const json_t *body)
{
    snapshot_read_why(&poll->exporter->snapshot.consensus, body);
}

static void take_evidence(struct poll *poll, const json_t *body)
{
    snapshot_read_evidence(&poll->exporter->snapshot.evidence, body);
}

/* The list comes from the monitor's database: asked for only when there is something to
 * show. */
static bool has_evidence(const struct poll *poll)
{
    return metric_value(poll->mirror, METRIC_evidence_unacknowledged) > 0;
}

/* Each service first says how it is; whoever has nothing else to say has one row. */
static const struct question {
    enum sibling which; /* SIBLINGS_N: everybody */
    const char *verb;
    const char *args_json;
    void (*take)(struct poll *poll, const json_t *body);
    bool (*is_due)(const struct poll *poll); /* NULL: in each round */
} questions[] = {
    {SIBLINGS_N, "service", NULL, take_service, NULL},
    {SIBLING_CONSENSUS, "validators", NULL, take_validators, NULL},
    {SIBLING_CONSENSUS, "status", "{\"verbose\":true}", take_status, NULL},
    {SIBLING_CONSENSUS, "votes", NULL, take_votes, NULL},
    {SIBLING_CONSENSUS, "why", NULL, take_why, NULL},
    {SIBLING_BYZANTINE_MONITOR, "evidence_list", "{\"limit\":32}", take_evidence, has_evidence},
};

/* ---- asking ---- */

static bool is_asked(const struct poll *poll, uint32_t i)
{
    const struct question *question = &questions[i];
    bool is_its_own = question->which == SIBLINGS_N || question->which == poll->which;

    return is_its_own && (question->is_due == NULL || question->is_due(poll));
}

static void ask_from(struct poll *poll, uint32_t question)
{
    while (question < N_ELEMENTS(questions) && !is_asked(poll, question))
        question++;
    poll->question = question;
    if (question < N_ELEMENTS(questions))
        probe_ask(&poll->probe, questions[question].verb, questions[question].args_json,
                  clock_mono_ms());
}

static void forget(struct poll *poll)
{
    struct exporter *exporter = poll->exporter;
    struct service_view *view = &exporter->snapshot.services[poll->which];

    if (view->is_up)
        LOG_WARN("service_gone", F_STR("name", sibling_table[poll->which].name));
    view->is_up = false;
    view->is_ready = false;
    metrics_show(poll->mirror, view->was_up ? sibling_lasting_set(poll->which) : 0);
    metric_set_at(exporter->env->metrics, METRIC_service_up, poll->which, 0);
    if (poll->which == SIBLING_CONSENSUS)
        exporter->snapshot.consensus.is_known = false;
}

static void answered(void *arg, enum apm_err err, const json_t *body)
{
    struct poll *poll = arg;
    bool was_up = poll->exporter->snapshot.services[poll->which].is_up;
    bool is_stale = poll->heard_ms == 0 || clock_mono_ms() - poll->heard_ms > STALE_MS;

    if (err == APM_OK) {
        questions[poll->question].take(poll, body);
        if (!was_up)
            LOG_INFO("service_here", F_STR("name", sibling_table[poll->which].name));
    }
    /* One slow answer is no absence; nobody listening is. */
    if (err == APM_ERR_UNREACHABLE || (err == APM_ERR_TIMED_OUT && is_stale))
        forget(poll);
    if (err != APM_ERR_UNREACHABLE && err != APM_ERR_TIMED_OUT)
        ask_from(poll, poll->question + 1);
}

/* ---- history ---- */

static uint64_t count(const struct metrics *metrics, enum metric metric, enum metric_label label)
{
    return metric_count(metrics, metric, label);
}

static void sample_consensus(const struct metrics *mirror, struct history_sample *sample)
{
    sample->commits = (uint64_t)metric_value(mirror, METRIC_height);
    sample->failed = count(mirror, METRIC_proposals_total, LABEL_rejected) +
                     count(mirror, METRIC_proposals_total, LABEL_timeout);
    sample->elections = count(mirror, METRIC_leader_elections_total, LABEL_timeout) +
                        count(mirror, METRIC_leader_elections_total, LABEL_crash);
    metric_buckets(mirror, METRIC_finalization_latency, sample->latency);
}

static uint64_t count_conflicts(const struct metrics *mirror)
{
    return count(mirror, METRIC_conflicts_total, LABEL_lww) +
           count(mirror, METRIC_conflicts_total, LABEL_set_union) +
           count(mirror, METRIC_conflicts_total, LABEL_g_counter) +
           count(mirror, METRIC_conflicts_total, LABEL_manual);
}

/* Of a service that is gone its last counts stand, so that nothing grows. */
static void sample(struct exporter *exporter, uint64_t now_ms)
{
    struct history_sample sample = {.commits = 0};

    if (!exporter->snapshot.services[SIBLING_CONSENSUS].is_up)
        return;
    sample_consensus(exporter->polls[SIBLING_CONSENSUS].mirror, &sample);
    sample.conflicts = count_conflicts(exporter->polls[SIBLING_ANTI_ENTROPY].mirror);
    history_add(&exporter->history, &sample, now_ms);
}

/* ---- rounds ---- */

static uint64_t next_round_ms(const struct exporter *exporter)
{
    return exporter->round_ms + conf_ms(exporter->env->conf, SETTING_poll_interval);
}

/* A service still busy with the last round sits this one out. */
void polls_turn(struct exporter *exporter, uint64_t now_ms)
{
    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++)
        probe_turn(&exporter->polls[i].probe, now_ms);
    if (exporter->round_ms != 0 && now_ms < next_round_ms(exporter))
        return;
    sample(exporter, now_ms);
    exporter->round_ms = now_ms;
    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++)
        if (!probe_is_asking(&exporter->polls[i].probe))
            ask_from(&exporter->polls[i], 0);
}

uint64_t polls_deadline_ms(const struct exporter *exporter)
{
    uint64_t first = next_round_ms(exporter);

    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++) {
        uint64_t deadline = probe_deadline_ms(&exporter->polls[i].probe);
        first = deadline < first ? deadline : first;
    }
    return first;
}

static enum apm_err start_one(struct exporter *exporter, enum sibling which)
{
    struct poll *poll = &exporter->polls[which];
    const struct sibling_row *row = &sibling_table[which];
    const struct probe_config config = {.zmq = exporter->env->zmq,
                                        .loop = exporter->env->loop,
                                        .run_dir = exporter->env->run_dir,
                                        .service = row->process,
                                        .answered = answered,
                                        .arg = poll};

    poll->exporter = exporter;
    poll->which = which;
    poll->mirror = metrics_new(&(struct metric_owner){
        .sets = row->set, .node = exporter->env->node, .service = row->name});
    metrics_show(poll->mirror, 0); /* nothing was heard yet */
    return probe_init(&poll->probe, &config);
}

enum apm_err polls_start(struct exporter *exporter)
{
    enum apm_err err = APM_OK;

    for (enum sibling i = 0; i < SIBLINGS_ASKED && err == APM_OK; i++)
        err = start_one(exporter, i);
    return err;
}

void polls_stop(struct exporter *exporter)
{
    for (enum sibling i = 0; i < SIBLINGS_ASKED; i++) {
        probe_release(&exporter->polls[i].probe);
        metrics_destroy(&exporter->polls[i].mirror);
    }
}
