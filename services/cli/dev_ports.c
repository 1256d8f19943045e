#include "services/cli/dev_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define PAUSE_NS 200000000L

bool dev_net_is_valid(const char *net)
{
    char address[64];
    struct in_addr parsed;
    if (snprintf(address, sizeof(address), "%s.1", net) >= (int)sizeof(address))
        return false;
    return inet_pton(AF_INET, address, &parsed) == 1 && ntohl(parsed.s_addr) >> 24 == 127;
}

/* 0 or errno. As the services do: a port in TIME_WAIT is free. */
static int try_bind(const char *address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
        return EADDRNOTAVAIL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int on = 1, error = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1) != 0)
        error = errno;
    (void)close(fd);
    return error;
}

static enum apm_err check(const char *address, uint16_t port, struct complaint *complaint)
{
    int error = try_bind(address, port);
    if (error == 0)
        return APM_OK;
    if (error == EADDRINUSE) {
        (void)complain(complaint, APM_ERR_PORT_IN_USE, "%s:%u is in use", address, port);
        complain_hint(
            complaint,
            "another cluster? apm2 dev up --net 127.0.11, or see who: ss -ltnp '( sport = "
            ":%u )'",
            port);
        return APM_ERR_PORT_IN_USE;
    }
    (void)complain(complaint, APM_ERR_CONFIG, "cannot listen on %s:%u: %s", address, port,
                   strerror(error));
    complain_hint(complaint, "choose a loopback block of this host: --net 127.0.10");
    return APM_ERR_CONFIG;
}

static enum apm_err check_all(const struct dev_ports *wanted, struct complaint *complaint)
{
    static const uint16_t ports[] = {9090, 9091, 9095, 9096, 9470, 9471, 9472, 9473, 9474};
    for (uint32_t i = 0; i < wanted->n_nodes; i++) {
        char address[64];
        (void)snprintf(address, sizeof(address), "%s.%u", wanted->net, i + 1);
        for (size_t j = 0; j < N_ELEMENTS(ports); j++) {
            enum apm_err err = check(address, ports[j], complaint);
            if (err != APM_OK)
                return err;
        }
    }
    return APM_OK;
}

enum apm_err dev_ports_check(const struct dev_ports *ports, struct complaint *ret_complaint)
{
    const struct timespec pause = {0, PAUSE_NS};
    uint64_t deadline_ms = clock_mono_ms() + ports->wait_ms;
    for (bool has_said = false;; has_said = true) {
        enum apm_err err = check_all(ports, ret_complaint);
        if (err != APM_ERR_PORT_IN_USE || clock_mono_ms() >= deadline_ms)
            return err;
        if (!has_said)
            say_progress("%s: waiting for it to be free", ret_complaint->message);
        (void)nanosleep(&pause, NULL);
    }
}
