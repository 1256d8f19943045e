/* What operators ask over the local socket. */
#include "services/anti-entropy/entropy.h"

#include "common/clock.h"
#include "common/hash.h"
#include "common/log.h"

static void put_peer(const struct entropy *entropy, uint32_t i, uint64_t now_ms, struct buf *body)
{
    static const char *const states[] = {
        [PULL_IDLE] = "idle", [PULL_ASKED] = "asked", [PULL_FETCHING] = "fetching"};
    const struct strike_card *card = &entropy->strikes.peers[i];

    buf_text(body, "{\"peer\":");
    buf_json_string(body, log_text(entropy_name_of(entropy, i)));
    buf_printf(body,
               ",\"state\":\"%s\",\"strikes\":%llu,\"last_strike\":\"%s\",\"left_alone_ms\":%llu}",
               states[entropy->puller.peers[i].state], (unsigned long long)card->total,
               strike_text(card->last),
               (unsigned long long)(card->until_ms > now_ms ? card->until_ms - now_ms : 0));
}

static void put_catch_up(const struct catch_up *run, struct buf *body)
{
    buf_printf(body,
               "{\"is_active\":%s,\"height\":%llu,\"tip\":%llu,\"last\":{\"blocks\":%llu,"
               "\"bytes\":%llu,\"took_ms\":%llu}}",
               run->is_active ? "true" : "false", (unsigned long long)run->committed,
               (unsigned long long)run->tip, (unsigned long long)run->last.blocks,
               (unsigned long long)run->last.bytes, (unsigned long long)run->last.took_ms);
}

static enum apm_err query_status(void *state, struct span args, struct buf *ret_body)
{
    struct entropy *entropy = state;
    const struct entropy_counts *counts = &entropy->counts;
    uint64_t now_ms = clock_mono_ms();
    uint32_t n_feeds = 0;
    const struct feed_position *positions = feeds_positions(&entropy->feeds, &n_feeds);
    uint64_t n_records = 0;
    struct hash digest = feed_digest(positions, n_feeds);
    struct hash_text digest_text = hash_to_text(&digest);

    (void)args;
    for (uint32_t i = 0; i < n_feeds; i++)
        n_records += positions[i].size;
    buf_text(ret_body, "{\"node\":");
    buf_json_string(ret_body, log_text(entropy_name_of(entropy, entropy->self)));
    buf_printf(ret_body,
               ",\"feeds\":%u,\"records\":%llu,\"digest\":\"%s\",\"records_in\":%llu,"
               "\"records_out\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,\"peers\":[",
               n_feeds, (unsigned long long)n_records, digest_text.text,
               (unsigned long long)counts->records_in, (unsigned long long)counts->records_out,
               (unsigned long long)counts->bytes_in, (unsigned long long)counts->bytes_out);
    for (uint32_t i = 0, n = 0; i < entropy->genesis->n_validators; i++) {
        if (i == entropy->self)
            continue;
        buf_text(ret_body, n++ > 0 ? "," : "");
        put_peer(entropy, i, now_ms, ret_body);
    }
    buf_text(ret_body, "],\"catch_up\":");
    put_catch_up(&entropy->catch_up, ret_body);
    buf_char(ret_body, '}');
    return APM_OK;
}

const struct admin_query entropy_queries[] = {
    {"status", "feeds, records and peers", query_status, NULL},
    {NULL, NULL, NULL, NULL},
};
