/* Plans as scripts: the lines before the first strike, and the whole. */
#include "common/must.h"
#include "tests/sim/plan.h"
#include "tests/sim/world.h"

#include <inttypes.h>

/* Names are printed with spaces in tables, and as one word in scripts. */
static bool is_word_of(const char *word, const char *name)
{
    for (; *name != '\0' && *word == (*name == ' ' ? '-' : *name); name++)
        word++;
    return *name == '\0' && *word == '\0';
}

static void print_word(FILE *file, const char *name)
{
    (void)fputc(' ', file);
    for (; *name != '\0'; name++)
        (void)fputc(*name == ' ' ? '-' : *name, file);
}

static const char *read_seed(char *const *words, int n_words, struct plan *plan)
{
    return n_words == 2 && number_read(words[1], &plan->seed) ? NULL : "seed NUMBER";
}

static const char *read_validators(char *const *words, int n_words, struct plan *plan)
{
    uint64_t n;

    if (n_words != 2 || !number_read(words[1], &n) || n < 2 || n > VALIDATORS_MAX)
        return "validators NUMBER";
    plan->n_validators = (uint32_t)n;
    return NULL;
}

static const char *read_leader(char *const *words, int n_words, struct plan *plan)
{
    uint64_t leader;

    if (n_words != 2 || !number_read(words[1], &leader) || leader >= plan->n_validators)
        return "leader VALIDATOR";
    plan->first_leader = (uint32_t)leader;
    return NULL;
}

/* Sets of validators, by the word that names them. */
static uint64_t *set_of(struct plan *plan, const char *word)
{
    if (strcmp(word, "twins") == 0)
        return &plan->twin_keys;
    if (strcmp(word, "clones") == 0)
        return &plan->clone_keys;
    return strcmp(word, "machines") == 0 ? &plan->machine_keys : &plan->file_keys;
}

static const char *read_joiners(char *const *words, int n_words, struct plan *plan)
{
    uint64_t n;

    if (n_words != 2 || !number_read(words[1], &n) || n > JOINERS_MAX)
        return "joiners NUMBER (three at most)";
    plan->n_joiners = (uint32_t)n;
    return NULL;
}

static const char *read_set(char *const *words, int n_words, struct plan *plan)
{
    uint64_t keys;

    if (n_words != 2 || !replica_set_read(words[1], &keys) ||
        (plan->n_validators < 64 && keys >> plan->n_validators != 0))
        return "twins|clones|machines|files VALIDATOR,...";
    *set_of(plan, words[0]) |= keys;
    plan->twin_keys |= plan->clone_keys;
    return __builtin_popcountll(plan->twin_keys) <= (int)(REPLICAS_MAX - VALIDATORS_MAX)
               ? NULL
               : "twins and clones: two at most";
}

static const char *read_liar(char *const *words, int n_words, struct plan *plan)
{
    static const char usage[] = "liar VALIDATOR LIE ...";
    uint64_t liar;

    if (n_words < 3 || !number_read(words[1], &liar) || liar >= plan->n_validators)
        return usage;
    plan->liar_keys |= UINT64_C(1) << liar;
    for (int i = 2; i < n_words; i++) {
        int lie = 0;
        while (lie < LIES_END && !is_word_of(words[i], lie_name((enum lie)lie)))
            lie++;
        if (lie == LIES_END)
            return usage;
        plan->lies[liar] |= 1u << lie;
    }
    return NULL;
}

static const char *read_signatures(char *const *words, int n_words, struct plan *plan)
{
    plan->has_real_signatures = n_words == 2 && strcmp(words[1], "ed25519") == 0;
    return plan->has_real_signatures ? NULL : "signatures ed25519";
}

static const char *read_with(char *const *words, int n_words, struct plan *plan)
{
    uint64_t level = 1;
    int fault = 0;

    while (n_words > 1 && fault < FAULTS_END &&
           !is_word_of(words[1], fault_name((enum fault)fault)))
        fault++;
    if (n_words < 2 || n_words > 3 || fault == FAULTS_END ||
        (n_words == 3 && (!number_read(words[2], &level) || level == 0 || level > 60000)))
        return "with FAULT [LEVEL]";
    plan->level[fault] = (uint32_t)level;
    return NULL;
}

