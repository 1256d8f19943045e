/*
 * roster - the nodes that one apm2d looks after, and their processes.
 *
 * Of a node: its services. In a development cluster also its PostgreSQL and, before the
 * services, `apm2 db migrate` once; a node installed on a host has both elsewhere. A
 * node stops in the opposite order, its services all at once. Each service lives by
 * itself: what becomes of one changes nothing for the others.
 * Owns all strings its children borrow.
 */
#ifndef APM2_ROSTER_H
#define APM2_ROSTER_H

#include "common/buf.h"
#include "common/explain.h"
#include "common/limits.h"
#include "common/program.h"
#include "services/apm2d/child.h"

enum {
    CHILD_POSTGRES,
    CHILD_MIGRATE,
    CHILD_SERVICES, /* the first: + enum node_service */
    CHILDREN_N = CHILD_SERVICES + NODE_SERVICE_END,
};

enum node_want { WANT_UP, WANT_DOWN, WANT_RESTART /* down, then up */ };

struct roster_node {
    const char *name;
    enum node_want want;
    struct child children[CHILDREN_N];
};

struct roster;

WARN_UNUSED struct roster *roster_new(void);
void roster_destroy(struct roster **roster);

uint32_t roster_n(const struct roster *roster);
struct roster_node *roster_node(struct roster *roster, uint32_t i);
/* NULL if there is none of this name. */
struct roster_node *roster_find(struct roster *roster, const char *name);

/* For roster_read.h: another node, named; a text that lives as long as the roster. */
struct roster_node *roster_add(struct roster *roster, const char *name);
const char *roster_keep(struct roster *roster, const char *a, const char *b);

/* Of a whole node. What was given up or stopped alone gets a new chance. */
void roster_want(struct roster_node *node, enum node_want want);

/* Of one service. REJECTED while its node is down or going down. */
WARN_UNUSED enum apm_err roster_want_service(struct roster_node *node, enum node_service service,
                                             enum node_want want, uint64_t now_ms);

/* Starts and stops what is due. */
void roster_turn(struct roster *roster, uint64_t now_ms);
uint64_t roster_deadline_ms(const struct roster *roster);
/* Collects every child that has ended. */
void roster_reap(struct roster *roster, uint64_t now_ms);
/* What a child said; a stranger's words are ignored. */
void roster_heard(struct roster *roster, pid_t pid, const char *words, uint64_t now_ms);
void roster_reload(const struct roster *roster);
bool roster_is_down(const struct roster *roster);

struct roster_sight {
    uint32_t n_services;
    uint32_t n_up;
    bool is_settled;    /* nothing is on its way up any more */
    bool is_overdue;    /* something hangs and cannot be killed */
    const char *status; /* a validator's own words; "" */
};

struct roster_sight roster_look(const struct roster *roster, uint64_t now_ms);

/* "n1/consensus failed, n2/anti-entropy waiting": every service that is not up; while
 * stopping (`is_ending`) everything that still runs. */
void roster_list_amiss(const struct roster *roster, bool is_ending, struct buf *ret_text);

#endif
