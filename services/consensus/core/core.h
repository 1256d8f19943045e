/*
 * core - two-chain HotStuff with terms, as a state machine without I/O.
 *
 * PROTOCOL.md is the specification; comments name its rules. core_step takes one
 * input and returns an ordered list of actions. Equal state and input give equal
 * actions. No clock, allocation, randomness or I/O inside: time comes with each
 * input, certificates and signatures are already verified (verify.h), and the
 * caller executes the actions.
 *
 * The durability rule: an ACTION_PERSIST carries the whole safety record, the
 * statements to sign and the blocks whose bodies must be stored. The caller makes
 * the record durable in file and store, lets the signer sign, and comes back with
 * INPUT_PERSISTED. It may merge queued persists into one write (the newest record
 * contains the older ones) but completes every one of them, in order. The core
 * sends a signature only after that completion.
 */
#ifndef APM2_CORE_H
#define APM2_CORE_H

#include "common/cert/cert.h"
#include "services/consensus/core/core_note.h"
#include "services/consensus/core/safety.h"

#define VALIDATOR_NONE UINT32_MAX

/* Peers outside the set of our epoch: joiners, members of other epochs. The caller numbers
 * them as it likes; what is sent to such a number goes to that peer. */
#define OUTSIDERS_MAX 64u
#define OUTSIDER(number) (VALIDATORS_MAX + (number))

/* A key and the instance of its safety record. */
struct identity {
    struct key key;
    struct hash instance;
};

struct core_config {
    struct validator_set set; /* of epoch 1, or of what `epoch_proof` was verified against */
    uint32_t self;            /* index in that set; VALIDATOR_NONE: not of it, or its record is
                               * not the one that is pinned */
    const struct epoch_proof *epoch_proof; /* at core_init: of the committed tip's epoch, of those
                                            * kept the newest whose root is not above it; NULL:
                                            * epoch 1. Later ones: INPUT_EPOCH_PROOF */
    struct hash genesis_root;              /* state root at height 0 */
    uint64_t round_timeout_ms;             /* PROTOCOL, Timers; default 1000 */
    uint64_t heartbeat_ms;                 /* default 200 */
    uint64_t stall_timeout_ms;             /* default 2000 */
    uint64_t backoff_max_ms;               /* default 30000 */
    uint64_t nonce;                        /* of this start, for rank queries */
};

/* A proposal as the door hands it over: decoded, its signature, justify and entry
 * verified (or recognised as certificates already known), digests matching. */
struct proposal {
    struct wire_header header;
    struct hash id;
    struct qc justify;
    struct entry entry;
    bool is_payload_empty; /* no bundles: nothing to fetch */
};

/* Where the committed chain stands. */
struct tip {
    struct rank rank;
    struct hash block;
    uint64_t height;
    uint64_t time_ms;
    uint64_t author;      /* of the root: VALIDATOR_NONE */
    uint64_t handoff;     /* as in its header */
    struct hash next_set; /* likewise: not zero, its epoch ends here */
};

enum input_kind {
    INPUT_TICK,     /* nothing but the time: due at core_deadline_ms */
    INPUT_PROPOSAL, /* from: any; also blocks restored from the store at start */
    INPUT_VOTE,
    INPUT_COMMIT_VOTE,
    INPUT_TIMEOUT, /* its QC in `qc` */
    INPUT_QC,      /* a certificate by itself */
    INPUT_CC,
    INPUT_ENTRY,
    INPUT_HEARTBEAT,
    INPUT_RANK_QUERY,
    INPUT_RANK_ANSWER, /* signatures of ours inside, verified */
    INPUT_CHECKPOINT,
    INPUT_TRANSFER,          /* peer's operator asks us, the leader, for a handoff */
    INPUT_OPERATOR_TRANSFER, /* our operator: to `to`, or VALIDATOR_NONE = anyone */
    INPUT_DRAIN,             /* SIGTERM: hand leadership away, do not propose any more */
    INPUT_PERSISTED,         /* completion of a persist, with its signatures */
    INPUT_PAYLOAD,           /* verdict on a block's bundles: here and valid, or not */
    INPUT_BUILT,             /* a payload for the proposal asked for with ACTION_BUILD */
    INPUT_PENDING,           /* what waits in the mempool */
    INPUT_EXECUTED,          /* a committed block was executed */
    INPUT_RANGE,             /* OFFER_RANGE: verified blocks after our committed one */
    INPUT_EPOCH_PROOF,       /* verified against our epoch's set */
    INPUT_OTHER_EPOCH,       /* a message of another epoch came: who sent it is behind, or we */
    INPUT_CONFIG,            /* answer to NEED_CONFIG */
    INPUT_IDENTITY,          /* keygen made a key and record here, for an epoch to come */
};

#define INTENTS_MAX 4u /* statements one persist may carry */

