/*
 * load - bundles of lease events against a running cluster, by way of libapm2.
 *
 * Everything is signed before the clock starts. Open loop (--rate): each bundle has
 * its time, and its latency counts from then even if we were late. Closed loop
 * (--window): so many bundles under way at once. Prints one line, or JSON.
 */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/must.h"
#include "services/libapm2/apm2.h"
#include "tests/bench/sample.h"

#define CLIENTS_MAX 64u
#define KEYS_MAX 16u
#define CLOSED_BUNDLES_PER_S 12000u /* stock for a closed loop of single events */
#define CLOSED_EVENTS_PER_S 60000u  /* and of larger bundles */
#define EXPIRY_HEIGHTS 9000u
#define CONNECT_MS 5000
#define DRAIN_MS 10000u
#define LOST_MS 5000u /* silence that ends a wait for outcomes */

struct options {
    const char *genesis;
    const char *keys[KEYS_MAX];
    uint32_t n_keys;
    uint64_t rate; /* bundles/s; 0: closed loop */
    uint32_t window;
    uint32_t seconds;
    uint32_t events; /* per bundle */
    uint64_t ttl_ms;
    uint64_t warmup_ms;
    int node; /* -1: spread over all of them */
    bool is_json;
};

struct load {
    struct options options;
    struct apm2_cluster *cluster;
    struct apm2_key *keys[KEYS_MAX];
    uint64_t nonces[KEYS_MAX];
    uint64_t height;
    struct apm2_client *clients[CLIENTS_MAX];
    uint32_t n_clients;
    struct apm2_bundle **stock;
    uint64_t *started_us;
    uint32_t n_stock, n_sent, n_done, n_measured;
    uint64_t begin_us, end_us, last_us, gap_us;
    struct sample finality, accepted;
    uint32_t n_busy, n_refused, n_expired, n_rejected_events;
    uint64_t first_us; /* of the measured part */
};

static _Noreturn void die(const char *what, const struct apm2_why *why)
{
    (void)fprintf(stderr, "load: %s: %s %s\n", what, why->error, why->text);
    exit(1);
}

/* ---- before the clock ---- */

static bool await_answer(struct load *load, json_t **ret_body)
{
    struct apm2_reply reply;
    uint64_t until_us = bench_now_us() + (uint64_t)CONNECT_MS * 1000;

    while (bench_now_us() < until_us) {
        while (apm2_client_next(load->clients[0], &reply))
            if (reply.kind == APM2_ANSWER && strcmp(reply.error, "OK") == 0) {
                *ret_body = json_loads(reply.detail, 0, NULL);
                return *ret_body != NULL;
            }
        apm2_client_wait(load->clients, 1, 50);
    }
    return false;
}

/* The nonce an actor goes on with, and the chain's height. */
static void look_up(struct load *load, uint32_t key)
{
    struct apm2_why why = {"TIMED_OUT", "no answer"};
    char hex[2 * 32 + 1], args[128];
    json_t *body = NULL;
    uint64_t until_us = bench_now_us() + (uint64_t)CONNECT_MS * 1000;

    hex_encode(apm2_key_public(load->keys[key]), 32, hex);
    (void)snprintf(args, sizeof(args), "{\"actor\":\"%s\"}", hex);
    while (!apm2_client_query(load->clients[0], 1, "account", args, &why)) {
        if (bench_now_us() > until_us)
            die("account", &why);
        apm2_client_wait(load->clients, 1, 10);
    }
    if (!await_answer(load, &body))
        die("account", &why);
    load->nonces[key] = (uint64_t)json_integer_value(json_object_get(body, "next_nonce"));
    load->height = (uint64_t)json_integer_value(json_object_get(body, "height"));
    json_decref(body);
}

static void connect_all(struct load *load)
{
    uint32_t n = apm2_cluster_n_nodes(load->cluster);
    struct apm2_why why;

    for (uint32_t i = 0; i < n && i < CLIENTS_MAX; i++) {
        if (load->options.node >= 0 && (uint32_t)load->options.node != i)
            continue;
        if (!apm2_client_new(load->cluster, i, &load->clients[load->n_clients++], &why))
            die("client", &why);
    }
    MUST(load->n_clients > 0);
}

static struct apm2_event *make_event(const struct load *load, uint64_t run, uint64_t serial)
{
    char json[256];
    struct apm2_event *event = NULL;
    struct apm2_why why;
    int n = snprintf(json, sizeof(json),
                     "{\"type\":\"LeaseIssued\",\"namespace\":\"kernel\",\"payload\":{\"resource\":"
                     "\"bench/%" PRIx64 "/%" PRIu64 "\",\"holder\":\"worker-%" PRIu64
                     "\",\"ttl_ms\":%" PRIu64 "}}",
                     run, serial, serial % 64, load->options.ttl_ms);

    if (!apm2_event_new(load->cluster, json, (size_t)n, &event, &why))
        die("event", &why);
    return event;
}

