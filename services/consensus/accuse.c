#include "services/consensus/node.h"

#include "common/clock.h"
#include "common/log.h"

/* Evidence is judged by the set of the epoch the node is in. */
static const struct validator_set *set_of(const struct node *node)
{
    return core_set(node->core);
}

static void on_heard(void *context, struct span message);

enum apm_err accuse_start(struct node *node)
{
    const struct reporter_config config = {
        .zmq = node->env->zmq,
        .loop = node->env->loop,
        .run_dir = node->env->run_dir,
        .n_peers = VALIDATORS_MAX,
        .heard = on_heard,
        .context = node,
    };

    node->accuser.witness = witness_new(node->genesis->n_validators);
    return reporter_start(&config, &node->accuser.reporter);
}

void accuse_stop(struct node *node)
{
    reporter_destroy(&node->accuser.reporter);
    witness_destroy(&node->accuser.witness);
}

void accuse_handle(struct node *node, enum wire_id id, struct span frame)
{
    node->accuser.handled = id;
    node->accuser.frame = frame;
}

void accuse_handled(struct node *node)
{
    node->accuser.handled = 0;
    node->accuser.frame = span_of(NULL, 0);
}

static void report(struct node *node, uint32_t peer, enum report_class class,
                   const struct evidence_bytes *evidence, struct hash about)
{
    const struct report item = {
        .peer = peer,
        .class = class,
        .at_ms = clock_wall_ms(),
        .about = about,
        .body = span_of(evidence->data, evidence->size),
    };
    report_queue_put(reporter_queue(node->accuser.reporter), &item);
}

static void report_proof(struct node *node, const struct evidence_bytes *evidence)
{
    struct wire_evidence read;

    if (evidence_verify(set_of(node), span_of(evidence->data, evidence->size), &read) !=
        EVIDENCE_PROVEN)
        return;
    metric_add(node->env->metrics, METRIC_peer_refused_total, LABEL_equivocation,
               read.kind == EVIDENCE_EQUIVOCATION);
    report(node, (uint32_t)read.validator, REPORT_PROOF, evidence, evidence_id(&read));
}

static void report_sighting(struct node *node, const struct evidence_sighting *sighting)
{
    struct evidence_bytes evidence;
    uint8_t about[2] = {(uint8_t)sighting->kind, (uint8_t)sighting->what};

    if (evidence_sight(set_of(node), sighting, &evidence))
        report(node, (uint32_t)sighting->validator, REPORT_SIGHTING, &evidence,
               hash_bytes(span_of(about, sizeof(about))));
}

/* The frame under way, as far as it is to be kept. */
static void sight(struct node *node, uint32_t from, enum evidence_kind kind, struct rank rank)
{
    const struct accuser *accuser = &node->accuser;
    bool is_kept = accuser->frame.size <= SIGNED_MESSAGE_BYTES_MAX;
    const struct evidence_sighting sighting = {
        .kind = kind,
        .what = accuser->handled != 0 ? accuser->handled : WIRE_bundles,
        .validator = from,
        .rank = rank,
        .message = is_kept ? accuser->frame : span_of(NULL, 0),
    };

    report_sighting(node, &sighting);
}

/* ---- messages with good signatures ---- */

/* REPLAYED: the signer's own old message again. `bytes` as evidence keeps them. */
static enum witness_verdict see(struct node *node, const struct witnessed *seen)
{
    struct evidence_bytes evidence;
    struct span earlier;
    enum witness_verdict verdict =
        witness_see(node->accuser.witness, seen, clock_mono_ms(), &earlier);

    /* Other bytes may be the same statement under another signature: no offence. */
    if (verdict == WITNESS_DIFFERS &&
        evidence_pair(set_of(node), earlier, seen->bytes, &evidence) == EVIDENCE_PROVEN)
        report_proof(node, &evidence);
    return verdict;
}

static void see_own(struct node *node, const struct witnessed *seen)
{
    if (see(node, seen) == WITNESS_REPLAYED)
        sight(node, (uint32_t)seen->validator, EVIDENCE_REPLAY, seen->rank);
}

void accuse_saw_vote(struct node *node, const struct wire_vote *vote, struct span frame)
{
    see_own(node, &(struct witnessed){WIRE_vote, vote->voter, vote->rank, frame});
}

void accuse_saw_commit_vote(struct node *node, const struct wire_commit_vote *vote,
                            struct span frame)
{
    see_own(node, &(struct witnessed){WIRE_commit_vote, vote->voter, vote->rank, frame});
}

void accuse_saw_timeout(struct node *node, const struct wire_timeout *timeout)
{
    uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
    size_t size = signed_message_of_timeout(timeout, bytes, sizeof(bytes));
    struct rank rank = {timeout->epoch, timeout->term, 0};

    see_own(node, &(struct witnessed){WIRE_timeout, timeout->voter, rank, span_of(bytes, size)});
}

