/*
 * control - apm2d's own socket, <dir>/apm2d.sock: life and death only.
 *
 * SOCK_SEQPACKET, one `query` message a packet, answered by one `answer`, whose body is
 * the state after it: {"pid", "nodes": [{"name", "want", "services": [...]}]}. Verbs:
 *
 *   status               changes nothing
 *   start|stop|restart   {"nodes": [names], "services": [names]}; all nodes when none is
 *                        named, whole nodes when no service is; answered at once
 *   down                 stop everything, then end
 *
 * NOT_FOUND: a name that is none. REJECTED: a service of a node that is down.
 * No ZeroMQ: the supervisor forks. Mode 0600: root or the owner.
 */
#ifndef APM2_CONTROL_H
#define APM2_CONTROL_H

#include "common/explain.h"
#include "common/loop.h"
#include "services/apm2d/roster.h"

#define CONTROL_CLIENTS_MAX 16u

struct control {
    char path[256];
    struct loop *loop;
    struct roster *roster;
    int listener;
    int clients[CONTROL_CLIENTS_MAX]; /* -1 = free */
    bool is_ending;                   /* `down` was asked for */
};

WARN_UNUSED enum apm_err control_start(struct control *control, struct loop *loop,
                                       struct roster *roster, const char *dir, struct why *ret_why);
void control_stop(struct control *control);

#endif
