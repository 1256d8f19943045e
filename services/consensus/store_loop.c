/* The store in a service's loop: its descriptors come and go with the connections. */
#include "services/consensus/store_state.h"

#include <stdlib.h>

#include "common/loop.h"
#include "common/must.h"

/* Readiness only wakes the loop: the hook does the work, once per turn. */
static bool on_wake(void *arg, short revents)
{
    (void)arg;
    (void)revents;
    return false;
}

static void watch(struct store *store, const struct db *db, int *watched)
{
    int fd = db_fd(db);
    if (fd != *watched) {
        if (*watched >= 0)
            loop_remove_fd(store->loop, *watched);
        *watched = -1;
        if (fd < 0)
            return;
        loop_add_fd(store->loop, fd, db_events(db), (struct loop_fn){.call = on_wake});
        *watched = fd;
    } else if (fd >= 0) {
        loop_set_events(store->loop, fd, db_events(db));
    }
}

static void unwatch(struct store *store)
{
    for (size_t i = 0; i < STORE_FDS_MAX; i++) {
        if (store->loop_fds[i] >= 0)
            loop_remove_fd(store->loop, store->loop_fds[i]);
        store->loop_fds[i] = -1;
    }
}

static void turn(void *arg, uint64_t now_ms)
{
    struct store *store = arg;
    store_ready(store, now_ms);
    if (store->failure != APM_OK) {
        unwatch(store);
        return;
    }
    watch(store, store->writer, &store->loop_fds[0]);
    watch(store, store->projector, &store->loop_fds[1]);
    watch(store, store->reader, &store->loop_fds[2]);
}

static uint64_t deadline(void *arg)
{
    return store_deadline_ms(arg);
}

void store_attach(struct store *store, struct loop *loop)
{
    MUST(store->loop == NULL);
    store->loop = loop;
    for (size_t i = 0; i < STORE_FDS_MAX; i++)
        store->loop_fds[i] = -1;
    loop_add_hook(loop, (struct loop_hook){.turn = turn, .deadline_ms = deadline, .arg = store});
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    if ((*store)->loop != NULL) {
        unwatch(*store);
        loop_remove_hook((*store)->loop, *store);
    }
    db_destroy(&(*store)->writer);
    db_destroy(&(*store)->projector);
    db_destroy(&(*store)->reader);
    persist_release(*store);
    commit_release(*store);
    free(*store);
    *store = NULL;
}
