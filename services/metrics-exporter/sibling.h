/*
 * sibling - the services of a node, in the order they are shown.
 */
#ifndef APM2_SIBLING_H
#define APM2_SIBLING_H

#include <stdint.h>

/* The exporter itself is the last: it need not be asked. */
enum sibling {
    SIBLING_CONSENSUS,
    SIBLING_ANTI_ENTROPY,
    SIBLING_SCHEMA_REGISTRY,
    SIBLING_BYZANTINE_MONITOR,
    SIBLING_EXPORTER,
    SIBLINGS_N
};
#define SIBLINGS_ASKED SIBLING_EXPORTER

struct sibling_row {
    const char *name;    /* the label `service` */
    const char *service; /* the process */
    uint32_t set;        /* whose metrics: enum conf_set */
    /* What stays of its own metrics while it is gone. Evidence that was found is still
     * there: no alarm may end because the monitor was killed. */
    uint32_t lasting_set;
};

extern const struct sibling_row sibling_table[SIBLINGS_N];

#endif
