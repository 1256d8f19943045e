#include "services/consensus/authority/execute.h"

#include "common/must.h"
#include "services/consensus/authority/actor.h"
#include "services/consensus/authority/admit.h"
#include "services/consensus/authority/capability.h"
#include "services/consensus/authority/key.h"
#include "services/consensus/authority/lease.h"

/* Where a block's results are put together. */
struct pages {
    uint8_t *codes;    /* BLOCK_EVENTS_MAX */
    uint8_t *derived;  /* OUTCOMES_BYTES_MAX */
    uint8_t *outcomes; /* OUTCOMES_BYTES_MAX */
};

struct execution {
    struct authority authority;
    struct pages pages;
    struct ledger ledger;
    uint64_t height;
    struct hash state_root;
};

static void lay_out(struct authority *authority, struct pages *pages, struct arena *arena)
{
    authority_lay_out(authority, arena);
    pages->codes = arena_take(arena, BLOCK_EVENTS_MAX, 1);
    pages->derived = arena_take(arena, OUTCOMES_BYTES_MAX, 1);
    pages->outcomes = arena_take(arena, OUTCOMES_BYTES_MAX, 1);
}

size_t execution_size(const struct authority_limits *limits)
{
    struct arena arena = {.used = sizeof(struct execution)};
    struct authority authority;
    struct pages pages;

    if (!authority_limits_fill(limits, &authority.limits))
        return 0;
    lay_out(&authority, &pages, &arena);
    return arena.used;
}

static bool start_ledger(struct execution *execution)
{
    struct span spaces[NAMESPACES_MAX];

    for (uint32_t i = 0; i < execution->authority.n_spaces; i++)
        spaces[i] = name_span(&execution->authority.spaces[i]);
    return ledger_start(&execution->ledger, spaces, execution->authority.n_spaces);
}

enum apm_err execution_init(void *arena_memory, size_t arena_size,
                            const struct authority_genesis *genesis,
                            struct execution **ret_execution)
{
    struct arena arena = {.base = arena_memory};
    struct execution *execution = arena_take(&arena, 1, sizeof(*execution));

    if (!authority_limits_fill(&genesis->limits, &execution->authority.limits))
        return APM_ERR_GENESIS;
    lay_out(&execution->authority, &execution->pages, &arena);
    MUST(arena.used <= arena_size);

    enum apm_err err = authority_init(&execution->authority, genesis);
    if (err != APM_OK)
        return err;
    if (!start_ledger(execution))
        return APM_ERR_GENESIS;

    struct hash authority_at = authority_root(&execution->authority);
    struct hash ledger_at = ledger_root(&execution->ledger);
    execution->state_root = state_root_of(&authority_at, &ledger_at);
    *ret_execution = execution;
    return APM_OK;
}

typedef enum outcome event_handler(const struct act *act);

/* One <family>_<verb>() per row; a missing one does not link. */
#define HANDLER(number, name, family, verb) [number] = family##_##verb,
static event_handler *const handlers[EVENT_NONE] = {EVENTS_IMPLEMENTED(HANDLER)};

static struct span resource_of(const struct admit_event *event)
{
    const struct event_info *info = event_info(event->type);

    /* A resource is always the first field: the tables and a test say so. */
    if (strcmp(info->fields[0].name, "resource") != 0)
        return (struct span){NULL, 0};
    return *(const struct span *)((const uint8_t *)&event->payload + info->fields[0].offset);
}

/* Whoever signs may replace its own key without being allowed to by anybody. */
static bool needs_right(const struct admit_event *event)
{
    return event->type != EVENT_KeyRotated || !key_is_zero(&event->payload.KeyRotated.old_key);
}

static enum outcome execute_event(struct act *act, struct span bytes)
{
    if (actor_is_rotated(act->authority, act->actor))
        return OUTCOME_KEY_ROTATED_AWAY; /* by an event before it in the bundle */

    struct admit_event event;
    struct admit_fault fault = admit_event(act->authority, bytes, &event);
    if (fault.code != OUTCOME_APPLIED)
        return fault.code;

    const struct capability_need need = {
        .actor = act->actor,
        .space = act->space,
        .type = event.type,
        .resource = resource_of(&event),
        .time_ms = act->time_ms,
    };
    if (needs_right(&event) && !capability_allows(act->authority, &need))
        return OUTCOME_NO_RIGHT;
    act->payload = &event.payload;
    return handlers[event.type](act);
}

