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
    FAULT_ONE_WAY,   /* a link, or all from one side to the other, in one direction */
    FAULT_FLAP,      /* a partition that comes and goes many times in a second */
    FAULT_SLOW_LINK, /* some links are far slower than the others */
    FAULT_CRASH,     /* between two actions of a step */
    FAULT_POWER,     /* everybody at once */
    FAULT_TORN,      /* a crash leaves a half-written safety file slot */
    FAULT_TWIN,
    FAULT_TRANSFER, /* an operator asks for another leader */
    FAULT_SLOW_STORE,
    FAULT_SLOW_EXECUTION,
    FAULT_SKEW,   /* wall clocks differ */
    FAULT_VICTIM, /* a client's request reaches one node and goes no further for a while */
    FAULT_LIAR,   /* replicas that break the protocol on purpose */
    FAULTS_END,
};

const char *fault_name(enum fault fault);

#endif