struct input {
    enum input_kind kind;
    uint64_t now_ms;  /* monotonic: timers */
    uint64_t wall_ms; /* Unix: block time */
    uint32_t from;    /* validator index of the sender in our epoch, or its number as an
                       * OUTSIDER; VALIDATOR_NONE = ourselves */
    union {
        const struct proposal *proposal;
        struct wire_vote vote;
        struct wire_commit_vote commit_vote;
        struct {
            struct wire_timeout timeout;
            const struct qc *high_qc;
        } timeout;
        const struct qc *qc;
        const struct cc *cc;
        const struct entry *entry;
        struct wire_heartbeat heartbeat;
        uint64_t nonce; /* RANK_QUERY */
        struct {
            uint64_t nonce;
            bool has_vote, has_commit_vote, has_timeout;
            struct wire_vote vote;
            struct wire_commit_vote commit_vote;
            struct wire_timeout timeout;
        } rank_answer;
        struct wire_checkpoint checkpoint;
        uint32_t transfer_to; /* TRANSFER, OPERATOR_TRANSFER */
        struct {
            uint64_t token;
            uint32_t n_sigs; /* as many as the persist had intents */
            struct sig sigs[INTENTS_MAX];
        } persisted;
        struct {
            struct hash block;
            bool is_valid;
        } payload;
        struct {
            struct hash parent; /* of the BUILD it answers */
            struct hash payload_root;
            bool is_empty;
            const struct members *next; /* a config event and nothing else: the set it makes;
                                         * only where BUILD says may_configure. NULL: none */
        } built;
        struct {
            bool any;           /* bundles wait that no block in our chain holds */
            bool any_config;    /* a config event does, beside them */
            uint64_t oldest_ms; /* when the oldest of them got here (monotonic) */
            bool is_overtaken;  /* one that came after it was committed since */
        } pending;
        struct {
            uint64_t height;
            struct hash root;
        } executed;
        struct {
            const struct wire_header *headers; /* heights tip + 1 ..., hash-linked */
            const struct hash *ids;
            uint32_t n;
            const struct commit_proof *proof; /* of the last of them, verified; NULL: it is the
                                               * root that an epoch proof we were given names */
        } range;
        const struct epoch_proof *epoch_proof;
        uint64_t epoch; /* OTHER_EPOCH: the message's, not verified */
        struct {
            struct hash block;
            bool is_accepted;           /* by executing it on the state before it */
            const struct members *next; /* the set it makes, if accepted */
        } config;
        struct identity identity;
    };
};

enum action_kind {
    ACTION_PERSIST,      /* record + intents; then INPUT_PERSISTED{token} */
    ACTION_SEND,         /* a message, to one validator or to all others */
    ACTION_BUILD,        /* choose a payload on top of `build.parent`; then INPUT_BUILT */
    ACTION_NEED_PAYLOAD, /* fetch and check a block's bundles; then INPUT_PAYLOAD */
    ACTION_NEED_BLOCK,   /* a block known only by certificate: ask `from`, then others */
    ACTION_COMMIT,       /* committed, oldest first, each once; execute; then INPUT_EXECUTED */
    ACTION_SYNC,         /* committed blocks are missing here: fetch a range from `from` */
    ACTION_FORGET,       /* the block left the window and will never be committed */
    ACTION_CHECKPOINT,   /* q validators signed (height, block, root): executed for good */
    ACTION_ACCUSE,       /* two signed messages of one rank and type by one validator */
    ACTION_NEED_CONFIG,  /* execute a config block (need.block) on the state before it, as soon
                          * as it is here: VOTE rule 7, or it is committed; then INPUT_CONFIG */
    ACTION_EPOCH,        /* entered: keep the proof, it is what others need; use core_set now */
    ACTION_NOTE,         /* for logs and metrics */
};

#define TO_ALL (UINT32_MAX - 1) /* never VALIDATOR_NONE: all is not nobody */

/* What a heartbeat is: its `reply` field. */
enum beat_kind {
    BEAT_LEADER = 0,   /* the leader's pulse: answered */
    BEAT_ANSWER = 1,   /* to the leader */
    BEAT_PRESENCE = 2, /* unasked, to all: alive, and this far */
};

enum send_kind {
    SEND_PROPOSAL, /* by block id: the caller holds the bytes */
    SEND_VOTE,
    SEND_COMMIT_VOTE,
    SEND_TIMEOUT,
    SEND_QC,
    SEND_CC,
    SEND_ENTRY,
    SEND_HEARTBEAT,
    SEND_RANK_QUERY,
    SEND_RANK_ANSWER,
    SEND_CHECKPOINT,
    SEND_TRANSFER,
    SEND_EPOCH_PROOF, /* of the epoch after `after`: the caller's, or `proof` if it is that */
};

