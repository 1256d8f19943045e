#include "common/card.h"

#include <ctype.h>
#include <sodium.h>

#include "common/canonical_json.h"
#include "common/json_field.h"
#include "common/must.h"

#define CARD_TAG "apm2/card/1"
#define CARD_BYTES_MAX (16u * KIB)
#define CARD_FIELDS 9u
#define CARD_VERSION 1

#define SERVICE_ROW(name, text, port) {text, port},
static const struct {
    const char *name;
    uint16_t port;
} services[] = {CARD_SERVICES(SERVICE_ROW)};
#undef SERVICE_ROW

const char *card_service_name(enum card_service service)
{
    return services[service].name;
}

uint16_t card_service_port(enum card_service service)
{
    return services[service].port;
}

static bool is_made_of(const char *text, const char *others)
{
    if (!isalnum((unsigned char)text[0]))
        return false;
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr(others, *text) == NULL)
            return false;
    }
    return true;
}

bool card_id_is_valid(const char *id)
{
    return strlen(id) <= ID_BYTES_MAX && is_made_of(id, "._-");
}

bool card_address_is_valid(const char *address)
{
    return strlen(address) <= CARD_ADDRESS_MAX && is_made_of(address, ".-");
}

static void set_new(json_t *object, const char *key, json_t *value)
{
    MUST(json_object_set_new(object, key, value) == 0);
}

static json_t *services_to_json(const struct card *card)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < CARD_SERVICES_N; i++) {
        json_t *one = json_object();
        set_new(one, "curve", json_of_hex(card->services[i].curve.b, 32));
        set_new(one, "port", json_integer(card->services[i].port));
        set_new(all, services[i].name, one);
    }
    return all;
}

json_t *card_to_json(const struct card *card)
{
    json_t *json = json_object();
    set_new(json, "version", json_integer(CARD_VERSION));
    set_new(json, "id", json_string(card->id));
    set_new(json, "address", json_string(card->address));
    set_new(json, "client_port", json_integer(card->client_port));
    set_new(json, "key", json_of_hex(card->key.b, sizeof(card->key.b)));
    set_new(json, "feed", json_of_hex(card->feed.b, sizeof(card->feed.b)));
    set_new(json, "instance", json_of_hex(card->instance.b, sizeof(card->instance.b)));
    set_new(json, "services", services_to_json(card));
    set_new(json, "signature", json_of_hex(card->signature.b, sizeof(card->signature.b)));
    return json;
}

/* The signed bytes: tag, zero byte, canonical form without `signature`. malloc'ed. */
static uint8_t *statement_of(const struct card *card, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0;
    json_t *json = card_to_json(card);
    MUST(canonical_json_without(json, "signature", &text, &size) == APM_OK);
    json_decref(json);
    uint8_t *statement = malloc(sizeof(CARD_TAG) + size);
    MUST(statement != NULL);
    memcpy(statement, CARD_TAG, sizeof(CARD_TAG));
    memcpy(statement + sizeof(CARD_TAG), text, size);
    free(text);
    *ret_size = sizeof(CARD_TAG) + size;
    return statement;
}

void card_sign(struct card *card, const struct sign_pair *pair)
{
    MUST(key_eq(&card->key, &pair->public_key));
    size_t size;
    uint8_t *statement = statement_of(card, &size);
    MUST(crypto_sign_detached(card->signature.b, NULL, statement, size, pair->secret) == 0);
    free(statement);
}

bool card_verify(const struct card *card)
{
    size_t size;
    uint8_t *statement = statement_of(card, &size);
    bool good = crypto_sign_verify_detached(card->signature.b, statement, size, card->key.b) == 0;
    free(statement);
    return good;
}

/* The name of the service whose entry is wrong; NULL if all are right. */
static const char *services_from_json(const json_t *all, struct card *ret_card)
{
    for (unsigned i = 0; i < CARD_SERVICES_N; i++) {
        const json_t *one = json_object_get(all, services[i].name);
        if (json_object_size(one) != 2 ||
            !json_field_hex(one, "curve", 32, ret_card->services[i].curve.b) ||
            !json_field_port(one, "port", &ret_card->services[i].port))
            return services[i].name;
    }
    return json_object_size(all) == CARD_SERVICES_N ? NULL : "an unknown service";
}

/* The name of the first field that is wrong; NULL if all are right. */
static const char *fields_from_json(const json_t *json, struct card *ret_card)
{
    uint64_t version;
    if (!json_field_u64(json, "version", CARD_VERSION, &version) || version != CARD_VERSION)
        return "version";
    if (!json_field_text(json, "id", ret_card->id, sizeof(ret_card->id)) ||
        !card_id_is_valid(ret_card->id))
        return "id";
    if (!json_field_text(json, "address", ret_card->address, sizeof(ret_card->address)) ||
        !card_address_is_valid(ret_card->address))
        return "address";
    if (!json_field_port(json, "client_port", &ret_card->client_port))
        return "client_port";
    if (!json_field_hex(json, "key", 32, ret_card->key.b))
        return "key";
    if (!json_field_hex(json, "feed", 32, ret_card->feed.b))
        return "feed";
    if (!json_field_hex(json, "instance", 32, ret_card->instance.b))
        return "instance";
    if (!json_field_hex(json, "signature", 64, ret_card->signature.b))
        return "signature";
    return services_from_json(json_object_get(json, "services"), ret_card);
}

enum apm_err card_from_json(const json_t *value, struct card *ret_card, struct why *ret_why)
{
    struct card card = {0};
    const char *wrong = fields_from_json(value, &card);
    if (wrong != NULL)
        return explain(ret_why, APM_ERR_BAD_INPUT, "card %s: %s is missing or malformed", card.id,
                       wrong);
    /* What the struct does not hold, the signature we check would not cover. */
    if (json_object_size(value) != CARD_FIELDS)
        return explain(ret_why, APM_ERR_BAD_INPUT, "card %s: holds an unknown field", card.id);
    *ret_card = card;
    return APM_OK;
}

enum apm_err card_write(const char *path, const struct card *card, struct why *ret_why)
{
    json_t *json = card_to_json(card);
    enum apm_err err = json_write_file(path, json, 0644, ret_why);
    json_decref(json);
    return err;
}

enum apm_err card_read(const char *path, struct card *ret_card, struct why *ret_why)
{
    json_t *json = NULL;
    enum apm_err err = json_read_file(path, CARD_BYTES_MAX, &json, ret_why);
    if (err != APM_OK)
        return err;
    struct card card;
    err = card_from_json(json, &card, ret_why);
    json_decref(json);
    if (err != APM_OK)
        return err;
    if (!card_verify(&card))
        return explain(ret_why, APM_ERR_BAD_INPUT,
                       "%s: signature does not match: changed after keygen wrote it", path);
    *ret_card = card;
    return APM_OK;
}