static struct apm2_bundle *make_bundle(struct load *load, uint64_t run, uint32_t serial)
{
    uint32_t key = serial % load->options.n_keys;
    uint32_t n = load->options.events;
    struct apm2_terms terms = {load->nonces[key]++, load->height + EXPIRY_HEIGHTS};
    struct apm2_event **events = calloc(n, sizeof(struct apm2_event *));
    struct apm2_bundle *bundle = NULL;
    struct apm2_why why;

    MUST(events != NULL);
    for (uint32_t i = 0; i < n; i++)
        events[i] = make_event(load, run, (uint64_t)serial * n + i);
    if (!apm2_bundle_new(load->cluster, load->keys[key], &terms,
                         (const struct apm2_event *const *)events, n, &bundle, &why))
        die("bundle", &why);
    for (uint32_t i = 0; i < n; i++)
        apm2_event_free(&events[i]);
    free(events);
    return bundle;
}

static uint32_t stock_size(const struct options *options)
{
    if (options->rate > 0)
        return (uint32_t)(options->rate * options->seconds);
    if (options->events == 1)
        return CLOSED_BUNDLES_PER_S * options->seconds;
    return CLOSED_EVENTS_PER_S / options->events * options->seconds;
}

static void prepare(struct load *load)
{
    struct apm2_why why;
    uint64_t run = bench_now_us(); /* resources nobody leased before */

    if (!apm2_cluster_open(load->options.genesis, &load->cluster, &why))
        die(load->options.genesis, &why);
    connect_all(load);
    for (uint32_t i = 0; i < load->options.n_keys; i++) {
        if (!apm2_key_read(load->options.keys[i], &load->keys[i], &why))
            die(load->options.keys[i], &why);
        look_up(load, i);
    }
    load->n_stock = stock_size(&load->options);
    load->stock = calloc(load->n_stock, sizeof(struct apm2_bundle *));
    load->started_us = calloc(load->n_stock, sizeof(uint64_t));
    MUST(load->stock != NULL && load->started_us != NULL);
    for (uint32_t i = 0; i < load->n_stock; i++)
        load->stock[i] = make_bundle(load, run, i);
}

/* ---- under the clock ---- */

static void note_gap(struct load *load, uint64_t now_us)
{
    if (load->last_us != 0 && now_us - load->last_us > load->gap_us)
        load->gap_us = now_us - load->last_us;
    load->last_us = now_us;
}

static void take(struct load *load, const struct apm2_reply *reply)
{
    uint64_t now_us = bench_now_us();
    uint64_t took_us = now_us - load->started_us[reply->request];

    if (reply->kind == APM2_ACCEPTED) {
        sample_add(&load->accepted, took_us);
        return;
    }
    load->n_done++;
    if (reply->kind == APM2_REFUSED) {
        if (strcmp(reply->error, "BUSY") == 0)
            load->n_busy++;
        else if (load->n_refused++ == 0)
            (void)fprintf(stderr, "load: refused: %s %s\n", reply->error, reply->detail);
        return;
    }
    if (reply->height == 0) {
        load->n_expired++;
        return;
    }
    for (size_t i = 0; i < reply->n_codes; i++)
        if (reply->codes[i] != 0 && load->n_rejected_events++ == 0)
            (void)fprintf(stderr, "load: rejected: %s\n", apm2_outcome_text(reply->codes[i]));
    note_gap(load, now_us);
    if (now_us >= load->first_us && now_us < load->end_us)
        load->n_measured++;
    if (load->started_us[reply->request] >= load->first_us)
        sample_add(&load->finality, took_us);
}

static void take_all(struct load *load)
{
    struct apm2_reply reply;

    for (uint32_t i = 0; i < load->n_clients; i++)
        while (apm2_client_next(load->clients[i], &reply))
            take(load, &reply);
}

/* False: its node takes nothing now. */
static bool submit_next(struct load *load, uint64_t started_us)
{
    uint32_t i = load->n_sent;

    load->started_us[i] = started_us;
    if (!apm2_client_submit(load->clients[i % load->n_clients], i, load->stock[i], NULL))
        return false;
    load->n_sent++;
    return true;
}

static uint64_t due_us(const struct load *load, uint32_t i)
{
    return load->begin_us + (uint64_t)i * 1000000u / load->options.rate;
}

static void submit_due(struct load *load, uint64_t now_us)
{
    const struct options *options = &load->options;

    if (options->rate > 0) {
        while (load->n_sent < load->n_stock && due_us(load, load->n_sent) <= now_us)
            if (!submit_next(load, due_us(load, load->n_sent)))
                return;
        return;
    }
    while (load->n_sent < load->n_stock && load->n_sent - load->n_done < options->window)
        if (!submit_next(load, bench_now_us()))
            return;
}

static int wait_ms(const struct load *load, uint64_t now_us)
{
    if (load->options.rate == 0 || load->n_sent == load->n_stock)
        return 10;
    uint64_t due = due_us(load, load->n_sent);
    return due > now_us ? (int)((due - now_us + 999) / 1000) : 0;
}

