#include "common/genesis.h"

#include <sodium.h>

#include "common/canonical_json.h"
#include "common/genesis_parse.h"
#include "common/hash.h"
#include "common/json_field.h"
#include "common/must.h"

#define GENESIS_TAG "apm2/genesis/1"

struct statement {
    uint8_t bytes[sizeof(GENESIS_TAG) + sizeof(struct hash)];
};

#define PARAMETER_DEFAULT(name, max, min) .name = (max),
struct genesis *genesis_new(void)
{
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    MUST(genesis != NULL);
    genesis->rules_version = GENESIS_RULES_VERSION;
    genesis->parameters = (struct genesis_parameters){GENESIS_PARAMETERS(PARAMETER_DEFAULT)};
    return genesis;
}
#undef PARAMETER_DEFAULT

void genesis_destroy(struct genesis **genesis)
{
    free(*genesis);
    *genesis = NULL;
}

uint32_t genesis_index_of(const struct genesis *genesis, const struct key *key)
{
    uint32_t i = 0;
    while (i < genesis->n_validators && !key_eq(&genesis->cards[i].key, key))
        i++;
    return i;
}

enum apm_err genesis_chain(const json_t *json, struct hash *ret_chain)
{
    char *text = NULL;
    size_t size = 0;
    if (!json_is_object(json) || canonical_json_without(json, "signatures", &text, &size) != APM_OK)
        return APM_ERR_GENESIS;
    *ret_chain = hash_bytes(span_of(text, size));
    free(text);
    return APM_OK;
}

/* ---- T0 signatures ---- */

/* Tag, zero byte, chain id. */
static struct statement statement_of(const struct hash *chain)
{
    struct statement statement;
    memcpy(statement.bytes, GENESIS_TAG, sizeof(GENESIS_TAG));
    memcpy(statement.bytes + sizeof(GENESIS_TAG), chain->b, sizeof(chain->b));
    return statement;
}

static bool is_signed_by(const json_t *json, const struct key *key,
                         const struct statement *statement)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(json, "signatures"), i, entry)
    {
        struct key signer;
        struct sig sig;
        if (json_field_hex(entry, "key", sizeof(signer.b), signer.b) && key_eq(&signer, key) &&
            json_field_hex(entry, "signature", sizeof(sig.b), sig.b) &&
            crypto_sign_verify_detached(sig.b, statement->bytes, sizeof(statement->bytes),
                                        key->b) == 0)
            return true;
    }
    return false;
}

uint32_t genesis_signatures_missing(const json_t *json)
{
    struct hash chain;
    struct genesis *t0 = genesis_new();
    uint32_t missing = UINT32_MAX;
    if (genesis_parse_t0(json, t0) && genesis_chain(json, &chain) == APM_OK) {
        struct statement statement = statement_of(&chain);
        missing = t0->t0_threshold;
        for (uint32_t i = 0; i < t0->n_t0 && missing > 0; i++)
            missing -= is_signed_by(json, &t0->t0[i], &statement) ? 1 : 0;
    }
    genesis_destroy(&t0);
    return missing;
}

static bool is_t0_key(const json_t *json, const struct key *key)
{
    struct genesis *t0 = genesis_new();
    bool found = false;
    if (genesis_parse_t0(json, t0)) {
        for (uint32_t i = 0; i < t0->n_t0 && !found; i++)
            found = key_eq(&t0->t0[i], key);
    }
    genesis_destroy(&t0);
    return found;
}

static void add_signature(json_t *json, const struct key *key, const struct sig *sig)
{
    json_t *signatures = json_object_get(json, "signatures");
    if (!json_is_array(signatures)) {
        signatures = json_array();
        MUST(json_object_set_new(json, "signatures", signatures) == 0);
    }
    json_t *entry = json_object();
    MUST(json_object_set_new(entry, "key", json_of_hex(key->b, sizeof(key->b))) == 0);
    MUST(json_object_set_new(entry, "signature", json_of_hex(sig->b, sizeof(sig->b))) == 0);
    MUST(json_array_append_new(signatures, entry) == 0);
}

enum apm_err genesis_sign(json_t *json, const struct sign_pair *pair, struct why *ret_why)
{
    struct hash chain;
    if (genesis_chain(json, &chain) != APM_OK)
        return explain(ret_why, APM_ERR_GENESIS, "genesis: has no canonical form");
    if (!is_t0_key(json, &pair->public_key))
        return explain(ret_why, APM_ERR_DENIED, "this key is not one of the genesis' T0 set");
    struct statement statement = statement_of(&chain);
    if (is_signed_by(json, &pair->public_key, &statement))
        return APM_OK;
    struct sig sig;
    MUST(crypto_sign_detached(sig.b, NULL, statement.bytes, sizeof(statement.bytes),
                              pair->secret) == 0);
    add_signature(json, &pair->public_key, &sig);
    return APM_OK;
}

/* ---- files ---- */

enum apm_err genesis_write(const char *path, const json_t *json, struct why *ret_why)
{
    return json_write_file(path, json, 0644, ret_why);
}
