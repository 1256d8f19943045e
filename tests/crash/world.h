/*
 * world - one run: a cluster of real processes, clients, and the point to be hit next.
 *
 *   cluster.c   processes: started, killed, started again when they end by themselves
 *   load.c      clients that submit all along and remember what was acknowledged
 *   disk.c      what a stopped node's disks hold, beside what it had promised
 *   provoke.c   what makes rare sites happen: restarts, a killed leader, a transfer
 *   point.c     one point: armed, hit, checked, started again
 *   ledger.c    the end: four ledgers, and everything acknowledged in each
 *
 * One thread. Whoever waits calls world_turn, which serves clients and children.
 */
#ifndef APM2_CRASH_WORLD_H
#define APM2_CRASH_WORLD_H

#include <libpq-fe.h>
#include <sys/types.h>

#include "tests/crash/control.h"
#include "tests/crash/load.h"

struct options {
    const char *dir;  /* of a cluster that `apm2 dev up` made and that is down */
    const char *apm2; /* programs */
    const char *consensus;
    const char *postgres;
    const char *library; /* to be loaded into them */
    const char *sites;   /* file: one name a line */
    const char *table;   /* file: every point and what became of it */
    const char *plant;   /* a red control, or NULL */
    uint32_t seconds;    /* 0: all points */
    uint64_t seed;       /* of the order */
    bool is_expecting;   /* a failure: stop at the first, and look no further */
    bool is_json;
    bool is_recording; /* only which sites there are */
};

struct child {
    pid_t pid; /* 0: none */
    bool is_wanted;
    uint64_t start_ms; /* not before */
};

struct node {
    char dir[200];
    struct child consensus, postgres;
    uint32_t n_exits; /* not by us */
};

struct world {
    struct options options;
    struct crash_control *control;
    struct node nodes[CRASH_NODES];
    struct load load;
    /* Findings. */
    uint32_t n_forgotten, n_lost, n_mute, n_aborted;
    char finding[256]; /* the newest */
};

uint64_t now_ms(void);

/* Serves clients and children for so long; at least once. */
void world_turn(struct world *world, uint64_t ms);

/* Notes what should not be; the point under way has failed. */
__attribute__((format(printf, 3, 4))) void world_find(struct world *world, uint32_t *counter,
                                                      const char *form, ...);

/* ---- cluster.c ---- */

void cluster_prepare(struct world *world);
void cluster_start_postgres(struct world *world, uint32_t node);
void cluster_start_consensus(struct world *world, uint32_t node);
/* SIGKILL and waited for; not started again before somebody does. */
void cluster_kill_consensus(struct world *world, uint32_t node);
void cluster_kill_postgres(struct world *world, uint32_t node);
/* Takes in who ended and starts whoever is due. */
void cluster_turn(struct world *world);
/* In good order. */
void cluster_stop(struct world *world);
/* Runs the command `apm2` to its end; true: exit code 0. */
bool cluster_apm2(const struct world *world, const char *const *args);

/* ---- disk.c ---- */

/* To a node's database, once it has recovered. NULL: not within 30 s. */
PGconn *disk_connect(struct world *world, uint32_t node);
/* Puts back what the safety file holds for certain. */
void disk_restore_file(struct world *world, uint32_t node);
/* With consensus down and PostgreSQL up. Findings are noted. */
void disk_check(struct world *world, uint32_t node);

/* ---- provoke.c ---- */

/* Called while an armed site waits to be reached; `waited_ms` since it was armed. */
struct provoker {
    uint32_t step;
    uint64_t next_ms;
    int stopped; /* a node kept down or frozen, -1 none */
    uint64_t release_ms;
};
void provoke_begin(struct provoker *provoker, const char *site);
void provoke_turn(struct world *world, struct provoker *provoker);
void provoke_end(struct world *world, struct provoker *provoker);

/* ---- point.c ---- */

struct point {
    uint32_t site;
    enum crash_mode mode;
    bool is_room; /* all four lose their power when one comes by */
};

enum point_result { POINT_HELD, POINT_FAILED, POINT_NOT_REACHED };

enum point_result point_run(struct world *world, const struct point *point);
/* True once the node has signed something after `n_signed`. */
bool point_await_signing(struct world *world, uint32_t node, uint32_t n_signed);

/* ---- ledger.c ---- */

void ledger_check(struct world *world);

#endif
