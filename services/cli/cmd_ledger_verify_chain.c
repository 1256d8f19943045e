#include <stdio.h>

#include "common/clock.h"
#include "common/hash.h"
#include "services/cli/node_conf.h"
#include "services/cli/verify_chain.h"

#define PROGRESS_BLOCKS 500u

static void show(uint64_t height, uint64_t tip)
{
    if (say_has_progress() && height % PROGRESS_BLOCKS == 0)
        say_progress("%llu of %llu blocks", (unsigned long long)height, (unsigned long long)tip);
}

static int report_ok(const struct invocation *invocation, const struct verify_totals *totals,
                     uint64_t elapsed_ms)
{
    unsigned long long blocks = totals->blocks, bundles = totals->bundles;
    unsigned long long records = totals->records;
    struct hash_text last = hash_to_text(&totals->last_block);
    struct hash_text root = hash_to_text(&totals->state_root);
    double seconds = (double)elapsed_ms / 1e3;
    if (say_is_json(invocation))
        (void)printf("{\"ok\": true, \"blocks\": %llu, \"bundles\": %llu, \"records\": %llu, "
                     "\"last_committed_hash\": \"%s\", \"state_root\": \"%s\", "
                     "\"seconds\": %.3f}\n",
                     blocks, bundles, records, last.text, root.text, seconds);
    else
        (void)printf("ok: %llu blocks, %llu bundles, %llu records in %.2f s\n"
                     "last block %s\nstate root %s\n",
                     blocks, bundles, records, seconds, last.text, root.text);
    return 0;
}

static int report_finding(const struct invocation *invocation, const struct verify_finding *finding)
{
    if (say_is_json(invocation))
        (void)printf("{\"ok\": false, \"table\": \"%s\", \"namespace\": \"%s\", \"seq\": %llu, "
                     "\"height\": %llu, \"message\": \"%s\"}\n",
                     finding->table, finding->space, (unsigned long long)finding->seq,
                     (unsigned long long)finding->height, finding->text);
    else
        (void)printf("BAD: table %s, height %llu, namespace %s, first bad sequence %llu: %s\n",
                     finding->table, (unsigned long long)finding->height, finding->space,
                     (unsigned long long)finding->seq, finding->text);
    return apm_err_exit(APM_ERR_CORRUPT);
}

static enum apm_err open_reader(const struct invocation *invocation, const struct conf *conf,
                                struct store_reader **ret_reader, struct complaint *complaint)
{
    const char *given = invocation->option[OPTION_from_db];
    const char *conninfo = given != NULL ? given : conf_str(conf, SETTING_database);
    return store_reader_open(conninfo, ret_reader, complaint);
}

int cmd_ledger_verify_chain(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct why why = {""};
    struct conf *conf = NULL;
    struct genesis *genesis = NULL;
    struct store_reader *reader = NULL;
    struct verify_totals totals;
    struct verify_finding finding = {0};
    uint64_t began_ms = clock_mono_ms();

    enum apm_err err = node_conf_read(invocation, &conf, &complaint);
    if (err == APM_OK) {
        err = genesis_read(conf_str(conf, SETTING_genesis), &genesis, &why);
        if (err != APM_OK)
            (void)complain(&complaint, err, "%s", why.text);
    }
    if (err == APM_OK)
        err = open_reader(invocation, conf, &reader, &complaint);
    if (err == APM_OK) {
        struct verify_plan plan = {
            .genesis = genesis,
            .reader = reader,
            .space = invocation->option[OPTION_namespace],
            .progress = show,
        };
        err = verify_chain(&plan, &totals, &finding, &complaint);
        if (say_has_progress())
            say_progress("%s", "");
    }
    store_reader_close(&reader);
    genesis_destroy(&genesis);
    conf_destroy(&conf);
    if (err == APM_ERR_CORRUPT && finding.table != NULL)
        return report_finding(invocation, &finding);
    return err == APM_OK ? report_ok(invocation, &totals, clock_mono_ms() - began_ms)
                         : say_complaint(invocation, &complaint);
}
