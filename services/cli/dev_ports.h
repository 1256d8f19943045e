/*
 * dev_ports - are the addresses and ports of a development cluster free?
 */
#ifndef APM2_CLI_DEV_PORTS_H
#define APM2_CLI_DEV_PORTS_H

#include "services/cli/cluster.h"

/* "127.0.10": three bytes of an IPv4 loopback address. */
bool dev_net_is_valid(const char *net);

struct dev_ports {
    const char *net;
    uint32_t n_nodes;
    uint64_t wait_ms; /* for a port in use to become free: services may still be draining */
};

/* PORT_IN_USE, CONFIG (not an address of this host), with what to type. */
WARN_UNUSED enum apm_err dev_ports_check(const struct dev_ports *ports,
                                         struct complaint *ret_complaint);

#endif
