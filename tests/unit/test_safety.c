/*
 * What may be signed after what: every rule of PROTOCOL's safety record as a row, for
 * the record, for a whole step of the signer, and for what a start may trust.
 */
#include "tests/support/unit.h"

#include <signal.h>

#include "services/consensus/core/safety_start.h"
#include "services/consensus/core/safety_step.h"
#include "tests/support/good_certs.h"

static struct safety_record record;

/* Epoch 2; voted and proposed (2, 5, 3), block A; high QC (2, 5, 2); timed out of term 4. */
static void fixture(void)
{
    all_good();
    struct hash instance = filled(0x11);
    safety_init(&record, &instance, &good.qc);
    record.epoch = 2;
    record.counter = 40;
    record.last_vote = record.last_proposal = (struct rank){2, 5, 3};
    record.last_vote_id = record.last_proposal_id = filled('A');
    record.timed_out = (struct term){2, 4};
    record.timeout_high = (struct rank){2, 3, 1};
    record.timeout_qc = (struct qc){.rank = {2, 3, 1}, .block = filled('t'), .signers = 7};
}

/* ---- safety_approve ---- */

static struct intent block_intent(enum intent_kind kind, struct rank rank, char block)
{
    struct intent intent = {.kind = kind};
    struct hash id = block == 0 ? (struct hash){{0}} : filled((uint8_t)block);
    if (kind == INTENT_PROPOSAL) {
        intent.proposal.rank = rank;
        intent.proposal.block = id;
    } else if (kind == INTENT_VOTE) {
        intent.vote = (struct wire_vote){.rank = rank, .block = id};
        intent.vote.parent_rank = (struct rank){2, 1, 1};
    } else {
        intent.commit_vote = (struct wire_commit_vote){.rank = rank, .block = id};
    }
    return intent;
}

static const struct block_row {
    const char *label;
    enum intent_kind kind;
    struct rank rank;
    char block;
    bool carries_entry;
    enum safety_verdict want;
} block_rows[] = {
    {"vote: above", INTENT_VOTE, {2, 5, 4}, 'B', false, SAFETY_OK},
    {"vote: the same again", INTENT_VOTE, {2, 5, 3}, 'A', false, SAFETY_OK},
    {"vote: another block of that rank", INTENT_VOTE, {2, 5, 3}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"vote: the same block, other rank", INTENT_VOTE, {2, 5, 2}, 'A', false, SAFETY_RANK_TOO_LOW},
    {"vote: below", INTENT_VOTE, {2, 5, 2}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"vote: a later term starts low", INTENT_VOTE, {2, 6, 1}, 'B', true, SAFETY_OK},
    {"vote: term timed out", INTENT_VOTE, {2, 4, 9}, 'B', false, SAFETY_TIMED_OUT},
    {"vote: next epoch", INTENT_VOTE, {3, 1, 1}, 'B', true, SAFETY_WRONG_EPOCH},
    {"vote: last epoch", INTENT_VOTE, {1, 9, 9}, 'B', false, SAFETY_WRONG_EPOCH},
    {"vote: entry, term voted in", INTENT_VOTE, {2, 5, 4}, 'B', true, SAFETY_TERM_ENTERED},
    {"vote: entry, that same block", INTENT_VOTE, {2, 5, 3}, 'A', true, SAFETY_OK},
    {"vote: no block", INTENT_VOTE, {2, 5, 4}, 0, false, SAFETY_MALFORMED},
    {"vote: seq 0", INTENT_VOTE, {2, 6, 0}, 'B', false, SAFETY_MALFORMED},
    {"vote: term 0", INTENT_VOTE, {2, 0, 1}, 'B', false, SAFETY_MALFORMED},
    {"commit vote: below the vote", INTENT_COMMIT_VOTE, {2, 5, 1}, 'Z', false, SAFETY_OK},
    {"commit vote: above the vote", INTENT_COMMIT_VOTE, {2, 5, 9}, 'Z', false, SAFETY_OK},
    {"commit vote: timed out", INTENT_COMMIT_VOTE, {2, 4, 1}, 'Z', false, SAFETY_TIMED_OUT},
    {"commit vote: before that", INTENT_COMMIT_VOTE, {2, 3, 1}, 'Z', false, SAFETY_TIMED_OUT},
    {"commit vote: next epoch", INTENT_COMMIT_VOTE, {3, 1, 1}, 'Z', false, SAFETY_WRONG_EPOCH},
    {"proposal: above", INTENT_PROPOSAL, {2, 5, 4}, 'B', false, SAFETY_OK},
    {"proposal: the same again", INTENT_PROPOSAL, {2, 5, 3}, 'A', false, SAFETY_OK},
    {"proposal: other block", INTENT_PROPOSAL, {2, 5, 3}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"proposal: below", INTENT_PROPOSAL, {2, 5, 2}, 'B', false, SAFETY_RANK_TOO_LOW},
    {"proposal: timed out", INTENT_PROPOSAL, {2, 4, 4}, 'B', false, SAFETY_TIMED_OUT},
    {"proposal: next epoch", INTENT_PROPOSAL, {3, 1, 1}, 'B', false, SAFETY_WRONG_EPOCH},
};

