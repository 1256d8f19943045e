/* The safety file. What was written and not synced is lost with the power, so the shim
 * keeps what the disk holds for certain; the driver puts that back after a crash. */
#include "tests/crash/shim.h"

#include <time.h>
#include <unistd.h>

/* How much of a write is its half: counter, checksum and the record's first fields. What
 * follows is mostly certificates, often the same as in the record before last: a cut there
 * would leave the slot whole. */
#define TORN_BYTES 96u

/* Of the signer alone, which has one file and one thread. */
static struct {
    size_t at;
    size_t size;
} unsynced;

/* Bytes at..at+size of the file reach the disk. */
static void make_durable(int fd, size_t at, size_t size)
{
    struct crash_node *self = shim.self;
    if (at >= sizeof(self->file))
        return;
    if (size > sizeof(self->file) - at)
        size = sizeof(self->file) - at;
    ssize_t n = pread(fd, self->file + at, size, (off_t)at);
    if (n > 0 && at + (size_t)n > self->file_size)
        self->file_size = at + (size_t)n;
}

/* A proposal it stores only once that is signed: then this is just a pause. */
static void await_database(void)
{
    struct timespec pause = {.tv_nsec = 1000000L};
    uint32_t n_before = atomic_load(&shim.self->n_stored);
    for (int i = 0; i < 300 && atomic_load(&shim.self->n_stored) == n_before; i++)
        (void)nanosleep(&pause, NULL);
}

SHIM_API ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    if (!shim_is_signer())
        return SHIM_NEXT(pwrite64)(fd, bytes, size, at);
    enum crash_mode mode = shim_at("file.write", shim.kind);
    if (mode == CRASH_BEFORE)
        shim_die();
    if (mode == CRASH_HALFWAY) {
        /* Torn: the beginning did reach the disk. Meanwhile the database, which writes the
         * same record in parallel, gets done: it will be one ahead. */
        ssize_t half = SHIM_NEXT(pwrite64)(fd, bytes, TORN_BYTES, at);
        make_durable(fd, (size_t)at, half > 0 ? (size_t)half : 0);
        await_database();
        shim_die();
    }
    ssize_t n = SHIM_NEXT(pwrite64)(fd, bytes, size, at);
    if (mode == CRASH_AFTER)
        shim_die(); /* all of it is lost */
    unsynced.at = (size_t)at;
    unsynced.size = n > 0 ? (size_t)n : 0;
    return n;
}

static int sync_at_open(int fd)
{
    enum crash_mode mode = shim_at("file.sync", "open");
    if (mode == CRASH_BEFORE || mode == CRASH_HALFWAY)
        shim_die();
    int result = SHIM_NEXT(fdatasync)(fd);
    if (shim.self->file_size == 0)
        make_durable(fd, 0, sizeof(shim.self->file));
    if (mode == CRASH_AFTER)
        shim_die();
    return result;
}

SHIM_API int fdatasync(int fd)
{
    if (!shim_is_signer())
        return SHIM_NEXT(fdatasync)(fd);
    if (unsynced.size == 0)
        return sync_at_open(fd);
    enum crash_mode mode = shim_at("file.sync", shim.kind);
    if (shim.plant == CRASH_PLANT_NO_SYNC && mode != CRASH_PASS)
        shim_die();
    if (shim.plant == CRASH_PLANT_NO_SYNC)
        return 0;
    if (mode == CRASH_BEFORE) {
        /* The system wrote the pages by itself, just in time. */
        make_durable(fd, unsynced.at, unsynced.size);
        shim_die();
    }
    if (mode == CRASH_HALFWAY) {
        make_durable(fd, unsynced.at, TORN_BYTES);
        await_database();
        shim_die();
    }
    int result = SHIM_NEXT(fdatasync)(fd);
    if (result == 0)
        make_durable(fd, unsynced.at, unsynced.size);
    if (mode == CRASH_AFTER)
        shim_die();
    return result;
}
