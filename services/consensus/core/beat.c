/* Heartbeats: the leader's pulse, its answers, and the resends they bring. Sends may
 * be dropped at any time, so whatever still matters is said again on the beat. */
#include "services/consensus/core/core_state.h"

/* A leader that cannot persist must not look alive: its followers would wait for it. */
static bool is_storage_stuck(const struct core *core)
{
    return core->n_persists > 0 &&
           core->now_ms > core->persists[0].issued_ms + 2 * core->config.heartbeat_ms;
}

static bool leads(const struct core *core)
{
    return core->leader == core->config.self && core_may_sign(core) && !is_storage_stuck(core) &&
           term_cmp(core->record.timed_out, core->cur) < 0;
}

void beat_send(struct core *core, uint32_t to, enum beat_kind kind)
{
    struct action *action = emit_send(core, SEND_HEARTBEAT, to);

    action->send.heartbeat = (struct wire_heartbeat){
        .reply = kind,
        .epoch = core->cur.epoch,
        .term = core->cur.term,
        .high = core->record.high_qc.rank,
        .committed = core->committed.rank,
        .committed_height = core->committed.height,
        .executed_height = core->executed_height,
        .timed_out = core->record.timed_out.term,
        .sent_ms = core->wall_ms,
    };
}

static bool is_live_term(const struct core *core, struct rank rank)
{
    return term_cmp(rank_term(rank), core->cur) == 0 &&
           term_cmp(core->record.timed_out, core->cur) < 0;
}

/* Our vote while its block has no certificate, our commit vote while it is not committed. */
static void resend_votes(struct core *core, struct rank their_high, struct rank their_committed)
{
    uint32_t to = votes_go_to(core);

    if (to == core->config.self)
        return;
    if (core->has_own_vote && is_live_term(core, core->own_vote.rank) &&
        rank_cmp(core->own_vote.rank, their_high) > 0)
        emit_send(core, SEND_VOTE, to)->send.vote = core->own_vote;
    if (core->has_own_commit_vote && is_live_term(core, core->own_commit_vote.rank) &&
        rank_cmp(core->own_commit_vote.rank, their_committed) > 0)
        emit_send(core, SEND_COMMIT_VOTE, to)->send.commit_vote = core->own_commit_vote;
}

/* The newest block of ours that has no certificate yet, same bytes. */
static void resend_proposal(struct core *core)
{
    const struct hash *id = &core->record.last_proposal_id;
    bool is_open = term_cmp(rank_term(core->record.last_proposal), core->cur) == 0 &&
                   rank_cmp(core->record.last_proposal, core->record.high_qc.rank) > 0;

    if (is_open && core->has_own_vote && hash_eq(&core->own_vote.block, id) &&
        chain_find(core, id) != NULL)
        emit_send(core, SEND_PROPOSAL, TO_ALL)->send.proposal = *id;
}

/* Everybody shows that it is alive and how far it is, leader or not: without one, this
 * is how those behind are found and helped. */
static void show_presence(struct core *core)
{
    if (core->now_ms < core->presence_ms + core->config.round_timeout_ms / 2)
        return;
    core->presence_ms = core->now_ms;
    beat_send(core, TO_ALL, BEAT_PRESENCE);
}

void beat_tick(struct core *core)
{
    if (core->now_ms < core->beat_ms + core->config.heartbeat_ms)
        return;
    core->beat_ms = core->now_ms;
    if (!leads(core)) {
        show_presence(core);
        return;
    }
    beat_send(core, TO_ALL, BEAT_LEADER);
    resend_proposal(core);
    resend_votes(core, core->record.high_qc.rank, core->committed.rank);
}

bool beat_may_help(struct core *core, uint32_t peer)
{
    uint64_t *helped_ms = NULL;

    if (peer < core->config.set.n)
        helped_ms = &core->peers[peer].helped_ms;
    else if (peer >= OUTSIDER(0) && peer < OUTSIDER(OUTSIDERS_MAX))
        helped_ms = &core->outsider_helped_ms[peer - OUTSIDER(0)];
    if (helped_ms == NULL ||
        (*helped_ms != 0 && core->now_ms < *helped_ms + core->config.heartbeat_ms / 2))
        return false;
    *helped_ms = core->now_ms;
    return true;
}

void beat_help(struct core *core, uint32_t peer, struct rank its_high, struct term its_term,
               struct rank its_committed)
{
    struct rank proven = commit_proof_rank(&core->best_proof);
    bool lacks_qc = rank_cmp(core->record.high_qc.rank, its_high) > 0;
    bool lacks_proof = rank_cmp(proven, its_committed) > 0;
    bool lacks_term =
        term_cmp(core->cur, its_term) > 0 &&
        (core->record.entry.kind == ENTRY_TC || core->record.entry.kind == ENTRY_HANDOFF);

    if ((!lacks_qc && !lacks_proof && !lacks_term) || !beat_may_help(core, peer))
        return;
    if (lacks_term)
        emit_send(core, SEND_ENTRY, peer)->send.entry = &core->record.entry;
    if (lacks_qc)
        emit_send(core, SEND_QC, peer)->send.qc = &core->record.high_qc;
    if (!lacks_proof)
        return;
    if (core->best_proof.is_child_qc)
        emit_send(core, SEND_QC, peer)->send.qc = &core->best_proof.qc;
    else
        emit_send(core, SEND_CC, peer)->send.cc = &core->best_proof.cc;
}

/* A checkpoint lost on the way is worth a resend only while nothing new comes. */
static void resend_checkpoint(struct core *core, uint32_t to)
{
    if (core->config.self == VALIDATOR_NONE)
        return;
    const struct peer *self = &core->peers[core->config.self];
    if (self->has_checkpoint && self->checkpoint.height == core->committed.height &&
        core->checkpoint_height < core->committed.height)
        emit_send(core, SEND_CHECKPOINT, to)->send.checkpoint = self->checkpoint;
}

void beat_on_heartbeat(struct core *core, const struct input *input)
{
    const struct wire_heartbeat *beat = &input->heartbeat;
    bool is_member = input->from < core->config.set.n;

    if (is_member) {
        core->peers[input->from].committed_height = beat->committed_height;
        core->peers[input->from].term = beat->term;
        epoch_on_heartbeat(core, input->from, beat->epoch);
    }
    if (beat->epoch != core->cur.epoch) {
        epoch_on_other(core, input->from, beat->epoch);
        return;
    }
    if (beat->reply == BEAT_LEADER) {
        bool is_leader = beat->term == core->cur.term && input->from == core->leader;
        if (is_leader) {
            core->leader_seen_ms = core->now_ms;
            resend_votes(core, beat->high, beat->committed);
        }
        beat_send(core, input->from, BEAT_ANSWER);
    } else if (!is_member && beat->reply == BEAT_PRESENCE) {
        /* It is in no broadcast of ours: how else would it learn how far we are? */
        beat_send(core, input->from, BEAT_ANSWER);
    }
    resend_checkpoint(core, input->from);
    beat_help(core, input->from, beat->high, (struct term){beat->epoch, beat->term},
              beat->committed);
}