START_TEST(blocks)
{
    const struct block_row *row = &block_rows[_i];
    struct intent intent = block_intent(row->kind, row->rank, row->block);
    intent.carries_entry = row->carries_entry;
    struct safety_record before = record;

    enum safety_verdict got = safety_approve(&record, &intent);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    if (got != SAFETY_OK || row->kind == INTENT_COMMIT_VOTE)
        ck_assert_mem_eq(&record, &before, sizeof(record));
    if (got == SAFETY_OK && row->kind == INTENT_VOTE)
        ck_assert(rank_eq(record.last_vote, row->rank) &&
                  hash_eq(&record.last_vote_id, &intent.vote.block));
    if (got == SAFETY_OK && row->kind == INTENT_PROPOSAL)
        ck_assert(rank_eq(record.last_proposal, row->rank) &&
                  rank_eq(record.last_vote, before.last_vote));
}
END_TEST

START_TEST(a_proposal_is_above_the_last_vote_too)
{
    record.last_vote = (struct rank){2, 5, 7};
    record.last_vote_id = filled('V');
    struct intent below = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 6}, 'B');
    struct intent other = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 7}, 'B');
    struct intent voted = block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 7}, 'V');

    ck_assert_int_eq(safety_approve(&record, &below), SAFETY_RANK_TOO_LOW);
    ck_assert_int_eq(safety_approve(&record, &other), SAFETY_RANK_TOO_LOW);
    ck_assert_int_eq(safety_approve(&record, &voted), SAFETY_OK);
}
END_TEST

static const struct timeout_row {
    const char *label;
    struct term term;
    struct rank high;
    enum safety_verdict want;
} timeout_rows[] = {
    {"first, citing the high QC", {2, 5}, {2, 5, 2}, SAFETY_OK},
    {"first, citing a higher one", {2, 5}, {2, 5, 3}, SAFETY_OK},
    {"first, citing less", {2, 5}, {2, 5, 1}, SAFETY_QC_TOO_LOW},
    {"terms may be skipped", {2, 9}, {2, 5, 2}, SAFETY_OK},
    {"a resend cites what it did", {2, 4}, {2, 3, 1}, SAFETY_OK},
    {"a resend cites more", {2, 4}, {2, 3, 2}, SAFETY_OLDER_TIMEOUT},
    {"a resend cites less", {2, 4}, {2, 2, 1}, SAFETY_OLDER_TIMEOUT},
    {"an older term", {2, 3}, {2, 3, 1}, SAFETY_OLDER_TIMEOUT},
    {"next epoch", {3, 1}, {3, 0, 0}, SAFETY_WRONG_EPOCH},
    {"last epoch", {1, 9}, {1, 9, 1}, SAFETY_WRONG_EPOCH},
    {"a QC of a later term", {2, 5}, {2, 6, 1}, SAFETY_MALFORMED},
    {"a QC of another epoch", {2, 5}, {1, 5, 9}, SAFETY_MALFORMED},
    {"term 0", {2, 0}, {2, 0, 0}, SAFETY_MALFORMED},
};

