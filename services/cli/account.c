#include "services/cli/account.h"

#include "common/hash.h"
#include "services/cli/ask.h"

#define ASK_TIMEOUT_MS 2000u

struct asking {
    json_t *args;
    struct account account;
    uint32_t n_answers;
    bool is_known;
};

static void take_highest(const json_t *object, const char *name, uint64_t *highest)
{
    uint64_t value = (uint64_t)json_integer_value(json_object_get(object, name));
    *highest = value > *highest ? value : *highest;
}

static enum apm_err ask_node(const struct cluster_node *node, struct asking *asking,
                             struct complaint *complaint)
{
    json_t *account = NULL, *status = NULL;
    const struct question about_actor = {"account", asking->args, ASK_TIMEOUT_MS, NULL};
    const struct question about_chain = {"status", NULL, ASK_TIMEOUT_MS, NULL};

    enum apm_err err = ask_one(node, &about_actor, &account, complaint);
    if (err == APM_OK)
        err = ask_one(node, &about_chain, &status, complaint);
    if (err == APM_OK) {
        take_highest(account, "next_nonce", &asking->account.next_nonce);
        take_highest(status, "height", &asking->account.height);
        asking->is_known |= json_is_true(json_object_get(account, "known"));
    }
    json_decref(account);
    json_decref(status);
    return err;
}

static enum apm_err ask_all(const struct account_question *question, struct asking *asking,
                            struct complaint *complaint)
{
    struct complaint ignored = {0};
    for (uint32_t i = 0; i < question->cluster->n; i++) {
        uint32_t node = (question->first_node + i) % question->cluster->n;
        enum apm_err err =
            ask_node(&question->cluster->nodes[node], asking, i == 0 ? complaint : &ignored);
        if (err != APM_OK && i == 0 && question->is_first_needed)
            return err;
        if (err == APM_OK && asking->n_answers++ == 0)
            asking->account.node = node;
    }
    return asking->n_answers > 0 ? APM_OK : complaint->err;
}

enum apm_err account_ask(const struct account_question *question, struct account *ret_account,
                         struct complaint *ret_complaint)
{
    char key[2 * sizeof(struct hash) + 1];
    hex_encode(question->public_key, sizeof(struct hash), key);
    struct asking asking = {.args = json_pack("{s:s}", "actor", key)};

    enum apm_err err = ask_all(question, &asking, ret_complaint);
    if (err == APM_OK && !asking.is_known)
        err = complain(ret_complaint, APM_ERR_DENIED,
                       "the key %.16s... belongs to no actor of this cluster", key);
    if (err == APM_OK)
        *ret_account = asking.account;
    json_decref(asking.args);
    return err;
}
