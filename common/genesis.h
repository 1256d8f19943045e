/*
 * genesis - the document a cluster begins with, signed by its T0 set (DESIGN 3).
 *
 * JSON. Chain id = BLAKE2b-256 of its RFC 8785 form without `signatures`; the T0
 * signatures cover a tag, a zero byte and the chain id. It is the root of epoch 1
 * (PROTOCOL): validators stand ordered by card id, and the epoch's root id and
 * chain id are the same hash.
 *
 * genesis_read checks everything, cards' and T0 signatures included; whoever holds
 * a struct genesis from it need not check again.
 */
#ifndef APM2_GENESIS_H
#define APM2_GENESIS_H

#include "common/card.h"
#include "common/cert/cert.h"
#include "common/rights.h"

#define GENESIS_T0_MAX T0_KEYS_MAX
#define GENESIS_ACTORS_MAX 1024u
#define GENESIS_RIGHTS_MAX 16u
#define GENESIS_SCHEMAS_MAX 128u
#define GENESIS_VALIDATORS_MIN 4u
#define GENESIS_BYTES_MAX (4u * MIB)
#define GENESIS_RULES_VERSION 1u

/* What the chain's outcome depends on. X(name, highest and default value, lowest):
 * genesis may set lower, never higher (limits.h). */
#define GENESIS_PARAMETERS(X)                                                                      \
    X(event_bytes_max, EVENT_BYTES_MAX, 1024)                                                      \
    X(bundle_bytes_max, BUNDLE_BYTES_MAX, 4096)                                                    \
    X(bundle_events_max, BUNDLE_EVENTS_MAX, 1)                                                     \
    X(bundle_expiry_heights_max, BUNDLE_EXPIRY_HEIGHTS_MAX, 10)                                    \
    X(nonce_window, NONCE_WINDOW, 64)                                                              \
    X(block_bytes_max, BLOCK_BYTES_MAX, 4096)                                                      \
    X(block_bundles_max, BLOCK_BUNDLES_MAX, 1)                                                     \
    X(time_ahead_max_ms, TIME_AHEAD_MAX_MS, 10)                                                    \
    X(time_behind_max_ms, TIME_BEHIND_MAX_MS, 10)                                                  \
    X(actors_max, 4096, 16)                                                                        \
    X(capabilities_max, 16384, 16)                                                                 \
    X(leases_max, 65536, 16)

#define GENESIS_PARAMETER_FIELD(name, max, min) uint64_t name;
struct genesis_parameters {
    GENESIS_PARAMETERS(GENESIS_PARAMETER_FIELD)
};
#undef GENESIS_PARAMETER_FIELD

/* "lease/issue" in JSON; either half may be "*". */
struct genesis_right {
    char family[33];
    char verb[33];
};

/* A root capability: who may do what in a namespace without a grant. */
struct genesis_actor {
    char capability[ID_BYTES_MAX + 1]; /* its id: distinct within the document */
    struct key key;
    char space[ID_BYTES_MAX + 1]; /* namespace */
    struct genesis_right rights[GENESIS_RIGHTS_MAX];
    uint32_t n_rights;
    struct rights allowed; /* derived: what `rights` add up to */
};

struct genesis_schema {
    char type[ID_BYTES_MAX + 1];
    struct hash digest;
};

struct genesis {
    char name[ID_BYTES_MAX + 1];
    uint64_t rules_version;
    uint64_t created_ms;
    struct genesis_parameters parameters;
    struct key t0[GENESIS_T0_MAX];
    uint32_t n_t0;
    uint32_t t0_threshold;
    struct card cards[VALIDATORS_MAX]; /* by id; a card's place is its validator index */
    uint32_t n_validators;
    struct genesis_actor actors[GENESIS_ACTORS_MAX];
    uint32_t n_actors;
    struct genesis_schema schemas[GENESIS_SCHEMAS_MAX];
    uint32_t n_schemas;
    /* Derived. */
    struct hash chain;
    struct validator_set set; /* epoch 1; check = sig_check_ed25519 */
};

/* Zeroed but for parameters, rules_version. About 1 MiB: on the heap. */
struct genesis *genesis_new(void);
void genesis_destroy(struct genesis **genesis);

/* The document of a filled-in struct (all but the derived fields; cards in any
 * order), without signatures. GENESIS with the reason. ret_json: a new reference. */
WARN_UNUSED enum apm_err genesis_create(const struct genesis *plan, json_t **ret_json,
                                        struct why *ret_why);

/* Adds one T0 signature; a second by the same key changes nothing. DENIED: not a
 * key of the T0 set. */
WARN_UNUSED enum apm_err genesis_sign(json_t *json, const struct sign_pair *pair,
                                      struct why *ret_why);

/* How many good T0 signatures it still lacks; UINT32_MAX: no T0 set to be read. */
uint32_t genesis_signatures_missing(const json_t *json);

WARN_UNUSED enum apm_err genesis_chain(const json_t *json, struct hash *ret_chain);

WARN_UNUSED enum apm_err genesis_from_json(const json_t *json, struct genesis **ret_genesis,
                                           struct why *ret_why);

WARN_UNUSED enum apm_err genesis_read(const char *path, struct genesis **ret_genesis,
                                      struct why *ret_why);
/* A new file, mode 0644: BUSY if there is one. */
WARN_UNUSED enum apm_err genesis_write(const char *path, const json_t *json, struct why *ret_why);

/* The index of the validator with this signing key; n_validators if there is none. */
uint32_t genesis_index_of(const struct genesis *genesis, const struct key *key);

#endif
