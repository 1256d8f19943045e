#include "services/cli/ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/admin.h"
#include "services/cli/parse_value.h"

#define ASK_TIMEOUT_MS 5000u

static const char *service_of(const struct question *question)
{
    return question->service != NULL ? question->service : "consensus";
}

static void explain_error(const struct cluster_node *node, const char *service, enum apm_err err,
                          const json_t *body, struct complaint *complaint)
{
    const char *message = json_string_value(json_object_get(body, "message"));
    const char *hint = json_string_value(json_object_get(body, "hint"));
    if (err == APM_ERR_UNREACHABLE) {
        (void)complain(complaint, err, "%s: apm2-%s does not run (nobody listens in %s)",
                       node->name, service, node->run_dir);
        complain_hint(complaint, node->dir[0] != 0 ? "apm2 dev status" : "systemctl status apm2d");
        return;
    }
    (void)complain(complaint, err, "%s: %s", node->name,
                   message != NULL ? message : apm_err_text(err));
    if (hint != NULL)
        complain_hint(complaint, "%s", hint);
}

enum apm_err ask_one(const struct cluster_node *node, const struct question *question,
                     json_t **ret_body, struct complaint *ret_complaint)
{
    struct buf text;
    char service[ID_BYTES_MAX];
    char *args_text = question->args != NULL ? json_dumps(question->args, JSON_COMPACT) : NULL;
    struct admin_question on_wire = {
        .run_dir = node->run_dir,
        .service = service,
        .verb = question->verb,
        .args_json = args_text,
        .timeout_ms = question->timeout_ms,
    };
    (void)snprintf(service, sizeof(service), "apm2-%s", service_of(question));
    buf_init(&text, JSON_BYTES_MAX + KIB);
    enum apm_err err = admin_ask(&on_wire, &text);
    json_t *body = json_loadb(buf_str(&text), text.size, JSON_DECODE_ANY, NULL);
    free(args_text);
    buf_release(&text);
    if (err != APM_OK) {
        explain_error(node, service_of(question), err, body, ret_complaint);
        json_decref(body);
        return err;
    }
    if (body == NULL)
        return complain(ret_complaint, APM_ERR_FAILED, "%s: the answer is not JSON", node->name);
    *ret_body = body;
    return APM_OK;
}

enum apm_err ask(const struct invocation *invocation, const char *verb, const json_t *args,
                 json_t **ret_body, struct complaint *ret_complaint)
{
    return ask_service(invocation, &(struct request){NULL, verb, args}, ret_body, ret_complaint);
}

enum apm_err ask_service(const struct invocation *invocation, const struct request *request,
                         json_t **ret_body, struct complaint *ret_complaint)
{
    struct cluster cluster;
    uint64_t timeout_ms = 0;
    enum apm_err err = parse_timeout(invocation, ASK_TIMEOUT_MS, &timeout_ms, ret_complaint);
    if (err == APM_OK)
        err = cluster_open(invocation, &cluster, ret_complaint);
    if (err != APM_OK)
        return err;

    struct question question = {request->verb, request->args, timeout_ms, request->service};
    const char *name = invocation->option[OPTION_node];
    if (name != NULL) {
        uint32_t i = cluster_index_of(&cluster, name);
        if (i == cluster.n)
            return cluster_no_node(&cluster, name, ret_complaint);
        return ask_one(&cluster.nodes[i], &question, ret_body, ret_complaint);
    }
    for (uint32_t i = 0; i < cluster.n; i++) {
        err = ask_one(&cluster.nodes[i], &question, ret_body, ret_complaint);
        if (err != APM_ERR_UNREACHABLE && err != APM_ERR_TIMED_OUT)
            break;
        if (i + 1 < cluster.n && !say_is_json(invocation))
            (void)fprintf(stderr, "apm2: %s does not answer, asking %s\n", cluster.nodes[i].name,
                          cluster.nodes[i + 1].name);
    }
    return err;
}
