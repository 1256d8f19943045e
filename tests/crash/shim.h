/*
 * shim - the library that is loaded into apm2-consensus and, by fork, into its signer.
 *
 * It stands in front of the calls by which a node makes things durable and by which they
 * leave it. Each call has a site's name; when the driver has armed that site, the node
 * is stopped there: consensus, signer and PostgreSQL at once, by SIGKILL, as a power cut
 * would. Everything else passes through untouched.
 *
 *   shim_file.c     the signer's safety file: write and sync
 *   shim_signer.c   requests to the signer, its answers
 *   shim_pg.c       statements to PostgreSQL, by name
 *   shim_bus.c      messages to validators and clients, by name
 *
 * The node's calls come from one thread; ZeroMQ's own threads only pass through `send`.
 */
#ifndef APM2_CRASH_SHIM_H
#define APM2_CRASH_SHIM_H

#include <sys/types.h>

#include "tests/crash/control.h"

#define SHIM_API __attribute__((visibility("default")))

/* How long what was handed to another thread or process may take to get on. */
#define SHIM_GRACE_MS 30u

struct shim {
    struct crash_control *control; /* NULL: this process is not under test */
    struct crash_node *self;
    int node;
    enum crash_plant plant;
    pid_t consensus;
    int signer_fds[2]; /* the node's end, the signer's */
    /* What the latest request to the signer is about: "vote". In both processes. */
    const char *kind;
    uint64_t die_at_ms;     /* at the end of a turn of the loop then or later; 0: not */
    int cut_fd;             /* the next send there goes half, and the database is gone; -1 */
    atomic_bool cut_socket; /* the next send of one of ZeroMQ's threads goes half: the end */
};

extern struct shim shim;

/* The next definition of a function: the one we stand in front of. */
void *shim_next(const char *name);
#define SHIM_NEXT(function) ((__typeof__(&(function)))shim_next(#function))

bool shim_is_signer(void);
/* In the node's own thread: not one of ZeroMQ's, not a verifier. */
bool shim_is_node(void);

/* Passing a site, "<site>.<kind>" or just "<site>" for NULL: what to do there. */
enum crash_mode shim_at(const char *site, const char *kind);

_Noreturn void shim_die(void);
/* After what was handed over has had its time. */
_Noreturn void shim_die_later(void);
/* Goes on for so long, to the end of that turn. */
void shim_die_after(uint64_t ms);
void shim_end_turn(void);
/* Nothing more becomes durable: what leaves must be so already. */
void shim_stop_database(void);
void shim_stop_disks(void);

#endif
