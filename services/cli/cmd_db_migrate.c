#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "common/migrate.h"
#include "services/cli/node_conf.h"
#include "services/cli/parse_value.h"

#define RETRY_MS 200u

static void on_applied(void *context, const struct migration *migration)
{
    const struct invocation *invocation = context;
    if (!say_is_json(invocation))
        (void)printf("applied %s\n", migration->name);
}

static void pause_ms(long ms)
{
    struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* A database that is still starting or recovering is waited for. */
static enum apm_err migrate(const struct invocation *invocation, const char *conninfo,
                            uint64_t timeout_ms, struct migrate_report *ret_report)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    for (;;) {
        void *context = (void *)(uintptr_t)invocation;
        enum apm_err err = db_migrate(conninfo, on_applied, context, ret_report);
        if (err != APM_ERR_DB_UNREACHABLE || clock_mono_ms() + RETRY_MS > deadline_ms)
            return err;
        pause_ms(RETRY_MS);
    }
}

static int report(const struct invocation *invocation, const struct migrate_report *report)
{
    if (say_is_json(invocation))
        (void)printf("{\"applied\": %u, \"version\": %llu}\n", report->n_applied,
                     (unsigned long long)report->version);
    else
        (void)printf("schema version %llu, %u applied now\n", (unsigned long long)report->version,
                     report->n_applied);
    return 0;
}

int cmd_db_migrate(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct conf *conf = NULL;
    struct migrate_report done = {0};
    uint64_t timeout_ms = 0;
    const char *conninfo = invocation->option[OPTION_db];

    enum apm_err err = parse_timeout(invocation, 5000, &timeout_ms, &complaint);
    if (err == APM_OK && conninfo == NULL) {
        err = node_conf_read(invocation, &conf, &complaint);
        conninfo = err == APM_OK ? conf_str(conf, SETTING_database) : NULL;
    }
    if (err == APM_OK) {
        err = migrate(invocation, conninfo, timeout_ms, &done);
        if (err != APM_OK)
            (void)complain(&complaint, err, "%s", done.detail[0] ? done.detail : apm_err_text(err));
    }
    conf_destroy(&conf);
    return err == APM_OK ? report(invocation, &done) : say_complaint(invocation, &complaint);
}
