/* Before the clock: connections, nonces, and the bundles, signed. */
#include "tests/bench/load_state.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/must.h"

#define CLOSED_BUNDLES_PER_S 12000u /* stock for a closed loop of single events */
#define CLOSED_EVENTS_PER_S 60000u  /* and of larger bundles */
#define EXPIRY_HEIGHTS 9000u
#define CONNECT_MS 5000

static _Noreturn void die(const char *what, const struct apm2_why *why)
{
    (void)fprintf(stderr, "load: %s: %s %s\n", what, why->error, why->text);
    exit(1);
}

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
    struct apm2_event **events = calloc(n, sizeof(struct apm2_event *));
    struct apm2_bundle *bundle = NULL;
    struct apm2_why why;

    MUST(events != NULL);
    for (uint32_t i = 0; i < n; i++)
        events[i] = make_event(load, run, (uint64_t)serial * n + i);
    struct apm2_draft draft = {load->nonces[key]++, load->height + EXPIRY_HEIGHTS,
                               (const struct apm2_event *const *)events, n};
    if (!apm2_bundle_new(load->cluster, load->keys[key], &draft, &bundle, &why))
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

void load_prepare(struct load *load)
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

void load_release(struct load *load)
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
