/*
 * keyfile - ed25519 and X25519 key pairs, and their PEM files.
 *
 * Files are PKCS#8 PEM as `openssl pkey` reads and writes them, mode 0600. A file
 * that group or others may touch, or that another user owns, is refused. X25519
 * pairs are CURVE keys as they are (32 raw bytes to zmq_setsockopt).
 *
 * A struct key_pair holds a secret: its owner wipes it (key_pair_wipe) when done.
 */
#ifndef APM2_KEYFILE_H
#define APM2_KEYFILE_H

#include "common/explain.h"
#include "common/ids.h"

struct curve_key { /* X25519 public key */
    uint8_t b[32];
};

static inline bool curve_key_eq(const struct curve_key *a, const struct curve_key *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Signs. `secret` is libsodium's 64 bytes: seed, then public key. */
struct sign_pair {
    uint8_t secret[64];
    struct key public_key;
};

/* Encrypts. */
struct curve_pair {
    uint8_t secret[32];
    struct curve_key public_key;
};

void sign_pair_new(struct sign_pair *ret_pair);
void curve_pair_new(struct curve_pair *ret_pair);
void sign_pair_wipe(struct sign_pair *pair);
void curve_pair_wipe(struct curve_pair *pair);

/* Creates `path` (BUSY if it exists), synced; nothing is left behind on failure. */
WARN_UNUSED enum apm_err keyfile_write_sign(const char *path, const struct sign_pair *pair,
                                            struct why *ret_why);
WARN_UNUSED enum apm_err keyfile_write_curve(const char *path, const struct curve_pair *pair,
                                             struct why *ret_why);

/* NOT_FOUND, DENIED, or KEY_FILE with the reason and what to type. */
WARN_UNUSED enum apm_err keyfile_read_sign(const char *path, struct sign_pair *ret_pair,
                                           struct why *ret_why);
WARN_UNUSED enum apm_err keyfile_read_curve(const char *path, struct curve_pair *ret_pair,
                                            struct why *ret_why);

#endif
