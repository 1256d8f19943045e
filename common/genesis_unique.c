/* What must differ between the members of a genesis. */
#include "common/genesis_parse.h"

static enum apm_err alike(struct why *ret_why, const char *what, const char *a, const char *b)
{
    return explain(ret_why, APM_ERR_GENESIS, "genesis: %s and %s have the same %s", a, b, what);
}

/* One key on two sockets would let one service pass for the other. */
static bool share_a_curve_key(const struct card *a, const struct card *b)
{
    for (unsigned i = 0; i < CARD_SERVICES_N; i++) {
        for (unsigned k = 0; k < CARD_SERVICES_N; k++) {
            bool is_itself = a == b && i == k;
            if (!is_itself && curve_key_eq(&a->services[i].curve, &b->services[k].curve))
                return true;
        }
    }
    return false;
}

/* What two cards have in common that they must not; NULL: nothing. */
static const char *card_clash(const struct card *a, const struct card *b)
{
    if (strcmp(a->id, b->id) == 0)
        return "id";
    if (key_eq(&a->key, &b->key))
        return "key";
    if (key_eq(&a->feed, &b->feed))
        return "feed key";
    if (strcmp(a->address, b->address) == 0)
        return "address";
    if (hash_eq(&a->instance, &b->instance))
        return "instance";
    return share_a_curve_key(a, b) ? "CURVE key" : NULL;
}

static enum apm_err check_cards(const struct genesis *genesis, struct why *ret_why)
{
    for (uint32_t i = 0; i < genesis->n_validators; i++) {
        const struct card *card = &genesis->cards[i];
        if (share_a_curve_key(card, card))
            return alike(ret_why, "CURVE key", "two services", card->id);
        for (uint32_t k = 0; k < i; k++) {
            const char *what = card_clash(&genesis->cards[k], card);
            if (what != NULL)
                return alike(ret_why, what, genesis->cards[k].id, card->id);
        }
    }
    return APM_OK;
}

static enum apm_err check_t0(const struct genesis *genesis, struct why *ret_why)
{
    for (uint32_t i = 0; i < genesis->n_t0; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (key_eq(&genesis->t0[k], &genesis->t0[i]))
                return alike(ret_why, "key", "a T0 member", "another");
        }
    }
    return APM_OK;
}

/* Capability ids are the namespace's own. */
static enum apm_err check_actors(const struct genesis *genesis, struct why *ret_why)
{
    for (uint32_t i = 0; i < genesis->n_actors; i++) {
        const struct genesis_actor *a = &genesis->actors[i];
        for (uint32_t k = 0; k < i; k++) {
            const struct genesis_actor *b = &genesis->actors[k];
            if (strcmp(a->capability, b->capability) == 0 && strcmp(a->space, b->space) == 0)
                return alike(ret_why, "id", a->capability, "an earlier capability");
        }
    }
    return APM_OK;
}

static enum apm_err check_schemas(const struct genesis *genesis, struct why *ret_why)
{
    for (uint32_t i = 0; i < genesis->n_schemas; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(genesis->schemas[k].type, genesis->schemas[i].type) == 0)
                return alike(ret_why, "type", "a schema", genesis->schemas[i].type);
        }
    }
    return APM_OK;
}

enum apm_err genesis_check_unique(const struct genesis *genesis, struct why *ret_why)
{
    enum apm_err err = check_cards(genesis, ret_why);
    if (err == APM_OK)
        err = check_t0(genesis, ret_why);
    if (err == APM_OK)
        err = check_actors(genesis, ret_why);
    if (err == APM_OK)
        err = check_schemas(genesis, ret_why);
    return err;
}
