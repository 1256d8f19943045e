/*
 * floor_node - what each process of the floor bench has: keys, database, slot file.
 *
 * Every failure ends the program: a floor with a hole measures nothing.
 */
#ifndef APM2_BENCH_FLOOR_NODE_H
#define APM2_BENCH_FLOOR_NODE_H

#include <libpq-fe.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slot_file.h"

#define NODES 4u
#define POOL_BUNDLES 4096u

struct options {
    const char *databases[NODES];
    uint32_t n_databases;
    const char *dir;
    uint32_t seconds;
    uint32_t bundles; /* per block */
    uint32_t events;  /* per bundle */
    bool is_json;
};

struct identity {
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

struct node {
    struct options options;
    uint32_t self;
    struct identity keys[NODES + 1]; /* the last one: a client's */
    PGconn *database;
    struct slot_file *file;
    uint64_t counter;
};

_Noreturn void floor_die(const char *what, const char *why);

/* The same keys in every process. */
void floor_make_keys(struct node *node);
/* Bundles of so many bytes, each a signature and what it signs. */
uint8_t *floor_make_pool(const struct node *node, uint32_t bytes);

void floor_open_stores(struct node *node);
void floor_close_stores(struct node *node);
/* Row and record at once, like a validator's store and signer; both durable on return. */
void floor_persist(struct node *node, uint64_t seq, const void *block, size_t size);

void floor_sign_seq(const struct node *node, uint64_t seq, char what, uint8_t out[64]);
void floor_check_seq(const struct node *node, uint32_t signer, uint64_t seq, char what,
                     const uint8_t sig[64]);
void floor_check_bundles(const struct node *node, const uint8_t *bundles, uint32_t n,
                         uint32_t bytes);

#endif
