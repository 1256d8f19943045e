#include "services/metrics-exporter/sibling.h"

#include "common/conf.h"

const struct sibling_row sibling_table[SIBLINGS_N] = {
    [SIBLING_CONSENSUS] = {"consensus", "apm2-consensus", CONF_SET_CONSENSUS, 0},
    [SIBLING_ANTI_ENTROPY] = {"anti-entropy", "apm2-anti-entropy", CONF_SET_ANTI_ENTROPY, 0},
    [SIBLING_SCHEMA_REGISTRY] = {"schema-registry", "apm2-schema-registry",
                                 CONF_SET_SCHEMA_REGISTRY, 0},
    [SIBLING_BYZANTINE_MONITOR] = {"byzantine-monitor", "apm2-byzantine-monitor",
                                   CONF_SET_BYZANTINE_MONITOR, CONF_SET_BYZANTINE_MONITOR},
    [SIBLING_EXPORTER] = {"metrics-exporter", "apm2-metrics-exporter", CONF_SET_METRICS_EXPORTER,
                          0},
};