/* Pointers point into the core and stay good until its next step. */
struct action {
    enum action_kind kind;
    union {
        struct {
            uint64_t token;
            const struct safety_record *record;
            uint32_t n_intents;
            struct intent intents[INTENTS_MAX];
            struct hash block;          /* proposal to store with it; zero = none */
            const struct proposal *own; /* our new proposal (then block = its id), or NULL:
                                         * its bundles are those of the last INPUT_BUILT */
        } persist;
        struct {
            enum send_kind kind;
            uint32_t to; /* validator index or TO_ALL (others) */
            union {
                struct hash proposal;
                struct wire_vote vote;
                struct wire_commit_vote commit_vote;
                struct {
                    struct wire_timeout timeout;
                    const struct qc *high_qc; /* encode into timeout.high_qc */
                } timeout;
                const struct qc *qc;
                const struct cc *cc;
                const struct entry *entry;
                struct wire_heartbeat heartbeat; /* sent_ms is the step's wall_ms */
                uint64_t nonce;
                struct {
                    uint64_t nonce;
                    const struct wire_vote *vote;               /* NULL = none */
                    const struct wire_commit_vote *commit_vote; /* NULL = none */
                    const struct wire_timeout *timeout;         /* NULL = none; no QC */
                } rank_answer;
                struct wire_checkpoint checkpoint;
                struct wire_transfer transfer;
                struct {
                    uint64_t after;
                    const struct epoch_proof *proof;
                } epoch_proof;
            };
        } send;
        struct {
            struct hash parent;
            uint64_t height;    /* of the block to be built */
            bool must_be_empty; /* above a config block */
            bool may_configure; /* a config event may stand in it, alone */
        } build;
        struct {
            struct hash block;
            struct rank rank;
            uint64_t signers; /* of a QC of it, 0 if none: who has it */
            uint32_t from;    /* who named it, VALIDATOR_NONE unknown */
        } need;               /* NEED_PAYLOAD, NEED_BLOCK, NEED_CONFIG */
        struct {
            struct hash block;
            struct rank rank;
            uint64_t height;
            const struct commit_proof
                *proof; /* NULL: committed as an ancestor of a later COMMIT in this list, or as
                         * the root that the next epoch's proof names */
        } commit;
        struct {
            struct rank target; /* a certificate proves commits up to here */
            struct hash block;
            uint32_t from;
            uint64_t signers;
        } sync;
        struct hash forget;
        const struct epoch_proof *epoch; /* ACTION_EPOCH */
        struct {
            uint64_t height;
            struct hash block;
            struct hash root;
            uint64_t signers;
        } checkpoint;
        struct {
            uint32_t validator;
            enum intent_kind what;
            struct rank rank;
            struct hash first, second; /* blocks; of checkpoints the roots, of timeouts nothing */
        } accuse;
        struct {
            enum note_kind kind;
            struct term term;
            struct rank rank;
            struct hash block;
            uint64_t height;
            uint32_t validator; /* leader, author or sender */
            enum note_reason reason;
        } note;
    };
};

/* A step never needs more; overflow is our bug. */
#define ACTIONS_MAX 256u

struct actions {
    uint32_t n;
    struct action list[ACTIONS_MAX];
};

/* A state root, and after which block. */
struct executed_root {
    uint64_t height;
    struct hash root;
};

struct core; /* sizeof in core_state.h, at most 512 KiB */
size_t core_size(void);

/* The state after a start: record and committed tip as stored, nothing pending.
 * `executed` is at or below `committed`. A record that is `observing` makes an observer. The first
 * step must be a TICK; then the committed tip's proof goes in as INPUT_QC or INPUT_CC (peers behind
 * us may depend on it) and the stored blocks above the tip as INPUT_PROPOSAL (and the tip itself if
 * it is a config block), all from VALIDATOR_NONE. */
void core_init(struct core *core, const struct core_config *config,
               const struct safety_record *record, const struct tip *committed,
               const struct executed_root *executed);

/* After core_init: a state root from before the start, at most EXECUTED_ROOTS back. A
 * proposer may lag behind what we had executed and cite an older one. */
void core_restore_root(struct core *core, uint64_t height, const struct hash *root);

/* New timer values (SIGHUP). */
void core_configure(struct core *core, const struct core_config *config);

void core_step(struct core *core, const struct input *input, struct actions *ret_actions);

/* When the next TICK is due, on the clock of now_ms. UINT64_MAX = never. */
uint64_t core_deadline_ms(const struct core *core);

/* The highest certificate held; good until the next step. */
const struct qc *core_high_qc(const struct core *core);

/* The set of the epoch that the core is in: what its messages are verified against. Good
 * until the next step. */
const struct validator_set *core_set(const struct core *core);

/* Is the block in the core's window? The caller need not keep others. */
bool core_has_block(const struct core *core, const struct hash *id);

#include "services/consensus/core/core_view.h"

#endif
