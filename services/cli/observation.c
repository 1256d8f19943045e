#include "services/cli/observation.h"

#include <stdlib.h>

#include "common/admin.h"
#include "common/feed/feed.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/msgpack_json.h"
#include "services/cli/parse_value.h"

#define ASK_TIMEOUT_MS 10000u

static enum apm_err exchange(const struct cluster_node *node, struct admin_exchange *what,
                             struct buf *ret_frame, struct complaint *complaint)
{
    what->run_dir = node->run_dir;
    what->service = "apm2-anti-entropy";
    enum apm_err err = admin_exchange(what, ret_frame);
    if (err == APM_ERR_UNREACHABLE) {
        (void)complain(complaint, err, "%s: apm2-anti-entropy does not run (nobody listens in %s)",
                       node->name, node->run_dir);
        complain_hint(complaint, node->dir[0] != 0 ? "apm2 dev status" : "systemctl status apm2d");
    } else if (err != APM_OK) {
        (void)complain(complaint, err, "%s: %s", node->name, apm_err_text(err));
    }
    return err;
}

/* Unreachable means that nothing was sent: the next one may be asked. */
static enum apm_err exchange_any(const struct invocation *invocation, const struct cluster *cluster,
                                 struct admin_exchange *what, struct buf *ret_frame,
                                 struct complaint *complaint)
{
    const char *name = invocation->option[OPTION_node];
    enum apm_err err = APM_ERR_UNREACHABLE;

    if (name != NULL) {
        uint32_t i = cluster_index_of(cluster, name);
        return i == cluster->n ? cluster_no_node(cluster, name, complaint)
                               : exchange(&cluster->nodes[i], what, ret_frame, complaint);
    }
    for (uint32_t i = 0; i < cluster->n && err == APM_ERR_UNREACHABLE; i++)
        err = exchange(&cluster->nodes[i], what, ret_frame, complaint);
    return err;
}

enum apm_err observation_ask(const struct invocation *invocation,
                             const struct observation_question *question, struct buf *ret_frame,
                             struct complaint *ret_complaint)
{
    struct cluster cluster;
    struct admin_exchange what = {.reply = question->reply};
    enum apm_err err = parse_timeout(invocation, ASK_TIMEOUT_MS, &what.timeout_ms, ret_complaint);

    if (err == APM_OK)
        err = cluster_open(invocation, &cluster, ret_complaint);
    if (err != APM_OK)
        return err;
    size_t max = wire_encoded_max(question->id, question->message);
    uint8_t *out = mem_new(1, max);
    size_t size = wire_encode(question->id, question->message, out, max);
    what.frame = span_of(out, size);
    err = size == 0 ? complain(ret_complaint, APM_ERR_TOO_LARGE,
                               "too large: a payload has %u bytes at most, a name %u",
                               OBSERVATION_BYTES_MAX, ID_BYTES_MAX)
                    : exchange_any(invocation, &cluster, &what, ret_frame, ret_complaint);
    free(out);
    return err;
}

enum apm_err observation_error(struct span error, struct span detail,
                               struct complaint *ret_complaint)
{
    enum apm_err err = admin_err_named(error);

    if (err == APM_OK)
        return APM_OK;
    if (detail.size == 0)
        return complain(ret_complaint, err, "%s", apm_err_text(err));
    return complain(ret_complaint, err, "%.*s", (int)detail.size, (const char *)detail.data);
}

static json_t *text_of(struct span text)
{
    return json_stringn((const char *)text.data, text.size);
}

static json_t *hash_json(const struct hash *hash)
{
    return json_string(hash_to_text(hash).text);
}

json_t *observation_to_json(const struct observed *observed)
{
    static const char *const held[] = {"no", "schema", "clock"};
    const struct wire_feed_record *record = &observed->record;
    json_t *payload = json_of_msgpack(record->payload);
    uint64_t is_held = observed->held < N_ELEMENTS(held) ? observed->held : 0;

    return json_pack("{s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:s, s:o}", "cursor",
                     (json_int_t)observed->cursor, "feed", hash_json(&observed->feed), "seq",
                     (json_int_t)record->seq, "namespace", text_of(record->space), "author",
                     text_of(record->author), "kind", text_of(record->kind), "id",
                     text_of(record->key), "time_ms", (json_int_t)feed_hlc_ms(record->hlc), "held",
                     held[is_held], "payload", payload != NULL ? payload : json_null());
}
