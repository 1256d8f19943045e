/* slot_file: whatever a crash leaves in one slot, the other's record stands. */
#include "tests/support/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/slot_file.h"

#define SLOT_BYTES (RECORD_BYTES_MAX + 4096u)

static char directory[64];
static char path[96];

static void fixture(void)
{
    snprintf(directory, sizeof(directory), "/tmp/apm2-slot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/n1.safety", directory);
}

static void cleanup(void)
{
    unlink(path);
    rmdir(directory);
}

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

static struct slot_file *open_file(void)
{
    struct slot_file *file = NULL;
    ck_assert_int_eq(slot_file_open(path, &file), APM_OK);
    return file;
}

static void expect(const struct slot_file *file, uint64_t counter, const char *record, bool torn)
{
    uint64_t got_counter;
    struct span got;
    bool got_torn;
    slot_file_newest(file, &got_counter, &got, &got_torn);
    ck_assert_uint_eq(got_counter, counter);
    ck_assert(span_eq(got, text(record)));
    ck_assert_int_eq(got_torn, torn);
}

/* Changes one byte of the file, as a torn write or a bad sector would. */
static void flip(off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

START_TEST(what_was_written_last_is_read)
{
    ck_assert_int_eq(slot_file_create(path, 1, text("born")), APM_OK);
    struct slot_file *file = open_file();
    expect(file, 1, "born", false);

    for (uint64_t counter = 2; counter < 40; counter++) {
        char record[32];
        snprintf(record, sizeof(record), "record %d", (int)counter);
        ck_assert_int_eq(slot_file_write(file, counter, text(record)), APM_OK);
        expect(file, counter, record, false);
        slot_file_close(&file);
        file = open_file();
        expect(file, counter, record, false);
    }
    slot_file_close(&file);
    ck_assert_ptr_null(file);
}
END_TEST

START_TEST(an_existing_file_is_refused_and_left_alone)
{
    ck_assert_int_eq(slot_file_create(path, 7, text("first")), APM_OK);
    ck_assert_int_eq(slot_file_create(path, 1, text("second")), APM_ERR_BUSY);
    struct slot_file *file = open_file();
    expect(file, 7, "first", false);
    slot_file_close(&file);
}
END_TEST

/* Written: "one" (both slots), "two" into slot 1, "three" into slot 0. */
static const struct row {
    const char *label;
    off_t at;
    const char *want;
    uint64_t counter;
} rows[] = {
    {"magic of the newest", 0, "two", 2},
    {"counter of the newest", 15, "two", 2},
    {"length of the newest", 23, "two", 2},
    {"checksum of the newest", 30, "two", 2},
    {"bytes of the newest", 56, "two", 2},
    {"magic of the older", SLOT_BYTES, "three", 3},
    {"bytes of the older", SLOT_BYTES + 58, "three", 3},
};

static void write_three(void)
{
    ck_assert_int_eq(slot_file_create(path, 1, text("one")), APM_OK);
    struct slot_file *file = open_file();
    ck_assert_int_eq(slot_file_write(file, 2, text("two")), APM_OK);
    ck_assert_int_eq(slot_file_write(file, 3, text("three")), APM_OK);
    slot_file_close(&file);
}

START_TEST(one_bad_slot_leaves_the_other)
{
    const struct row *row = &rows[_i];
    write_three();
    flip(row->at);

    struct slot_file *file = open_file();
    expect(file, row->counter, row->want, true);
    /* The next write goes over the bad slot and heals the file. */
    ck_assert_int_eq(slot_file_write(file, 9, text("healed")), APM_OK);
    expect(file, 9, "healed", false);
    slot_file_close(&file);
    file = open_file();
    expect(file, 9, "healed", false);
    slot_file_close(&file);
}
END_TEST

START_TEST(two_bad_slots_are_corrupt)
{
    write_three();
    flip(56);
    flip(SLOT_BYTES + 56);
    struct slot_file *file = NULL;
    ck_assert_int_eq(slot_file_open(path, &file), APM_ERR_CORRUPT);
    ck_assert_ptr_null(file);
}
END_TEST

START_TEST(a_file_cut_anywhere_never_reads_wrong)
{
    write_three();
    ck_assert_int_eq(truncate(path, SLOT_BYTES + 20), 0);
    struct slot_file *file = open_file();
    expect(file, 3, "three", true);
    slot_file_close(&file);
    ck_assert_int_eq(truncate(path, 20), 0);
    ck_assert_int_eq(slot_file_open(path, &file), APM_ERR_CORRUPT);
}
END_TEST

START_TEST(refused_files)
{
    struct slot_file *file = NULL;
    ck_assert_int_eq(slot_file_open(path, &file), APM_ERR_NOT_FOUND);
    ck_assert_int_eq(slot_file_create(path, 1, text("x")), APM_OK);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(slot_file_open(path, &file), APM_ERR_KEY_FILE);
    ck_assert_int_eq(chmod(path, 0604), 0);
    ck_assert_int_eq(slot_file_open(path, &file), APM_ERR_KEY_FILE);
    ck_assert_int_eq(chmod(path, 0600), 0);
    file = open_file();
    struct slot_file *second = NULL;
    ck_assert_int_eq(slot_file_open(path, &second), APM_ERR_FENCED);
    slot_file_close(&file);
}
END_TEST

START_TEST(a_counter_must_rise_and_a_record_must_fit)
{
    static uint8_t large[RECORD_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    ck_assert_int_eq(slot_file_create(path, 5, text("five")), APM_OK);
    struct slot_file *file = open_file();
    ck_assert_int_eq(slot_file_write(file, 5, text("again")), APM_ERR_BAD_INPUT);
    ck_assert_int_eq(slot_file_write(file, 6, span_of(large, sizeof(large))), APM_ERR_BAD_INPUT);
    expect(file, 5, "five", false);
    ck_assert_int_eq(slot_file_write(file, 6, span_of(large, RECORD_BYTES_MAX)), APM_OK);
    ck_assert_int_eq(slot_file_write(file, 7, text("short")), APM_OK);
    expect(file, 7, "short", false);
    slot_file_close(&file);
    file = open_file();
    expect(file, 7, "short", false);
    slot_file_close(&file);
}
END_TEST

START_TEST(after_a_failed_write_the_file_is_dead)
{
    ck_assert_int_eq(slot_file_create(path, 1, text("one")), APM_OK);
    struct slot_file *file = open_file();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit tiny = {1, limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    ck_assert_int_eq(slot_file_write(file, 2, text("two")), APM_ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);

    ck_assert_int_eq(slot_file_write(file, 3, text("three")), APM_ERR_IO);
    expect(file, 1, "one", false);
    slot_file_close(&file);
    file = open_file();
    expect(file, 1, "one", false);
    slot_file_close(&file);
}
END_TEST

UNIT_MAIN("slot_file", fixture, cleanup, {
    tcase_add_test(tc, what_was_written_last_is_read);
    tcase_add_test(tc, an_existing_file_is_refused_and_left_alone);
    tcase_add_loop_test(tc, one_bad_slot_leaves_the_other, 0, (int)N_ELEMENTS(rows));
    tcase_add_test(tc, two_bad_slots_are_corrupt);
    tcase_add_test(tc, a_file_cut_anywhere_never_reads_wrong);
    tcase_add_test(tc, refused_files);
    tcase_add_test(tc, a_counter_must_rise_and_a_record_must_fit);
    tcase_add_test(tc, after_a_failed_write_the_file_is_dead);
})
