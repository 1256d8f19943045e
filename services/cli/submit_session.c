#include "services/cli/submit_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/must.h"
#include "common/clock.h"
#include "common/event.h"
#include "common/hash.h"
#include "services/cli/parse_value.h"

#define SUBMIT_TIMEOUT_MS 30000u
#define EXPIRY_HEIGHTS 5000u
#define WINDOW_BUNDLES 256u
#define WINDOW_MAX 4000u /* less than NONCE_WINDOW, or late ones would be too old */
#define LOCK_PAUSE_NS 20000000L

static enum apm_err read_limits(const struct invocation *invocation, struct submitter_plan *plan,
                                struct complaint *complaint)
{
    uint64_t expiry = EXPIRY_HEIGHTS, window = WINDOW_BUNDLES;
    enum apm_err err = parse_u64(invocation, OPTION_expiry,
                                 (struct bounds){1, BUNDLE_EXPIRY_HEIGHTS_MAX}, &expiry, complaint);
    if (err == APM_OK)
        err = parse_u64(invocation, OPTION_window, (struct bounds){1, WINDOW_MAX}, &window,
                        complaint);
    if (err == APM_OK)
        err = parse_timeout(invocation, SUBMIT_TIMEOUT_MS, &plan->timeout_ms, complaint);
    plan->expiry_heights = expiry;
    plan->window = (uint32_t)window;
    return err;
}

static enum apm_err choose_node(const struct invocation *invocation, struct submit_session *session,
                                struct complaint *complaint)
{
    const char *name = invocation->option[OPTION_node];
    if (name == NULL)
        return APM_OK;
    session->plan.first_node = cluster_index_of(&session->cluster, name);
    session->plan.is_only_node = true;
    if (session->plan.first_node == session->cluster.n)
        return cluster_no_node(&session->cluster, name, complaint);
    return APM_OK;
}

/* Two processes with one key would take each other's nonces: wait for the other. */
static enum apm_err lock_key(const char *path, uint64_t timeout_ms, int *ret_fd,
                             struct complaint *complaint)
{
    const struct timespec pause = {0, LOCK_PAUSE_NS};
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return complain(complaint, errno == ENOENT ? APM_ERR_NOT_FOUND : APM_ERR_DENIED, "%s: %m",
                        path);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_mono_ms() > deadline_ms) {
            (void)close(fd);
            (void)complain(complaint, APM_ERR_BUSY, "another apm2 is submitting with the key %s",
                           path);
            complain_hint(complaint, "wait for it, or use another actor's key: --key PEM");
            return APM_ERR_BUSY;
        }
        (void)nanosleep(&pause, NULL);
    }
    *ret_fd = fd;
    return APM_OK;
}

static enum apm_err open_chain(struct submit_session *session, const char *key,
                               struct complaint *complaint)
{
    struct apm2_why why;
    if (apm2_cluster_open(session->cluster.genesis, &session->plan.chain, &why) &&
        apm2_key_read(key, &session->plan.key, &why))
        return APM_OK;
    return complain_why(complaint, &why);
}

enum apm_err submit_session_open(const struct invocation *invocation,
                                 struct submit_session *ret_session,
                                 struct complaint *ret_complaint)
{
    *ret_session = (struct submit_session){.key_fd = -1};
    ret_session->plan.cluster = &ret_session->cluster;
    enum apm_err err = read_limits(invocation, &ret_session->plan, ret_complaint);
    if (err == APM_OK)
        err = cluster_open(invocation, &ret_session->cluster, ret_complaint);
    if (err == APM_OK)
        err = choose_node(invocation, ret_session, ret_complaint);
    if (err != APM_OK)
        return err;

    const char *key = invocation->option[OPTION_key];
    key = key != NULL ? key : ret_session->cluster.actor_key;
    if (key[0] == 0)
        return complain(ret_complaint, APM_ERR_USAGE,
                        "whose key? This cluster names no operator: say --key PEM");
    err = open_chain(ret_session, key, ret_complaint);
    if (err == APM_OK)
        err = lock_key(key, ret_session->plan.timeout_ms, &ret_session->key_fd, ret_complaint);
    if (err != APM_OK)
        submit_session_close(ret_session);
    return err;
}

