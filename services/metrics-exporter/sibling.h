/*
 * sibling - the services of a node, in the order of schemas/services.def.
 */
#ifndef APM2_SIBLING_H
#define APM2_SIBLING_H

#include <stdint.h>

#include "schemas/services.def"

/* SIBLING_CONSENSUS, ... The exporter itself is the last: it need not be asked. */
#define SIBLING_ENUM(NAME, name, purpose) SIBLING_##NAME,
enum sibling { NODE_SERVICES(SIBLING_ENUM) SIBLINGS_N };
#undef SIBLING_ENUM
#define SIBLINGS_ASKED SIBLING_METRICS_EXPORTER

struct sibling_row {
    const char *name;    /* the label `service` */
    const char *process; /* "apm2-consensus" */
    uint32_t set;        /* whose metrics: enum conf_set */
};

extern const struct sibling_row sibling_table[SIBLINGS_N];

/* Which of its own metrics stay while it is gone. Evidence that was found is still
 * there: no alarm may end because the monitor was killed. */
uint32_t sibling_lasting_set(enum sibling sibling);

#endif
