/* One input to the core, its actions carried out, and the inputs those bring about. */
#include "services/consensus/node.h"

#include <sodium.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/must.h"

/* A step's actions bring about at most a few inputs of their own (BUILT, PAYLOAD). */
#define ACT_QUEUE_MAX 512u

struct span act_encode(struct node *node, enum wire_id id, const void *message)
{
    size_t size = wire_encode(id, message, node->frame, FRAME_BYTES_MAX);

    MUST(size > 0);
    return span_of(node->frame, size);
}

static void send_frame(struct node *node, uint32_t to, struct span frame)
{
    if (to == TO_ALL)
        (void)bus_send_all(node->bus, frame); /* drops are counted by the bus, and resent */
    else
        (void)bus_send(node->bus, to, frame);
}

static void send_message(struct node *node, uint32_t to, enum wire_id id, const void *message)
{
    send_frame(node, to, act_encode(node, id, message));
}

static void send_certificate(struct node *node, uint32_t to, enum certificate_kind kind,
                             const void *certificate)
{
    static const size_t max = ENTRY_BYTES_MAX;
    uint8_t body[ENTRY_BYTES_MAX];
    size_t size = 0;

    switch (kind) {
    case CERTIFICATE_QC:
        size = qc_encode(certificate, body, max);
        break;
    case CERTIFICATE_CC:
        size = cc_encode(certificate, body, max);
        break;
    case CERTIFICATE_ENTRY:
        size = entry_encode(certificate, body, max);
        break;
    case CERTIFICATE_EPOCH:
        size = epoch_proof_encode(certificate, body, max);
        break;
    }
    MUST(size > 0);
    struct wire_certificate message = {.kind = kind, .body = span_of(body, size)};
    send_message(node, to, WIRE_certificate, &message);
}

static void send_timeout(struct node *node, const struct action *action)
{
    uint8_t body[QC_BYTES_MAX];
    struct wire_timeout message = action->send.timeout.timeout;

    message.high_qc = span_of(body, qc_encode(action->send.timeout.high_qc, body, sizeof(body)));
    send_message(node, action->send.to, WIRE_timeout, &message);
}

static void send_rank_answer(struct node *node, const struct action *action)
{
    uint8_t vote[512], commit_vote[512], timeout[512];
    struct wire_rank_answer message = {.nonce = action->send.rank_answer.nonce};

    if (action->send.rank_answer.vote != NULL)
        message.vote = span_of(
            vote, wire_encode(WIRE_vote, action->send.rank_answer.vote, vote, sizeof(vote)));
    if (action->send.rank_answer.commit_vote != NULL)
        message.commit_vote =
            span_of(commit_vote, wire_encode(WIRE_commit_vote, action->send.rank_answer.commit_vote,
                                             commit_vote, sizeof(commit_vote)));
    if (action->send.rank_answer.timeout != NULL) {
        struct wire_timeout bare = *action->send.rank_answer.timeout;
        bare.high_qc = span_of(NULL, 0); /* the signature does not cover it */
        message.timeout =
            span_of(timeout, wire_encode(WIRE_timeout, &bare, timeout, sizeof(timeout)));
    }
    send_message(node, action->send.to, WIRE_rank_answer, &message);
}

static void send_proposal(struct node *node, const struct action *action)
{
    const struct pooled_block *block = block_pool_find(&node->pool, &action->send.proposal);

    if (block != NULL)
        send_frame(node, action->send.to, span_of(block->proposal, block->proposal_size));
}

/* Only the newest is at hand: who is further behind comes by ranges and asks again. */
static void send_epoch_proof(struct node *node, const struct action *action)
{
    const struct epoch_proof *proof = action->send.epoch_proof.proof;

    if (epoch_proof_epoch(proof) > action->send.epoch_proof.after)
        send_certificate(node, action->send.to, CERTIFICATE_EPOCH, proof);
}

