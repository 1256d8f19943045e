#include "tests/sim/wan.h"

#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>

/* Between two continents. */
#define ONE_WAY_MS 50u
#define COMMITS 20u
#define PATIENCE_MS 10000u
/* Between two requests: no timer falls on the same moment each time. */
#define PAUSE_MS 637u

/* Sums over all commits, in ms. */
struct row {
    uint32_t n;
    uint64_t proposal_leader_ms; /* proposal -> committed at the leader */
    uint64_t proposal_all_ms;    /* -> committed at the last validator */
    uint64_t request_client_ms;  /* request -> committed where the client asked */
    size_t qc_bytes, cc_bytes;
    struct meter meter;
};

static double delays(uint64_t sum_ms)
{
    return (double)sum_ms / COMMITS / ONE_WAY_MS;
}

static uint64_t height_of(const struct world *world, uint32_t replica)
{
    return world->pool.blocks[world->replicas[replica].committed].proposal.header.height;
}

static uint32_t count_at(const struct world *world, uint64_t height)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < world->n_validators; i++)
        n += height_of(world, i) >= height;
    return n;
}

/* Submits one request and adds up when what happened. False: nothing did. */
static bool commit_one(struct world *world, uint32_t request, struct row *row)
{
    uint64_t height = height_of(world, 0) + 1;
    uint64_t start_ms = world->now_ms;
    uint32_t n_blocks = world->pool.n_blocks;
    uint64_t proposed_ms = 0, leader_ms = 0, client_ms = 0;

    schedule_submit(world, request, 1);
    while (count_at(world, height) < world->n_validators) {
        if (world->now_ms > start_ms + PATIENCE_MS || world->checkers.has_failed)
            return false;
        world_run_until(world, world->now_ms + 1);
        if (proposed_ms == 0 && world->pool.n_blocks > n_blocks)
            proposed_ms = world->now_ms;
        if (leader_ms == 0 && height_of(world, 0) >= height)
            leader_ms = world->now_ms;
        if (client_ms == 0 && height_of(world, 1) >= height)
            client_ms = world->now_ms;
    }
    row->proposal_leader_ms += leader_ms - proposed_ms;
    row->proposal_all_ms += world->now_ms - proposed_ms;
    row->request_client_ms += client_ms - start_ms;
    return true;
}

static void measure_certificates(const struct world *world, struct row *row)
{
    uint8_t bytes[QC_BYTES_MAX];
    const struct pool *pool = &world->pool;

    MUST(pool->n_qcs > 0);
    row->qc_bytes = qc_encode(&pool->qcs[pool->n_qcs - 1], bytes, sizeof(bytes));
    for (uint32_t i = 0; i < pool->n_blocks; i++)
        if (pool->blocks[i].has_proof && !pool->blocks[i].proof.is_child_qc)
            row->cc_bytes = cc_encode(&pool->blocks[i].proof.cc, bytes, sizeof(bytes));
}

static bool measure(struct world *world, uint32_t n, struct row *row)
{
    struct world_setup setup = {.seed = n, .n_validators = n};
    struct row warm_up = {.n = n};

    *row = (struct row){.n = n};
    world_reset(world, &setup);
    world->net.delay_min_ms = world->net.delay_max_ms = ONE_WAY_MS;
    world_run_until(world, 2000);
    if (!commit_one(world, 0, &warm_up))
        return false;
    for (uint32_t i = 1; i <= COMMITS; i++) {
        world_run_until(world, world->now_ms + PAUSE_MS);
        world->net.meter = &row->meter;
        if (!commit_one(world, i, row))
            return false;
        /* What was said of this commit and is still under way. */
        world_run_until(world, world->now_ms + ONE_WAY_MS);
        world->net.meter = NULL;
    }
    measure_certificates(world, row);
    return true;
}

/* What orders a block: all but the bundles themselves and what is said on the side. */
static void sum_ordering(const struct meter *meter, uint64_t *ret_messages, uint64_t *ret_bytes)
{
    static const enum message_kind ordering[] = {MESSAGE_PROPOSAL, MESSAGE_VOTE,
                                                 MESSAGE_COMMIT_VOTE, MESSAGE_QC, MESSAGE_CC};

    *ret_messages = *ret_bytes = 0;
    for (size_t i = 0; i < N_ELEMENTS(ordering); i++) {
        *ret_messages += meter->messages[ordering[i]];
        *ret_bytes += meter->bytes[ordering[i]];
    }
}