static void run(struct load *load)
{
    load->begin_us = bench_now_us();
    load->first_us = load->begin_us + load->options.warmup_ms * 1000;
    load->end_us = load->begin_us + (uint64_t)load->options.seconds * 1000000u;
    for (;;) {
        uint64_t now_us = bench_now_us();
        bool is_over = now_us >= load->end_us;
        if (is_over &&
            (load->n_done == load->n_sent || now_us > load->end_us + (uint64_t)DRAIN_MS * 1000 ||
             now_us > load->last_us + (uint64_t)LOST_MS * 1000))
            break;
        if (!is_over)
            submit_due(load, now_us);
        apm2_client_wait(load->clients, load->n_clients, wait_ms(load, now_us));
        take_all(load);
    }
}

/* ---- after it ---- */

static double ms(uint64_t us)
{
    return (double)us / 1e3;
}

static void report(struct load *load)
{
    double seconds = (double)(load->end_us - load->first_us) / 1e6;
    double bundles = (double)load->n_measured / seconds;
    double p50 = ms(sample_percentile_us(&load->finality, 50));
    double p99 = ms(sample_percentile_us(&load->finality, 99));
    double max = ms(sample_percentile_us(&load->finality, 100));
    uint32_t n_lost = load->n_sent - load->n_done;
    const char *form =
        load->options.is_json
            ? "{\"bundles_per_s\": %.1f, \"events_per_s\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": "
              "%.2f, \"max_ms\": %.2f, \"door_p50_ms\": %.2f, \"longest_gap_ms\": %.1f, "
              "\"sent\": %u, \"final\": %zu, \"busy\": %u, \"refused\": %u, \"rejected\": %u, "
              "\"expired\": %u, \"unanswered\": %u}\n"
            : "%.1f bundles/s, %.1f events/s, finality p50 %.2f ms, p99 %.2f ms, max %.2f ms, "
              "door p50 %.2f ms, longest gap %.1f ms; sent %u, final after warm-up %zu, busy %u, "
              "refused %u, rejected events %u, expired %u, unanswered %u\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)printf(form, bundles, bundles * load->options.events, p50, p99, max,
                 ms(sample_percentile_us(&load->accepted, 50)), ms(load->gap_us), load->n_sent,
                 load->finality.n, load->n_busy, load->n_refused, load->n_rejected_events,
                 load->n_expired, n_lost);
#pragma GCC diagnostic pop
}

static void release(struct load *load)
{
    for (uint32_t i = 0; i < load->n_stock; i++)
        free(load->stock[i]);
    free(load->stock);
    free(load->started_us);
    sample_release(&load->finality);
    sample_release(&load->accepted);
    for (uint32_t i = 0; i < load->n_clients; i++)
        apm2_client_close(&load->clients[i]);
    for (uint32_t i = 0; i < load->options.n_keys; i++)
        apm2_key_close(&load->keys[i]);
    apm2_cluster_close(&load->cluster);
}

/* ---- options ---- */

static _Noreturn void usage(void)
{
    (void)fprintf(stderr,
                  "usage: load --genesis FILE --key PEM... (--rate N | --window N) [--seconds S]\n"
                  "            [--events N] [--node I] [--ttl-ms MS] [--warmup-ms MS] [--json]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (*text == 0 || *end != 0)
        usage();
    return value;
}

static void set_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'g':
        options->genesis = value;
        break;
    case 'k':
        if (options->n_keys == KEYS_MAX)
            usage();
        options->keys[options->n_keys++] = value;
        break;
    case 'r':
        options->rate = number(value);
        break;
    case 'w':
        options->window = (uint32_t)number(value);
        break;
    case 's':
        options->seconds = (uint32_t)number(value);
        break;
    case 'e':
        options->events = (uint32_t)number(value);
        break;
    case 'n':
        options->node = (int)number(value);
        break;
    case 't':
        options->ttl_ms = number(value);
        break;
    case 'u':
        options->warmup_ms = number(value);
        break;
    case 'j':
        options->is_json = true;
        break;
    default:
        usage();
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"genesis", required_argument, NULL, 'g'},
        {"key", required_argument, NULL, 'k'},
        {"rate", required_argument, NULL, 'r'},
        {"window", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'},
        {"node", required_argument, NULL, 'n'},
        {"ttl-ms", required_argument, NULL, 't'},
        {"warmup-ms", required_argument, NULL, 'u'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    static struct load load;
    int option;

    load.options =
        (struct options){.seconds = 10, .events = 1, .ttl_ms = 500, .warmup_ms = 1000, .node = -1};
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        set_option(&load.options, option, optarg);
    const struct options *options = &load.options;
    if (options->genesis == NULL || options->n_keys == 0 || options->events == 0 ||
        options->seconds == 0 || (options->rate == 0) == (options->window == 0))
        usage();
    prepare(&load);
    run(&load);
    report(&load);
    bool is_whole = load.finality.n > 0 && load.n_refused == 0;
    release(&load);
    return is_whole ? 0 : 1;
}
