/* `consensus why`: what is waited for, for whom, and since when. From memory alone: it
 * answers without a quorum and without the database, because that is when it is asked. */
#include "services/consensus/queries.h"

#include <inttypes.h>

#include "common/clock.h"

#define NAMES_SHOWN 6u

struct cause {
    const char *waiting_for; /* a word of the contract, see below */
    char summary[400];
    uint64_t since_ms; /* monotonic; 0: not known */
};

static uint64_t bit(uint32_t validator)
{
    return UINT64_C(1) << validator;
}

static uint64_t all_of(const struct node *node)
{
    uint32_t n = node->genesis->n_validators;

    return n == 64 ? UINT64_MAX : bit(n) - 1;
}

/* "n1, n2 and n4"; "nobody". */
static void name_all(const struct node *node, uint64_t set, char *text, size_t capacity)
{
    uint32_t left = (uint32_t)__builtin_popcountll(set), n = 0;
    size_t used = 0;

    (void)snprintf(text, capacity, "nobody");
    for (uint32_t i = 0; i < node->genesis->n_validators && used < capacity; i++) {
        if (!(set & bit(i)))
            continue;
        left--;
        bool is_last = left == 0;
        if (n == NAMES_SHOWN && !is_last) {
            (void)snprintf(text + used, capacity - used, " and %u more", left + 1);
            return;
        }
        const char *between = n == 0 ? "" : is_last ? " and " : ", ";
        int size = snprintf(text + used, capacity - used, "%s%s", between, node_name_of(node, i));
        used += size > 0 ? (size_t)size : 0;
        n++;
    }
}

static void age(uint64_t since_ms, uint64_t now_ms, char ret_text[32])
{
    uint64_t ms = since_ms != 0 && now_ms > since_ms ? now_ms - since_ms : 0;

    if (ms < 10000)
        (void)snprintf(ret_text, 32, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
    else if (ms < 120000)
        (void)snprintf(ret_text, 32, "%" PRIu64 " s", ms / 1000);
    else
        (void)snprintf(ret_text, 32, "%" PRIu64 " min", ms / 60000);
}

static uint64_t silent_set(const struct node *node, uint64_t now_ms, uint64_t *ret_since_ms)
{
    uint64_t set = 0, since_ms = now_ms;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        uint64_t seen_ms = node->view.peers[i].seen_ms;
        if (i == node->self || node_is_active(node, i, now_ms))
            continue;
        set |= bit(i);
        since_ms = seen_ms < since_ms ? seen_ms : since_ms;
    }
    *ret_since_ms = since_ms;
    return set;
}

static uint32_t count(uint64_t set)
{
    return (uint32_t)__builtin_popcountll(set);
}

static void wait_for_quorum(const struct node *node, uint64_t silent, struct cause *cause)
{
    uint32_t n = node->genesis->n_validators;
    char names[200];

    name_all(node, silent, names, sizeof(names));
    cause->waiting_for = "quorum";
    (void)snprintf(cause->summary, sizeof(cause->summary),
                   "no quorum: %u of %u validators are heard from, %u are needed; silent: %s",
                   n - count(silent), n, quorum_size(n), names);
}

static void wait_for_votes(const struct node *node, const struct core_waiting *waiting,
                           uint64_t now_ms, struct cause *cause)
{
    uint64_t have = waiting->is_certified ? waiting->commit_voted : waiting->voted;
    const char *what = waiting->is_certified ? "commit votes" : "votes";
    char missing[200], since[32];

    name_all(node, all_of(node) & ~have, missing, sizeof(missing));
    age(waiting->voted_ms, now_ms, since);
    cause->waiting_for = waiting->is_certified ? "commit_votes" : "votes";
    cause->since_ms = waiting->voted_ms;
    (void)snprintf(cause->summary, sizeof(cause->summary),
                   "block %" PRIu64 " of %s waits for %s: %u of %u are here; not from %s, for %s",
                   waiting->height, node_name_of(node, waiting->author), what, count(have),
                   quorum_size(node->genesis->n_validators), missing, since);
}

static void wait_for_block(const struct node *node, const struct core_waiting *waiting,
                           uint64_t now_ms, struct cause *cause)
{
    const char *author = node_name_of(node, waiting->author);

    if (waiting->is_refused) {
        cause->waiting_for = "term";
        (void)snprintf(cause->summary, sizeof(cause->summary),
                       "block %" PRIu64 " of %s was refused here: waiting for the term to end",
                       waiting->height, author);
    } else if (waiting->is_body_missing) {
        cause->waiting_for = "bundles";
        (void)snprintf(cause->summary, sizeof(cause->summary),
                       "block %" PRIu64 " of %s: its bundles are not all here yet, asked for",
                       waiting->height, author);
    } else {
        wait_for_votes(node, waiting, now_ms, cause);
    }
}

static void wait_for_term(const struct node *node, const struct core_waiting *waiting,
                          uint64_t now_ms, struct cause *cause)
{
    char missing[200], since[32];

    name_all(node, all_of(node) & ~waiting->timed_out, missing, sizeof(missing));
    age(waiting->entered_ms, now_ms, since);
    cause->waiting_for = "term";
    cause->since_ms = waiting->entered_ms;
    (void)snprintf(cause->summary, sizeof(cause->summary),
                   "term %" PRIu64 " of leader %s is to end: %u of %u have called for the next; "
                   "not yet %s; entered %s ago",
                   node->view.term.term, node_name_of(node, node->view.leader),
                   count(waiting->timed_out), quorum_size(node->genesis->n_validators), missing,
                   since);
}

