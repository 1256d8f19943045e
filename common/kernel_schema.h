/*
 * kernel_schema - the schemas of the event types this program executes, built in.
 *
 * Their texts are schemas/kernel/<Type>.json; a schema's digest is BLAKE2b-256 over its
 * canonical JSON (RFC 8785), and genesis names the digest in force for each type. A
 * program whose own text differs from that would judge payloads by other rules than
 * the chain's: it must not start.
 */
#ifndef APM2_KERNEL_SCHEMA_H
#define APM2_KERNEL_SCHEMA_H

#include "common/genesis.h"

struct kernel_schema {
    const char *type;
    const char *text; /* as in the file */
};

/* By type. */
extern const struct kernel_schema kernel_schemas[];
extern const uint32_t n_kernel_schemas;

/* NULL when the program does not have it. */
const struct kernel_schema *kernel_schema_of(const char *type);

/* Digest of any schema's text. BAD_INPUT: not JSON, or no canonical form. */
WARN_UNUSED enum apm_err kernel_schema_digest(const char *text, struct hash *ret_digest);

/* GENESIS, with the type named: one that genesis binds is not here, or is another. Types
 * that genesis does not name are not in force on its chain, which is no fault. */
WARN_UNUSED enum apm_err kernel_schema_check(const struct genesis *genesis, struct why *ret_why);

#endif
