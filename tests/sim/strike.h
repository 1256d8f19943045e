/*
 * strike - one thing that is done to a run: a fault, a client's request, an operator's order.
 *
 * A schedule is a list of them (plan.h), a scenario's script has one on a line. Both are carried
 * out by the same code, so that a schedule printed as a script runs as it ran.
 */
#ifndef APM2_SIM_STRIKE_H
#define APM2_SIM_STRIKE_H

#include "tests/sim/fault.h"
#include "tests/sim/net.h"

#include <stdio.h>

struct world;

enum strike_kind {
    STRIKE_SUBMIT,     /* request n to who, or to the next correct replica */
    STRIKE_TRANSFER,   /* the operator of who asks for validator n as leader, or for any */
    STRIKE_CRASH,      /* who, or the next that is up; after n actions, 0 = now */
    STRIKE_POWER,      /* everybody at once */
    STRIKE_PAUSE,      /* who stands still for n ms */
    STRIKE_AHEAD,      /* the wall clock of who jumps: n ms before the true time */
    STRIKE_BEHIND,     /* or after it */
    STRIKE_FILL_FILE,  /* no space left for the safety file of who */
    STRIKE_FILL_STORE, /* or for its database */
    STRIKE_MAKE_ROOM,  /* for both */
    STRIKE_FAIL_SYNC,  /* of its safety file, once */
    STRIKE_BACKUP,     /* of file and database of who */
    STRIKE_RESTORE_STORE,
    STRIKE_RESTORE_FILE,
    STRIKE_RESTORE_MACHINE,
    STRIKE_CLONE,         /* who, the second copy of a twin, starts with the disks of the first */
    STRIKE_DROP,          /* messages are lost from now on */
    STRIKE_HOLD,          /* they wait */
    STRIKE_PASS,          /* rules for that kind (MESSAGES_END: those for any) end */
    STRIKE_PASS_ALL,      /* all rules end; what they held is sent */
    STRIKE_SPLIT,         /* from against all others, both ways; other links are whole */
    STRIKE_CUT,           /* from to to, this way only */
    STRIKE_JOIN,          /* the same, whole again */
    STRIKE_SLOW,          /* from to to: n ms more, this way only */
    STRIKE_MEND,          /* every link whole and quick */
    STRIKE_STARVE,        /* who passes no request on */
    STRIKE_FEED,          /* it does again */
    STRIKE_LIE,           /* each liar tells one of its lies */
    STRIKE_ADD,           /* who, a joiner, into the set; member.h, as those below */
    STRIKE_REMOVE,        /* who out of it */
    STRIKE_REKEY,         /* who gets another key */
    STRIKE_REINSTATE,     /* who, without a record, gets a new one */
    STRIKE_LOSE,          /* who crashes and loses its safety file */
    STRIKE_RECOVER,       /* everybody stops, more than f (from among them) lose their files */
    STRIKE_RECOVER_BELOW, /* an old word of T0 is given to who */
    STRIKES_END,
};

struct strike {
    uint64_t at_ms; /* virtual time; of a plan */
    enum strike_kind kind;
    enum fault fault; /* the class it is counted in, FAULTS_END = none */
    enum message_kind message;
    uint32_t who; /* replica */
    uint32_t n;
    uint64_t from, to; /* replicas, a bit each */
    uint64_t term, seq;
};

/* `who` must be in the world, and any request below REQUESTS_MAX. */
void strike_do(struct world *world, const struct strike *strike);

/* strike_text.c: the words of a script's line; the first names the strike. NULL, or how such a
 * line has to look. */
const char *strike_read(char *const *words, int n_words, struct strike *ret_strike);
void strike_print(FILE *file, const struct strike *strike, uint32_t n_replicas);

/* "1,3" or "*": replicas, a bit each. */
bool replica_set_read(const char *text, uint64_t *ret_set);
void replica_set_print(FILE *file, uint64_t set, uint32_t n_replicas);
bool number_read(const char *text, uint64_t *ret_number);

#endif
