/* abuser: a bounded nuisance for every listening port of one loopback address.
 *
 *   abuser SEED SECONDS ADDRESS PORT...
 *
 * Opens CONNECTIONS_PER_S connections a second, CONNECTIONS_MAX at a time, to a PORT drawn
 * anew each time, and treats each by one way of being a bad client, also drawn: the ports
 * are not told apart, because strangers do not. Sends at most BYTES_PER_S in all, never
 * anywhere but to 127/8, and ends by itself. Prints a line per way:
 * `WAY connections=N refused=N bytes=N answered=N`. Exit 64 for bad usage. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/must.h"
#include "tests/e2e/abuser_words.h"

#define CONNECTIONS_MAX 200u
#define CONNECTIONS_PER_S 150u
#define BYTES_PER_S (4u * 1024u * 1024u)
#define SECONDS_MAX 600u
#define PORTS_MAX 16u
#define HELD_MS 8000u /* longer than any patience of the services */
#define TICK_MS 10

static const char *const way_names[WAYS] = {
    "close",    "silent", "half", "noise",   "reset", "greeting", "truncated",
    "oversize", "drip",   "http", "headers", "body",  "pipeline", "slowloris"};

struct tally {
    uint64_t connections;
    uint64_t refused;
    uint64_t bytes;
    uint64_t answered; /* bytes that came back */
};

struct connection {
    int fd; /* -1: free */
    enum way way;
    uint64_t since_ms;
    uint64_t next_ms; /* nothing is sent before */
    size_t sent;
    struct words words;
};

struct abuser {
    uint64_t random;
    struct in_addr address;
    uint16_t ports[PORTS_MAX];
    size_t n_ports;
    size_t budget_bytes; /* of this turn */
    struct tally tallies[WAYS];
    struct connection connections[CONNECTIONS_MAX];
};

static uint64_t now_ms(void)
{
    struct timespec now;
    MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- connections ---- */

static void hang_up(struct connection *connection)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (connection->way == WAY_RESET)
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(connection->fd);
    connection->fd = -1;
}

static void dial(struct abuser *abuser, struct connection *connection, uint64_t at_ms)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_addr = abuser->address,
        .sin_port = htons(abuser->ports[words_draw(&abuser->random) % abuser->n_ports])};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    connection->fd = fd;
    connection->way = (enum way)(words_draw(&abuser->random) % WAYS);
    connection->since_ms = connection->next_ms = at_ms;
    connection->sent = 0;
    words_fill(&connection->words, connection->way, &abuser->random);
    struct tally *tally = &abuser->tallies[connection->way];
    tally->connections++;
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
        tally->refused++;
        hang_up(connection);
    }
}

static void dial_up_to(struct abuser *abuser, uint64_t n, uint64_t at_ms)
{
    for (size_t i = 0; i < CONNECTIONS_MAX && n > 0; i++) {
        if (abuser->connections[i].fd < 0) {
            dial(abuser, &abuser->connections[i], at_ms);
            n--;
        }
    }
}

/* False: the connection is over. */
static bool hear(const struct connection *connection, struct tally *tally)
{
    uint8_t bytes[4096];
    if (connection->way == WAY_PIPELINE)
        return true;
    ssize_t n = recv(connection->fd, bytes, sizeof(bytes), 0);
    if (n > 0)
        tally->answered += (uint64_t)n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* ---- turns ---- */

static bool is_slow(const struct connection *connection)
{
    return connection->way == WAY_DRIP || connection->way == WAY_SLOWLORIS;
}

/* Who said everything stays until it is cut off or HELD_MS are over, except those whose
 * way it is to leave. */
static bool stays(const struct connection *connection, uint64_t at_ms)
{
    bool leaves = connection->way == WAY_CLOSE || connection->way == WAY_RESET;
    bool is_finished = connection->sent == connection->words.size;
    return !(leaves && is_finished) && at_ms < connection->since_ms + HELD_MS;
}

static void speak(struct abuser *abuser, struct connection *connection, uint64_t at_ms)
{
    size_t size = connection->words.size - connection->sent;
    if (is_slow(connection) && size > 1)
        size = 1;
    if (size > abuser->budget_bytes)
        size = abuser->budget_bytes;
    if (size == 0 || at_ms < connection->next_ms)
        return;
    ssize_t n =
        send(connection->fd, connection->words.bytes + connection->sent, size, MSG_NOSIGNAL);
    if (n <= 0)
        return;
    connection->sent += (size_t)n;
    connection->next_ms = at_ms + (is_slow(connection) ? 1000 : 0);
    abuser->budget_bytes -= (size_t)n;
    abuser->tallies[connection->way].bytes += (uint64_t)n;
}

static bool is_refused(const struct connection *connection)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    return getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 &&
           failure == ECONNREFUSED;
}