START_TEST(timeouts)
{
    const struct timeout_row *row = &timeout_rows[_i];
    struct intent intent = {.kind = INTENT_TIMEOUT};
    intent.timeout = (struct wire_timeout){.epoch = row->term.epoch, .term = row->term.term};
    intent.timeout.high = row->high;
    struct safety_record before = record;

    enum safety_verdict got = safety_approve(&record, &intent);
    ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    if (got != SAFETY_OK)
        ck_assert_mem_eq(&record, &before, sizeof(record));
    else
        ck_assert(term_cmp(record.timed_out, row->term) == 0 &&
                  rank_eq(record.timeout_high, row->high));
}
END_TEST

START_TEST(nothing_in_a_term_after_its_timeout)
{
    struct intent timeout = {.kind = INTENT_TIMEOUT};
    timeout.timeout = (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}};
    struct intent again = block_intent(INTENT_VOTE, (struct rank){2, 5, 3}, 'A');
    struct intent commit = block_intent(INTENT_COMMIT_VOTE, (struct rank){2, 5, 3}, 'A');

    ck_assert_int_eq(safety_approve(&record, &timeout), SAFETY_OK);
    ck_assert_int_eq(safety_approve(&record, &again), SAFETY_TIMED_OUT);
    ck_assert_int_eq(safety_approve(&record, &commit), SAFETY_TIMED_OUT);
    ck_assert_int_eq(safety_approve(&record, &timeout), SAFETY_OK);
}
END_TEST

START_TEST(an_observer_signs_nothing)
{
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 6, 1}, 'B');
    intent.kind = (enum intent_kind)_i;
    if (_i == INTENT_CHECKPOINT)
        intent.checkpoint = (struct wire_checkpoint){.height = 9, .block = filled('B')};
    record.observing = true;
    ck_assert_int_eq(safety_approve(&record, &intent), SAFETY_OBSERVING);
}
END_TEST

/* ---- raise and merge ---- */

START_TEST(raising_never_lowers)
{
    struct safety_record low = {.epoch = 2}, high = record;
    safety_raise(&record, &low);
    ck_assert_mem_eq(&record, &high, sizeof(record));

    high.high_qc.rank = (struct rank){2, 6, 1};
    high.timeout_qc.rank = (struct rank){2, 4, 1};
    high.entry = good.entry_tc; /* opens term 6 */
    safety_raise(&record, &high);
    ck_assert(rank_eq(record.high_qc.rank, high.high_qc.rank));
    ck_assert(rank_eq(record.timeout_qc.rank, high.timeout_qc.rank));
    ck_assert_int_eq(record.entry.kind, ENTRY_TC);

    high.entry = (struct entry){.kind = ENTRY_ROOT}; /* opens term 1 */
    safety_raise(&record, &high);
    ck_assert_int_eq(record.entry.kind, ENTRY_TC);
}
END_TEST

/* Each field of one record higher, the rest lower: all the higher ones survive, either way. */
START_TEST(merging_takes_the_higher_of_each)
{
    struct safety_record other = record;
    other.counter = 41;
    other.last_vote = (struct rank){2, 5, 4};
    other.last_vote_id = filled('B');
    other.last_proposal = (struct rank){2, 5, 1};
    other.last_proposal_id = filled('C');
    other.timed_out = (struct term){2, 3};
    other.timeout_high = (struct rank){2, 2, 9};
    other.observing = true;
    struct safety_record a = record, b = other;
    safety_merge(&a, &other);
    safety_merge(&b, &record);

    const struct safety_record *merged = _i == 0 ? &a : &b;
    struct hash vote = filled('B'), proposal = filled('A');
    ck_assert_uint_eq(merged->counter, 41);
    ck_assert(merged->observing);
    ck_assert(rank_eq(merged->last_vote, other.last_vote));
    ck_assert(hash_eq(&merged->last_vote_id, &vote));
    ck_assert(rank_eq(merged->last_proposal, record.last_proposal));
    ck_assert(hash_eq(&merged->last_proposal_id, &proposal));
    ck_assert(term_cmp(merged->timed_out, record.timed_out) == 0);
    ck_assert(rank_eq(merged->timeout_high, record.timeout_high));
    ck_assert(rank_eq(merged->timeout_qc.rank, record.timeout_high));
}
END_TEST

