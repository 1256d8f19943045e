/*
 * net - messages between replicas: loss, delay, reorder, duplication, cut links.
 *
 * A message is one struct, shared by all its deliveries. Its certificates are
 * pointers into the pool. What is delivered went through the door's checks.
 */
#ifndef APM2_SIM_NET_H
#define APM2_SIM_NET_H

#include "services/consensus/core/core.h"

struct world;

#define NET_REPLICAS_MAX (VALIDATORS_MAX + 2u + 3u)
#define MESSAGES_MAX (1u << 15)
#define NET_RULES_MAX 32u
#define HELD_MAX 4096u

/* The core's kinds, in its order, then the node's. */
enum message_kind {
    MESSAGE_PROPOSAL = SEND_PROPOSAL,
    MESSAGE_VOTE = SEND_VOTE,
    MESSAGE_COMMIT_VOTE = SEND_COMMIT_VOTE,
    MESSAGE_TIMEOUT = SEND_TIMEOUT,
    MESSAGE_QC = SEND_QC,
    MESSAGE_CC = SEND_CC,
    MESSAGE_ENTRY = SEND_ENTRY,
    MESSAGE_HEARTBEAT = SEND_HEARTBEAT,
    MESSAGE_RANK_QUERY = SEND_RANK_QUERY,
    MESSAGE_RANK_ANSWER = SEND_RANK_ANSWER,
    MESSAGE_CHECKPOINT = SEND_CHECKPOINT,
    MESSAGE_TRANSFER = SEND_TRANSFER,
    MESSAGE_EPOCH_PROOF = SEND_EPOCH_PROOF,
    MESSAGE_BUNDLES,
    MESSAGE_BUNDLE_REQUEST,
    MESSAGE_BLOCK_REQUEST,
    MESSAGE_RANGE_REQUEST,
    MESSAGE_RANGE,
    MESSAGES_END,
};

const char *message_name(enum message_kind kind);

struct message {
    enum message_kind kind;
    uint32_t n_deliveries;    /* still to come; then its slot is free */
    bool is_checked, is_good; /* by the door: the bytes are the same for all */
    uint32_t next_free;
    uint64_t to_epoch; /* TO_ALL means the members of that epoch; 0 = everybody */
    uint32_t from;     /* replica, which tells twins apart; receivers see its key */
    union {
        uint32_t block; /* PROPOSAL, BLOCK_REQUEST */
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
        uint64_t nonce;
        struct {
            uint64_t nonce;
            bool has_vote, has_commit_vote, has_timeout;
            struct wire_vote vote;
            struct wire_commit_vote commit_vote;
            struct wire_timeout timeout;
        } rank_answer;
        struct wire_checkpoint checkpoint;
        struct wire_transfer transfer;
        uint32_t epoch;    /* EPOCH_PROOF: that it opens */
        uint64_t requests; /* BUNDLES, BUNDLE_REQUEST */
        struct {
            uint64_t from_height;
            uint32_t max;
        } range_request;
        struct {
            uint64_t from_height;
            uint32_t last;   /* block; the others are its ancestors */
            uint32_t proven; /* block whose proof comes with it: last, if nobody lies */
        } range;
    };
};

/* Drops or holds back what matches: of a scenario, or one kind for a while. */
struct net_rule {
    bool is_hold;
    enum message_kind kind; /* MESSAGES_END: any */
    uint64_t from, to;      /* replicas, a bit each */
    uint64_t term, seq;     /* of what it speaks of; 0 = any */
};

struct meter;

struct net {
    struct meter *meter; /* NULL = nobody counts */
    struct message *messages;
    uint32_t n_messages, free_list; /* free_list: index + 1 */
    uint32_t loss_per_mille, duplicate_per_mille;
    uint32_t delay_min_ms, delay_max_ms;
    bool is_ordered;   /* per link */
    uint64_t audience; /* replicas that what is sent now is for; UINT64_MAX = all */
    uint32_t n_rules;
    struct net_rule rules[NET_RULES_MAX];
    uint32_t n_held;
    struct held {
        uint32_t to, message;
    } held[HELD_MAX];
    bool is_cut[NET_REPLICAS_MAX][NET_REPLICAS_MAX];      /* from, to */
    uint32_t slow_ms[NET_REPLICAS_MAX][NET_REPLICAS_MAX]; /* more than other links take */
    uint64_t last_ms[NET_REPLICAS_MAX][NET_REPLICAS_MAX];
};

void net_new(struct net *net);
void net_destroy(struct net *net);
void net_reset(struct world *world);

/* Call after rules went: what none of those left holds back goes on its way. */
void net_release(struct world *world);

/* No link is cut or slow any more. */
void net_mend(struct world *world);

/* The same, nothing is lost, and all comes quickly and in order. */
void net_heal(struct world *world);

/* To node `to` (both copies of a twin), or TO_ALL but the sender's key. */
void net_send(struct world *world, uint32_t from, uint32_t to, const struct message *message);

/* Through the door and into the replica. */
void net_deliver(struct world *world, uint32_t replica, uint32_t message);

#endif
