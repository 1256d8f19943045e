/*
 * store - what survives a crash of one replica: the signer's safety file, and the
 * node's database.
 *
 * Both are written in parallel, one write in flight, what comes meanwhile merged
 * into the next (PROTOCOL, Durability 1). The two complete at their own times. A
 * crash keeps or loses each unfinished write by itself, and may tear the file's.
 */
#ifndef APM2_SIM_STORE_H
#define APM2_SIM_STORE_H

#include "services/consensus/core/safety_start.h"
#include "tests/sim/pool.h"
#include "tests/sim/roster.h"

struct action;
struct world;
struct replica;

#define BATCH_PERSISTS_MAX 24u

/* A set of blocks. */
struct block_set {
    uint64_t words[BLOCKS_MAX / 64];
};

static inline bool block_set_has(const struct block_set *set, uint32_t block)
{
    return (set->words[block / 64] >> block % 64 & 1) != 0;
}

static inline void block_set_add(struct block_set *set, uint32_t block)
{
    set->words[block / 64] |= UINT64_C(1) << block % 64;
}

/* One write, gathering or under way. */
struct batch {
    uint32_t n_persists;
    struct {
        uint64_t token;
        uint32_t n_intents;
        struct intent intents[INTENTS_MAX];
    } persists[BATCH_PERSISTS_MAX];
    struct safety_record record;      /* the newest, for the store; if n_persists > 0 */
    struct safety_record file_record; /* what the signer makes of it */
    uint32_t n_blocks;
    uint32_t blocks[BATCH_PERSISTS_MAX];
    uint32_t tip;    /* executed block to note, NO_BLOCK = none */
    uint64_t epochs; /* proofs to note, a bit per epoch */
    bool is_file_done, is_store_done;
};

/* The durable part of a moment ago, to be restored later. */
struct backup {
    bool is_taken;
    struct safety_record file, record;
    struct block_set blocks, proofs;
    uint64_t bodies, epochs;
    uint32_t tip;
};

struct store {
    /* durable */
    struct safety_record file;        /* its newest whole slot */
    struct safety_record file_before; /* the other slot */
    bool is_torn;                     /* the other slot is half-written */
    struct safety_record record;      /* in the database */
    struct block_set blocks, proofs;
    uint64_t bodies; /* requests whose bodies are there */
    uint32_t tip;    /* newest block noted as executed */
    uint64_t epochs; /* whose proofs it holds, a bit each */
    /* Keygen: a key and its record, for an epoch to come; they take the place of the
     * file's once that epoch is entered. */
    uint32_t generation;
    bool has_spare;
    struct identity spare;
    bool has_lost_file; /* that of this instance */
    struct hash lost_instance;

    /* not durable */
    struct safety_record signer; /* the signer child's own */
    struct batch batches[2];
    struct batch *gathering, *flying; /* flying: NULL = nothing under way */
    bool is_repairing;

    /* of the machine */
    bool is_file_full, is_store_full;
    bool fails_sync; /* the file's next one */
    struct backup backup;
};

/* As keygen leaves a record: for epoch 1, or for one that is to pin it. */
void store_born_record(const struct world *world, const struct identity *identity,
                       bool is_of_genesis, struct safety_record *ret_record);
/* A whole store, as keygen leaves it. */
void store_born(struct world *world, struct replica *replica);

/* Queue for the next write, and start it if none is under way. */
void store_persist(struct world *world, struct replica *replica, const struct action *action);
void store_note_epoch(struct world *world, struct replica *replica, uint64_t epoch);
void store_note_tip(struct world *world, struct replica *replica, uint32_t block);

/* EVENT_FILE, EVENT_STORE. */
void store_completed(struct world *world, struct replica *replica, bool is_file);

/* The next start finds what the last backup held, if there is one. The replica is down. */
void store_backup(struct replica *replica);
void store_restore(struct replica *replica, bool is_file_restored, bool is_store_restored);
/* What the disks of `from` hold, for a second copy of it. */
void store_clone(struct replica *replica, const struct replica *from);

/* The power is gone. */
void store_crash(struct world *world, struct replica *replica);

/* What to start with, by the shipped rules: it is the signer's record then. REPAIR:
 * nothing may be written before store_repaired. */
enum safety_start store_reconcile(const struct world *world, struct replica *replica);
void store_repaired(struct replica *replica);

#endif
