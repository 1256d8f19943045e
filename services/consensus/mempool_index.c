#include "services/consensus/mempool_index.h"

#include "common/mem.h"
#include "common/must.h"

void mempool_index_init(struct mempool_index *index, const struct mempool_index_config *config)
{
    uint32_t n_cells = 16;
    while (n_cells < 2 * config->slots_max) /* half full at most: probes stay short */
        n_cells *= 2;
    *index = (struct mempool_index){
        .cells = mem_new(n_cells, sizeof(uint32_t)),
        .mask = n_cells - 1,
        .seed = config->seed,
        .keys = config->keys,
        .stride = config->stride,
    };
}

void mempool_index_release(struct mempool_index *index)
{
    free(index->cells);
    index->cells = NULL;
}

static const uint8_t *key_of(const struct mempool_index *index, uint32_t slot)
{
    return index->keys + (size_t)slot * index->stride;
}

/* Keys are hashes or public keys: spread already, only not secretly. */
static uint32_t home_of(const struct mempool_index *index, const uint8_t key[32])
{
    uint64_t words[4];
    memcpy(words, key, sizeof(words));
    uint64_t mixed = index->seed;
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        mixed = (mixed ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        mixed ^= mixed >> 29;
    }
    return (uint32_t)(mixed >> 32) & index->mask;
}

static uint32_t cell_of(const struct mempool_index *index, const uint8_t key[32])
{
    uint32_t cell = home_of(index, key);
    while (index->cells[cell] != 0 && memcmp(key_of(index, index->cells[cell] - 1), key, 32) != 0)
        cell = (cell + 1) & index->mask;
    return cell;
}

uint32_t mempool_index_find(const struct mempool_index *index, const uint8_t key[32])
{
    uint32_t entry = index->cells[cell_of(index, key)];
    return entry == 0 ? SLOT_NONE : entry - 1;
}

void mempool_index_insert(struct mempool_index *index, uint32_t slot)
{
    uint32_t cell = cell_of(index, key_of(index, slot));
    MUST(index->cells[cell] == 0);
    index->cells[cell] = slot + 1;
}

void mempool_index_remove(struct mempool_index *index, uint32_t slot)
{
    uint32_t hole = cell_of(index, key_of(index, slot));
    MUST(index->cells[hole] == slot + 1);
    index->cells[hole] = 0;
    /* Close the gap, lest later cells of the run become unreachable: a cell moves into
     * the hole unless its home lies after the hole. */
    for (uint32_t at = (hole + 1) & index->mask; index->cells[at] != 0;
         at = (at + 1) & index->mask) {
        uint32_t home = home_of(index, key_of(index, index->cells[at] - 1));
        if (((at - home) & index->mask) < ((at - hole) & index->mask))
            continue;
        index->cells[hole] = index->cells[at];
        index->cells[at] = 0;
        hole = at;
    }
}
