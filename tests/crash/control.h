/*
 * control - what the driver and the library inside the nodes tell one another.
 *
 * One mapped file, shared by the driver and by every apm2-consensus and signer of the
 * cluster: which point is to be hit next, who hit it, what each node's disk would still
 * hold after a power cut, and what each node has promised to others. Single words are
 * atomic; the rest is written by one process and read when that one is dead.
 *
 * A site is a boundary by name, as "file.sync.vote"; a point is a site and a mode.
 */
#ifndef APM2_CRASH_CONTROL_H
#define APM2_CRASH_CONTROL_H

#include <stdatomic.h>

#include "common/ids.h"
#include "common/limits.h"

#define CRASH_NODES 4u
#define CRASH_SITES_MAX 256u
#define CRASH_NAME_MAX 40u
#define CRASH_FILE_BYTES_MAX (2u * (RECORD_BYTES_MAX + 4096u)) /* as slot_file lays it out */
#define CRASH_ANY_NODE (-1)

/* The environment of a node under test. */
#define CRASH_ENV_CONTROL "APM2_CRASH_CONTROL" /* path of the control file */
#define CRASH_ENV_NODE "APM2_CRASH_NODE"       /* "0" */
#define CRASH_ENV_PLANT "APM2_CRASH_PLANT"     /* a red control: see crash_plant_of */
#define CRASH_ENV_ROLE "APM2_CRASH_ROLE"       /* "postgres" in PostgreSQL's */

enum crash_mode { CRASH_BEFORE, CRASH_HALFWAY, CRASH_AFTER, CRASH_MODES, CRASH_PASS };

enum crash_state { CRASH_IDLE, CRASH_ARMED, CRASH_FIRED };

/* What is broken on purpose, to see the checks go red. */
enum crash_plant {
    CRASH_PLANT_NONE,
    CRASH_PLANT_ASYNC_COMMIT, /* the sessions run with synchronous_commit = off */
    CRASH_PLANT_NO_SYNC,      /* the signer's fdatasync does nothing */
};

struct crash_site {
    char name[CRASH_NAME_MAX];
    atomic_uint n_seen;
};

/* The newest of each kind that left the node, signed by it. */
struct crash_promises {
    struct rank vote;
    struct rank commit_vote;
    struct rank proposal;
    struct term timeout;
};

struct crash_node {
    atomic_int consensus; /* pids; 0: none */
    atomic_int signer;
    atomic_int postmaster;
    atomic_uint n_signed; /* answers of the signer that carried signatures */
    atomic_uint n_stored; /* transactions of the store that it knows to be done */
    struct crash_promises promises;
    uint64_t validator;                 /* its index + 1, once it has voted */
    uint64_t file_size;                 /* 0: the safety file was not opened yet */
    uint8_t file[CRASH_FILE_BYTES_MAX]; /* what the disk holds for certain */
};

struct crash_control {
    atomic_uint n_sites;
    struct crash_site sites[CRASH_SITES_MAX];
    atomic_int state; /* enum crash_state */
    uint32_t armed;   /* site */
    enum crash_mode mode;
    int only_node; /* or CRASH_ANY_NODE */
    bool is_room;  /* the power goes in the whole room: all nodes at once */
    atomic_int countdown;
    atomic_int fired_node;
    atomic_int leader; /* the node that last beat as one */
    struct crash_node nodes[CRASH_NODES];
};

/* Maps the file, which the driver (is_driver) makes anew. NULL: errno says why. */
struct crash_control *crash_control_map(const char *path, bool is_driver);

/* The site's number; one not seen before is added. CRASH_SITES_MAX when full. */
uint32_t crash_site_find(struct crash_control *control, const char *name);

const char *crash_mode_text(enum crash_mode mode);

#endif
