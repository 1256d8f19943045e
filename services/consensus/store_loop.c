/* The store in a service's loop: its descriptors come and go with the connections. */
#include "services/consensus/store_state.h"

#include <stdlib.h>

#include "common/loop.h"
#include "common/must.h"

/* Readiness only wakes the loop: the hook does the work, once per turn. */
static bool on_wake(void *arg, short revents)
{
    struct store_watch *watch = arg;
    (void)revents;
    watch->is_ready = true;
    return false;
}

static void unwatch(struct store *store, struct store_watch *watch)
{
    if (watch->fd >= 0)
        loop_remove_fd(store->loop, watch->fd);
    watch->fd = -1;
}

static void watch_socket(struct store *store, struct store_watch *watch)
{
    int fd = db_fd(watch->db);
    if (fd != watch->fd) {
        unwatch(store, watch);
        if (fd < 0)
            return;
        loop_add_fd(store->loop, fd, db_events(watch->db), (struct loop_fn){on_wake, watch});
        watch->fd = fd;
    } else if (fd >= 0) {
        loop_set_events(store->loop, fd, db_events(watch->db));
    }
}

/* A read costs a system call: only of the sockets that have something. */
static void turn(void *arg, uint64_t now_ms)
{
    struct store *store = arg;
    for (size_t i = 0; i < STORE_FDS_MAX && store->failure == APM_OK; i++) {
        struct store_watch *watch = &store->watches[i];
        if (watch->is_ready || watch->fd < 0 || db_deadline_ms(watch->db) <= now_ms)
            db_ready(watch->db, now_ms);
        watch->is_ready = false;
    }
    for (size_t i = 0; i < STORE_FDS_MAX; i++)
        if (store->failure != APM_OK)
            unwatch(store, &store->watches[i]);
        else
            watch_socket(store, &store->watches[i]);
}

static uint64_t deadline(void *arg)
{
    return store_deadline_ms(arg);
}

void store_attach(struct store *store, struct loop *loop)
{
    MUST(store->loop == NULL);
    store->loop = loop;
    struct db *const connections[STORE_FDS_MAX] = {store->writer, store->projector, store->reader};
    for (size_t i = 0; i < STORE_FDS_MAX; i++)
        store->watches[i] = (struct store_watch){.db = connections[i], .fd = -1};
    loop_add_hook(loop, (struct loop_hook){.turn = turn, .deadline_ms = deadline, .arg = store});
}

void store_destroy(struct store **store)
{
    if (*store == NULL)
        return;
    if ((*store)->loop != NULL) {
        for (size_t i = 0; i < STORE_FDS_MAX; i++)
            unwatch(*store, &(*store)->watches[i]);
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
