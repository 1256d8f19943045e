/*
 * floor - what the same parts cost without the protocol: the least our figures can be.
 *
 * Four processes. The leader sends a block of signed bundles over CURVE; each of them
 * checks every signature, makes the block durable in PostgreSQL (one row, one commit)
 * and a record in a slot file meanwhile, and answers with a vote for this block and a
 * commit vote for the one before. A block is final two views after it was made. There
 * are no client connections, terms, timers, execution or outcomes.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/mem.h"
#include "common/must.h"
#include "tests/bench/floor_node.h"
#include "tests/bench/sample.h"

#define REPLICAS (NODES - 1u)
#define BUNDLE_OVERHEAD_BYTES 214u /* signature, body and headers around the events */
#define EVENT_BYTES 130u
#define WAIT_MS 10000

/* Before the bundles of a block. */
struct block_head {
    uint64_t seq;
    uint32_t n_bundles;
    uint32_t bundle_bytes;
    uint8_t signature[64];
    uint8_t certificate[REPLICAS][64]; /* votes for the block before */
};

struct ballot {
    uint64_t seq;
    uint8_t vote[64];
    uint8_t commit_vote[64];
};

/* ---- sockets ---- */

static void set_timeouts(void *socket)
{
    int wait_ms = WAIT_MS, linger_ms = 0;

    MUST(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms)) == 0);
}

static void send_all(void *socket, const void *data, size_t size)
{
    if (zmq_send(socket, data, size, 0) != (int)size)
        floor_die("send", zmq_strerror(errno));
}

/* ---- a replica ---- */

static bool answer(struct node *node, void *socket)
{
    zmq_msg_t message;
    struct block_head head;
    struct ballot ballot = {0};

    MUST(zmq_msg_init(&message) == 0);
    if (zmq_msg_recv(&message, socket, 0) < (int)sizeof(head))
        return false; /* the leader's farewell */
    const uint8_t *data = zmq_msg_data(&message);
    memcpy(&head, data, sizeof(head));
    floor_check_seq(node, 0, head.seq, 'p', head.signature);
    for (uint32_t i = 0; head.seq > 1 && i < REPLICAS; i++)
        floor_check_seq(node, i + 1, head.seq - 1, 'v', head.certificate[i]);
    floor_check_bundles(node, data + sizeof(head), head.n_bundles, head.bundle_bytes);
    floor_persist(node, head.seq, data, zmq_msg_size(&message));
    ballot.seq = head.seq;
    floor_sign_seq(node, head.seq, 'v', ballot.vote);
    floor_sign_seq(node, head.seq - 1, 'c', ballot.commit_vote);
    send_all(socket, &ballot, sizeof(ballot));
    MUST(zmq_msg_close(&message) == 0);
    return true;
}

struct meeting {
    char endpoint[64];
    char curve[41];
};

static _Noreturn void replica(struct node *node, int pipe_end)
{
    struct meeting meeting;
    char secret[41];
    int is_server = 1;
    size_t size = sizeof(meeting.endpoint);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    floor_open_stores(node);
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    MUST(socket != NULL && zmq_curve_keypair(meeting.curve, secret) == 0);
    set_timeouts(socket);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &is_server, sizeof(is_server)) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof(secret)) == 0);
    MUST(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    MUST(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, meeting.endpoint, &size) == 0);
    MUST(write(pipe_end, &meeting, sizeof(meeting)) == sizeof(meeting));
    while (answer(node, socket))
        continue;
    MUST(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0);
    floor_close_stores(node);
    exit(0);
}

/* ---- the leader ---- */

struct leader {
    void *context;
    void *sockets[REPLICAS];
    pid_t pids[REPLICAS];
    uint8_t *pool;
    uint8_t *block;
    uint32_t bundle_bytes;
    uint32_t next;
    struct sample views;
};

static void *call(void *context, const struct meeting *meeting)
{
    char public[41], secret[41];
    void *socket = zmq_socket(context, ZMQ_DEALER);

    MUST(socket != NULL && zmq_curve_keypair(public, secret) == 0);
    set_timeouts(socket);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, meeting->curve, 41) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, 41) == 0);
    MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 41) == 0);
    MUST(zmq_connect(socket, meeting->endpoint) == 0);
    return socket;
}

/* Forks before it makes a context: threads do not survive that. */
static void start_replicas(struct node *node, struct leader *leader)
{
    struct meeting meetings[REPLICAS];

    for (uint32_t i = 0; i < REPLICAS; i++) {
        int ends[2];
        MUST(pipe(ends) == 0);
        leader->pids[i] = fork();
        MUST(leader->pids[i] >= 0);
        if (leader->pids[i] == 0) {
            node->self = i + 1;
            replica(node, ends[1]);
        }
        close(ends[1]);
        if (read(ends[0], &meetings[i], sizeof(meetings[i])) != sizeof(meetings[i]))
            floor_die("replica", "did not start");
        close(ends[0]);
    }
    leader->context = zmq_ctx_new();
    for (uint32_t i = 0; i < REPLICAS; i++)
        leader->sockets[i] = call(leader->context, &meetings[i]);
}

