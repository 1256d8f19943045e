/*
 * core_state - what the core remembers. Private to services/consensus/core.
 *
 * One struct, sized for VALIDATORS_MAX and CHAIN_WINDOW, without pointers into
 * itself or elsewhere (it may be copied whole). The functions below are the rooms
 * of the core; each is named after its file.
 */
#ifndef APM2_CORE_STATE_H
#define APM2_CORE_STATE_H

#include "services/consensus/core/core.h"
#include "services/consensus/core/vote_set.h"

enum payload_state { PAYLOAD_MISSING, PAYLOAD_READY, PAYLOAD_INVALID };

/* What executing a config block said (VOTE rule 7). */
enum config_state { CONFIG_UNKNOWN, CONFIG_ACCEPTED, CONFIG_REJECTED };

/* A block above the committed one. */
struct block {
    bool is_used;
    bool is_refused; /* judged and found illegal, or breaks a VOTE rule for good */
    enum payload_state payload;
    struct wire_header header;
    struct hash id;
    bool is_empty;     /* holds no bundles: committing it serves no request */
    uint64_t voted_ms; /* when we first voted for or proposed it, 0 = not */
    enum config_state config;
    uint64_t config_asked_ms; /* 0 = not yet */
};

/* A block known by certificate or as a parent only. */
struct wanted {
    struct hash block;
    struct rank rank;
    uint64_t signers;
    uint64_t asked_ms; /* 0 = not yet */
};
#define WANTED_MAX 8u

/* Persists whose completion has not come: in order, newest last. */
struct persist {
    uint64_t token;
    uint64_t issued_ms;
    uint32_t n_intents;
    struct intent intents[INTENTS_MAX];
};
#define PERSISTS_MAX 16u

/* Votes are accepted for the terms around ours, seq within this of the high QC's. */
#define VOTE_SETS 8u
#define SEQ_AHEAD_MAX 4u

/* Sets that config blocks make, as executing them said: of rivals one commits at most. */
#define NEXT_SETS_MAX 2u

/* Newest signed messages of each validator: what a rank query is answered with. */
struct signed_by {
    bool has_vote, has_commit_vote, has_timeout;
    struct wire_vote vote;
    struct wire_commit_vote commit_vote;
    struct wire_timeout timeout; /* without its QC */
};

struct peer {
    uint64_t seen_ms;
    uint64_t committed_height;
    uint64_t epoch, term;
    uint64_t helped_ms; /* when we last sent it a certificate unasked */
    bool is_answering;  /* our rank query, this start */
    bool has_checkpoint;
    struct wire_checkpoint checkpoint; /* its newest */
};

struct core {
    struct core_config config;
    uint64_t now_ms, wall_ms;
    bool is_started;

    struct safety_record record; /* as it will be once all persists are durable */
    uint64_t next_token;
    struct persist persists[PERSISTS_MAX];
    uint32_t n_persists;
    struct intent intents[INTENTS_MAX]; /* gathered by this step */
    uint32_t n_intents;
    struct hash persist_block;
    bool has_own_proposal; /* `own` was made by this step */
    bool must_persist;     /* even without intents */

    /* pacemaker */
    struct term cur;
    uint32_t leader;
    uint64_t entered_ms;    /* of this term */
    uint64_t tc_entered_ms; /* of the newest term entered by a TC */
    uint64_t leader_seen_ms;
    uint64_t last_commit_ms;
    uint64_t last_filled_ms;             /* last commit of a block with bundles */
    uint32_t backoff, backoff_committed; /* exponents of 1.5 */
    uint64_t beat_ms;                    /* our last heartbeat, or round of resends */
    uint64_t presence_ms;                /* our last sign of life without leading */
    uint64_t timeout_sent_ms;
    bool has_own_timeout;
    struct wire_timeout own_timeout; /* signed */
    uint64_t muted_since_ms;         /* first saw 1..f peers timed out in our own term */
    uint64_t handoff_made_ms;

    /* votes */
    struct vote_set votes[VOTE_SETS], commit_votes[VOTE_SETS];
    bool has_own_vote, has_own_commit_vote;
    struct wire_vote own_vote; /* signed, newest */
    struct wire_commit_vote own_commit_vote;
    struct rank vote_asked, commit_voted; /* highest ranks a vote, a commit vote was asked for */
    struct signed_by signed_by[VALIDATORS_MAX];

