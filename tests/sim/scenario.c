#include "tests/sim/scenario.h"

#include "tests/sim/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What `until` waits for, in virtual time, before it gives up. */
#define PATIENCE_MS 30000u
#define WORDS_MAX 16
#define LINE_MAX_BYTES 256

struct script {
    struct world *world;
    const char *path;
    unsigned int line;
    struct world_setup setup;
    bool is_begun;
    int n_words;
    char *words[WORDS_MAX];
};

static bool complain(const struct script *script, const char *what)
{
    printf("FAILED %s:%u: %s\n", script->path, script->line, what);
    return false;
}

static bool number_of(const char *text, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

/* The number after the word, `fallback` if the word is not there. */
static bool option(const struct script *script, const char *word, uint64_t fallback,
                   uint64_t *ret_number)
{
    *ret_number = fallback;
    for (int i = 1; i + 1 < script->n_words; i++)
        if (strcmp(script->words[i], word) == 0)
            return number_of(script->words[i + 1], ret_number);
    return true;
}

/* "1,3" or "*" after the word: replicas, a bit each. All if the word is not there. */
static bool replicas_after(const struct script *script, const char *word, uint64_t *ret_set)
{
    uint64_t set = 0;

    *ret_set = UINT64_MAX;
    for (int i = 1; i + 1 < script->n_words; i++) {
        const char *at = script->words[i + 1];
        if (strcmp(script->words[i], word) != 0 || strcmp(at, "*") == 0)
            continue;
        for (; *at != '\0'; at += at[0] == ',') {
            char *end;
            unsigned long replica = strtoul(at, &end, 10);
            if (end == at || replica >= 64)
                return false;
            set |= UINT64_C(1) << replica;
            at = end;
        }
        *ret_set = set;
    }
    return true;
}

static void begin(struct script *script)
{
    if (script->is_begun)
        return;
    script->is_begun = true;
    world_reset(script->world, &script->setup);
    world_run_until(script->world, 1);
}

static bool read_kind(const char *name, enum message_kind *ret_kind)
{
    for (int kind = 0; kind <= MESSAGES_END; kind++)
        if (strcmp(name, message_name((enum message_kind)kind)) == 0) {
            *ret_kind = (enum message_kind)kind;
            return true;
        }
    return false;
}

/* drop|hold KIND|any [term T] [seq S] [from SET] [to SET] */
static bool do_drop(struct script *script)
{
    struct net *net = &script->world->net;
    struct net_rule rule = {.kind = MESSAGES_END};

    rule.is_hold = strcmp(script->words[0], "hold") == 0;

    if (script->n_words < 2 || net->n_rules == NET_RULES_MAX)
        return complain(script, "drop or hold what?");
    if (!read_kind(script->words[1], &rule.kind))
        return complain(script, "no such message");
    if (!option(script, "term", 0, &rule.term) || !option(script, "seq", 0, &rule.seq) ||
        !replicas_after(script, "from", &rule.from) || !replicas_after(script, "to", &rule.to))
        return complain(script, "drop|hold KIND [term T] [seq S] [from SET] [to SET]");
    net->rules[net->n_rules++] = rule;
    return true;
}

/* pass [KIND]: the rules for that kind of message (any: those for any), or all rules,
 * are gone. */
static bool do_pass(struct script *script)
{
    struct net *net = &script->world->net;
    enum message_kind kind = MESSAGES_END;
    uint32_t n = 0;

    if (script->n_words > 1 && !read_kind(script->words[1], &kind))
        return complain(script, "no such message");
    for (uint32_t i = 0; script->n_words > 1 && i < net->n_rules; i++)
        if (net->rules[i].kind != kind)
            net->rules[n++] = net->rules[i];
    net->n_rules = n;
    net_release(script->world);
    return true;
}

enum fact { FACT_QC, FACT_TERM, FACT_COMMITTED, FACT_TIMED_OUT, FACTS_END };

static bool holds(const struct world *world, uint32_t index, enum fact fact,
                  const uint64_t *numbers)
{
    const struct replica *replica = &world->replicas[index];
    struct core_view view;

    if (!replica->is_up)
        return false;
    core_look(replica->core, &view);
    switch (fact) {
    case FACT_QC:
        return rank_cmp(view.high_qc, (struct rank){1, numbers[0], numbers[1]}) >= 0;
    case FACT_TERM:
        return view.term.term >= numbers[0];
    case FACT_COMMITTED:
        return view.committed.height >= numbers[0];
    case FACT_TIMED_OUT:
        return view.timed_out.term >= numbers[0];
    case FACTS_END:
        break;
    }
    return false;
}

/* qc T S | term T | committed H | timed-out T, [at SET]: of all of the set. */
static bool read_fact(struct script *script, enum fact *ret_fact, uint64_t numbers[2],
                      uint64_t *ret_set)
{
    static const struct {
        const char *name;
        int n_numbers;
    } facts[] = {{"qc", 2}, {"term", 1}, {"committed", 1}, {"timed-out", 1}};
    int fact = 0;

    while (fact < FACTS_END && script->n_words > 1 &&
           strcmp(script->words[1], facts[fact].name) != 0)
        fact++;
    if (fact == FACTS_END || script->n_words < 2 + facts[fact].n_numbers)
        return false;
    for (int i = 0; i < facts[fact].n_numbers; i++)
        if (!number_of(script->words[2 + i], &numbers[i]))
            return false;
    *ret_fact = (enum fact)fact;
    return replicas_after(script, "at", ret_set);
}

/* How many of the set it holds for; ret_n: of how many. */
static uint32_t count_holding(const struct world *world, uint64_t set, enum fact fact,
                              const uint64_t *numbers, uint32_t *ret_n)
{
    uint32_t n_holding = 0;

    *ret_n = 0;
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        if ((set >> i & 1) == 0)
            continue;
        n_holding += holds(world, i, fact, numbers);
        (*ret_n)++;
    }
    return n_holding;
}