START_TEST(merging_another_instance_is_our_bug)
{
    struct safety_record other = record;
    other.instance = filled(0x12);
    safety_merge(&record, &other);
}
END_TEST

/* ---- a step of the signer ---- */

static enum safety_verdict take_step(const struct intent *intents, uint32_t n,
                                     const struct safety_record *proposed, uint32_t *ret_refused)
{
    struct safety_step step = {proposed, intents, n};
    return safety_step(&record, &step, ret_refused);
}

START_TEST(a_step_is_all_or_nothing)
{
    struct intent intents[] = {
        block_intent(INTENT_PROPOSAL, (struct rank){2, 5, 4}, 'B'),
        block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'B'),
        block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'C'),
    };
    struct safety_record proposed = record, before = record;
    proposed.counter++;
    uint32_t refused = 99;

    ck_assert_int_eq(take_step(intents, 3, &proposed, &refused), SAFETY_RANK_TOO_LOW);
    ck_assert_uint_eq(refused, 3);
    ck_assert_mem_eq(&record, &before, sizeof(record));

    ck_assert_int_eq(take_step(intents, 2, &proposed, &refused), SAFETY_OK);
    ck_assert_uint_eq(record.counter, before.counter + 1);
    ck_assert(rank_eq(record.last_vote, (struct rank){2, 5, 4}));
    ck_assert(rank_eq(record.last_proposal, (struct rank){2, 5, 4}));
}
END_TEST

/* The node's record has the statement noted already: it must not vouch for itself. */
START_TEST(the_proposed_record_approves_nothing)
{
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 5, 3}, 'B');
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.last_vote_id = filled('B');
    uint32_t refused;
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_RANK_TOO_LOW);
}
END_TEST

START_TEST(a_commit_vote_keeps_its_certificate)
{
    struct intent intent = block_intent(INTENT_COMMIT_VOTE, (struct rank){2, 5, 3}, 'A');
    struct safety_record proposed = record;
    proposed.counter++;
    uint32_t refused = 0;
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_QC_TOO_LOW);
    ck_assert_uint_eq(refused, 1);

    proposed.high_qc.rank = (struct rank){2, 5, 3};
    ck_assert_int_eq(take_step(&intent, 1, &proposed, &refused), SAFETY_OK);
    ck_assert(rank_eq(record.high_qc.rank, proposed.high_qc.rank));
}
END_TEST

/* A Timeout and a later, higher QC merged into one write: judged in order. */
START_TEST(a_step_judges_before_it_raises)
{
    struct intent timeout = {.kind = INTENT_TIMEOUT};
    timeout.timeout = (struct wire_timeout){.epoch = 2, .term = 5, .high = {2, 5, 2}};
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.high_qc.rank = (struct rank){2, 5, 3};
    uint32_t refused;
    ck_assert_int_eq(take_step(&timeout, 1, &proposed, &refused), SAFETY_OK);
}
END_TEST

static const struct counter_row {
    const char *label;
    uint64_t counter;
    enum safety_verdict want;
} counter_rows[] = {
    {"the next", 41, SAFETY_OK},
    {"the same", 40, SAFETY_MALFORMED},
    {"a lower one", 39, SAFETY_MALFORMED},
    {"a gap", 42, SAFETY_MALFORMED},
};

START_TEST(counters)
{
    const struct counter_row *row = &counter_rows[_i];
    struct intent intent = block_intent(INTENT_VOTE, (struct rank){2, 5, 4}, 'B');
    struct safety_record proposed = record;
    proposed.counter = row->counter;
    uint32_t refused;
    for (uint32_t n_intents = 0; n_intents < 2; n_intents++) {
        fixture();
        enum safety_verdict got = take_step(&intent, n_intents, &proposed, &refused);
        ck_assert_msg(got == row->want, "%s: got %s", row->label, safety_verdict_text(got));
    }
}
END_TEST

