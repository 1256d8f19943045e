#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "services/cli/ask.h"
#include "services/cli/output_text.h"
#include "services/cli/parse_value.h"

#define TRANSFER_TIMEOUT_MS 10000u
#define ASK_AGAIN_MS 1000u
#define PAUSE_NS 10000000L

/* A handoff begins a new term; whoever leads that one is the new leader. */
static bool has_moved(const json_t *status, const char *to, uint64_t old_term)
{
    const char *leader = json_text(status, "leader_id");
    if (json_u64(status, "term") <= old_term || leader[0] == 0)
        return to != NULL && strcmp(leader, to) == 0 && json_u64(status, "term") == old_term;
    return to == NULL || strcmp(leader, to) == 0;
}

static enum apm_err ask_transfer(const struct invocation *invocation, const char *to,
                                 struct complaint *complaint)
{
    json_t *args = to != NULL ? json_pack("{s:s}", "to", to) : json_object();
    json_t *answer = NULL;
    enum apm_err err = ask(invocation, "transfer", args, &answer, complaint);

    json_decref(answer);
    json_decref(args);
    return err;
}

/* The node's word to the leader may be dropped, as any message: said again every second. */
static enum apm_err await_leader(const struct invocation *invocation, const char *to,
                                 uint64_t old_term, json_t **ret_status,
                                 struct complaint *complaint)
{
    const struct timespec pause = {0, PAUSE_NS};
    uint64_t timeout_ms = 0, asked_ms = clock_mono_ms();
    enum apm_err err = parse_timeout(invocation, TRANSFER_TIMEOUT_MS, &timeout_ms, complaint);
    uint64_t deadline_ms = asked_ms + timeout_ms;
    while (err == APM_OK) {
        json_t *status = NULL;
        uint64_t now_ms = clock_mono_ms();
        err = ask(invocation, "status", NULL, &status, complaint);
        if (err == APM_OK && has_moved(status, to, old_term)) {
            *ret_status = status;
            return APM_OK;
        }
        bool is_lost = now_ms > asked_ms + ASK_AGAIN_MS && json_u64(status, "term") == old_term;
        json_decref(status);
        if (err == APM_OK && now_ms > deadline_ms) {
            err = complain(complaint, APM_ERR_TIMED_OUT, "leadership did not move in time");
            complain_hint(complaint, "apm2 consensus validators");
        } else if (err == APM_OK && is_lost) {
            asked_ms = now_ms;
            err = ask_transfer(invocation, to, complaint);
        }
        (void)nanosleep(&pause, NULL);
    }
    return err;
}

static void report(const struct invocation *invocation, const json_t *status, uint64_t elapsed_ms)
{
    const char *leader = json_text(status, "leader_id");
    unsigned long long term = json_u64(status, "term"), ms = elapsed_ms;
    if (say_is_json(invocation))
        (void)printf("{\"leader_id\": \"%s\", \"term\": %llu, \"elapsed_ms\": %llu}\n", leader,
                     term, ms);
    else
        (void)printf("leader is %s, term %llu, after %llu ms\n", leader, term, ms);
}

int cmd_consensus_transfer_leadership(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    const char *to = invocation->option[OPTION_to];
    json_t *before = NULL, *status = NULL;
    uint64_t began_ms = clock_mono_ms();

    enum apm_err err = ask(invocation, "status", NULL, &before, &complaint);
    if (err == APM_OK)
        err = ask_transfer(invocation, to, &complaint);
    if (err == APM_OK)
        err = await_leader(invocation, to, json_u64(before, "term"), &status, &complaint);
    if (err == APM_OK)
        report(invocation, status, clock_mono_ms() - began_ms);
    json_decref(before);
    json_decref(status);
    return err == APM_OK ? 0 : say_complaint(invocation, &complaint);
}
