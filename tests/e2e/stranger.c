/* stranger: a CURVE client that nobody knows, for the end-to-end tests.
 *
 *   stranger ADDRESS PORT SERVER_KEY_HEX [FRAME_BYTES COUNT]
 *   stranger ADDRESS PORT SERVER_KEY_HEX endless
 *
 * Prints `admitted` or `refused`, as ZeroMQ's own handshake monitor says; once admitted
 * it sends COUNT frames of noise, FRAME_BYTES each, and exits 0. Exit 1 when refused, 2
 * when neither is said within five seconds. With `endless` it sends one message that has
 * no last part, and prints how many MiB it got rid of before it was cut off; exit 1 when it
 * was not. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

#include "common/must.h"
#include "tests/support/raw_curve.h"

#define PATIENCE_MS 5000
#define FRAME_BYTES_LIMIT (64u * 1024u * 1024u)
#define ENDLESS_MIB_MAX 1024
#define MONITOR "inproc://monitor"

enum fate { FATE_ADMITTED, FATE_REFUSED, FATE_UNKNOWN };

static uint64_t number(const char *text)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    return *text != 0 && *end == 0 ? value : 0;
}

static enum fate await_fate(void *monitor)
{
    for (;;) {
        uint8_t head[6];
        uint16_t event = 0;
        char address[256];
        if (zmq_recv(monitor, head, sizeof(head), 0) != (int)sizeof(head))
            return FATE_UNKNOWN;
        (void)zmq_recv(monitor, address, sizeof(address), 0); /* the address: of no interest */
        memcpy(&event, head, sizeof(event));
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return FATE_ADMITTED;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
            event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
            event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
            return FATE_REFUSED;
    }
}

static void *connect_as_nobody(void *context, const char *endpoint, const uint8_t server[32])
{
    char public_key[41], secret_key[41];
    int patience_ms = PATIENCE_MS, linger_ms = 1000;
    void *socket = zmq_socket(context, ZMQ_DEALER);

    MUST(socket != NULL && zmq_curve_keypair(public_key, secret_key) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, 32) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 40) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 40) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms)) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) == 0);
    MUST(zmq_socket_monitor(socket, MONITOR, ZMQ_EVENT_ALL) == 0);
    return zmq_connect(socket, endpoint) == 0 ? socket : NULL;
}

static void send_noise(void *socket, size_t size, uint64_t count)
{
    uint8_t *noise = malloc(size);
    MUST(noise != NULL);
    for (uint64_t i = 0; i < count; i++) {
        randombytes_buf(noise, size);
        if (zmq_send(socket, noise, size, 0) < 0)
            break; /* cut off: as it should be */
    }
    free(noise);
}

static int connect_to(const char *address, uint64_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && inet_pton(AF_INET, address, &to.sin_addr) == 1 &&
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
                    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
                    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    return is_there ? fd : -1; /* the process ends with it */
}

static int send_endless(const char *address, uint64_t port, const uint8_t server[32])
{
    static uint8_t part[1024 * 1024];
    struct raw_curve curve;
    int mib = 0;
    int fd = connect_to(address, port);
    if (fd < 0 || !raw_curve_connect(fd, server, &curve))
        return 2;
    while (mib < ENDLESS_MIB_MAX && raw_curve_send(&curve, part, sizeof(part), false))
        mib++;
    (void)printf("%d\n", mib);
    return mib < ENDLESS_MIB_MAX ? 0 : 1;
}

int main(int argc, char **argv)
{
    char endpoint[128];
    uint8_t server[32];
    size_t n = 0;

    if (argc < 4 || argc > 6 || sodium_init() < 0 ||
        sodium_hex2bin(server, sizeof(server), argv[3], strlen(argv[3]), NULL, &n, NULL) != 0 ||
        n != sizeof(server))
        return 64;
    if (argc == 5)
        return strcmp(argv[4], "endless") == 0 ? send_endless(argv[1], number(argv[2]), server)
                                               : 64;
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://%s:%s", argv[1], argv[2]);
    uint64_t size = argc == 6 ? number(argv[4]) : 0;
    uint64_t count = argc == 6 ? number(argv[5]) : 0;
    if (size > FRAME_BYTES_LIMIT)
        return 64;

    void *context = zmq_ctx_new();
    void *socket = connect_as_nobody(context, endpoint, server);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    int patience_ms = PATIENCE_MS;
    if (socket == NULL || monitor == NULL || zmq_connect(monitor, MONITOR) != 0)
        return 2;
    MUST(zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms)) == 0);

    static const char *const words[] = {"admitted", "refused", "unknown"};
    enum fate fate = await_fate(monitor);
    (void)puts(words[fate]);
    if (fate == FATE_ADMITTED && size > 0)
        send_noise(socket, (size_t)size, count);
    (void)zmq_close(monitor);
    (void)zmq_close(socket);
    (void)zmq_ctx_term(context);
    return (int)fate;
}
