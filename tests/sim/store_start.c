/* What a start makes of the disk: which key's turn it is, and by the shipped rules its record. */
#include "tests/sim/store.h"
#include "tests/sim/world.h"

static bool is_pinned_in(const struct world *world, uint64_t epoch, const struct identity *who)
{
    const struct members *members = &world->roster->epochs[epoch].members;

    return members_pin(members, &who->key, &who->instance) < members->n;
}

/* Proofs outlive what they were stored with: the newest there is says whose turn it is. */
static uint64_t newest_epoch(const struct store *store)
{
    uint64_t epoch = 63 - (uint64_t)__builtin_clzll(store->epochs);

    epoch = store->file.epoch > epoch ? store->file.epoch : epoch;
    return store->record.epoch > epoch ? store->record.epoch : epoch;
}

enum safety_start store_reconcile(const struct world *world, struct replica *replica)
{
    struct store *store = &replica->store;
    struct safety_record born;
    const struct identity current = {store->file.key, store->file.instance};
    bool is_lost = store->has_lost_file && hash_eq(&store->lost_instance, &current.instance);
    bool is_spare = store->has_spare && is_pinned_in(world, newest_epoch(store), &store->spare);
    struct safety_found found = {.file_state = SAFETY_FILE_GOOD,
                                 .is_newest_torn = store->is_torn,
                                 .file = &store->file,
                                 .store = &store->record,
                                 .instance = current.instance};
    enum safety_start_reason reason;

    if (is_spare) {
        store_born_record(world, &store->spare, false, &born);
        found.instance = store->spare.instance;
        found.file = &born;
        found.is_newest_torn = false;
    } else if (is_lost) {
        found.file_state = SAFETY_FILE_MISSING;
        found.file = NULL;
    }
    /* A record of the key before is none of the new one. */
    if (!hash_eq(&store->record.instance, &found.instance))
        found.store = NULL;
    enum safety_start start = safety_reconcile(&found, &store->signer, &reason);

    store->is_repairing = start == SAFETY_START_REPAIR;
    return start;
}

void store_repaired(struct replica *replica)
{
    struct store *store = &replica->store;

    if (!store->is_repairing)
        return;
    copy_record(&store->file_before, &store->file);
    copy_record(&store->file, &store->signer);
    store->is_repairing = false;
    store->is_torn = false;
    if (store->has_spare && hash_eq(&store->file.instance, &store->spare.instance))
        store->has_spare = store->has_lost_file = false;
}
