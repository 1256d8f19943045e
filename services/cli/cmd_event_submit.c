#include "services/cli/parse_value.h"
#include "services/cli/submit_input.h"
#include "services/cli/submit_report.h"
#include "services/cli/submit_session.h"

static enum apm_err submit(const struct invocation *invocation, struct submit_session *session,
                           uint32_t per_bundle, int *ret_code, struct complaint *complaint)
{
    struct batches batches = {0};
    struct submit_totals totals;
    enum apm_err err = submit_input_read(invocation->args[0], session->plan.chain, per_bundle,
                                         &batches, complaint);
    if (err != APM_OK)
        return err;
    session->plan.progress = submit_progress;
    session->plan.context = &batches.n;
    err = submitter_run(&session->plan, &batches, &totals, complaint);
    if (err == APM_OK) {
        if (say_has_progress())
            say_progress("%s", "");
        *ret_code = submit_report(invocation, batches.list, batches.n, &totals);
    }
    batches_release(&batches);
    return err;
}

int cmd_event_submit(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct submit_session session;
    uint64_t per_bundle = 1;
    int code = 0;

    enum apm_err err = parse_u64(invocation, OPTION_bundle, (struct bounds){1, BUNDLE_EVENTS_MAX},
                                 &per_bundle, &complaint);
    if (err == APM_OK)
        err = submit_session_open(invocation, &session, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    err = submit(invocation, &session, (uint32_t)per_bundle, &code, &complaint);
    submit_session_close(&session);
    return err == APM_OK ? code : say_complaint(invocation, &complaint);
}