START_TEST(a_step_without_intents_repairs)
{
    struct safety_record proposed = record;
    proposed.counter++;
    proposed.last_vote = (struct rank){2, 6, 1};
    proposed.last_vote_id = filled('R');
    proposed.last_proposal = (struct rank){2, 1, 1};
    uint32_t refused;
    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_OK);
    ck_assert(rank_eq(record.last_vote, proposed.last_vote));
    ck_assert(rank_eq(record.last_proposal, (struct rank){2, 5, 3}));

    proposed.counter++;
    proposed.instance = filled(0x12);
    ck_assert_int_eq(take_step(NULL, 0, &proposed, &refused), SAFETY_MALFORMED);
}
END_TEST

/* ---- codecs ---- */

START_TEST(intents_survive_their_bytes)
{
    struct intent intent = {.kind = (enum intent_kind)_i, .carries_entry = _i % 2 == 0};
    if (_i == INTENT_PROPOSAL)
        intent = block_intent(INTENT_PROPOSAL, (struct rank){2, UINT64_MAX, 4}, 'B');
    else if (_i == INTENT_VOTE)
        intent.vote = good.vote;
    else if (_i == INTENT_COMMIT_VOTE)
        intent.commit_vote = good.commit_vote;
    else if (_i == INTENT_TIMEOUT)
        intent.timeout = good.timeout;
    else
        intent.checkpoint = good.checkpoint;

    uint8_t bytes[INTENT_BYTES_MAX], want[STATEMENT_BYTES_MAX], got[STATEMENT_BYTES_MAX];
    size_t size = intent_encode(&intent, bytes);
    ck_assert_uint_gt(size, 2);
    struct intent decoded;
    for (size_t cut = 0; cut < size; cut++)
        ck_assert(!intent_decode(span_of(bytes, cut), &decoded));
    ck_assert(!intent_decode(span_of(bytes, size + 1), &decoded));
    ck_assert(intent_decode(span_of(bytes, size), &decoded));
    ck_assert_int_eq(decoded.kind, intent.kind);
    ck_assert(decoded.carries_entry == intent.carries_entry);
    size_t want_size = intent_statement(&set.chain, &intent, want);
    ck_assert_uint_eq(intent_statement(&set.chain, &decoded, got), want_size);
    ck_assert_mem_eq(got, want, want_size);

    bytes[0] = 6;
    ck_assert(!intent_decode(span_of(bytes, size), &decoded));
}
END_TEST

static const enum entry_kind entry_kinds[] = {ENTRY_NONE, ENTRY_TC, ENTRY_HANDOFF, ENTRY_ROOT};

START_TEST(records_survive_their_bytes)
{
    record.observing = _i % 2 == 1;
    record.entry = entry_kinds[_i] == ENTRY_TC        ? good.entry_tc
                   : entry_kinds[_i] == ENTRY_HANDOFF ? good.handoff
                                                      : (struct entry){.kind = entry_kinds[_i]};
    if (_i == 0) /* none */
        record.timeout_qc = (struct qc){.signers = 0};

    static uint8_t first[RECORD_BYTES_MAX], second[RECORD_BYTES_MAX];
    size_t size = safety_encode(&record, first, sizeof(first));
    ck_assert_uint_gt(size, 0);
    struct safety_record decoded;
    ck_assert(safety_decode(span_of(first, size), &decoded));
    ck_assert_uint_eq(safety_encode(&decoded, second, sizeof(second)), size);
    ck_assert_mem_eq(first, second, size);

    ck_assert_uint_eq(decoded.counter, record.counter);
    ck_assert(decoded.observing == record.observing);
    ck_assert(rank_eq(decoded.last_vote, record.last_vote));
    ck_assert(hash_eq(&decoded.last_proposal_id, &record.last_proposal_id));
    ck_assert(term_cmp(decoded.timed_out, record.timed_out) == 0);
    ck_assert(rank_eq(decoded.timeout_high, record.timeout_high));
    ck_assert(rank_eq(decoded.timeout_qc.rank, record.timeout_qc.rank));
    ck_assert_int_eq(decoded.entry.kind, entry_kinds[_i]);
    ck_assert_int_eq(qc_verify(&set, &decoded.high_qc), CERT_OK);

    ck_assert(!safety_decode(span_of(first, size - 1), &decoded));
    ck_assert_uint_eq(safety_encode(&record, second, size - 1), 0);
}
END_TEST

