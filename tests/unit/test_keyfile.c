/* keyfile: readable by openssl, unreadable by others, refused when damaged. */
#include "tests/support/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/keyfile.h"

static char directory[64];
static char path[96];
static struct why why;

static void fixture(void)
{
    snprintf(directory, sizeof(directory), "/tmp/apm2-key-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/k.pem", directory);
}

static void cleanup(void)
{
    unlink(path);
    rmdir(directory);
}

static void write_text(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* The 32 raw public bytes at the end of what openssl derives from our file. */
static void openssl_public(uint8_t ret_key[32])
{
    char command[256];
    snprintf(command, sizeof(command), "openssl pkey -in %s -pubout -outform DER", path);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    uint8_t der[128];
    size_t size = fread(der, 1, sizeof(der), pipe);
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_uint_eq(size, 44);
    memcpy(ret_key, der + 12, 32);
}

START_TEST(openssl_derives_the_same_signing_key)
{
    struct sign_pair pair;
    struct sign_pair read;
    sign_pair_new(&pair);
    ck_assert_int_eq(keyfile_write_sign(path, &pair, &why), APM_OK);
    ck_assert_int_eq(keyfile_read_sign(path, &read, &why), APM_OK);
    ck_assert_mem_eq(&pair, &read, sizeof(pair));
    uint8_t theirs[32];
    openssl_public(theirs);
    ck_assert_mem_eq(theirs, pair.public_key.b, 32);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(keyfile_write_sign(path, &pair, &why), APM_ERR_BUSY);
}
END_TEST

START_TEST(openssl_derives_the_same_curve_key)
{
    struct curve_pair pair;
    struct curve_pair read;
    curve_pair_new(&pair);
    ck_assert_int_eq(keyfile_write_curve(path, &pair, &why), APM_OK);
    ck_assert_int_eq(keyfile_read_curve(path, &read, &why), APM_OK);
    ck_assert_mem_eq(&pair, &read, sizeof(pair));
    uint8_t theirs[32];
    openssl_public(theirs);
    ck_assert_mem_eq(theirs, pair.public_key.b, 32);
}
END_TEST

START_TEST(openssl_keys_are_read)
{
    char command[256];
    snprintf(command, sizeof(command), "umask 077; openssl genpkey -algorithm ed25519 -out %s",
             path);
    ck_assert_int_eq(system(command), 0);
    struct sign_pair pair;
    ck_assert_int_eq(keyfile_read_sign(path, &pair, &why), APM_OK);
    uint8_t theirs[32];
    openssl_public(theirs);
    ck_assert_mem_eq(theirs, pair.public_key.b, 32);
    struct curve_pair curve;
    ck_assert_int_eq(keyfile_read_curve(path, &curve, &why), APM_ERR_KEY_FILE);
    ck_assert_ptr_nonnull(strstr(why.text, "holds an ed25519 key"));
}
END_TEST

START_TEST(modes_open_to_others_are_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666};
    struct sign_pair pair;
    sign_pair_new(&pair);
    ck_assert_int_eq(keyfile_write_sign(path, &pair, &why), APM_OK);
    ck_assert_int_eq(chmod(path, modes[_i]), 0);
    ck_assert_int_eq(keyfile_read_sign(path, &pair, &why), APM_ERR_KEY_FILE);
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", modes[_i]);
    ck_assert_ptr_nonnull(strstr(why.text, mode));
    ck_assert_ptr_nonnull(strstr(why.text, "chmod 600"));
}
END_TEST

START_TEST(another_users_file_is_refused)
{
    if (geteuid() != 0)
        return; /* only root can give a file away */
    struct sign_pair pair;
    sign_pair_new(&pair);
    ck_assert_int_eq(keyfile_write_sign(path, &pair, &why), APM_OK);
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    ck_assert_int_eq(keyfile_read_sign(path, &pair, &why), APM_ERR_KEY_FILE);
    ck_assert_ptr_nonnull(strstr(why.text, "12345"));
}
END_TEST

#define BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define END "\n-----END PRIVATE KEY-----\n"
#define BODY "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"

static const struct row {
    const char *label;
    const char *text;
    enum apm_err want;
} rows[] = {
    {"as the RFC prints it", BEGIN BODY END, APM_OK},
    {"wrapped lines",
     BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK\r\n1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC" END, APM_OK},
    {"empty", "", APM_ERR_KEY_FILE},
    {"no end", BEGIN BODY, APM_ERR_KEY_FILE},
    {"no begin", BODY END, APM_ERR_KEY_FILE},
    {"nothing inside", BEGIN END, APM_ERR_KEY_FILE},
    {"cut body", BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK" END, APM_ERR_KEY_FILE},
    {"bad character", BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06!nwoy/HU++CXqI9EdVhC" END,
     APM_ERR_KEY_FILE},
    {"one byte more", BEGIN BODY "AA==" END, APM_ERR_KEY_FILE},
    {"another algorithm",
     BEGIN "MC4CAQAwBQYDK2VxBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC" END,
     APM_ERR_KEY_FILE},
    {"text before", "hello\n" BEGIN BODY END, APM_ERR_KEY_FILE},
    {"a second key after", BEGIN BODY END BEGIN BODY END, APM_ERR_KEY_FILE},
};

START_TEST(texts)
{
    const struct row *row = &rows[_i];
    write_text(row->text);
    struct sign_pair pair;
    enum apm_err got = keyfile_read_sign(path, &pair, &why);
    ck_assert_msg(got == row->want, "%s: got %d", row->label, got);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct sign_pair pair;
    ck_assert_int_eq(keyfile_read_sign(path, &pair, &why), APM_ERR_NOT_FOUND);
    ck_assert_int_eq(keyfile_read_sign(directory, &pair, &why), APM_ERR_KEY_FILE);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(keyfile_read_sign(path, &pair, &why), APM_ERR_KEY_FILE);
}
END_TEST

UNIT_MAIN("keyfile", fixture, cleanup, {
    tcase_add_test(tc, openssl_derives_the_same_signing_key);
    tcase_add_test(tc, openssl_derives_the_same_curve_key);
    tcase_add_test(tc, openssl_keys_are_read);
    tcase_add_loop_test(tc, modes_open_to_others_are_refused, 0, 6);
    tcase_add_test(tc, another_users_file_is_refused);
    tcase_add_loop_test(tc, texts, 0, (int)N_ELEMENTS(rows));
    tcase_add_test(tc, what_is_no_file_is_refused);
})
