/* Strikes as lines of a script: a name, perhaps a first argument, then options in any order. */
#include "common/must.h"
#include "tests/sim/strike.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 4

/* What an argument is. */
enum argument {
    ARGUMENT_NONE,
    ARGUMENT_WHO,       /* replica */
    ARGUMENT_NUMBER,    /* of messages, actions, milliseconds; a request */
    ARGUMENT_VALIDATOR, /* or "any" */
    ARGUMENT_MESSAGE,   /* kind, or "any" */
    ARGUMENT_FROM,      /* replicas */
    ARGUMENT_TO,
    ARGUMENT_TERM,
    ARGUMENT_SEQ,
};

static const struct form {
    const char *name, *usage;
    enum argument first;
    struct {
        const char *word;
        enum argument argument;
        bool is_needed;
    } options[OPTIONS_MAX];
} forms[] = {
    [STRIKE_SUBMIT] = {"submit",
                       "submit REQUEST to REPLICA",
                       ARGUMENT_NUMBER,
                       {{"to", ARGUMENT_WHO, true}}},
    [STRIKE_TRANSFER] = {"transfer",
                         "transfer at REPLICA to VALIDATOR|any",
                         ARGUMENT_NONE,
                         {{"at", ARGUMENT_WHO, true}, {"to", ARGUMENT_VALIDATOR, true}}},
    [STRIKE_CRASH] = {"crash",
                      "crash REPLICA [after ACTIONS]",
                      ARGUMENT_WHO,
                      {{"after", ARGUMENT_NUMBER, false}}},
    [STRIKE_PAUSE] = {"pause",
                      "pause REPLICA for MS",
                      ARGUMENT_WHO,
                      {{"for", ARGUMENT_NUMBER, true}}},
    [STRIKE_AHEAD] = {"clock",
                      "clock REPLICA ahead|behind MS",
                      ARGUMENT_WHO,
                      {{"ahead", ARGUMENT_NUMBER, true}}},
    [STRIKE_BEHIND] = {"clock",
                       "clock REPLICA ahead|behind MS",
                       ARGUMENT_WHO,
                       {{"behind", ARGUMENT_NUMBER, true}}},
    [STRIKE_FILL_FILE] = {"fill-file", "fill-file REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_FILL_STORE] = {"fill-store", "fill-store REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_MAKE_ROOM] = {"make-room", "make-room REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_FAIL_SYNC] = {"fail-sync", "fail-sync REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_BACKUP] = {"backup", "backup REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_RESTORE_STORE] = {"restore-store", "restore-store REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_RESTORE_FILE] = {"restore-file", "restore-file REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_RESTORE_MACHINE] = {"restore-machine", "restore-machine REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_CLONE] = {"clone", "clone REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_POWER] = {"power-cut", "power-cut", ARGUMENT_NONE, {{0}}},
    [STRIKE_DROP] = {"drop",
                     "drop KIND|any [term T] [seq S] [from SET] [to SET]",
                     ARGUMENT_MESSAGE,
                     {{"term", ARGUMENT_TERM, false},
                      {"seq", ARGUMENT_SEQ, false},
                      {"from", ARGUMENT_FROM, false},
                      {"to", ARGUMENT_TO, false}}},
    [STRIKE_HOLD] = {"hold",
                     "hold KIND|any [term T] [seq S] [from SET] [to SET]",
                     ARGUMENT_MESSAGE,
                     {{"term", ARGUMENT_TERM, false},
                      {"seq", ARGUMENT_SEQ, false},
                      {"from", ARGUMENT_FROM, false},
                      {"to", ARGUMENT_TO, false}}},
    [STRIKE_PASS] = {"pass", "pass [KIND]", ARGUMENT_MESSAGE, {{0}}},
    [STRIKE_PASS_ALL] = {"pass", "pass [KIND]", ARGUMENT_NONE, {{0}}},
    [STRIKE_SPLIT] = {"split", "split SET", ARGUMENT_FROM, {{0}}},
    [STRIKE_CUT] = {"cut", "cut SET to SET", ARGUMENT_FROM, {{"to", ARGUMENT_TO, true}}},
    [STRIKE_JOIN] = {"join", "join SET to SET", ARGUMENT_FROM, {{"to", ARGUMENT_TO, true}}},
    [STRIKE_SLOW] = {"slow",
                     "slow SET to SET by MS",
                     ARGUMENT_FROM,
                     {{"to", ARGUMENT_TO, true}, {"by", ARGUMENT_NUMBER, true}}},
    [STRIKE_MEND] = {"mend", "mend", ARGUMENT_NONE, {{0}}},
    [STRIKE_STARVE] = {"starve", "starve REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_FEED] = {"feed", "feed REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_LIE] = {"lie", "lie", ARGUMENT_NONE, {{0}}},
    [STRIKE_ADD] = {"add", "add REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_REMOVE] = {"remove", "remove REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_REKEY] = {"rekey", "rekey REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_REINSTATE] = {"reinstate", "reinstate REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_LOSE] = {"lose-file", "lose-file REPLICA", ARGUMENT_WHO, {{0}}},
    [STRIKE_RECOVER] = {"recover", "recover SET", ARGUMENT_FROM, {{0}}},
    [STRIKE_RECOVER_BELOW] = {"recover-below", "recover-below REPLICA", ARGUMENT_WHO, {{0}}},
};

bool number_read(const char *text, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

bool replica_set_read(const char *text, uint64_t *ret_set)
{
    uint64_t set = 0;

    if (strcmp(text, "*") == 0 || strcmp(text, "none") == 0) {
        *ret_set = text[0] == '*' ? UINT64_MAX : 0;
        return true;
    }
    for (const char *at = text; *at != '\0'; at += at[0] == ',') {
        char *end;
        unsigned long replica = strtoul(at, &end, 10);
        if (end == at || replica >= 64 || (*end != ',' && *end != '\0'))
            return false;
        set |= UINT64_C(1) << replica;
        at = end;
    }
    *ret_set = set;
    return true;
}

static uint64_t all_of(uint32_t n_replicas)
{
    return n_replicas >= 64 ? UINT64_MAX : (UINT64_C(1) << n_replicas) - 1;
}

static bool is_everybody(uint64_t set, uint32_t n_replicas)
{
    return (set & all_of(n_replicas)) == all_of(n_replicas);
}

void replica_set_print(FILE *file, uint64_t set, uint32_t n_replicas)
{
    const char *comma = "";

    if (is_everybody(set, n_replicas) || (set & all_of(n_replicas)) == 0) {
        (void)fputs(is_everybody(set, n_replicas) ? "*" : "none", file);
        return;
    }
    for (uint32_t i = 0; i < n_replicas && i < 64; i++) {
        if ((set >> i & 1) == 0)
            continue;
        (void)fprintf(file, "%s%" PRIu32, comma, i);
        comma = ",";
    }
}

static bool read_message(const char *text, enum message_kind *ret_kind)
{
    for (int kind = 0; kind <= MESSAGES_END; kind++)
        if (strcmp(text, message_name((enum message_kind)kind)) == 0) {
            *ret_kind = (enum message_kind)kind;
            return true;
        }
    return false;
}

static bool read_short(const char *text, uint32_t *ret_number)
{
    uint64_t number;

    if (!number_read(text, &number) || number >= UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool read_argument(const char *text, enum argument argument, struct strike *strike)
{
    switch (argument) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_WHO:
        return read_short(text, &strike->who);
    case ARGUMENT_VALIDATOR:
        strike->n = VALIDATOR_NONE;
        return strcmp(text, "any") == 0 || read_short(text, &strike->n);
    case ARGUMENT_NUMBER:
        return read_short(text, &strike->n);
    case ARGUMENT_MESSAGE:
        return read_message(text, &strike->message);
    case ARGUMENT_FROM:
        return replica_set_read(text, &strike->from);
    case ARGUMENT_TO:
        return replica_set_read(text, &strike->to);
    case ARGUMENT_TERM:
        return number_read(text, &strike->term);
    case ARGUMENT_SEQ:
        return number_read(text, &strike->seq);
    }
    return false;
}

/* The options from word `at` on; false if there is one too many, or one is missing. */
static bool read_options(const struct form *form, char *const *words, int n_words,
                         struct strike *strike)
{
    int n_read = 0;

    for (int i = 0; i < OPTIONS_MAX && form->options[i].word != NULL; i++) {
        bool is_there = false;
        for (int at = 0; at + 1 < n_words && !is_there; at += 2) {
            is_there = strcmp(words[at], form->options[i].word) == 0;
            if (is_there && !read_argument(words[at + 1], form->options[i].argument, strike))
                return false;
        }
        if (form->options[i].is_needed && !is_there)
            return false;
        n_read += is_there ? 2 : 0;
    }
    return n_read == n_words;
}

static bool read_as(const struct form *form, char *const *words, int n_words, struct strike *strike)
{
    int at = 1;

    if (form->first != ARGUMENT_NONE &&
        (n_words < 2 || !read_argument(words[at++], form->first, strike)))
        return false;
    return read_options(form, words + at, n_words - at, strike);
}

const char *strike_read(char *const *words, int n_words, struct strike *ret_strike)
{
    const char *usage = NULL;

    for (size_t kind = 0; kind < STRIKES_END; kind++) {
        struct strike strike = {.kind = (enum strike_kind)kind, .fault = FAULTS_END};
        strike.message = MESSAGES_END;
        strike.from = strike.to = UINT64_MAX;
        if (strcmp(words[0], forms[kind].name) != 0)
            continue;
        usage = forms[kind].usage;
        if (!read_as(&forms[kind], words, n_words, &strike))
            continue;
        *ret_strike = strike;
        return NULL;
    }
    return usage != NULL ? usage : "no such command";
}

/* Is it what it would be if it were left out? */
static bool is_default(const struct strike *strike, enum argument argument, uint32_t n_replicas)
{
    switch (argument) {
    case ARGUMENT_NONE:
        return true;
    case ARGUMENT_NUMBER:
        return strike->n == 0;
    case ARGUMENT_FROM:
        return is_everybody(strike->from, n_replicas);
    case ARGUMENT_TO:
        return is_everybody(strike->to, n_replicas);
    case ARGUMENT_TERM:
        return strike->term == 0;
    case ARGUMENT_SEQ:
        return strike->seq == 0;
    case ARGUMENT_MESSAGE:
    case ARGUMENT_WHO:
    case ARGUMENT_VALIDATOR:
        break;
    }
    return false;
}

static void print_argument(FILE *file, const struct strike *strike, enum argument argument,
                           uint32_t n_replicas)
{
    (void)fputc(' ', file);
    switch (argument) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_WHO:
        (void)fprintf(file, "%" PRIu32, strike->who);
        break;
    case ARGUMENT_VALIDATOR:
        if (strike->n == VALIDATOR_NONE)
            (void)fputs("any", file);
        else
            (void)fprintf(file, "%" PRIu32, strike->n);
        break;
    case ARGUMENT_NUMBER:
        (void)fprintf(file, "%" PRIu32, strike->n);
        break;
    case ARGUMENT_MESSAGE:
        (void)fputs(message_name(strike->message), file);
        break;
    case ARGUMENT_FROM:
        replica_set_print(file, strike->from, n_replicas);
        break;
    case ARGUMENT_TO:
        replica_set_print(file, strike->to, n_replicas);
        break;
    case ARGUMENT_TERM:
        (void)fprintf(file, "%" PRIu64, strike->term);
        break;
    case ARGUMENT_SEQ:
        (void)fprintf(file, "%" PRIu64, strike->seq);
        break;
    }
}

void strike_print(FILE *file, const struct strike *strike, uint32_t n_replicas)
{
    const struct form *form = &forms[strike->kind];

    (void)fputs(form->name, file);
    if (form->first != ARGUMENT_NONE)
        print_argument(file, strike, form->first, n_replicas);
    for (int i = 0; i < OPTIONS_MAX && form->options[i].word != NULL; i++) {
        enum argument argument = form->options[i].argument;
        if (!form->options[i].is_needed && is_default(strike, argument, n_replicas))
            continue;
        (void)fprintf(file, " %s", form->options[i].word);
        print_argument(file, strike, argument, n_replicas);
    }
}
