#include "services/metrics-exporter/sibling.h"

#include "common/conf.h"

#define SIBLING_ROW(NAME, name, purpose) {(name), "apm2-" name, CONF_SET_##NAME},
const struct sibling_row sibling_table[SIBLINGS_N] = {NODE_SERVICES(SIBLING_ROW)};

_Static_assert(SIBLINGS_ASKED == SIBLINGS_N - 1, "the exporter comes last in services.def");

uint32_t sibling_lasting_set(enum sibling sibling)
{
    return sibling == SIBLING_BYZANTINE_MONITOR ? CONF_SET_BYZANTINE_MONITOR : 0;
}
