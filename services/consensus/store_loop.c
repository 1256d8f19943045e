/* The store in a service's loop: each connection is watched as everybody's. */
#include "services/consensus/store_state.h"

#include <stdlib.h>

void store_attach(struct store *store, struct loop *loop)
{
    struct db *const connections[STORE_FDS_MAX] = {store->writer, store->projector, store->reader};

    for (size_t i = 0; i < STORE_FDS_MAX; i++)
        db_watch_start(&store->watches[i], connections[i], loop);
}

void store_detach(struct store *store)
{
    for (size_t i = 0; i < STORE_FDS_MAX; i++)
        db_watch_stop(&store->watches[i]);
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    store_detach(*store);
    db_destroy(&(*store)->writer);
    db_destroy(&(*store)->projector);
    db_destroy(&(*store)->reader);
    persist_release(*store);
    commit_release(*store);
    free(*store);
    *store = NULL;
}
