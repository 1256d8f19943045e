#include "common/db_watch.h"

#include "common/must.h"

/* Readiness only wakes the loop: the hook does the work, once per turn. */
static bool on_wake(void *arg, short revents)
{
    struct db_watch *watch = arg;

    (void)revents;
    watch->is_ready = true;
    return false;
}

static void unwatch(struct db_watch *watch)
{
    if (watch->fd >= 0)
        loop_remove_fd(watch->loop, watch->fd);
    watch->fd = -1;
}

static void follow_socket(struct db_watch *watch)
{
    int fd = db_fd(watch->db);

    if (fd != watch->fd) {
        unwatch(watch);
        if (fd < 0)
            return;
        loop_add_fd(watch->loop, fd, db_events(watch->db), (struct loop_fn){on_wake, watch});
        watch->fd = fd;
    } else if (fd >= 0) {
        loop_set_events(watch->loop, fd, db_events(watch->db));
    }
}

/* A read costs a system call: only when there is something. */
static void turn(void *arg, uint64_t now_ms)
{
    struct db_watch *watch = arg;

    if (watch->is_ready || watch->fd < 0 || db_deadline_ms(watch->db) <= now_ms)
        db_ready(watch->db, now_ms);
    watch->is_ready = false;
    if (watch->db != NULL)
        follow_socket(watch);
}

static uint64_t deadline_ms(void *arg)
{
    const struct db_watch *watch = arg;
    return db_deadline_ms(watch->db);
}

void db_watch_start(struct db_watch *watch, struct db *db, struct loop *loop)
{
    MUST(watch->db == NULL);
    *watch = (struct db_watch){.db = db, .loop = loop, .fd = -1};
    loop_add_hook(loop, (struct loop_hook){turn, deadline_ms, watch});
}

void db_watch_stop(struct db_watch *watch)
{
    if (watch->db == NULL)
        return;
    unwatch(watch);
    loop_remove_hook(watch->loop, watch);
    *watch = (struct db_watch){.fd = -1};
}