START_TEST(the_largest_record_fits)
{
    record.high_qc.signers = record.timeout_qc.signers = UINT64_MAX;
    record.entry = (struct entry){.kind = ENTRY_TC, .tc = good.tc};
    record.entry.tc.signers = record.entry.tc.high_qc.signers = UINT64_MAX;
    static uint8_t bytes[RECORD_BYTES_MAX];
    ck_assert_uint_gt(safety_encode(&record, bytes, sizeof(bytes)), 0);
}
END_TEST

/* ---- safety_reconcile ---- */

enum store_kind { NONE, SAME, OTHER };

static const struct start_row {
    const char *label;
    enum safety_file_state file_state;
    bool is_torn;
    uint64_t file; /* counter */
    enum store_kind store_kind;
    uint64_t store; /* counter */
    enum safety_start want;
    enum safety_start_reason reason;
} start_rows[] = {
    {"both the same", SAFETY_FILE_GOOD, false, 7, SAME, 7, SAFETY_START_FILE, SAFETY_REASON_INTACT},
    {"file ahead by one", SAFETY_FILE_GOOD, false, 8, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"file ahead by more", SAFETY_FILE_GOOD, false, 90, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"nothing stored yet", SAFETY_FILE_GOOD, false, 1, NONE, 0, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"store ahead by one", SAFETY_FILE_GOOD, false, 7, SAME, 8, SAFETY_START_REPAIR,
     SAFETY_REASON_FILE_BEHIND},
    {"torn, store at its counter", SAFETY_FILE_GOOD, true, 7, SAME, 8, SAFETY_START_REPAIR,
     SAFETY_REASON_FILE_TORN},
    {"torn, store before it", SAFETY_FILE_GOOD, true, 7, SAME, 7, SAFETY_START_FILE,
     SAFETY_REASON_INTACT},
    {"store ahead by two", SAFETY_FILE_GOOD, false, 7, SAME, 9, SAFETY_START_OBSERVE,
     SAFETY_REASON_ROLLED_BACK},
    {"torn, store ahead by two", SAFETY_FILE_GOOD, true, 7, SAME, 9, SAFETY_START_OBSERVE,
     SAFETY_REASON_ROLLED_BACK},
    {"file missing", SAFETY_FILE_MISSING, false, 0, SAME, 7, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_MISSING},
    {"file and store missing", SAFETY_FILE_MISSING, false, 0, NONE, 0, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_MISSING},
    {"file corrupt", SAFETY_FILE_CORRUPT, false, 0, SAME, 7, SAFETY_START_OBSERVE,
     SAFETY_REASON_FILE_CORRUPT},
    {"store of another instance, lower", SAFETY_FILE_GOOD, false, 7, OTHER, 3, SAFETY_START_OBSERVE,
     SAFETY_REASON_OTHER_INSTANCE},
    {"store of another instance, one ahead", SAFETY_FILE_GOOD, false, 7, OTHER, 8,
     SAFETY_START_OBSERVE, SAFETY_REASON_OTHER_INSTANCE},
};

static enum safety_start reconcile(const struct start_row *row, bool is_pinned, bool is_marked,
                                   struct safety_record *ret_record,
                                   enum safety_start_reason *ret_reason)
{
    struct safety_record file = record, store = record;
    file.counter = row->file;
    store.counter = row->store;
    store.observing = is_marked;
    store.last_vote = (struct rank){2, 5, 8}; /* one field higher, one lower than the file's */
    store.last_proposal = (struct rank){2, 5, 1};
    if (row->store_kind == OTHER)
        store.instance = filled(0x22);
    struct safety_found found = {
        .file_state = row->file_state,
        .is_newest_torn = row->is_torn,
        .file = row->file_state == SAFETY_FILE_GOOD ? &file : NULL,
        .store = row->store_kind == NONE ? NULL : &store,
        .instance = is_pinned ? record.instance : filled(0x33),
    };
    return safety_reconcile(&found, ret_record, ret_reason);
}

