/*
 * roster - the nodes of a development cluster and their processes.
 *
 * Read from <dir>/cluster.json, which `apm2 dev up` writes. Of each node: its
 * PostgreSQL, then `apm2 db migrate` once, then the services. A node stops in the
 * opposite order. Owns all strings its children borrow.
 */
#ifndef APM2_ROSTER_H
#define APM2_ROSTER_H

#include "common/explain.h"
#include "common/limits.h"
#include "services/apm2d/child.h"

enum { CHILD_POSTGRES, CHILD_MIGRATE, CHILD_CONSENSUS, CHILDREN_N };

enum node_want { WANT_UP, WANT_DOWN, WANT_RESTART /* down, then up */ };

struct roster_node {
    const char *name;
    enum node_want want;
    struct child children[CHILDREN_N];
};

struct roster;

/* Where the programs are. */
struct roster_programs {
    const char *apm2;
    const char *consensus;
    const char *postgres;
};

WARN_UNUSED enum apm_err roster_read(const char *dir, const struct roster_programs *programs,
                                     struct roster **ret_roster, struct why *ret_why);
void roster_destroy(struct roster **roster);

uint32_t roster_n(const struct roster *roster);
struct roster_node *roster_node(struct roster *roster, uint32_t i);
/* NULL if there is none of this name. */
struct roster_node *roster_find(struct roster *roster, const char *name);

void roster_want(struct roster_node *node, enum node_want want);

/* Starts and stops what is due. */
void roster_turn(struct roster *roster, uint64_t now_ms);
uint64_t roster_deadline_ms(const struct roster *roster);
/* Collects every child that has ended. */
void roster_reap(struct roster *roster, uint64_t now_ms);
bool roster_is_down(const struct roster *roster);

#endif
