/* The service's life: turned, drained, stopped by the frame; and what all its files use. */
#include "services/anti-entropy/entropy.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"

/* Heads that move within this long are told together. */
#define ANNOUNCE_PACE_MS 20u

const char *entropy_name_of(const struct entropy *entropy, uint32_t validator)
{
    return validator < entropy->genesis->n_validators ? entropy->genesis->cards[validator].id : "?";
}

uint32_t entropy_index_of(const struct entropy *entropy, struct span name)
{
    uint32_t n = entropy->genesis->n_validators;

    for (uint32_t i = 0; i < n; i++)
        if (span_eq(log_text(entropy->genesis->cards[i].id), name))
            return i;
    return n;
}

struct span entropy_encode(struct entropy *entropy, enum wire_id id, const void *message)
{
    size_t size = wire_encode(id, message, entropy->frame, FRAME_BYTES_MAX);

    MUST(size > 0);
    return span_of(entropy->frame, size);
}

bool entropy_send(struct entropy *entropy, uint32_t to, enum wire_id id, const void *message)
{
    return bus_send(entropy->bus, to, entropy_encode(entropy, id, message));
}

void entropy_count_in(struct entropy *entropy, uint64_t bytes)
{
    entropy->counts.bytes_in += bytes;
    metric_add(entropy->env->metrics, METRIC_sync_events_total, LABEL_pull, 1);
    metric_add(entropy->env->metrics, METRIC_sync_bytes_total, LABEL_pull, bytes);
}

void entropy_count_out(struct entropy *entropy, uint64_t bytes)
{
    entropy->counts.bytes_out += bytes;
    metric_add(entropy->env->metrics, METRIC_sync_events_total, LABEL_push, 1);
    metric_add(entropy->env->metrics, METRIC_sync_bytes_total, LABEL_push, bytes);
}

void entropy_strike(struct entropy *entropy, uint32_t peer, enum strike_reason reason,
                    const char *what)
{
    strikes_add(&entropy->strikes, peer, reason, clock_mono_ms());
    metric_add_at(entropy->env->metrics, METRIC_strikes_total, peer, 1);
    LOG_WARN("peer_struck", F_STR("peer", entropy_name_of(entropy, peer)),
             F_STR("reason", strike_text(reason)), F_STR("what", what),
             F_U64("strikes", entropy->strikes.peers[peer].total));
}

/* ---- turns ---- */

static void watch_database(struct entropy *entropy)
{
    bool is_up = store_is_up(entropy->store);

    metric_set(entropy->env->metrics, METRIC_pg_up, is_up);
    if (is_up == entropy->was_up)
        return;
    entropy->was_up = is_up;
    if (is_up && entropy->is_loaded)
        LOG_INFO("database_up");
    else
        LOG_WARN("database_down", F_STR("detail", store_detail(entropy->store)));
}

/* This node's own heads, to everybody: a hint that saves them the next question. */
static void announce(struct entropy *entropy, uint64_t now_ms)
{
    struct span heads[FRONTIER_HEADS_MAX];
    struct wire_frontier frontier = {.heads = {.items = heads}};

    if (now_ms < entropy->announce_ms)
        return;
    entropy->announce_ms = CLOCK_NEVER;
    for (uint32_t i = 0; i < entropy->feeds.n && frontier.heads.n < FRONTIER_HEADS_MAX; i++) {
        const struct feed *feed = entropy->feeds.by_id[i];
        if (feed->is_own && feed->durable.size > 0)
            heads[frontier.heads.n++] = span_of(feed->head, feed->head_size);
    }
    (void)bus_send_all(entropy->bus, entropy_encode(entropy, WIRE_frontier, &frontier));
}

void entropy_turn(void *state, uint64_t now_ms)
{
    struct entropy *entropy = state;

    watch_database(entropy);
    (void)bus_turn(entropy->bus, now_ms);
    if (!entropy->is_loaded)
        return;
    puts_turn(entropy);
    announce(entropy, now_ms);
    pull_turn(entropy, now_ms);
    catch_up_turn(entropy, now_ms);
}

uint64_t entropy_deadline_ms(void *state)
{
    const struct entropy *entropy = state;
    uint64_t first = entropy->announce_ms;

    if (!entropy->is_loaded)
        return CLOCK_NEVER;
    uint64_t others[] = {pull_deadline_ms(entropy), catch_up_deadline_ms(entropy)};
    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        first = others[i] < first ? others[i] : first;
    return first;
}

/* ---- the end ---- */

/* What was taken is written; what waits elsewhere waits. */
bool entropy_drain(void *state)
{
    struct entropy *entropy = state;

    if (!entropy->is_loaded)
        return true;
    puts_turn(entropy);
    return entropy->puts.n == 0 && store_is_idle(entropy->store);
}

void entropy_stop(void *state)
{
    struct entropy *entropy = state;

    if (entropy->store != NULL)
        loop_remove_socket(entropy->env->loop, bus_socket(entropy->bus));
    catch_up_stop(entropy);
    store_destroy(&entropy->store);
    bus_destroy(&entropy->bus);
    zap_destroy(&entropy->zap);
    puts_release(&entropy->puts);
    feeds_release(&entropy->feeds);
    sign_pair_wipe(&entropy->feed_key);
    free(entropy->frame);
    genesis_destroy(&entropy->genesis);
}

void entropy_health(void *state, struct health *health)
{
    const struct entropy *entropy = state;
    bool is_up = store_is_up(entropy->store);

    health_add(health, "database", is_up, "%s", is_up ? "up" : store_detail(entropy->store));
    health_add(health, "feeds", entropy->is_loaded, "%u", entropy->feeds.n);
}
