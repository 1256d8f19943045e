/*
 * card - what others need to know of a node (DESIGN 3), signed by itself.
 *
 * A name that stays, an address, the signing key, the key that signs its feeds' heads
 * (certified by this very signature, so that only consensus needs the signer), one CURVE
 * key and port per peer-facing service, and the instance id that its safety record was
 * born with.
 * The file is RFC 8785 JSON; the signature covers the tag and that form without
 * `signature`. A struct card is plain data.
 */
#ifndef APM2_CARD_H
#define APM2_CARD_H

#include <jansson.h>

#include "common/keyfile.h"
#include "common/limits.h"

#define CARD_ADDRESS_MAX 253u

/* X(NAME, text, default port) */
#define CARD_SERVICES(X)                                                                           \
    X(CONSENSUS, "consensus", 9090)                                                                \
    X(ANTI_ENTROPY, "anti-entropy", 9091)                                                          \
    X(SCHEMA_REGISTRY, "schema-registry", 9095)

#define CARD_CLIENT_PORT 9096u

#define CARD_SERVICE_ENUM(name, text, port) CARD_##name,
enum card_service { CARD_SERVICES(CARD_SERVICE_ENUM) CARD_SERVICES_N };
#undef CARD_SERVICE_ENUM

struct card {
    char id[ID_BYTES_MAX + 1];
    char address[CARD_ADDRESS_MAX + 1]; /* a bare host */
    struct key key;
    struct key feed;
    struct hash instance;
    struct card_endpoint {
        struct curve_key curve;
        uint16_t port;
    } services[CARD_SERVICES_N];
    uint16_t client_port; /* CURVE key: the consensus service's */
    struct sig signature;
};

/* "consensus": in file names and JSON. */
const char *card_service_name(enum card_service service);
uint16_t card_service_port(enum card_service service);

/* Letters, digits, '.', '_', '-'; starts with a letter or digit; ID_BYTES_MAX. */
bool card_id_is_valid(const char *id);
/* A host name or an IPv4 address, without port. */
bool card_address_is_valid(const char *address);

/* Sets the signature. MUST: the card's key is the pair's. */
void card_sign(struct card *card, const struct sign_pair *pair);
bool card_verify(const struct card *card);

/* A new reference. */
json_t *card_to_json(const struct card *card);
/* Checks form, not signature. BAD_INPUT with the field's name. */
WARN_UNUSED enum apm_err card_from_json(const json_t *value, struct card *ret_card,
                                        struct why *ret_why);

WARN_UNUSED enum apm_err card_write(const char *path, const struct card *card, struct why *ret_why);
/* Form and signature. */
WARN_UNUSED enum apm_err card_read(const char *path, struct card *ret_card, struct why *ret_why);

#endif