static const struct {
    const char *word;
    const char *(*read)(char *const *words, int n_words, struct plan *plan);
} setups[] = {
    {"seed", read_seed},
    {"validators", read_validators},
    {"leader", read_leader},
    {"joiners", read_joiners},
    {"twins", read_set},
    {"clones", read_set},
    {"machines", read_set},
    {"files", read_set},
    {"liar", read_liar},
    {"with", read_with},
    {"signatures", read_signatures},
};

bool plan_is_setup(const char *word)
{
    for (size_t i = 0; i < N_ELEMENTS(setups); i++)
        if (strcmp(setups[i].word, word) == 0)
            return true;
    return false;
}

const char *plan_read(char *const *words, int n_words, struct plan *plan)
{
    for (size_t i = 0; i < N_ELEMENTS(setups); i++)
        if (strcmp(setups[i].word, words[0]) == 0)
            return setups[i].read(words, n_words, plan);
    return "no such command";
}

static void print_liars(FILE *file, const struct plan *plan, const char *indent)
{
    for (uint32_t i = 0; i < plan->n_validators; i++) {
        if ((plan->liar_keys >> i & 1) == 0)
            continue;
        (void)fprintf(file, "%sliar %" PRIu32, indent, i);
        for (int lie = 0; lie < LIES_END; lie++)
            if ((plan->lies[i] >> lie & 1) != 0)
                print_word(file, lie_name((enum lie)lie));
        (void)fputc('\n', file);
    }
}

static void print_levels(FILE *file, const struct plan *plan, const char *indent)
{
    for (int fault = 0; fault < FAULTS_END; fault++) {
        if (plan->level[fault] == 0)
            continue;
        (void)fprintf(file, "%swith", indent);
        print_word(file, fault_name((enum fault)fault));
        if (plan->level[fault] != 1)
            (void)fprintf(file, " %" PRIu32, plan->level[fault]);
        (void)fputc('\n', file);
    }
}

static void print_set(FILE *file, const struct plan *plan, const char *indent, const char *word,
                      uint64_t keys)
{
    if (keys == 0)
        return;
    (void)fprintf(file, "%s%s ", indent, word);
    replica_set_print(file, keys, plan->n_validators);
    (void)fputc('\n', file);
}

static void print_setup(FILE *file, const struct plan *plan, const char *indent)
{
    (void)fprintf(file, "%sseed %" PRIu64 "\n", indent, plan->seed);
    if (plan->has_real_signatures)
        (void)fprintf(file, "%ssignatures ed25519\n", indent);
    (void)fprintf(file, "%svalidators %" PRIu32 "\n", indent, plan->n_validators);
    (void)fprintf(file, "%sleader %" PRIu32 "\n", indent, plan->first_leader);
    if (plan->n_joiners != 0)
        (void)fprintf(file, "%sjoiners %" PRIu32 "\n", indent, plan->n_joiners);
    const struct {
        const char *word;
        uint64_t keys;
    } sets[] = {{"twins", plan->twin_keys & ~plan->clone_keys},
                {"clones", plan->clone_keys},
                {"machines", plan->machine_keys},
                {"files", plan->file_keys}};
    for (size_t i = 0; i < N_ELEMENTS(sets); i++)
        print_set(file, plan, indent, sets[i].word, sets[i].keys);
    print_liars(file, plan, indent);
    print_levels(file, plan, indent);
}

void plan_print(FILE *file, const struct plan *plan, const char *indent)
{
    uint64_t now_ms = 1;

    print_setup(file, plan, indent);
    for (uint32_t i = 0; i < plan->n_strikes; i++) {
        const struct strike *strike = &plan->strikes[i];
        if (strike->at_ms > now_ms)
            (void)fprintf(file, "%srun %" PRIu64 "\n", indent, strike->at_ms - now_ms);
        now_ms = strike->at_ms;
        (void)fputs(indent, file);
        strike_print(file, strike, plan_n_replicas(plan));
        (void)fputc('\n', file);
    }
    if (plan->end_ms > now_ms)
        (void)fprintf(file, "%srun %" PRIu64 "\n", indent, plan->end_ms - now_ms);
}
