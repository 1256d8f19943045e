/*
 * store_rig - a store on a fresh database, driven by poll, with what it said.
 *
 * Blocks are made up from their number: same number, same bytes.
 */
#ifndef APM2_TESTS_STORE_RIG_H
#define APM2_TESTS_STORE_RIG_H

#include "services/consensus/store.h"
#include "tests/support/pg.h"

#define RIG_SEEN_MAX 4096u

struct rig {
    char conninfo[160];
    struct store *store;
    /* What the store said. */
    uint64_t persisted; /* newest token */
    uint32_t n_persisted;
    uint64_t committed; /* newest height */
    enum apm_err failure;
    char detail[512];
    /* What it loaded. */
    bool is_loaded;
    uint64_t counter;
    size_t record_size;
    uint8_t record[256];
    uint32_t n_committed;
    uint32_t n_uncommitted;
    struct hash uncommitted[64];
    /* What a read gave. */
    bool is_read;
    enum apm_err read_err;
    uint32_t n_rows;
    uint64_t first_height;
    struct store_committed row; /* the last one; its spans are gone */
    uint32_t n_bundles;         /* walked in it */
    uint64_t found_height;
    uint64_t found_index;
};

/* The database, empty and migrated. */
void rig_migrate(const struct pg *pg, const char *database);
/* A store of chain 'A' that is up and loaded. */
void rig_open_loaded(struct rig *rig, const struct pg *pg, const char *database);

/* A store of chain `chain` on the database; not up yet. */
void rig_open(struct rig *rig, const struct pg *pg, const char *database, char chain);
void rig_close(struct rig *rig);

/* Turns until the flag (a member of rig, changing under us) is true, or 20 s. */
bool rig_turn_until(struct rig *rig, bool (*is_done)(const struct rig *rig));
void rig_turn_ms(struct rig *rig, uint64_t ms);
bool rig_is_up(const struct rig *rig);
bool rig_is_loaded(const struct rig *rig);
bool rig_has_failed(const struct rig *rig);
bool rig_is_read(const struct rig *rig);

void rig_load(struct rig *rig);

struct hash rig_id(uint64_t number);
/* Record number `counter` (its text) with one block of `block_bytes`; waits. */
void rig_persist(struct rig *rig, uint64_t counter, size_t block_bytes);
/* The same without waiting: the token is the counter. */
void rig_persist_start(struct rig *rig, uint64_t counter, size_t block_bytes);
/* A block and no record, as an observer writes. */
void rig_persist_block(struct rig *rig, uint64_t number);
bool rig_wait_persisted(struct rig *rig, uint64_t counter);

/* Commits the blocks numbered first..last at those heights; waits. */
void rig_commit(struct rig *rig, uint64_t first, uint64_t last);

void rig_read_range(struct rig *rig, uint64_t from, uint32_t max_blocks, size_t max_bytes);
void rig_read_block(struct rig *rig, uint64_t number);
void rig_find(struct rig *rig, uint64_t number);
void rig_find_record(struct rig *rig, const char *space, uint64_t seq);

#endif
