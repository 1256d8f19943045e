#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/mem.h"
#include "services/cli/evidence_file.h"
#include "services/cli/node_conf.h"
#include "services/cli/output_json.h"

/* --genesis, for whoever has the file and no node, or the node's own. */
static enum apm_err read_genesis(const struct invocation *invocation, struct genesis **ret_genesis,
                                 struct complaint *complaint)
{
    const char *path = invocation->option[OPTION_genesis];
    struct conf *conf = NULL;
    struct why why = {""};
    enum apm_err err = path != NULL ? APM_OK : node_conf_read(invocation, &conf, complaint);

    if (err != APM_OK)
        return err;
    err = genesis_read(path != NULL ? path : conf_str(conf, SETTING_genesis), ret_genesis, &why);
    if (err != APM_OK)
        (void)complain(complaint, err, "%s", why.text);
    conf_destroy(&conf);
    return err;
}

static void print(const struct invocation *invocation, enum evidence_verdict verdict,
                  const struct evidence_file *file)
{
    bool is_record = verdict != EVIDENCE_MALFORMED;
    bool is_valid = verdict == EVIDENCE_PROVEN && file->is_intact;
    const char *why = is_record && !file->is_intact
                          ? "tampered with: the file is not what its record makes"
                          : evidence_verdict_text(verdict);
    const char *kind = is_record ? evidence_kind_text(file->evidence.kind) : NULL;

    if (say_is_json(invocation)) {
        json_t *json = json_pack("{s:b, s:s, s:b, s:s*, s:s*}", "valid", is_valid, "verdict", why,
                                 "attributable", is_valid, "fault_type", kind, "validator_id",
                                 is_record ? file->validator_id : NULL);
        output_json(json);
        json_decref(json);
    } else if (is_valid) {
        (void)printf("valid: %s by %s at term %llu, seq %llu of epoch %llu\n", kind,
                     file->validator_id, (unsigned long long)file->evidence.term,
                     (unsigned long long)file->evidence.seq,
                     (unsigned long long)file->evidence.epoch);
    } else {
        (void)printf("not valid: %s\n", why);
    }
}

int cmd_consensus_byzantine_evidence_verify(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct genesis *genesis = NULL;
    struct buf text = {0};

    enum apm_err err = read_genesis(invocation, &genesis, &complaint);
    if (err == APM_OK) {
        err = file_read(invocation->args[0], EVIDENCE_FILE_BYTES_MAX, &text);
        if (err != APM_OK)
            (void)complain(&complaint, err, "%s: %s", invocation->args[0], apm_err_text(err));
    }
    if (err != APM_OK) {
        genesis_destroy(&genesis);
        return say_complaint(invocation, &complaint);
    }
    struct evidence_file *file = mem_new(1, sizeof(*file));
    enum evidence_verdict verdict = evidence_file_check(buf_span(&text), genesis, file);
    print(invocation, verdict, file);
    bool is_valid = verdict == EVIDENCE_PROVEN && file->is_intact;
    free(file);
    buf_release(&text);
    genesis_destroy(&genesis);
    return is_valid ? 0 : apm_err_exit(APM_ERR_FAILED);
}