    /* chain */
    struct tip committed;
    uint64_t unready_height; /* highest committed block whose body was not here */
    struct block blocks[CHAIN_WINDOW];
    struct wanted wanted[WANTED_MAX];
    struct commit_proof best_proof;      /* highest seen */
    struct commit_proof committed_proof; /* of `committed`, if known since the start */
    bool has_committed_proof;
    uint64_t sync_asked_ms;

    /* execution */
    uint64_t executed_height;
    struct executed_root roots[EXECUTED_ROOTS];

    /* proposing */
    struct proposal own; /* our newest proposal of this run */
    bool is_building;
    struct hash build_parent;
    uint64_t high_since_ms; /* when the present high QC was first held */
    bool build_may_configure;
    bool any_pending, config_pending, is_overtaken;
    uint64_t pending_oldest_ms;
    uint64_t quiet_since_ms; /* the mempool has been empty since */
    uint32_t handoff_to;     /* wanted, VALIDATOR_NONE = not */
    bool is_draining;
    struct {
        uint32_t to;       /* VALIDATOR_NONE = anyone */
        uint64_t until_ms; /* a transfer asked for stands until then */
    } wish;

    /* admission and checkpoints */
    bool is_admitted;
    uint64_t admission_ms;      /* when we began to ask */
    uint64_t checkpoint_height; /* newest stable */
    uint64_t checkpoint_signed_height;

    /* epochs */
    struct epoch_proof entered; /* of ours; NONE: epoch 1 */
    bool is_behind_record;      /* a start on a store that is older than the record: what the */
    struct qc record_high_qc;   /* record says of its own epoch waits here until that is */
    struct entry record_entry;  /* reached again; nothing is signed before */
    struct epoch_proof pending; /* ends our epoch: entered once its root is committed here */
    struct hash pending_root;
    struct wire_header tip_header; /* of a committed tip that is a config block */
    struct members next_sets[NEXT_SETS_MAX];
    uint32_t next_set_newest;
    uint64_t config_asked_ms;
    bool has_spare; /* keygen made it: its epoch is to come */
    struct identity spare;
    bool is_settled;
    uint64_t outsider_helped_ms[OUTSIDERS_MAX];

    struct peer peers[VALIDATORS_MAX];
    struct actions *out; /* of the running step only */
};

/* core.c: RESTART: cur is the highest term of the epoch that the record shows to have begun. */
void core_restore_term(struct core *core);

/* emit.c: actions and intents. */
struct action *emit(struct core *core, enum action_kind kind);
void emit_note(struct core *core, enum note_kind kind, enum note_reason reason, uint32_t validator,
               const struct block *block);
struct action *emit_send(struct core *core, enum send_kind kind, uint32_t to);
/* Two signed messages of one rank and kind; the caller names them. */
struct action *emit_accuse(struct core *core, uint64_t validator, enum intent_kind what,
                           struct rank rank);
/* Votes and commit votes: to everybody, or to the leader of a large set. */
uint32_t votes_go_to(const struct core *core);
/* False: may not sign now, or safety refuses. Approved intents leave in one
 * ACTION_PERSIST at the end of the step. */
bool core_may_sign(const struct core *core);
bool emit_intent(struct core *core, const struct intent *intent);
void emit_persist(struct core *core);

/* chain.c: the window of blocks. */
struct block *chain_find(struct core *core, const struct hash *id);
struct block *chain_add(struct core *core, const struct wire_header *header, const struct hash *id);
/* What children need to know of a parent: from the window or the committed tip. */
bool chain_parent(struct core *core, const struct hash *id, struct tip *ret_parent);
/* Every block from `id` down to the committed one is here (with bodies, if asked). On
 * false, ret_missing is the one that is absent, zero if only a body is. */
bool chain_is_whole(struct core *core, const struct hash *id, bool with_bodies,
                    struct hash *ret_missing);
void chain_want(struct core *core, const struct hash *id, struct rank rank, uint64_t signers,
                uint32_t from);
bool chain_is_wanted(const struct core *core, const struct hash *id);
void chain_trim(struct core *core);

/* pacemaker.c: terms and timeouts. */
void pacemaker_enter(struct core *core, struct term term, uint32_t leader, enum note_reason reason,
                     const struct entry *entry);