static void act_send(struct node *node, const struct action *action)
{
    uint32_t to = action->send.to;

    switch (action->send.kind) {
    case SEND_PROPOSAL:
        send_proposal(node, action);
        break;
    case SEND_VOTE:
        votes_saw(node, action->send.vote.rank, node->self);
        send_message(node, to, WIRE_vote, &action->send.vote);
        break;
    case SEND_COMMIT_VOTE:
        votes_saw(node, action->send.commit_vote.rank, node->self);
        send_message(node, to, WIRE_commit_vote, &action->send.commit_vote);
        break;
    case SEND_TIMEOUT:
        send_timeout(node, action);
        break;
    case SEND_QC:
        send_certificate(node, to, CERTIFICATE_QC, action->send.qc);
        break;
    case SEND_CC:
        send_certificate(node, to, CERTIFICATE_CC, action->send.cc);
        break;
    case SEND_ENTRY:
        send_certificate(node, to, CERTIFICATE_ENTRY, action->send.entry);
        break;
    case SEND_HEARTBEAT:
        if (action->send.heartbeat.reply == BEAT_LEADER)
            node->beat_sent_ms = clock_mono_ms();
        send_message(node, to, WIRE_heartbeat, &action->send.heartbeat);
        break;
    case SEND_RANK_QUERY: {
        struct wire_rank_query query = {.nonce = action->send.nonce};
        send_message(node, to, WIRE_rank_query, &query);
        break;
    }
    case SEND_RANK_ANSWER:
        send_rank_answer(node, action);
        break;
    case SEND_CHECKPOINT:
        send_message(node, to, WIRE_checkpoint, &action->send.checkpoint);
        break;
    case SEND_TRANSFER:
        send_message(node, to, WIRE_transfer, &action->send.transfer);
        break;
    case SEND_EPOCH_PROOF:
        send_epoch_proof(node, action);
        break;
    }
}

static void count_term(struct node *node, enum note_reason reason)
{
    enum metric_label label = LABEL_rotation;
    bool was_silent = node->timeout_reason == REASON_LEADER_SILENT;

    if (reason == REASON_TC)
        label = was_silent ? LABEL_crash : LABEL_timeout;
    else if (reason == REASON_BOOTSTRAP)
        label = LABEL_bootstrap;
    metric_add(node->env->metrics, METRIC_leader_elections_total, label, 1);
    node->timeout_reason = REASON_NONE;
}

static void count_refused(struct node *node, const struct hash *id)
{
    struct pooled_block *block = block_pool_find(&node->pool, id);

    metric_add(node->env->metrics, METRIC_proposals_total, LABEL_rejected, 1);
    if (block != NULL)
        block->is_refused = true;
}

/* Its term ended before it was committed, and the chain went on without it. */
static void count_lost(struct node *node, const struct hash *id)
{
    const struct pooled_block *block = block_pool_find(&node->pool, id);

    if (block != NULL && !block->is_refused)
        metric_add(node->env->metrics, METRIC_proposals_total, LABEL_timeout, 1);
}

static void act_note(struct node *node, const struct action *action)
{
    const char *reason = note_reason_text(action->note.reason);
    const char *who = node_name_of(node, action->note.validator);
    uint64_t term = action->note.term.term;

    switch (action->note.kind) {
    case NOTE_TERM_ENTERED:
        count_term(node, action->note.reason);
        LOG_INFO("term_entered", F_U64("term", term), F_STR("leader", who),
                 F_STR("reason", reason));
        break;
    case NOTE_TIMED_OUT:
        node->timeout_reason = action->note.reason;
        LOG_WARN("timeout", F_U64("term", term), F_STR("leader", who), F_STR("reason", reason));
        break;
    case NOTE_PROPOSED:
        LOG_DEBUG("proposed", F_U64("height", action->note.height), F_U64("term", term),
                  F_U64("seq", action->note.rank.seq), F_HASH("block", &action->note.block));
        break;
    case NOTE_REFUSED:
        count_refused(node, &action->note.block);
        LOG_WARN("proposal_rejected", F_U64("height", action->note.height), F_STR("author", who),
                 F_STR("reason", reason), F_HASH("block", &action->note.block));
        break;
    case NOTE_OBSERVING:
        LOG_ERROR("observing", F_STR("reason", reason),
                  F_STR("meaning", "this node follows and serves but signs nothing"));
        break;
    case NOTE_ADMITTED:
        LOG_INFO("admitted", F_STR("meaning", "peers hold no newer signature of ours: signing"));
        break;
    case NOTE_STATE_MISMATCH:
        LOG_ERROR("state_mismatch", F_U64("height", action->note.height), F_STR("author", who),
                  F_HASH("block", &action->note.block));
        break;
    case NOTE_EPOCH_ENTERED:
        LOG_INFO("epoch_entered", F_U64("epoch", action->note.term.epoch), F_STR("validator", who),
                 F_STR("reason", reason));
        break;
    case NOTE_EPOCH_SETTLED:
        LOG_INFO("epoch_settled", F_U64("epoch", action->note.term.epoch),
                 F_STR("meaning", "a quorum of this epoch is in it"));
        break;
    case NOTE_RECOVERY_REFUSED:
        LOG_ERROR("recovery_refused",
                  F_STR("meaning", "it names a block that is not the newest committed here"));
        break;
    }
}

