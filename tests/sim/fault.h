/*
 * fault - the classes of what may go wrong in a run. A seed switches whole classes off (swarm
 * testing); the report counts each.
 */
#ifndef APM2_SIM_FAULT_H
#define APM2_SIM_FAULT_H

enum fault {
    FAULT_LOSS,
    FAULT_KIND_LOSS, /* one kind of message is lost, for a while */
    FAULT_DELAY,
    FAULT_REORDER,
    FAULT_DUPLICATE,
    FAULT_PARTITION,
    FAULT_ONE_WAY,         /* a link, or all from one side to the other, in one direction */
    FAULT_FLAP,            /* a partition that comes and goes many times in a second */
    FAULT_SLOW_LINK,       /* some links are far slower than the others */
    FAULT_CRASH,           /* between two actions of a step */
    FAULT_POWER,           /* everybody at once */
    FAULT_TORN,            /* a crash leaves a half-written safety file slot */
    FAULT_STALE,           /* after a crash the safety file lacks its last synced write */
    FAULT_FULL,            /* no space left, under the safety file or the database */
    FAULT_SYNC,            /* a sync of the safety file fails: what it holds is unknown */
    FAULT_RESTORE_STORE,   /* a database from a backup */
    FAULT_RESTORE_FILE,    /* a safety file from a backup: an observer, who counts in f */
    FAULT_RESTORE_MACHINE, /* both, of the same moment: counts in f */
    FAULT_CLONE,           /* a copy of a running machine, one key in two places */
    FAULT_TWIN,
    FAULT_TRANSFER, /* an operator asks for another leader */
    FAULT_SLOW_STORE,
    FAULT_SLOW_EXECUTION,
    FAULT_SKEW,      /* wall clocks differ */
    FAULT_DRIFT,     /* monotonic clocks run at different speeds */
    FAULT_STEP,      /* a wall clock jumps */
    FAULT_PAUSE,     /* a process stands still for a while, and its messages wait */
    FAULT_VICTIM,    /* a client's request reaches one node and goes no further for a while */
    FAULT_LIAR,      /* replicas that break the protocol on purpose */
    FAULT_MEMBERS,   /* the set changes */
    FAULT_LOST_FILE, /* a node loses its safety file, and is reinstated */
    FAULT_RECOVERY,  /* a quorum is lost, and T0 recovers */
    FAULTS_END,
};

const char *fault_name(enum fault fault);

#endif