void pacemaker_time_out(struct core *core, uint64_t term, enum note_reason reason);
void pacemaker_on_timeout(struct core *core, const struct input *input);
void pacemaker_tick(struct core *core);
void pacemaker_form_tc(struct core *core);
uint64_t pacemaker_timeout_ms(const struct core *core);
/* Since when what we proposed or voted for has waited to be committed, 0 = nothing does. */
uint64_t pacemaker_open_ms(const struct core *core);
uint64_t pacemaker_deadline(const struct core *core);

/* beat.c: heartbeats, and resends they bring. */
void beat_tick(struct core *core);
void beat_on_heartbeat(struct core *core, const struct input *input);
void beat_send(struct core *core, uint32_t to, enum beat_kind kind);
/* May this peer be sent something unasked now? Notes that it was. */
bool beat_may_help(struct core *core, uint32_t peer);
/* Sends a peer behind us what it lacks, not more often than every half beat. */
void beat_help(struct core *core, uint32_t peer, struct rank its_high, struct term its_term,
               struct rank its_committed);

/* certificate.c: OBSERVE. */
void observe_qc(struct core *core, const struct qc *qc);
void observe_cc(struct core *core, const struct cc *cc);
void observe_entry(struct core *core, const struct entry *entry);
void observe_proof(struct core *core, const struct commit_proof *proof);
/* Follows the high QC into the next term when its block hands off. */
void observe_handoff(struct core *core);

/* vote.c: judging proposals; votes and commit votes, ours and others'. */
void vote_on_proposal(struct core *core, const struct input *input);
void vote_on_vote(struct core *core, const struct input *input);
void vote_on_commit_vote(struct core *core, const struct input *input);
void vote_try(struct core *core);
void vote_try_commit(struct core *core);
void vote_count_own(struct core *core, const struct wire_vote *vote);
void vote_count_own_commit(struct core *core, const struct wire_commit_vote *vote);
/* judge.c: the VOTE rules. */
enum judgement { JUDGE_VOTE, JUDGE_WAIT, JUDGE_REFUSE };
/* What can be said from the proposal alone. REASON_NONE: legal so far. */
enum note_reason judge_form(const struct core *core, const struct proposal *proposal);
enum judgement judge_block(struct core *core, struct block *block, enum note_reason *ret_reason);

/* propose.c */
void propose_try(struct core *core);
void propose_on_built(struct core *core, const struct input *input);
void propose_hand_off(struct core *core, uint32_t to);
void propose_on_transfer(struct core *core, uint32_t to);
uint64_t propose_deadline(const struct core *core);

/* epoch.c: how an epoch ends, and how the next begins. */
/* Proven to be over: nothing more is signed in it. */
bool epoch_is_ending(const struct core *core);
/* Is `id` or one of its ancestors from the committed tip on a config block? */
bool epoch_has_config(struct core *core, const struct hash *id);
enum judgement epoch_judge_config(struct core *core, struct block *block, const struct tip *parent,
                                  enum note_reason *ret_reason);
void epoch_keep_set(struct core *core, const struct members *next);
void epoch_on_input(struct core *core, const struct input *input);
void epoch_on_other(struct core *core, uint32_t from, uint64_t epoch);
void epoch_on_heartbeat(struct core *core, uint32_t from, uint64_t epoch);
/* All is at hand to enter the next: epoch_try does, in the next step that nothing else
 * comes before. */
bool epoch_is_due(const struct core *core);
void epoch_try(struct core *core);
/* epoch_enter.c: the pending proof's epoch begins. */
void epoch_enter(struct core *core);
bool epoch_is_caught_up(const struct core *core);
/* At core_init: the set, and we in it, of the newest proof that record and caller hold. */
void epoch_restore(struct core *core);

/* commit.c: COMMIT, ranges, execution, checkpoints. */
void commit_try(struct core *core);
void commit_on_range(struct core *core, const struct input *input);
void commit_on_executed(struct core *core, uint64_t height, const struct hash *root);
const struct hash *commit_root_at(const struct core *core, uint64_t height);
void checkpoint_try(struct core *core);
void checkpoint_on(struct core *core, const struct wire_checkpoint *checkpoint);
void checkpoint_signed(struct core *core, const struct wire_checkpoint *checkpoint);

/* admission.c: before the first signature after a start (Durability 4). */
void admission_tick(struct core *core);
void admission_on_input(struct core *core, const struct input *input);
uint64_t admission_deadline(const struct core *core);

#endif