static void wait_for_leader(const struct node *node, uint64_t now_ms, struct cause *cause)
{
    uint32_t n = mempool_size(node->mempool).bundles;
    char since[32];

    age(node->pending_oldest_ms, now_ms, since);
    cause->waiting_for = "leader";
    cause->since_ms = node->pending_oldest_ms;
    (void)snprintf(cause->summary, sizeof(cause->summary),
                   "%u bundle%s wait%s for leader %s to propose, the oldest for %s", n,
                   n == 1 ? "" : "s", n == 1 ? "s" : "", node_name_of(node, node->view.leader),
                   since);
}

static void say(struct cause *cause, const char *waiting_for, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct cause *cause, const char *waiting_for, const char *format, ...)
{
    va_list args;

    cause->waiting_for = waiting_for;
    va_start(args, format);
    (void)vsnprintf(cause->summary, sizeof(cause->summary), format, args);
    va_end(args);
}

/* The first that holds, from what stops everything to what stops little. */
static void explain_wait(const struct node *node, const struct core_waiting *waiting,
                         uint64_t now_ms, struct cause *cause)
{
    uint64_t silent_ms = 0, height = node->view.committed.height;
    uint64_t silent = silent_set(node, now_ms, &silent_ms);
    uint32_t n = node->genesis->n_validators;

    if (node->phase == NODE_LOADING) {
        say(cause, "start", "starting: stored blocks are being replayed");
    } else if (n - count(silent) < quorum_size(n)) {
        cause->since_ms = silent_ms;
        wait_for_quorum(node, silent, cause);
    } else if (!store_is_up(node->store)) {
        say(cause, "database", "nothing can be made durable, so nothing is signed here: %s",
            store_detail(node->store));
    } else if (waiting->timed_out != 0) {
        wait_for_term(node, waiting, now_ms, cause);
    } else if (waiting->has_block) {
        wait_for_block(node, waiting, now_ms, cause);
    } else if (node->was_pending) {
        wait_for_leader(node, now_ms, cause);
    } else if (node->view.executed_height < height) {
        say(cause, "execution", "block %" PRIu64 " is committed; executed up to %" PRIu64, height,
            node->view.executed_height);
    } else {
        say(cause, "nothing", "nothing waits: block %" PRIu64 " is final and no bundle is pending",
            height);
    }
}

static json_t *names_json(const struct node *node, uint64_t set)
{
    json_t *names = json_array();

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        if (set & bit(i))
            json_array_append_new(names, json_string(node_name_of(node, i)));
    return names;
}

static json_t *block_json(const struct node *node, const struct core_waiting *waiting)
{
    struct hash_text id = hash_to_text(&waiting->block);

    if (!waiting->has_block)
        return json_null();
    return json_pack("{s:s,s:I,s:I,s:I,s:s,s:b,s:b,s:o,s:o,s:o,s:o}", "id", id.text, "height",
                     (json_int_t)waiting->height, "term", (json_int_t)waiting->rank.term, "seq",
                     (json_int_t)waiting->rank.seq, "author", node_name_of(node, waiting->author),
                     "certified", waiting->is_certified, "body_missing", waiting->is_body_missing,
                     "voted", names_json(node, waiting->voted), "not_voted",
                     names_json(node, all_of(node) & ~waiting->voted), "commit_voted",
                     names_json(node, waiting->commit_voted), "not_commit_voted",
                     names_json(node, all_of(node) & ~waiting->commit_voted));
}

/* waiting_for: start, quorum, database, term, bundles, votes, commit_votes, leader,
 * execution or nothing. */
enum apm_err query_why(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    uint64_t now_ms = clock_mono_ms(), silent_ms = 0;
    struct core_waiting waiting = {.has_block = false};
    struct cause cause = {.waiting_for = ""};

    (void)args;
    if (node->phase != NODE_LOADING)
        core_look_waiting(node->core, &waiting);
    explain_wait(node, &waiting, now_ms, &cause);
    uint64_t since_ms = cause.since_ms != 0 ? clock_wall_ms() - (now_ms - cause.since_ms) : 0;
    json_t *body = json_pack(
        "{s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:i,s:i,s:o,s:o,s:o}", "node_id",
        node_name_of(node, node->self), "waiting_for", cause.waiting_for, "summary", cause.summary,
        "since_ms", (json_int_t)since_ms, "height", (json_int_t)node->view.committed.height, "term",
        (json_int_t)node->view.term.term, "leader_id", node_name_of(node, node->view.leader),
        "pending", (int)mempool_size(node->mempool).bundles, "quorum_threshold",
        (int)quorum_size(node->genesis->n_validators), "silent",
        names_json(node, silent_set(node, now_ms, &silent_ms)), "timed_out",
        names_json(node, waiting.timed_out), "block", block_json(node, &waiting));
    return admin_body(body, ret_body);
}