void submit_session_close(struct submit_session *session)
{
    apm2_key_close(&session->plan.key);
    apm2_cluster_close(&session->plan.chain);
    if (session->key_fd >= 0)
        (void)close(session->key_fd);
    session->key_fd = -1;
}

/* The group of commands that shows what an event is about. */
static const char *event_family(const char *type)
{
    return event_info(event_type_of(span_of(type, strlen(type))))->family;
}

static int report_one(const struct invocation *invocation, const char *type,
                      const struct batch *batch)
{
    struct complaint complaint = {0};
    char id[2 * APM2_HASH_BYTES + 1] = "";
    if (batch->bundle != NULL)
        hex_encode(batch->bundle->id, APM2_HASH_BYTES, id);
    if (batch->state == BATCH_REFUSED) {
        (void)complain_why(&complaint, &batch->why);
        return say_complaint(invocation, &complaint);
    }
    if (batch->state == BATCH_FINAL && batch->codes[0] != 0) {
        (void)complain(&complaint, APM_ERR_REJECTED, "%s: %s", apm2_outcome_name(batch->codes[0]),
                       apm2_outcome_text(batch->codes[0]));
        complain_hint(&complaint, "apm2 %s list", event_family(type));
        return say_complaint(invocation, &complaint);
    }
    if (batch->state != BATCH_FINAL) {
        (void)complain(&complaint, APM_ERR_TIMED_OUT, "%s: %s", type,
                       batch->state == BATCH_EXPIRED ? "expired before it was ordered"
                                                     : "no outcome in time");
        complain_hint(&complaint, "apm2 event get %s", id);
        return say_complaint(invocation, &complaint);
    }
    if (say_is_json(invocation))
        (void)printf("{\"type\": \"%s\", \"outcome\": \"APPLIED\", \"bundle\": \"%s\", "
                     "\"height\": %llu}\n",
                     type, id, (unsigned long long)batch->height);
    else
        (void)printf("%s applied at height %llu, bundle %s\n", type,
                     (unsigned long long)batch->height, id);
    return 0;
}

/* The event as a line of `event submit`. Consumes the payload. */
static char *event_text(const struct invocation *invocation, const char *type, json_t *payload)
{
    const char *space = invocation->option[OPTION_namespace];
    json_t *event = json_pack("{s:s, s:s, s:o}", "type", type, "namespace",
                              space != NULL ? space : "kernel", "payload", payload);
    char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    MUST(text != NULL);
    return text;
}

static enum apm_err submit_text(const struct submit_session *session, const char *text,
                                struct batch *batch, struct complaint *complaint)
{
    struct apm2_why why;
    struct submit_totals totals;
    struct batches batches = {batch, 1};
    batch->events = mem_new(1, sizeof(*batch->events));
    if (!apm2_event_new(session->plan.chain, text, strlen(text), &batch->events[0].event, &why))
        return complain_why(complaint, &why);
    batch->n_events = 1;
    return submitter_run(&session->plan, &batches, &totals, complaint);
}

int submit_one_event(const struct invocation *invocation, const char *type, json_t *payload)
{
    struct submit_session session;
    struct complaint complaint = {0};
    struct batches batches = {mem_new(1, sizeof(struct batch)), 1};
    char *text = event_text(invocation, type, payload);

    enum apm_err err = submit_session_open(invocation, &session, &complaint);
    if (err == APM_OK) {
        err = submit_text(&session, text, batches.list, &complaint);
        submit_session_close(&session);
    }
    int code = err == APM_OK ? report_one(invocation, type, batches.list)
                             : say_complaint(invocation, &complaint);
    free(text);
    batches_release(&batches);
    return code;
}
