#include "tests/sim/scenario.h"

#include "tests/sim/schedule.h"

#include <inttypes.h>
#include <stdio.h>

/* What `until` waits for, in virtual time, before it gives up. */
#define PATIENCE_MS 30000u
#define WORDS_MAX 32
#define LINE_MAX_BYTES 512

struct script {
    struct world *world;
    const char *path;
    unsigned int line;
    struct plan plan; /* its first lines only */
    bool is_begun;
    int n_words;
    char *words[WORDS_MAX];
};

static bool complain(const struct script *script, const char *what)
{
    printf("FAILED %s:%u: %s\n", script->path, script->line, what);
    return false;
}

static void begin(struct script *script)
{
    if (script->is_begun)
        return;
    script->is_begun = true;
    plan_begin(script->world, &script->plan);
}

enum fact {
    FACT_QC,
    FACT_TERM,
    FACT_COMMITTED,
    FACT_TIMED_OUT,
    FACT_EPOCH,
    FACT_OBSERVING,
    FACTS_END,
};

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
        return rank_cmp(view.high_qc, (struct rank){view.term.epoch, numbers[0], numbers[1]}) >= 0;
    case FACT_TERM:
        return view.term.term >= numbers[0];
    case FACT_COMMITTED:
        return view.committed.height >= numbers[0];
    case FACT_TIMED_OUT:
        return view.timed_out.epoch == view.term.epoch && view.timed_out.term >= numbers[0];
    case FACT_EPOCH:
        return view.term.epoch >= numbers[0];
    case FACT_OBSERVING:
        return view.is_observing;
    case FACTS_END:
        break;
    }
    return false;
}

/* FACT [at SET]: of all of the set. */
static bool read_fact(struct script *script, enum fact *ret_fact, uint64_t numbers[2],
                      uint64_t *ret_set)
{
    static const struct {
        const char *name;
        int n_numbers;
    } facts[] = {{"qc", 2},        {"term", 1},  {"committed", 1},
                 {"timed-out", 1}, {"epoch", 1}, {"observing", 0}};
    int fact = 0;

    while (fact < FACTS_END && script->n_words > 1 &&
           strcmp(script->words[1], facts[fact].name) != 0)
        fact++;
    if (fact == FACTS_END || script->n_words < 2 + facts[fact].n_numbers)
        return false;
    for (int i = 0; i < facts[fact].n_numbers; i++)
        if (!number_read(script->words[2 + i], &numbers[i]))
            return false;
    *ret_fact = (enum fact)fact;
    *ret_set = UINT64_MAX;
    int at = 2 + facts[fact].n_numbers;
    if (script->n_words == at)
        return true;
    return script->n_words == at + 2 && strcmp(script->words[at], "at") == 0 &&
           replica_set_read(script->words[at + 1], ret_set);
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
        return complain(script, "until FACT [at SET]: see scenarios/README.md");
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
        return complain(script, "expect [not] FACT [at SET]: see scenarios/README.md");
    uint32_t n_holding = count_holding(script->world, set, fact, numbers, &n);
    if (n_holding != (is_negated ? 0 : n))
        return complain(script, "it is otherwise");
    return true;
}

static bool do_run(struct script *script)
{
    uint64_t ms;

    if (script->n_words != 2 || !number_read(script->words[1], &ms))
        return complain(script, "run MS");
    world_run_until(script->world, script->world->now_ms + ms);
    return true;
}

static bool do_strike(struct script *script)
{
    struct strike strike;
    const char *fault = strike_read(script->words, script->n_words, &strike);

    if (fault != NULL)
        return complain(script, fault);
    if (strike.who >= script->world->n_replicas)
        return complain(script, "there is no such replica");
    if (strike.kind == STRIKE_SUBMIT && strike.n >= REQUESTS_MAX - 1)
        return complain(script, "requests are 0 to 62");
    strike_do(script->world, &strike);
    return true;
}

static bool do_setup(struct script *script)
{
    const char *fault = plan_read(script->words, script->n_words, &script->plan);

    if (script->is_begun)
        return complain(script, "this comes first");
    return fault == NULL || complain(script, fault);
}

static bool do_line(struct script *script)
{
    const char *command = script->words[0];

    if (plan_is_setup(command))
        return do_setup(script);
    begin(script);
    if (strcmp(command, "run") == 0)
        return do_run(script);
    if (strcmp(command, "until") == 0)
        return do_until(script);
    if (strcmp(command, "expect") == 0)
        return do_expect(script);
    return do_strike(script);
}

static void split_words(struct script *script, char *line)
{
    char *rest = NULL;

    line[strcspn(line, "#")] = '\0';
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
        line[strcspn(line, "\n")] = '\0';
        transcript_flush(script->world, line);
        split_words(script, line);
        if (script->n_words > 0 && !do_line(script))
            return false;
        if (script->world->checkers.has_failed)
            break;
    }
    begin(script);
    transcript_flush(script->world, "(all heals)");
    bool has_passed = !script->world->checkers.has_failed && schedule_finish(script->world);
    transcript_flush(script->world, has_passed ? "(all holds)" : "(fails)");
    if (has_passed)
        return true;
    printf("FAILED %s:%u at %" PRIu64 " ms: %s: %s\n", script->path, script->line,
           script->world->now_ms, check_name(script->world->checkers.what),
           script->world->checkers.why);
    return false;
}

bool scenario_run(struct world *world, const char *path)
{
    struct script script = {.world = world, .path = path};
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        return false;
    }
    plan_init(&script.plan);
    bool has_passed = run_lines(&script, file);
    (void)fclose(file);
    if (has_passed && world->transcript == NULL)
        printf("%s: holds, height %" PRIu64 ", trace %016" PRIx64 "\n", path,
               world->checkers.height, world->hash);
    return has_passed;
}
