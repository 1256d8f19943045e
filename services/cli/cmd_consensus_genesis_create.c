#include <jansson.h>

#include "common/hash.h"
#include "services/cli/genesis_plan.h"
#include "services/cli/parse_value.h"

static bool add(const char **list, uint32_t *n, uint32_t max, const char *value)
{
    if (*n == max)
        return false;
    list[(*n)++] = value;
    return true;
}

static enum apm_err gather(const struct invocation *invocation, struct genesis_files *files,
                           struct complaint *complaint)
{
    bool fits = true;
    for (uint32_t i = 0; i < invocation->n_repeats; i++) {
        const char *value = invocation->repeats[i].value;
        if (invocation->repeats[i].option == OPTION_card)
            fits = fits && add(files->cards, &files->n_cards, VALIDATORS_MAX, value);
        else if (invocation->repeats[i].option == OPTION_t0_key)
            fits = fits && add(files->t0_keys, &files->n_t0, GENESIS_T0_MAX, value);
    }
    if (!fits)
        return complain(complaint, APM_ERR_USAGE, "at most %u cards and %u T0 keys", VALIDATORS_MAX,
                        GENESIS_T0_MAX);
    if (files->n_cards < GENESIS_VALIDATORS_MIN)
        return complain(complaint, APM_ERR_USAGE,
                        "%u validators cannot outvote a faulty one: give at least %u --card",
                        files->n_cards, GENESIS_VALIDATORS_MIN);
    if (files->n_t0 == 0 || files->actor_key == NULL || files->output == NULL)
        return complain(complaint, APM_ERR_USAGE, "--t0-key, --actor-key and --output are needed");
    uint64_t threshold = files->n_t0 / 2 + 1;
    enum apm_err err = parse_u64(invocation, OPTION_threshold, (struct bounds){1, files->n_t0},
                                 &threshold, complaint);
    files->threshold = (uint32_t)threshold;
    return err;
}

int cmd_consensus_genesis_create(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct hash chain;
    const char *name = invocation->option[OPTION_name];
    struct genesis_files files = {
        .name = name != NULL ? name : "apm2",
        .actor_key = invocation->option[OPTION_actor_key],
        .output = invocation->option[OPTION_output],
    };
    enum apm_err err = gather(invocation, &files, &complaint);
    if (err == APM_OK)
        err = genesis_from_files(&files, &chain, &complaint);
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    if (say_is_json(invocation))
        (void)printf("{\"genesis\": \"%s\", \"chain_id\": \"%s\", \"validators\": %u}\n",
                     files.output, hash_to_text(&chain).text, files.n_cards);
    else
        (void)printf("genesis    %s\nchain id   %s\nvalidators %u\n", files.output,
                     hash_to_text(&chain).text, files.n_cards);
    return 0;
}