static void act_accuse(struct node *node, const struct action *action)
{
    metric_add(node->env->metrics, METRIC_peer_refused_total, LABEL_equivocation, 1);
    LOG_ERROR("equivocation", F_STR("validator", node_name_of(node, action->accuse.validator)),
              F_U64("kind", action->accuse.what), F_U64("term", action->accuse.rank.term),
              F_U64("seq", action->accuse.rank.seq), F_HASH("first", &action->accuse.first),
              F_HASH("second", &action->accuse.second));
}

/* Any of them, another one each time: one who keeps it back delays and no more. */
static uint32_t one_of(uint64_t signers)
{
    uint32_t nth = randombytes_uniform((uint32_t)__builtin_popcountll(signers));

    while (nth-- > 0)
        signers &= signers - 1;
    return (uint32_t)__builtin_ctzll(signers);
}

static void act_need_block(struct node *node, const struct action *action)
{
    struct wire_block_request request = {.block = action->need.block};
    uint32_t from = action->need.from;

    if (from < node->genesis->n_validators && from != node->self) {
        send_message(node, from, WIRE_block_request, &request);
        return;
    }
    uint64_t signers = action->need.signers & ~(UINT64_C(1) << node->self);
    if (signers == 0)
        send_message(node, TO_ALL, WIRE_block_request, &request);
    else
        send_message(node, one_of(signers), WIRE_block_request, &request);
}

/* No event of the kernel changes the set yet: whatever block names one was not accepted. */
static void act_need_config(struct node *node, const struct hash *block)
{
    struct input input = {.kind = INPUT_CONFIG, .from = VALIDATOR_NONE, .config.block = *block};

    act_input(node, &input);
}

static void act(struct node *node, const struct action *action)
{
    switch (action->kind) {
    case ACTION_PERSIST:
        persist_ask(node, action);
        break;
    case ACTION_SEND:
        act_send(node, action);
        break;
    case ACTION_BUILD:
        payload_build(node, action);
        break;
    case ACTION_NEED_PAYLOAD:
        payload_wanted(node, &action->need.block);
        break;
    case ACTION_NEED_BLOCK:
        act_need_block(node, action);
        break;
    case ACTION_COMMIT:
        accuse_committed(node, action->commit.rank, &action->commit.block);
        commit_append(node, action);
        break;
    case ACTION_SYNC:
        sync_begin(node, action->sync.from, action->sync.signers);
        break;
    case ACTION_FORGET:
        accuse_forgotten(node, &action->forget);
        count_lost(node, &action->forget);
        payload_forget(node, &action->forget);
        break;
    case ACTION_CHECKPOINT:
        LOG_DEBUG("checkpoint", F_U64("height", action->checkpoint.height),
                  F_HASH("state_root", &action->checkpoint.root));
        break;
    case ACTION_ACCUSE:
        act_accuse(node, action);
        break;
    case ACTION_NEED_CONFIG:
        act_need_config(node, &action->need.block);
        break;
    case ACTION_EPOCH:
        break; /* it stands in the safety record, too */
    case ACTION_NOTE:
        act_note(node, action);
        break;
    }
}

static void step(struct node *node, struct input *input)
{
    input->now_ms = clock_mono_ms();
    input->wall_ms = clock_wall_ms();
    core_step(node->core, input, node->actions);
    for (uint32_t i = 0; i < node->actions->n; i++)
        act(node, &node->actions->list[i]);
}

void act_input(struct node *node, struct input *input)
{
    if (node->is_stepping) {
        /* Brought about by an action of the running step: after it, in order. */
        MUST(node->n_queue < ACT_QUEUE_MAX);
        node->queue[node->n_queue++] = *input;
        return;
    }
    node->is_stepping = true;
    step(node, input);
    for (uint32_t i = 0; i < node->n_queue; i++) {
        struct input next = node->queue[i];
        step(node, &next);
    }
    node->n_queue = 0;
    node->is_stepping = false;
    core_look(node->core, &node->view);
}

void act_tick(struct node *node)
{
    struct input tick = {.kind = INPUT_TICK, .from = VALIDATOR_NONE};

    act_input(node, &tick);
}