static void treat(struct abuser *abuser, struct connection *connection, short revents,
                  uint64_t at_ms)
{
    struct tally *tally = &abuser->tallies[connection->way];
    bool is_cut = (revents & (POLLERR | POLLHUP)) != 0;
    if (is_cut && is_refused(connection))
        tally->refused++;
    if (!is_cut && (revents & POLLIN))
        is_cut = !hear(connection, tally);
    if (!is_cut && (revents & POLLOUT)) {
        if (connection->way == WAY_HALF)
            (void)shutdown(connection->fd, SHUT_WR);
        speak(abuser, connection, at_ms);
    }
    if (is_cut || !stays(connection, at_ms))
        hang_up(connection);
}

/* Asks for POLLOUT only where there is something to send, now. */
static short events_of(const struct connection *connection, uint64_t at_ms)
{
    bool is_unsaid = connection->sent < connection->words.size || connection->way == WAY_HALF ||
                     connection->way == WAY_CLOSE;
    bool speaks = is_unsaid && at_ms >= connection->next_ms;
    return (short)((connection->way == WAY_PIPELINE ? 0 : POLLIN) | (speaks ? POLLOUT : 0));
}

static void turn(struct abuser *abuser)
{
    struct pollfd polled[CONNECTIONS_MAX];
    struct timespec tick = {.tv_nsec = TICK_MS * 1000000};
    uint64_t at_ms = now_ms();
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        polled[i] = (struct pollfd){.fd = abuser->connections[i].fd,
                                    .events = events_of(&abuser->connections[i], at_ms)};
    (void)poll(polled, CONNECTIONS_MAX, 0);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (polled[i].fd >= 0)
            treat(abuser, &abuser->connections[i], polled[i].revents, at_ms);
    }
    (void)nanosleep(&tick, NULL); /* the pace: never more than a budget a tick */
}

static void abuse(struct abuser *abuser, uint64_t seconds)
{
    uint64_t began_ms = now_ms();
    uint64_t n_dialed = 0;
    uint64_t passed_ms = 0;
    while (passed_ms < seconds * 1000) {
        uint64_t n_due = 1 + passed_ms * CONNECTIONS_PER_S / 1000;
        abuser->budget_bytes = BYTES_PER_S / 1000 * TICK_MS;
        dial_up_to(abuser, n_due - n_dialed, now_ms());
        n_dialed = n_due; /* what found no place is not made up for */
        turn(abuser);
        passed_ms = now_ms() - began_ms;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (abuser->connections[i].fd >= 0)
            hang_up(&abuser->connections[i]);
    }
}

/* ---- the command line ---- */

static void print(const struct tally tallies[WAYS])
{
    for (size_t i = 0; i < WAYS; i++)
        (void)printf("%s connections=%" PRIu64 " refused=%" PRIu64 " bytes=%" PRIu64
                     " answered=%" PRIu64 "\n",
                     way_names[i], tallies[i].connections, tallies[i].refused, tallies[i].bytes,
                     tallies[i].answered);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    bool is_number = *text != 0 && *end == 0 && value > 0 && value <= max;
    if (!is_number) {
        (void)fprintf(stderr, "abuser: \"%s\" is not a number from 1 to %llu\n", text,
                      (unsigned long long)max);
        exit(64);
    }
    return value;
}

int main(int argc, char **argv)
{
    static struct abuser abuser; /* large */
    bool is_usable = argc >= 5 && argc - 4 <= (int)PORTS_MAX &&
                     inet_pton(AF_INET, argv[3], &abuser.address) == 1 &&
                     ntohl(abuser.address.s_addr) >> 24 == 127;
    if (!is_usable)
        return 64;
    abuser.random = number(argv[1], UINT64_MAX);
    uint64_t seconds = number(argv[2], SECONDS_MAX);
    for (int i = 4; i < argc; i++)
        abuser.ports[abuser.n_ports++] = (uint16_t)number(argv[i], UINT16_MAX);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        abuser.connections[i].fd = -1;
    abuse(&abuser, seconds);
    print(abuser.tallies);
    return 0;
}