/* One way through a block. */
struct run {
    struct execution *execution;
    const struct wire_header *header;
    struct derived derived;
    uint32_t n_events;
    uint32_t n_applied;
};

static void note(struct run *run, enum outcome code)
{
    MUST(run->n_events < BLOCK_EVENTS_MAX);
    run->execution->pages.codes[run->n_events++] = (uint8_t)code;
    run->n_applied += code == OUTCOME_APPLIED;
}

static void execute_events(struct run *run, const struct bundle_view *bundle, struct act *act)
{
    size_t cursor = 0;
    struct span bytes;

    while (blobs_next(&bundle->events, &cursor, &bytes)) {
        run->derived.after = run->n_events + 1;
        note(run, execute_event(act, bytes));
        act->position++;
    }
}

static void execute_bundle(struct run *run, const struct bundle_view *bundle)
{
    struct authority *authority = &run->execution->authority;
    struct act act = {
        .authority = authority,
        .time_ms = run->header->time_ms,
        .chain = &run->header->chain,
        .bundle = &bundle->id,
        .derived = &run->derived,
    };

    enum outcome code = admit_bundle(authority, &bundle->body, run->header->height, &act.actor);
    if (code == OUTCOME_APPLIED) {
        /* From here on the nonce is spent, whatever becomes of the events. */
        actor_use_nonce(authority, act.actor, bundle->body.nonce);
        act.space = authority_space(authority, bundle->body.space);
        code = act.space == SLOT_NONE ? OUTCOME_UNKNOWN_NAMESPACE : OUTCOME_APPLIED;
    }
    if (code == OUTCOME_APPLIED) {
        execute_events(run, bundle, &act);
        return;
    }
    for (uint32_t i = 0; i < bundle->events.n; i++)
        note(run, code);
}

static struct span write_outcomes(const struct run *run)
{
    struct execution *execution = run->execution;
    struct writer writer = writer_of(execution->pages.outcomes, OUTCOMES_BYTES_MAX);

    writer_array(&writer, 3);
    writer_u64(&writer, OUTCOMES_VERSION);
    writer_bin(&writer, span_of(execution->pages.codes, run->n_events));
    writer_array(&writer, run->derived.n);
    MUST(!writer.overflow && run->derived.size <= writer.capacity - writer.size);
    memcpy(writer.out + writer.size, run->derived.bytes, run->derived.size);
    return span_of(writer.out, writer.size + run->derived.size);
}

void execution_apply(struct execution *execution, const struct wire_header *header,
                     const struct bundle_view *bundles, uint32_t n_bundles,
                     struct executed *ret_executed)
{
    struct authority *authority = &execution->authority;
    struct run run = {
        .execution = execution,
        .header = header,
        .derived = {.bytes = execution->pages.derived,
                    .capacity = OUTCOMES_BYTES_MAX,
                    .time_ms = header->time_ms},
    };

    MUST(header->height == execution->height + 1);
    capability_sweep(authority, header->time_ms, BLOCK_EXPIRIES_MAX);
    lease_sweep(authority, &run.derived, BLOCK_EXPIRIES_MAX);
    for (uint32_t i = 0; i < n_bundles; i++)
        execute_bundle(&run, &bundles[i]);

    struct executed executed = {
        .height = header->height,
        .codes = span_of(execution->pages.codes, run.n_events),
        .outcomes = write_outcomes(&run),
        .n_applied = run.n_applied,
        .n_rejected = run.n_events - run.n_applied,
        .n_derived = run.derived.n,
    };
    const struct ledger_block block = {header->height, bundles, n_bundles};
    enum records_verdict verdict =
        ledger_replay(&execution->ledger, &block, executed.outcomes, &executed.segments);
    MUST(verdict == RECORDS_OK);

    executed.authority_root = authority_root(authority);
    executed.ledger_root = ledger_root(&execution->ledger);
    executed.state_root = state_root_of(&executed.authority_root, &executed.ledger_root);
    execution->height = header->height;
    execution->state_root = executed.state_root;
    *ret_executed = executed;
}

uint64_t execution_height(const struct execution *execution)
{
    return execution->height;
}

struct hash execution_state_root(const struct execution *execution)
{
    return execution->state_root;
}

const struct authority *execution_authority(const struct execution *execution)
{
    return &execution->authority;
}

const struct ledger *execution_ledger(const struct execution *execution)
{
    return &execution->ledger;
}
