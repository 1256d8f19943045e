#include "common/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/must.h"
#include "common/new_file.h"
#include "common/pkcs8.h"

#define KEY_FILE_BYTES_MAX 4096u

/* Both derive the public half. */
static void sign_pair_of_seed(const uint8_t seed[32], struct sign_pair *ret_pair)
{
    MUST(crypto_sign_seed_keypair(ret_pair->public_key.b, ret_pair->secret, seed) == 0);
}

static void curve_pair_of_secret(const uint8_t secret[32], struct curve_pair *ret_pair)
{
    memcpy(ret_pair->secret, secret, 32);
    MUST(crypto_scalarmult_base(ret_pair->public_key.b, secret) == 0);
}

void sign_pair_new(struct sign_pair *ret_pair)
{
    MUST(sodium_init() >= 0);
    MUST(crypto_sign_keypair(ret_pair->public_key.b, ret_pair->secret) == 0);
}

void curve_pair_new(struct curve_pair *ret_pair)
{
    MUST(sodium_init() >= 0);
    MUST(crypto_box_keypair(ret_pair->public_key.b, ret_pair->secret) == 0);
}

void sign_pair_wipe(struct sign_pair *pair)
{
    sodium_memzero(pair->secret, sizeof(pair->secret));
}

void curve_pair_wipe(struct curve_pair *pair)
{
    sodium_memzero(pair->secret, sizeof(pair->secret));
}

static enum apm_err write_pem(const char *path, enum pkcs8_kind kind, const uint8_t secret[32],
                              struct why *ret_why)
{
    char pem[PKCS8_PEM_BYTES_MAX];
    size_t size = pkcs8_encode(kind, secret, pem);
    enum apm_err err = new_file_write(path, span_of(pem, size), 0600);
    sodium_memzero(pem, sizeof(pem));
    if (err == APM_ERR_BUSY)
        return explain(ret_why, err, "%s: exists already; keys are never overwritten", path);
    if (err != APM_OK)
        return explain(ret_why, err, "%s: cannot write the key: %s", path, apm_err_text(err));
    return APM_OK;
}

enum apm_err keyfile_write_sign(const char *path, const struct sign_pair *pair, struct why *ret_why)
{
    return write_pem(path, PKCS8_ED25519, pair->secret, ret_why);
}

enum apm_err keyfile_write_curve(const char *path, const struct curve_pair *pair,
                                 struct why *ret_why)
{
    return write_pem(path, PKCS8_X25519, pair->secret, ret_why);
}

static enum apm_err check_access(int fd, const char *path, struct why *ret_why)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return explain(ret_why, APM_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return explain(ret_why, APM_ERR_KEY_FILE, "%s: not a regular file", path);
    /* Root could read it anyway; anybody else could swap it for his own. */
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return explain(ret_why, APM_ERR_KEY_FILE,
                       "%s: belongs to user id %u, not to ours (%u); type: chown %u %s", path,
                       status.st_uid, geteuid(), geteuid(), path);
    if ((status.st_mode & 077) != 0)
        return explain(ret_why, APM_ERR_KEY_FILE,
                       "%s: mode %04o opens the key to others; type: chmod 600 %s", path,
                       (unsigned)status.st_mode & 07777, path);
    return APM_OK;
}

static enum apm_err read_pem(int fd, const char *path, struct span *ret_text, uint8_t *buffer,
                             struct why *ret_why)
{
    enum apm_err err = check_access(fd, path, ret_why);
    if (err != APM_OK)
        return err;
    size_t size = 0;
    while (size < KEY_FILE_BYTES_MAX) {
        ssize_t n = read(fd, buffer + size, KEY_FILE_BYTES_MAX - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return explain(ret_why, APM_ERR_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        size += (size_t)n;
    }
    *ret_text = span_of(buffer, size);
    return APM_OK;
}

static enum apm_err decode_as(enum pkcs8_kind want, struct span text, const char *path,
                              uint8_t ret_secret[32], struct why *ret_why)
{
    enum pkcs8_kind kind;
    if (!pkcs8_decode(text, &kind, ret_secret))
        return explain(ret_why, APM_ERR_KEY_FILE,
                       "%s: not a PKCS#8 PEM key, or damaged; restore it from a backup", path);
    if (kind != want)
        return explain(ret_why, APM_ERR_KEY_FILE, "%s: holds an %s key where an %s key belongs",
                       path, pkcs8_kind_name(kind), pkcs8_kind_name(want));
    return APM_OK;
}

static enum apm_err read_secret(const char *path, enum pkcs8_kind want, uint8_t ret_secret[32],
                                struct why *ret_why)
{
    /* NONBLOCK: a FIFO in the key's place must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return explain(ret_why, err_of_errno(errno), "%s: cannot open the key file: %s", path,
                       strerror(errno));
    uint8_t buffer[KEY_FILE_BYTES_MAX];
    struct span text = {0};
    enum apm_err err = read_pem(fd, path, &text, buffer, ret_why);
    if (err == APM_OK)
        err = decode_as(want, text, path, ret_secret, ret_why);
    close(fd);
    sodium_memzero(buffer, sizeof(buffer));
    return err;
}

enum apm_err keyfile_read_sign(const char *path, struct sign_pair *ret_pair, struct why *ret_why)
{
    uint8_t seed[32];
    enum apm_err err = read_secret(path, PKCS8_ED25519, seed, ret_why);
    if (err == APM_OK)
        sign_pair_of_seed(seed, ret_pair);
    sodium_memzero(seed, sizeof(seed));
    return err;
}

enum apm_err keyfile_read_curve(const char *path, struct curve_pair *ret_pair, struct why *ret_why)
{
    uint8_t secret[32];
    enum apm_err err = read_secret(path, PKCS8_X25519, secret, ret_why);
    if (err == APM_OK)
        curve_pair_of_secret(secret, ret_pair);
    sodium_memzero(secret, sizeof(secret));
    return err;
}
