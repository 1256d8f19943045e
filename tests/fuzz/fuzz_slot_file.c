/* The two slots of a safety file. Input: flags, how many bytes of the rest are slot 0's
 * (u16), and both slots' beginnings; what is not given is zeros. Flags 1 and 2 put a good
 * checksum on slot 0 and 1, flag 4 cuts the file off where the input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/slot_file.h"
#include "tests/fuzz/fuzz.h"

/* The file's form, written down apart from slot_file.c. */
#define SLOT_BYTES (64u * KIB + 4096u)
#define SUMMED_AT 8u /* counter and length, after the magic */
#define LENGTH_AT 16u
#define SUM_AT 24u
#define RECORD_AT 56u

static void seal(uint8_t *slot)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < 8; i++)
        length = length << 8 | slot[LENGTH_AT + i];
    if (length > RECORD_BYTES_MAX)
        return;
    const struct span parts[] = {span_of(slot + SUMMED_AT, 16),
                                 span_of(slot + RECORD_AT, (size_t)length)};
    struct hash sum = hash_tagged("apm2/slot/1", parts, N_ELEMENTS(parts));
    memcpy(slot + SUM_AT, sum.b, sizeof(sum.b));
}

/* Returns the file's size. */
static size_t make_image(struct span input, uint8_t image[2 * SLOT_BYTES])
{
    struct span rest = span_of(input.data + 3, input.size - 3);
    size_t first = (size_t)input.data[1] << 8 | input.data[2];
    first = first < rest.size ? first : rest.size;

    memset(image, 0, 2 * SLOT_BYTES);
    memcpy(image, rest.data, first);
    memcpy(image + SLOT_BYTES, rest.data + first, rest.size - first);
    if ((input.data[0] & 1) != 0)
        seal(image);
    if ((input.data[0] & 2) != 0)
        seal(image + SLOT_BYTES);
    return (input.data[0] & 4) != 0 ? SLOT_BYTES + rest.size - first : 2 * SLOT_BYTES;
}

/* What was opened can be written over, and is then the newest. */
static void check_write(const char *path, struct slot_file *file)
{
    uint64_t counter;
    uint64_t counter_again;
    struct span record;
    bool is_torn;

    slot_file_newest(file, &counter, &record, &is_torn);
    MUST(record.size <= RECORD_BYTES_MAX);
    bool is_last = counter == UINT64_MAX;
    MUST((slot_file_write(file, counter + 1, span_of("next", 4)) == APM_OK) == !is_last);
    slot_file_close(&file);
    MUST(slot_file_open(path, &file) == APM_OK);
    slot_file_newest(file, &counter_again, &record, &is_torn);
    MUST(is_last || (counter_again == counter + 1 && record.size == 4 && !is_torn));
    slot_file_close(&file);
}

static void check_file(const char *path, struct span image)
{
    struct slot_file *file = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    MUST(fd >= 0 && write(fd, image.data, image.size) == (ssize_t)image.size && close(fd) == 0);
    enum apm_err err = slot_file_open(path, &file);
    MUST(err == APM_OK || err == APM_ERR_CORRUPT);
    if (err == APM_OK)
        check_write(path, file);
    MUST(unlink(path) == 0);
}

static void run(struct span input)
{
    char directory[] = "/dev/shm/apm2-fuzz-XXXXXX"; /* no disk: it is synced thousands of times */
    char path[64];
    uint8_t image[2 * SLOT_BYTES];

    if (input.size < 3)
        return;
    size_t size = make_image(input, image);
    MUST(mkdtemp(directory) != NULL);
    (void)snprintf(path, sizeof(path), "%s/safety", directory);
    check_file(path, span_of(image, size));
    MUST(rmdir(directory) == 0);
}

const struct fuzz_target fuzz_target = {.run = run, .heap_base = 256 * KIB, .heap_per_byte = 8};
