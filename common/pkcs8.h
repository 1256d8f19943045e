/*
 * pkcs8 - a 32-byte private key as PKCS#8 PEM text and back (RFC 8410).
 *
 * Exactly the form `openssl pkey` writes for ed25519 and X25519: version 0, no
 * attributes. Both ends hold a secret: the caller wipes them.
 */
#ifndef APM2_PKCS8_H
#define APM2_PKCS8_H

#include "common/ids.h"

enum pkcs8_kind { PKCS8_ED25519, PKCS8_X25519 };

#define PKCS8_PEM_BYTES_MAX 192u

/* Returns the length of the text. */
size_t pkcs8_encode(enum pkcs8_kind kind, const uint8_t secret[32], char out[PKCS8_PEM_BYTES_MAX]);

/* "ed25519" */
const char *pkcs8_kind_name(enum pkcs8_kind kind);

/* False unless the text is one such key and nothing else but white space. */
bool pkcs8_decode(struct span text, enum pkcs8_kind *ret_kind, uint8_t ret_secret[32]);

#endif
