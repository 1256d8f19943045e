/*
 * hash - BLAKE2b-256, always over a tag: what is hashed for one purpose can
 * never pass for another.
 *
 * Pure (libsodium's generichash). Block ids and bundle ids are the two untagged
 * exceptions that DESIGN fixes: hash_bytes.
 */
#ifndef APM2_HASH_H
#define APM2_HASH_H

#include "common/ids.h"

/* BLAKE2b-256 of the bytes as they are. */
struct hash hash_bytes(struct span bytes);

/* BLAKE2b-256 of tag, one zero byte, then the parts one after the other. Parts
 * must be of fixed length or self-delimiting. */
struct hash hash_tagged(const char *tag, const struct span *parts, size_t n_parts);

/* Lower-case hex; out has room for 2 * size + 1. */
void hex_encode(const void *bytes, size_t size, char *out);
/* False unless text is exactly 2 * size hex digits. */
bool hex_decode(const char *text, size_t size, void *ret_bytes);

struct hash_text {
    char text[65];
};
struct hash_text hash_to_text(const struct hash *hash);

#endif
