#include "services/cli/evidence_file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/log.h"

#define EVIDENCE_FILE_VERSION 1u

static void print(const struct wire_evidence *evidence, struct span record,
                  const char *validator_id, struct buf *text)
{
    struct hash id = evidence_id(evidence);
    const char *kind = evidence_kind_text(evidence->kind);

    buf_printf(text, "{\"apm2_evidence\":%u,\"attributable\":%s,\"chain_id\":\"",
               EVIDENCE_FILE_VERSION, evidence_is_attributable(evidence->kind) ? "true" : "false");
    buf_hex(text, span_of(evidence->chain.b, sizeof(evidence->chain.b)));
    buf_printf(text, "\",\"epoch\":%" PRIu64 ",\"fault_type\":\"%s\",\"id\":\"", evidence->epoch,
               kind != NULL ? kind : "unknown");
    buf_hex(text, span_of(id.b, sizeof(id.b)));
    buf_printf(text,
               "\",\"round\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"validator_id\":", evidence->term,
               evidence->seq);
    buf_json_string(text, log_text(validator_id));
    buf_text(text, ",\"record\":\"");
    buf_hex(text, record);
    buf_text(text, "\"}\n");
}

bool evidence_file_write(struct span record, const char *validator_id, struct buf *text)
{
    struct wire_evidence evidence;

    if (wire_decode_as(WIRE_evidence, record, &evidence) != WIRE_OK)
        return false;
    print(&evidence, record, validator_id, text);
    return !text->overflow;
}

static bool read_record(struct span text, struct evidence_bytes *ret_record)
{
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    const char *hex = json_string_value(json_object_get(json, "record"));
    size_t size = hex != NULL ? strlen(hex) / 2 : 0;
    bool is_read = size > 0 && size <= sizeof(ret_record->data) && strlen(hex) == 2 * size &&
                   hex_decode(hex, size, ret_record->data);

    if (is_read)
        ret_record->size = size;
    json_decref(json);
    return is_read;
}

enum evidence_verdict evidence_file_check(struct span text, const struct genesis *genesis,
                                          struct evidence_file *ret_file)
{
    struct buf anew;

    if (!read_record(text, &ret_file->record))
        return EVIDENCE_MALFORMED;
    struct span record = span_of(ret_file->record.data, ret_file->record.size);
    enum evidence_verdict verdict = evidence_verify(&genesis->set, record, &ret_file->evidence);
    if (verdict == EVIDENCE_MALFORMED)
        return verdict;
    uint64_t validator = ret_file->evidence.validator;
    ret_file->validator_id = validator < genesis->n_validators ? genesis->cards[validator].id : "";
    buf_init(&anew, EVIDENCE_FILE_BYTES_MAX);
    print(&ret_file->evidence, record, ret_file->validator_id, &anew);
    ret_file->is_intact = span_eq(buf_span(&anew), text);
    buf_release(&anew);
    return verdict;
}