/* Whoever was asked for a block sends its proposal: only its content is looked at. */
void accuse_saw_proposal(struct node *node, const struct wire_header *header,
                         const struct wire_proposal *proposal)
{
    uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
    size_t size = signed_message_of_proposal(proposal, bytes, sizeof(bytes));

    (void)see(node, &(struct witnessed){WIRE_signed_header, header->author, header->rank,
                                        span_of(bytes, size)});
}

/* From another node, by way of the monitor: nobody's session is to blame for it. */
static void on_heard(void *context, struct span message)
{
    struct node *node = context;
    struct signed_message read;

    if (signed_message_read(set_of(node), message, &read) == CERT_OK)
        (void)see(node, &(struct witnessed){read.what, read.validator, read.rank, message});
}

/* ---- messages that lost ---- */

static struct hash block_of(struct span bytes)
{
    struct wire_message message;

    if (wire_decode(bytes, &message) == WIRE_OK && message.id == WIRE_vote)
        return message.vote.block;
    if (message.id == WIRE_commit_vote)
        return message.commit_vote.block;
    return message.id == WIRE_signed_header ? hash_bytes(message.signed_header.header)
                                            : (struct hash){{0}};
}

static void report_loser(struct node *node, uint32_t validator, struct span bytes)
{
    const struct report item = {
        .peer = validator,
        .class = REPORT_LOSER,
        .at_ms = clock_wall_ms(),
        .about = hash_bytes(bytes),
        .body = bytes,
    };
    report_queue_put(reporter_queue(node->accuser.reporter), &item);
}

void accuse_committed(struct node *node, struct rank rank, const struct hash *block)
{
    static const enum wire_id types[] = {WIRE_vote, WIRE_commit_vote, WIRE_signed_header};

    for (uint32_t v = 0; v < node->genesis->n_validators; v++) {
        for (size_t i = 0; i < N_ELEMENTS(types); i++) {
            struct span bytes = witness_find(node->accuser.witness, types[i], v, rank);
            struct hash other = bytes.size > 0 ? block_of(bytes) : *block;
            if (!hash_eq(&other, block))
                report_loser(node, v, bytes);
        }
    }
}

void accuse_forgotten(struct node *node, const struct hash *block)
{
    const struct pooled_block *pooled = block_pool_find(&node->pool, block);

    if (pooled == NULL)
        return;
    uint32_t author = (uint32_t)pooled->header.author;
    struct span bytes =
        witness_find(node->accuser.witness, WIRE_signed_header, author, pooled->header.rank);
    if (bytes.size > 0)
        report_loser(node, author, bytes);
}

/* ---- what a session brought ---- */

void accuse_bad_signature(struct node *node, uint32_t from)
{
    sight(node, from, EVIDENCE_INVALID_SIGNATURE, (struct rank){set_of(node)->epoch, 0, 0});
}

void accuse_not_its_own(struct node *node, uint32_t from)
{
    uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
    struct span frame = node->accuser.frame;
    struct wire_timeout timeout;
    struct signed_message read;

    if (wire_decode_as(WIRE_timeout, frame, &timeout) == WIRE_OK)
        frame = span_of(bytes, signed_message_of_timeout(&timeout, bytes, sizeof(bytes)));
    enum cert_verdict verdict = signed_message_read(set_of(node), frame, &read);
    if (verdict == CERT_BAD_SIGNATURE)
        accuse_bad_signature(node, from);
    if (verdict != CERT_OK)
        return;
    (void)see(node, &(struct witnessed){read.what, read.validator, read.rank, frame});
    sight(node, from, EVIDENCE_REPLAY, read.rank);
}

void accuse_cited(struct node *node, const struct wire_proposal *proposal, struct span certificate)
{
    uint8_t bytes[SIGNED_MESSAGE_BYTES_MAX];
    struct evidence_bytes evidence;
    struct span header = span_of(bytes, signed_message_of_proposal(proposal, bytes, sizeof(bytes)));

    if (evidence_forgery(set_of(node), header, certificate, &evidence) == EVIDENCE_PROVEN)
        report_proof(node, &evidence);
}

void accuse_gauges(struct node *node)
{
    struct accuser *accuser = &node->accuser;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++) {
        uint64_t n = report_queue_drops(reporter_queue(accuser->reporter), i);
        metric_add_at(node->env->metrics, METRIC_reports_dropped_total, i,
                      n - accuser->n_dropped[i]);
        accuser->n_dropped[i] = n;
    }
    metric_set(node->env->metrics, METRIC_replay_cache_entries,
               (double)witness_n(accuser->witness));
}
