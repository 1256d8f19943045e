/*
 * entropy - one node's anti-entropy: its feeds, the exchange with the other nodes, the local
 * door, and the catching up of its consensus.
 *
 * Private to services/anti-entropy. One thread runs all of it. A record's way in:
 * bus → wire_decode → on_chunk.c → ingest.c → store → settled; a local one:
 * door.c → puts.c → store → settled, announced. Each file below touches no other's state
 * but through these functions. A peer's bytes end as a strike (strikes.h), never as an abort.
 */
#ifndef APM2_ANTI_ENTROPY_ENTROPY_H
#define APM2_ANTI_ENTROPY_ENTROPY_H

#include "common/bus.h"
#include "common/genesis.h"
#include "common/hlc.h"
#include "common/service.h"
#include "services/anti-entropy/catch_up.h"
#include "services/anti-entropy/feeds.h"
#include "services/anti-entropy/pull.h"
#include "services/anti-entropy/puts.h"
#include "services/anti-entropy/serve.h"
#include "services/anti-entropy/store.h"
#include "services/anti-entropy/strikes.h"

struct entropy {
    struct service_env *env;
    struct genesis *genesis;
    uint32_t self;
    struct sign_pair feed_key;
    struct zap *zap;
    struct bus *bus;
    struct store *store;
    bool is_loaded;
    bool was_up;
    struct hlc clock;
    struct feeds feeds;
    struct strikes strikes;
    struct puts puts;
    struct puller puller;
    struct server server;
    struct catch_up catch_up;
    uint64_t announce_ms; /* heads that moved are told then; CLOCK_NEVER: none */
    struct entropy_counts {
        uint64_t records_in, records_out;
        uint64_t bytes_in, bytes_out; /* of records and blocks */
    } counts;
    uint8_t *frame; /* FRAME_BYTES_MAX: messages are encoded here */
};

/* setup.c and entropy.c: what the frame calls. */
enum apm_err entropy_start(void *state, struct service_env *env);
void entropy_turn(void *state, uint64_t now_ms);
uint64_t entropy_deadline_ms(void *state);
bool entropy_drain(void *state);
void entropy_stop(void *state);
void entropy_health(void *state, struct health *health);
extern const struct admin_query entropy_queries[];

const char *entropy_name_of(const struct entropy *entropy, uint32_t validator);
/* The validator of this name; n_validators: none. */
uint32_t entropy_index_of(const struct entropy *entropy, struct span name);
/* Encodes into entropy->frame. */
struct span entropy_encode(struct entropy *entropy, enum wire_id id, const void *message);
bool entropy_send(struct entropy *entropy, uint32_t to, enum wire_id id, const void *message);
/* Bytes that came from peers (in) or went to them. */
void entropy_count_in(struct entropy *entropy, uint64_t bytes);
void entropy_count_out(struct entropy *entropy, uint64_t bytes);
/* Counts it, names the peer in the log, leaves it alone for a while. */
void entropy_strike(struct entropy *entropy, uint32_t peer, enum strike_reason reason,
                    const char *what);

/* door.c: messages of the local door. */
void door_client(void *state, struct span from, struct span frame);

/* peer.c: frames from the bus, dispatched to the handlers below. */
bool peer_on_bus(void *arg, short revents);
#define ENTROPY_HANDLER(id, name)                                                                  \
    void on_##name(struct entropy *entropy, uint32_t from, const struct wire_##name *message);
DATA_MESSAGES(ENTROPY_HANDLER)
ENTROPY_HANDLER(0, range_request)
ENTROPY_HANDLER(0, range)
#undef ENTROPY_HANDLER

/* ingest.c: a chunk's records and head, checked and handed to the store. */
enum strike_reason ingest_chunk(struct entropy *entropy, struct feed *feed, struct span records,
                                struct span head_bytes, const char **ret_what);
/* A peer's head: whose it is and that it is signed. feed: known or new, NULL with a reason. */
enum strike_reason ingest_head(struct entropy *entropy, struct span bytes,
                               struct wire_feed_head *ret_head, struct feed **ret_feed);

/* range.c: is it what was asked for, from `from` up to `to` at most, and proven? */
enum strike_reason range_check(const struct entropy *entropy, uint64_t from, uint64_t to,
                               const struct wire_range *range, const char **ret_what);

#endif
