#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/hash.h"
#include "services/cli/ask.h"
#include "services/cli/evidence_file.h"
#include "services/cli/output_text.h"

static enum apm_err render(const json_t *body, struct buf *text, struct complaint *complaint)
{
    static uint8_t const none[1] = {0};
    const char *hex = json_text(body, "record");
    size_t size = strlen(hex) / 2;
    uint8_t *record = malloc(size + 1);

    bool is_written = record != NULL && hex_decode(hex, size, record) &&
                      evidence_file_write(span_of(size > 0 ? record : none, size),
                                          json_text(body, "validator_id"), text);
    free(record);
    return is_written ? APM_OK
                      : complain(complaint, APM_ERR_CORRUPT, "the node's record is unreadable");
}

static enum apm_err deliver(const char *path, const struct buf *text, struct complaint *complaint)
{
    if (path == NULL) {
        (void)fwrite(text->data, 1, text->size, stdout);
        return APM_OK;
    }
    enum apm_err err = file_create(path, buf_span(text));
    if (err != APM_OK)
        (void)complain(complaint, err, "%s: %s", path,
                       err == APM_ERR_BAD_INPUT ? "exists already" : apm_err_text(err));
    return err;
}

int cmd_consensus_byzantine_evidence_export(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *args = json_pack("{s:s}", "id", invocation->args[0]);
    json_t *body = NULL;
    struct buf text;

    enum apm_err err =
        ask_service(invocation, &(struct request){"byzantine-monitor", "evidence_get", args}, &body,
                    &complaint);
    json_decref(args);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);
    buf_init(&text, EVIDENCE_FILE_BYTES_MAX);
    err = render(body, &text, &complaint);
    if (err == APM_OK)
        err = deliver(invocation->option[OPTION_output], &text, &complaint);
    buf_release(&text);
    json_decref(body);
    return err == APM_OK ? 0 : say_complaint(invocation, &complaint);
}