START_TEST(starts)
{
    const struct start_row *row = &start_rows[_i];
    struct safety_record got;
    enum safety_start_reason reason;
    enum safety_start start = reconcile(row, true, false, &got, &reason);

    ck_assert_msg(start == row->want, "%s: got %d", row->label, start);
    ck_assert_msg(reason == row->reason, "%s: %s", row->label, safety_start_reason_text(reason));
    ck_assert(got.observing == (start == SAFETY_START_OBSERVE));
    if (start == SAFETY_START_FILE) {
        ck_assert_uint_eq(got.counter, row->file);
        ck_assert(rank_eq(got.last_vote, record.last_vote));
    }
    if (start == SAFETY_START_REPAIR) {
        ck_assert_uint_eq(got.counter, row->store);
        ck_assert(rank_eq(got.last_vote, (struct rank){2, 5, 8}));
        ck_assert(rank_eq(got.last_proposal, record.last_proposal));
    }
}
END_TEST

START_TEST(a_repair_is_one_step_of_the_signer)
{
    struct safety_record merged;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[4], true, false, &merged, &reason), SAFETY_START_REPAIR);
    record.counter = start_rows[4].file;
    uint32_t refused;
    ck_assert_int_eq(take_step(NULL, 0, &merged, &refused), SAFETY_OK);
    ck_assert_mem_eq(&record, &merged, sizeof(record));
}
END_TEST

START_TEST(another_key_s_file_observes)
{
    struct safety_record got;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[0], false, false, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_OTHER_INSTANCE);
}
END_TEST

START_TEST(a_mark_of_the_store_holds)
{
    struct safety_record got;
    enum safety_start_reason reason;
    ck_assert_int_eq(reconcile(&start_rows[4], true, true, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_MARKED);
    record.observing = true;
    ck_assert_int_eq(reconcile(&start_rows[0], true, false, &got, &reason), SAFETY_START_OBSERVE);
    ck_assert_int_eq(reason, SAFETY_REASON_MARKED);
}
END_TEST

UNIT_MAIN("safety", fixture, {
    tcase_add_loop_test(tc, blocks, 0, N_ELEMENTS(block_rows));
    tcase_add_test(tc, a_proposal_is_above_the_last_vote_too);
    tcase_add_loop_test(tc, timeouts, 0, N_ELEMENTS(timeout_rows));
    tcase_add_test(tc, nothing_in_a_term_after_its_timeout);
    tcase_add_loop_test(tc, an_observer_signs_nothing, INTENT_PROPOSAL, INTENT_CHECKPOINT + 1);
    tcase_add_test(tc, raising_never_lowers);
    tcase_add_loop_test(tc, merging_takes_the_higher_of_each, 0, 2);
    tcase_add_test_raise_signal(tc, merging_another_instance_is_our_bug, SIGABRT);
    tcase_add_test(tc, a_step_is_all_or_nothing);
    tcase_add_test(tc, the_proposed_record_approves_nothing);
    tcase_add_test(tc, a_commit_vote_keeps_its_certificate);
    tcase_add_test(tc, a_step_judges_before_it_raises);
    tcase_add_loop_test(tc, counters, 0, N_ELEMENTS(counter_rows));
    tcase_add_test(tc, a_step_without_intents_repairs);
    tcase_add_loop_test(tc, intents_survive_their_bytes, INTENT_PROPOSAL, INTENT_CHECKPOINT + 1);
    tcase_add_loop_test(tc, records_survive_their_bytes, 0, N_ELEMENTS(entry_kinds));
    tcase_add_test(tc, the_largest_record_fits);
    tcase_add_loop_test(tc, starts, 0, N_ELEMENTS(start_rows));
    tcase_add_test(tc, a_repair_is_one_step_of_the_signer);
    tcase_add_test(tc, another_key_s_file_observes);
    tcase_add_test(tc, a_mark_of_the_store_holds);
})
