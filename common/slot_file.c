#include "common/slot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/explain.h"
#include "common/hash.h"
#include "common/must.h"
#include "common/new_file.h"

#define SLOT_MAGIC_BYTES 8u
#define SLOT_HEADER_BYTES                                                                          \
    (SLOT_MAGIC_BYTES + 8u + 8u + 32u)        /* magic, counter, length, checksum                  \
                                               */
#define SLOT_BYTES (RECORD_BYTES_MAX + 4096u) /* whole pages: no write touches both slots */
#define SLOTS 2u

static const uint8_t slot_magic[SLOT_MAGIC_BYTES] = {'a', 'p', 'm', '2', 's', 'l', 'o', 't'};

struct slot_file {
    int fd;
    bool is_dead;
    bool newest_torn;
    uint32_t newest; /* slot */
    uint64_t counter;
    size_t size;                 /* of the newest record */
    uint8_t record[SLOT_BYTES];  /* the newest record */
    uint8_t scratch[SLOT_BYTES]; /* a slot on its way in or out */
};

static void put_u64(uint8_t out[8], uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)value;
}

static uint64_t get_u64(const uint8_t in[8])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

/* Over counter, length and bytes, so that no two of them can be of different writes. */
static struct hash slot_checksum(const uint8_t *slot, size_t size)
{
    struct span parts[] = {span_of(slot + SLOT_MAGIC_BYTES, 16),
                           span_of(slot + SLOT_HEADER_BYTES, size)};
    return hash_tagged("apm2/slot/1", parts, N_ELEMENTS(parts));
}

/* Returns the bytes used of `out`. */
static size_t slot_encode(uint64_t counter, struct span record, uint8_t out[SLOT_BYTES])
{
    MUST(record.size <= RECORD_BYTES_MAX);
    memcpy(out, slot_magic, sizeof(slot_magic));
    put_u64(out + SLOT_MAGIC_BYTES, counter);
    put_u64(out + SLOT_MAGIC_BYTES + 8, record.size);
    if (record.size > 0)
        memcpy(out + SLOT_HEADER_BYTES, record.data, record.size);
    struct hash checksum = slot_checksum(out, record.size);
    memcpy(out + SLOT_MAGIC_BYTES + 16, checksum.b, sizeof(checksum.b));
    return SLOT_HEADER_BYTES + record.size;
}

static bool slot_decode(const uint8_t slot[SLOT_BYTES], uint64_t *ret_counter, size_t *ret_size)
{
    uint64_t size = get_u64(slot + SLOT_MAGIC_BYTES + 8);
    if (memcmp(slot, slot_magic, sizeof(slot_magic)) != 0 || size > RECORD_BYTES_MAX)
        return false;
    struct hash checksum = slot_checksum(slot, (size_t)size);
    if (memcmp(slot + SLOT_MAGIC_BYTES + 16, checksum.b, sizeof(checksum.b)) != 0)
        return false;
    *ret_counter = get_u64(slot + SLOT_MAGIC_BYTES);
    *ret_size = (size_t)size;
    return true;
}

enum apm_err slot_file_create(const char *path, uint64_t counter, struct span record)
{
    if (record.size > RECORD_BYTES_MAX)
        return APM_ERR_TOO_LARGE;
    uint8_t *image = calloc(SLOTS, SLOT_BYTES);
    MUST(image != NULL);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        (void)slot_encode(counter, record, image + (size_t)slot * SLOT_BYTES);

    enum apm_err err = new_file_write(path, span_of(image, SLOTS * SLOT_BYTES), 0600);
    free(image);
    return err;
}

static int pread_slot(struct slot_file *file, uint32_t slot)
{
    size_t done = 0;
    while (done < SLOT_BYTES) {
        off_t at = (off_t)((size_t)slot * SLOT_BYTES + done);
        ssize_t n = pread(file->fd, file->scratch + done, SLOT_BYTES - done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            break; /* cut short: what is missing reads as zeros and fails its checksum */
        done += (size_t)n;
    }
    memset(file->scratch + done, 0, SLOT_BYTES - done);
    return 0;
}

static int pwrite_slot(const struct slot_file *file, uint32_t slot, size_t size)
{
    size_t done = 0;
    while (done < size) {
        off_t at = (off_t)((size_t)slot * SLOT_BYTES + done);
        ssize_t n = pwrite(file->fd, file->scratch + done, size - done, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        done += (size_t)n;
    }
    return 0;
}

static void take_slot(struct slot_file *file, uint32_t slot, uint64_t counter, size_t size)
{
    file->newest = slot;
    file->counter = counter;
    file->size = size;
    memcpy(file->record, file->scratch + SLOT_HEADER_BYTES, size);
}

static enum apm_err load(struct slot_file *file)
{
    uint32_t n_whole = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        int error = pread_slot(file, slot);
        if (error != 0)
            return err_of_errno(error);
        uint64_t counter;
        size_t size;
        if (!slot_decode(file->scratch, &counter, &size))
            continue;
        if (n_whole == 0 || counter > file->counter)
            take_slot(file, slot, counter, size);
        n_whole++;
    }
    file->newest_torn = n_whole < SLOTS;
    return n_whole > 0 ? APM_OK : APM_ERR_CORRUPT;
}

static enum apm_err check_and_load(struct slot_file *file)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return err_of_errno(errno);
    if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0 || status.st_uid != geteuid())
        return APM_ERR_KEY_FILE;
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? APM_ERR_FENCED : err_of_errno(errno);
    if (fdatasync(file->fd) != 0)
        return err_of_errno(errno);
    return load(file);
}

enum apm_err slot_file_open(const char *path, struct slot_file **ret_file)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ELOOP ? APM_ERR_KEY_FILE : err_of_errno(errno);

    struct slot_file *file = calloc(1, sizeof(*file));
    MUST(file != NULL);
    file->fd = fd;
    enum apm_err err = check_and_load(file);
    if (err != APM_OK) {
        slot_file_close(&file);
        return err;
    }
    *ret_file = file;
    return APM_OK;
}

void slot_file_newest(const struct slot_file *file, uint64_t *ret_counter, struct span *ret_record,
                      bool *ret_newest_torn)
{
    *ret_counter = file->counter;
    *ret_record = span_of(file->record, file->size);
    *ret_newest_torn = file->newest_torn;
}

enum apm_err slot_file_write(struct slot_file *file, uint64_t counter, struct span record)
{
    if (file->is_dead)
        return APM_ERR_IO;
    if (counter <= file->counter || record.size > RECORD_BYTES_MAX)
        return APM_ERR_BAD_INPUT;

    uint32_t slot = 1 - file->newest;
    size_t size = slot_encode(counter, record, file->scratch);
    int error = pwrite_slot(file, slot, size);
    if (error == 0 && fdatasync(file->fd) != 0)
        error = errno;
    if (error != 0) {
        file->is_dead = true;
        return err_of_errno(error);
    }
    take_slot(file, slot, counter, record.size);
    file->newest_torn = false;
    return APM_OK;
}

void slot_file_close(struct slot_file **file)
{
    if (*file == NULL)
        return;
    close((*file)->fd);
    free(*file);
    *file = NULL;
}
