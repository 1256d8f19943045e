#include "services/consensus/queries.h"

bool query_flag(struct span args, const char *name)
{
    json_t *owned = admin_args(args);
    bool flag = json_is_true(json_object_get(owned, name));

    json_decref(owned);
    return flag;
}

uint64_t query_u64(struct span args, const char *name, uint64_t fallback)
{
    json_t *owned = admin_args(args);
    const json_t *value = json_object_get(owned, name);
    uint64_t result = json_is_integer(value) && json_integer_value(value) >= 0
                          ? (uint64_t)json_integer_value(value)
                          : fallback;

    json_decref(owned);
    return result;
}

static bool copy_text(struct span args, const char *name, char *ret_text, size_t max)
{
    json_t *owned = admin_args(args);
    const json_t *value = json_object_get(owned, name);
    bool fits = json_is_string(value) && json_string_length(value) <= max;

    if (fits)
        memcpy(ret_text, json_string_value(value), json_string_length(value) + 1);
    json_decref(owned);
    return fits;
}

bool query_text(struct span args, const char *name, char ret_text[ID_BYTES_MAX + 1])
{
    return copy_text(args, name, ret_text, ID_BYTES_MAX);
}

bool query_key(struct span args, const char *name, struct key *ret_key)
{
    char text[65];

    return copy_text(args, name, text, 64) && hex_decode(text, sizeof(ret_key->b), ret_key->b);
}

bool query_hash(struct span args, const char *name, struct hash *ret_hash)
{
    char text[65];

    return copy_text(args, name, text, 64) && hex_decode(text, sizeof(ret_hash->b), ret_hash->b);
}

const struct admin_query node_queries[] = {
    {"status", "this node's view of consensus", query_status, NULL},
    {"validators", "the validators and who leads", query_validators, NULL},
    {"votes", "who voted for each of the last blocks", query_votes, NULL},
    {"why", "what is waited for, for whom, since when", query_why, NULL},
    {"metrics", "counts and latencies of the last while", query_metrics, NULL},
    {"transfer", "hand leadership on", query_transfer, NULL},
    {"account", "is an actor known, and its next nonce", query_account, NULL},
    {"leases", "leases in force", query_leases, NULL},
    {"capabilities", "capabilities and their state", query_capabilities, NULL},
    {"actors", "actors' keys and what became of them", query_actors, NULL},
    {"event_get", "what became of a bundle or record", NULL, query_event_get},
    {NULL, NULL, NULL, NULL},
};
