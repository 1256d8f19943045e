/*
 * load_state - one run of the load generator, shared by its two files.
 *
 * load_stock.c: clients, keys and bundles, all before the clock starts.
 * load.c: the clock, what came back, and the report.
 */
#ifndef APM2_BENCH_LOAD_STATE_H
#define APM2_BENCH_LOAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "services/libapm2/apm2.h"
#include "tests/bench/sample.h"

#define CLIENTS_MAX 64u
#define KEYS_MAX 16u

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

/* Connects, asks for nonces and signs everything; ends the program if that fails. */
void load_prepare(struct load *load);
void load_release(struct load *load);

#endif