static size_t fill(const struct node *node, struct leader *leader, struct block_head *head)
{
    uint32_t bytes = leader->bundle_bytes;
    uint8_t *at = leader->block + sizeof(*head);

    for (uint32_t i = 0; i < head->n_bundles; i++, at += bytes)
        memcpy(at, leader->pool + (size_t)(leader->next++ % POOL_BUNDLES) * bytes, bytes);
    floor_sign_seq(node, head->seq, 'p', head->signature);
    memcpy(leader->block, head, sizeof(*head));
    return (size_t)(at - leader->block);
}

static void view(struct node *node, struct leader *leader, struct block_head *head)
{
    size_t size = fill(node, leader, head);

    for (uint32_t i = 0; i < REPLICAS; i++)
        send_all(leader->sockets[i], leader->block, size);
    floor_check_bundles(node, leader->block + sizeof(*head), head->n_bundles, leader->bundle_bytes);
    floor_persist(node, head->seq, leader->block, size);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        struct ballot ballot;
        if (zmq_recv(leader->sockets[i], &ballot, sizeof(ballot), 0) != sizeof(ballot) ||
            ballot.seq != head->seq)
            floor_die("vote", "none in time");
        floor_check_seq(node, i + 1, ballot.seq, 'v', ballot.vote);
        floor_check_seq(node, i + 1, ballot.seq - 1, 'c', ballot.commit_vote);
        memcpy(head->certificate[i], ballot.vote, sizeof(ballot.vote));
    }
}

static double lead(struct node *node, struct leader *leader)
{
    struct block_head head = {.n_bundles = node->options.bundles,
                              .bundle_bytes = leader->bundle_bytes};
    uint64_t begin_us = bench_now_us();
    uint64_t end_us = begin_us + (uint64_t)node->options.seconds * 1000000u;
    uint64_t before_us = begin_us;

    while (before_us < end_us) {
        head.seq++;
        view(node, leader, &head);
        uint64_t now_us = bench_now_us();
        sample_add(&leader->views, now_us - before_us);
        before_us = now_us;
    }
    return (double)(before_us - begin_us) / 1e6;
}

static void stop(struct leader *leader)
{
    for (uint32_t i = 0; i < REPLICAS; i++)
        send_all(leader->sockets[i], "", 0);
    for (uint32_t i = 0; i < REPLICAS; i++) {
        int status = 0;
        MUST(waitpid(leader->pids[i], &status, 0) == leader->pids[i]);
        MUST(zmq_close(leader->sockets[i]) == 0);
    }
    MUST(zmq_ctx_term(leader->context) == 0);
    free(leader->pool);
    free(leader->block);
    sample_release(&leader->views);
}

static void report(const struct node *node, struct leader *leader, double seconds)
{
    const struct options *options = &node->options;
    double per_s = (double)leader->views.n * options->bundles / seconds;
    double p50 = (double)sample_percentile_us(&leader->views, 50) / 1e3;
    double p99 = (double)sample_percentile_us(&leader->views, 99) / 1e3;

    if (options->is_json)
        (void)printf("{\"bundles_per_s\": %.1f, \"events_per_s\": %.1f, \"view_p50_ms\": %.2f, "
                     "\"view_p99_ms\": %.2f, \"final_p50_ms\": %.2f}\n",
                     per_s, per_s * options->events, p50, p99, 2 * p50);
    else
        (void)printf("%.1f bundles/s, %.1f events/s, view p50 %.2f ms, p99 %.2f ms, final after "
                     "two: %.2f ms\n",
                     per_s, per_s * options->events, p50, p99, 2 * p50);
}

/* ---- options ---- */

static _Noreturn void usage(void)
{
    (void)fprintf(stderr, "usage: floor --dir DIR --database CONNINFO (four times) [--seconds S]\n"
                          "             [--bundles N] [--events N] [--json]\n");
    exit(2);
}

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"database", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 's'},
        {"bundles", required_argument, NULL, 'b'},
        {"events", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        uint32_t value = optarg != NULL ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
        if (option == 'd')
            options->dir = optarg;
        else if (option == 'p' && options->n_databases < NODES)
            options->databases[options->n_databases++] = optarg;
        else if (option == 's')
            options->seconds = value;
        else if (option == 'b')
            options->bundles = value;
        else if (option == 'e')
            options->events = value;
        else if (option == 'j')
            options->is_json = true;
        else
            usage();
    }
    if (options->dir == NULL || options->n_databases != NODES || options->seconds == 0 ||
        options->bundles == 0 || options->events == 0)
        usage();
}

int main(int argc, char **argv)
{
    struct node node = {.options = {.seconds = 5, .bundles = 1, .events = 1}};
    struct leader leader = {.next = 0};

    read_options(&node.options, argc, argv);
    MUST(sodium_init() >= 0);
    floor_make_keys(&node);
    leader.bundle_bytes = BUNDLE_OVERHEAD_BYTES + node.options.events * EVENT_BYTES;
    leader.pool = floor_make_pool(&node, leader.bundle_bytes);
    leader.block =
        mem_new(1, sizeof(struct block_head) + (size_t)node.options.bundles * leader.bundle_bytes);
    start_replicas(&node, &leader);
    floor_open_stores(&node);
    double seconds = lead(&node, &leader);
    report(&node, &leader, seconds);
    stop(&leader);
    floor_close_stores(&node);
    return 0;
}