static bool do_until(struct script *script)
{
    struct world *world = script->world;
    uint64_t numbers[2] = {0, 0};
    uint64_t set;
    uint32_t n;
    enum fact fact;

    if (!read_fact(script, &fact, numbers, &set))
        return complain(script, "until qc T S | term T | committed H | timed-out T [at SET]");
    uint64_t end_ms = world->now_ms + PATIENCE_MS;
    while (count_holding(world, set, fact, numbers, &n) < n) {
        if (world->checkers.has_failed)
            return true;
        if (world->now_ms >= end_ms)
            return complain(script, "this never happens");
        world_run_until(world, world->now_ms + 1);
    }
    return true;
}

static bool do_expect(struct script *script)
{
    uint64_t numbers[2] = {0, 0};
    bool is_negated = script->n_words > 2 && strcmp(script->words[1], "not") == 0;
    uint64_t set;
    uint32_t n;
    enum fact fact;

    if (is_negated) {
        script->n_words--;
        memmove(script->words + 1, script->words + 2,
                (size_t)(script->n_words - 1) * sizeof(script->words[0]));
    }
    if (!read_fact(script, &fact, numbers, &set))
        return complain(script, "expect [not] qc T S | term T | committed H | timed-out T ...");
    uint32_t n_holding = count_holding(script->world, set, fact, numbers, &n);
    if (n_holding != (is_negated ? 0 : n))
        return complain(script, "it is otherwise");
    return true;
}

static bool do_transfer(struct script *script)
{
    struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};
    uint64_t at;
    uint64_t to;

    if (!option(script, "at", UINT64_MAX, &at) || !option(script, "to", UINT64_MAX, &to) ||
        at >= script->world->n_replicas || to >= script->world->n_validators)
        return complain(script, "transfer at REPLICA to VALIDATOR");
    input.transfer_to = (uint32_t)to;
    replica_input(script->world, &script->world->replicas[at], &input);
    return true;
}

/* One replica or request, where the command needs just that. */
static bool do_one(struct script *script)
{
    struct world *world = script->world;
    const char *command = script->words[0];
    uint64_t number;
    uint64_t to;

    if (script->n_words < 2 || !number_of(script->words[1], &number) ||
        !option(script, "to", 0, &to) || to >= world->n_replicas)
        return complain(script, "which?");
    if (strcmp(command, "run") == 0) {
        world_run_until(world, world->now_ms + number);
    } else if (strcmp(command, "submit") == 0 && number < REQUESTS_MAX - 1) {
        schedule_submit(world, (uint32_t)number, (uint32_t)to);
    } else if (strcmp(command, "crash") == 0 && number < world->n_replicas) {
        replica_crash(world, &world->replicas[number], 50);
    } else {
        return complain(script, "no such command, or the number is too high");
    }
    return true;
}

static bool do_setup(struct script *script)
{
    uint64_t number;

    if (script->is_begun || script->n_words != 2 || !number_of(script->words[1], &number))
        return complain(script, "validators N and leader I come first");
    if (strcmp(script->words[0], "validators") == 0 && number > 1 && number <= VALIDATORS_MAX)
        script->setup.n_validators = (uint32_t)number;
    else if (strcmp(script->words[0], "leader") == 0 && number < script->setup.n_validators)
        script->setup.first_leader = (uint32_t)number;
    else
        return complain(script, "too many");
    return true;
}

static bool do_line(struct script *script)
{
    const char *command = script->words[0];

    if (strcmp(command, "validators") == 0 || strcmp(command, "leader") == 0)
        return do_setup(script);
    begin(script);
    if (strcmp(command, "drop") == 0 || strcmp(command, "hold") == 0)
        return do_drop(script);
    if (strcmp(command, "until") == 0)
        return do_until(script);
    if (strcmp(command, "expect") == 0)
        return do_expect(script);
    if (strcmp(command, "transfer") == 0)
        return do_transfer(script);
    if (strcmp(command, "pass") == 0)
        return do_pass(script);
    return do_one(script);
}

static void split_words(struct script *script, char *line)
{
    char *rest = NULL;

    line[strcspn(line, "#\n")] = '\0';
    script->n_words = 0;
    for (char *word = strtok_r(line, " \t", &rest); word != NULL && script->n_words < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        script->words[script->n_words++] = word;
}

static bool run_lines(struct script *script, FILE *file)
{
    char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof(line), file) != NULL) {
        script->line++;
        split_words(script, line);
        if (script->n_words > 0 && !do_line(script))
            return false;
        if (script->world->checkers.has_failed)
            break;
    }
    begin(script);
    if (!script->world->checkers.has_failed && schedule_finish(script->world))
        return true;
    printf("FAILED %s:%u at %" PRIu64 " ms: %s: %s\n", script->path, script->line,
           script->world->now_ms, check_name(script->world->checkers.what),
           script->world->checkers.why);
    return false;
}

bool scenario_run(struct world *world, const char *path)
{
    struct script script = {.world = world, .path = path, .setup = {.n_validators = 4}};
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        return false;
    }
    bool has_passed = run_lines(&script, file);
    (void)fclose(file);
    if (has_passed)
        printf("%s: holds, height %" PRIu64 ", trace %016" PRIx64 "\n", path,
               world->checkers.height, world->hash);
    return has_passed;
}
