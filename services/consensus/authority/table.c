#include "services/consensus/authority/table.h"

#include "common/must.h"

uint32_t table_cells(uint32_t capacity)
{
    uint32_t n = 2;

    while (n < 2 * capacity)
        n *= 2;
    return n;
}

static uint32_t home_of(const struct table *table, const struct hash *key)
{
    uint32_t start;

    memcpy(&start, key->b, sizeof(start));
    return start & (table->n_cells - 1);
}

static uint32_t after(const struct table *table, uint32_t cell)
{
    return (cell + 1) & (table->n_cells - 1);
}

/* The cell of the key, or the empty one where it would go. */
static uint32_t cell_of(const struct table *table, const struct hash *key)
{
    uint32_t cell = home_of(table, key);

    while (table->cells[cell] != 0 && !hash_eq(&table->keys[table->cells[cell] - 1], key))
        cell = after(table, cell);
    return cell;
}

uint32_t table_find(const struct table *table, const struct hash *key)
{
    uint32_t cell = cell_of(table, key);
    return table->cells[cell] == 0 ? SLOT_NONE : table->cells[cell] - 1;
}

static uint32_t slot_take(struct table *table)
{
    uint32_t slot = table->free_list;

    if (slot == SLOT_NONE)
        return table->n_touched++;
    table->free_list = table->next_free[slot];
    return slot;
}

uint32_t table_add(struct table *table, const struct hash *key)
{
    if (table_is_full(table))
        return SLOT_NONE;

    uint32_t cell = cell_of(table, key);
    MUST(table->cells[cell] == 0);
    uint32_t slot = slot_take(table);
    table->keys[slot] = *key;
    table->cells[cell] = slot + 1;
    table->n++;
    return slot;
}

/* How far `cell` lies behind the key's home, around the end. */
static uint32_t distance(const struct table *table, uint32_t cell)
{
    uint32_t home = home_of(table, &table->keys[table->cells[cell] - 1]);
    return (cell - home) & (table->n_cells - 1);
}

void table_remove(struct table *table, uint32_t slot)
{
    uint32_t hole = cell_of(table, &table->keys[slot]);
    MUST(table->cells[hole] == slot + 1);

    /* Later cells of the run move up into the hole when their home allows it, so
     * that no probe ends early. */
    for (uint32_t cell = after(table, hole); table->cells[cell] != 0; cell = after(table, cell)) {
        uint32_t gap = (cell - hole) & (table->n_cells - 1);
        if (distance(table, cell) < gap)
            continue;
        table->cells[hole] = table->cells[cell];
        hole = cell;
    }
    table->cells[hole] = 0;
    table->keys[slot] = (struct hash){{0}};
    table->next_free[slot] = table->free_list;
    table->free_list = slot;
    table->n--;
}

uint32_t table_next(const struct table *table, uint32_t slot)
{
    while (slot < table->n_touched && hash_is_zero(&table->keys[slot]))
        slot++;
    return slot < table->n_touched ? slot : SLOT_NONE;
}
