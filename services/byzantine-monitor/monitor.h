/*
 * monitor - keeps evidence of validators' misbehaviour: takes it in, checks it, stores
 * it, tells operators.
 *
 * Private to services/byzantine-monitor. One thread, the service's loop. What comes in,
 * from this node's consensus (intake.c) or from other nodes, is checked with
 * common/evidence before it is kept; what accuses nobody is kept only as this node's own
 * consensus says it.
 */
#ifndef APM2_MONITOR_H
#define APM2_MONITOR_H

#include "common/evidence/evidence.h"
#include "common/genesis.h"
#include "common/service.h"
#include "services/byzantine-monitor/spread.h"
#include "services/byzantine-monitor/store.h"

/* A report that is being stored. */
struct intake {
    bool is_busy;
    uint64_t source; /* of the newest report that is in the tables, or being stored */
    uint64_t number;
    uint8_t from[256]; /* who waits for the acknowledgement */
    size_t from_size;
};

struct monitor {
    struct service_env *env;
    struct genesis *genesis;
    struct store *store;
    bool is_loaded;  /* the tables said what they hold */
    uint64_t source; /* of the newest report in the tables */
    uint64_t number;
    uint64_t cursor; /* others' evidence is kept up to here */
    uint64_t next_cursor;
    struct intake intake;
    struct spread spread;
    uint8_t reporter[256]; /* the route to this node's consensus, once it was heard from */
    size_t reporter_size;
    struct store_counts counts;
};

/* The set that judges evidence of an epoch; NULL: not known here. */
const struct validator_set *monitor_set(const struct monitor *monitor, uint64_t epoch);
/* A validator's id in that epoch, "" if it has none. */
const char *monitor_name_of(const struct monitor *monitor, uint64_t epoch, uint64_t validator);

/* An evidence record that somebody says is one. */
struct claim {
    struct span record;
    uint64_t n; /* how often; only of what accuses nobody */
    uint64_t at_ms;
};
/* judge.c: its row, if it holds. The row borrows the record. */
bool monitor_judge(const struct monitor *monitor, const struct claim *claim,
                   struct store_row *ret_row);

/* intake.c: to consensus, if it is there: signed messages that other nodes heard. */
void intake_tell(struct monitor *monitor, const struct span *messages, uint32_t n);

/* intake.c: reports of this node's consensus, one at a time, acknowledged when durable. */
void intake_client(void *state, struct span from, struct span frame);

/* queries.c: what operators ask over the admin socket. */
extern const struct admin_query monitor_queries[];

/* main.c's table. */
enum apm_err monitor_start(void *state, struct service_env *env);
void monitor_turn(void *state, uint64_t now_ms);
uint64_t monitor_deadline_ms(void *state);
void monitor_stop(void *state);
void monitor_health(void *state, struct health *health);

#endif