/* Proposal, votes and commit votes once each, and of a large set the certificates that its leader
 * makes of them: the rest are resends, to whom a heartbeat says that it lags. */
static uint32_t messages_needed(uint32_t n)
{
    return n <= VOTE_FANOUT_ALL_MAX ? (n - 1) * (1 + 2 * n) : 5 * (n - 1);
}

static void print_head(bool is_json)
{
    if (is_json) {
        printf("{\"one_way_ms\": %u, \"disk_ms\": [0, 4], \"bundle_bytes\": %u, \"commits\": %u,\n"
               " \"rows\": [",
               ONE_WAY_MS, METER_BUNDLE_BYTES, COMMITS);
        return;
    }
    printf("Every link takes %u ms each way and loses nothing, disks take 0 to 4 ms, one leader. A "
           "client\ngives a bundle of %u bytes to a validator that does not lead, one at a time; "
           "means of %u.\n\n",
           ONE_WAY_MS, METER_BUNDLE_BYTES, COMMITS);
    printf("           finality in one-way delays       sent per commit, by all           bytes\n");
    printf("           proposal  proposal  request      messages        KiB    KiB of\n");
    printf(
        "  n  f  q  -> leader -> all    -> client    needed    all   all    bundles    QC    CC\n");
}

static void print_kinds(const struct meter *meter)
{
    const char *comma = "";

    for (int kind = 0; kind < MESSAGES_END; kind++) {
        if (meter->messages[kind] == 0)
            continue;
        printf("%s\"%s\": {\"messages\": %.1f, \"bytes\": %.0f}", comma,
               message_name((enum message_kind)kind), (double)meter->messages[kind] / COMMITS,
               (double)meter->bytes[kind] / COMMITS);
        comma = ", ";
    }
}

static void print_row(const struct row *row, bool is_json, bool is_first)
{
    uint64_t messages, bytes;
    double bundles = (double)row->meter.bytes[MESSAGE_BUNDLES] / COMMITS;

    sum_ordering(&row->meter, &messages, &bytes);
    if (!is_json) {
        printf("%3" PRIu32 " %2" PRIu32 " %2" PRIu32 "  %8.2f  %8.2f  %8.2f   %9" PRIu32
               " %6.0f %6.0f %9.0f %5zu %5zu\n",
               row->n, faulty_max(row->n), quorum_size(row->n), delays(row->proposal_leader_ms),
               delays(row->proposal_all_ms), delays(row->request_client_ms),
               messages_needed(row->n), (double)messages / COMMITS, (double)bytes / COMMITS / 1024,
               bundles / 1024, row->qc_bytes, row->cc_bytes);
        return;
    }
    printf("%s\n  {\"n\": %" PRIu32 ", \"f\": %" PRIu32 ", \"quorum\": %" PRIu32
           ", \"proposal_to_leader_delays\": %.2f, \"proposal_to_all_delays\": %.2f,"
           " \"request_to_client_delays\": %.2f, \"messages_needed\": %" PRIu32
           ", \"messages_per_commit\": %.1f,"
           " \"bytes_per_commit\": %.0f, \"bundle_bytes_per_commit\": %.0f, \"qc_bytes\": %zu,"
           " \"cc_bytes\": %zu,\n   \"kinds\": {",
           is_first ? "" : ",", row->n, faulty_max(row->n), quorum_size(row->n),
           delays(row->proposal_leader_ms), delays(row->proposal_all_ms),
           delays(row->request_client_ms), messages_needed(row->n), (double)messages / COMMITS,
           (double)bytes / COMMITS, bundles, row->qc_bytes, row->cc_bytes);
    print_kinds(&row->meter);
    printf("}}");
}

bool wan_run(struct world *world, uint32_t n_max, bool is_json)
{
    static const uint32_t sizes[] = {4, 7, 16, 31, 64};
    struct row row;

    print_head(is_json);
    for (size_t i = 0; i < N_ELEMENTS(sizes) && sizes[i] <= n_max; i++) {
        bool has_passed = measure(world, sizes[i], &row);
        world->net.meter = NULL;
        if (!has_passed) {
            printf("FAILED wan with %" PRIu32 " validators: %s\n", sizes[i],
                   world->checkers.has_failed ? world->checkers.why : "no commit");
            return false;
        }
        print_row(&row, is_json, i == 0);
    }
    if (is_json)
        printf("]}\n");
    return true;
}
