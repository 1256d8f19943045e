#include "tests/sim/net.h"

#include "common/must.h"
#include "tests/sim/meter.h"
#include "tests/sim/world.h"
#include "tests/support/fake_sig.h"

#include <inttypes.h>
#include <stdlib.h>

const char *message_name(enum message_kind kind)
{
    static const char *const names[] = {
        [MESSAGE_PROPOSAL] = "proposal",
        [MESSAGE_VOTE] = "vote",
        [MESSAGE_COMMIT_VOTE] = "commit-vote",
        [MESSAGE_TIMEOUT] = "timeout",
        [MESSAGE_QC] = "qc",
        [MESSAGE_CC] = "cc",
        [MESSAGE_ENTRY] = "entry",
        [MESSAGE_HEARTBEAT] = "heartbeat",
        [MESSAGE_RANK_QUERY] = "rank-query",
        [MESSAGE_RANK_ANSWER] = "rank-answer",
        [MESSAGE_CHECKPOINT] = "checkpoint",
        [MESSAGE_TRANSFER] = "transfer",
        [MESSAGE_EPOCH_PROOF] = "epoch-proof",
        [MESSAGE_BUNDLES] = "bundles",
        [MESSAGE_BUNDLE_REQUEST] = "bundle-request",
        [MESSAGE_BLOCK_REQUEST] = "block-request",
        [MESSAGE_RANGE_REQUEST] = "range-request",
        [MESSAGE_RANGE] = "range",
        [MESSAGES_END] = "any",
    };
    return names[kind];
}

void net_new(struct net *net)
{
    *net = (struct net){0};
    net->messages = calloc(MESSAGES_MAX, sizeof(*net->messages));
    MUST(net->messages != NULL);
}

void net_destroy(struct net *net)
{
    free(net->messages);
}

static uint32_t message_new(struct net *net)
{
    uint32_t index;

    if (net->free_list != 0) {
        index = net->free_list - 1;
        net->free_list = net->messages[index].next_free;
        return index;
    }
    MUST(net->n_messages < MESSAGES_MAX);
    return net->n_messages++;
}

static void message_release(struct net *net, uint32_t index)
{
    struct message *message = &net->messages[index];

    if (message->n_deliveries > 0)
        return;
    message->next_free = net->free_list;
    net->free_list = index + 1;
}

/* The rank a message speaks of, for rules. */
static struct rank rank_of(const struct world *world, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_PROPOSAL:
    case MESSAGE_BLOCK_REQUEST:
        return world->pool.blocks[message->block].proposal.header.rank;
    case MESSAGE_VOTE:
        return message->vote.rank;
    case MESSAGE_COMMIT_VOTE:
        return message->commit_vote.rank;
    case MESSAGE_TIMEOUT:
        return (struct rank){message->timeout.timeout.epoch, message->timeout.timeout.term, 0};
    case MESSAGE_QC:
        return message->qc->rank;
    case MESSAGE_CC:
        return message->cc->rank;
    case MESSAGE_HEARTBEAT:
        return message->heartbeat.high;
    case MESSAGE_ENTRY:
    case MESSAGE_RANK_QUERY:
    case MESSAGE_RANK_ANSWER:
    case MESSAGE_CHECKPOINT:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLES:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
    case MESSAGES_END:
        break;
    }
    return (struct rank){0, 0, 0};
}

static const struct net_rule *rule_for(const struct world *world, uint32_t to,
                                       const struct message *message)
{
    for (uint32_t i = 0; i < world->net.n_rules; i++) {
        const struct net_rule *rule = &world->net.rules[i];
        if (rule->kind != MESSAGES_END && rule->kind != message->kind)
            continue;
        if ((rule->from >> message->from & 1) == 0 || (rule->to >> to & 1) == 0)
            continue;
        struct rank rank = rank_of(world, message);
        if ((rule->term == 0 || rule->term == rank.term) &&
            (rule->seq == 0 || rule->seq == rank.seq))
            return rule;
    }
    return NULL;
}

static void hold_back(struct net *net, uint32_t to, uint32_t index)
{
    if (net->n_held == HELD_MAX)
        return;
    net->held[net->n_held++] = (struct held){to, index};
    net->messages[index].n_deliveries++;
}

/* Lost, or not to be delivered for now. */
static bool is_stopped(struct world *world, uint32_t to, uint32_t index)
{
    struct net *net = &world->net;
    const struct message *message = &net->messages[index];

    if (net->is_cut[message->from][to] || !liar_passes(world, message, to))
        return true;
    if (rng_chance(&world->rng, net->loss_per_mille)) {
        world->stats->faults[FAULT_LOSS]++;
        return true;
    }
    const struct net_rule *rule = net->n_rules > 0 ? rule_for(world, to, message) : NULL;
    if (rule != NULL && rule->is_hold)
        hold_back(net, to, index);
    return rule != NULL;
}

static void put_on_link(struct world *world, uint32_t to, uint32_t index)
{
    struct net *net = &world->net;
    struct message *message = &net->messages[index];
    uint64_t delay_ms = net->slow_ms[message->from][to] +
                        rng_between(&world->rng, net->delay_min_ms, net->delay_max_ms);
    uint64_t *last_ms = &net->last_ms[message->from][to];

    if (net->is_ordered && world->now_ms + delay_ms < *last_ms)
        delay_ms = *last_ms - world->now_ms;
    *last_ms = world->now_ms + delay_ms;
    message->n_deliveries++;
    delay_ms += liar_delay_ms(world, message);
    world_schedule(world, delay_ms,
                   (struct event){.kind = EVENT_DELIVER, .replica = (uint16_t)to, .arg = index});
}

void net_release(struct world *world)
{
    struct net *net = &world->net;
    uint32_t n = 0;

    for (uint32_t i = 0; i < net->n_held; i++) {
        struct held held = net->held[i];
        if (rule_for(world, held.to, &net->messages[held.message]) != NULL) {
            net->held[n++] = held;
            continue;
        }
        put_on_link(world, held.to, held.message);
        net->messages[held.message].n_deliveries--;
    }
    net->n_held = n;
}

void net_mend(struct world *world)
{
    struct net *net = &world->net;

    for (uint32_t i = 0; i < world->n_replicas; i++) {
        memset(net->is_cut[i], 0, world->n_replicas * sizeof(net->is_cut[i][0]));
        memset(net->slow_ms[i], 0, world->n_replicas * sizeof(net->slow_ms[i][0]));
    }
}

void net_heal(struct world *world)
{
    struct net *net = &world->net;

    net->loss_per_mille = net->duplicate_per_mille = 0;
    net->delay_min_ms = 1;
    net->delay_max_ms = 8;
    net->is_ordered = true;
    net->n_rules = 0;
    net_release(world);
    net_mend(world);
}

void net_reset(struct world *world)
{
    world->net.n_messages = world->net.free_list = 0;
    world->net.n_rules = world->net.n_held = 0;
    world->net.audience = UINT64_MAX;
    for (uint32_t i = 0; i < world->n_replicas; i++)
        memset(world->net.last_ms[i], 0, world->n_replicas * sizeof(world->net.last_ms[i][0]));
    net_heal(world);
}

void net_send(struct world *world, uint32_t from, uint32_t to, const struct message *message)
{
    struct net *net = &world->net;
    uint32_t own_key = world->replicas[from].key;
    uint32_t n_receivers = 0;

    if (message->kind == MESSAGE_PROPOSAL && !world->pool.blocks[message->block].is_signed)
        return;
    uint32_t index = message_new(net);
    net->messages[index] = *message;
    net->messages[index].from = from;
    net->messages[index].n_deliveries = 0;
    net->messages[index].is_checked = false;
    for (uint32_t i = 0; i < world->n_replicas; i++) {
        uint32_t key = world->replicas[i].key;
        if (key == own_key || (to != TO_ALL && key != to))
            continue;
        if (to == TO_ALL && message->to_epoch != 0 &&
            index_of(world, message->to_epoch, key) == VALIDATOR_NONE)
            continue;
        if (is_stopped(world, i, index))
            continue;
        put_on_link(world, i, index);
        n_receivers++;
        if (rng_chance(&world->rng, net->duplicate_per_mille)) {
            world->stats->faults[FAULT_DUPLICATE]++;
            put_on_link(world, i, index);
        }
    }
    if (net->meter != NULL)
        meter_count(net->meter, world, message, n_receivers);
    message_release(net, index);
}

/* Of what its signatures are of, 0 = it has none. */
static uint64_t epoch_spoken_of(const struct world *world, const struct message *message)
{
    if (message->kind == MESSAGE_ENTRY) {
        bool is_tc = message->entry->kind == ENTRY_TC;
        return is_tc ? message->entry->tc.term.epoch : message->entry->handoff_qc.rank.epoch;
    }
    if (message->kind == MESSAGE_HEARTBEAT || message->kind == MESSAGE_BLOCK_REQUEST ||
        message->kind == MESSAGE_EPOCH_PROOF)
        return 0;
    return rank_of(world, message).epoch;
}

/* What another epoch's validators signed cannot be checked: the core hears just that. */
static bool is_of_epoch(struct world *world, struct replica *replica, const struct message *message)
{
    uint64_t epoch = epoch_spoken_of(world, message);
    struct input input = {.kind = INPUT_OTHER_EPOCH};

    if (epoch == 0 || epoch == epoch_of(replica))
        return true;
    input.from = peer_number(world, replica, world->replicas[message->from].key);
    input.epoch = epoch;
    replica_input(world, replica, &input);
    return false;
}

/* Certificates were verified when they went into the pool. */
static bool is_good(struct world *world, const struct replica *replica,
                    const struct message *message, uint32_t from)
{
    const struct validator_set *set = core_set(replica->core);
    uint32_t self = index_of(world, set->epoch, replica->key);

    switch (message->kind) {
    case MESSAGE_PROPOSAL:
        return pool_block_is_good(&world->pool, message->block);
    case MESSAGE_VOTE:
        return message->vote.voter == from && vote_verify(set, &message->vote) == CERT_OK;
    case MESSAGE_COMMIT_VOTE:
        return message->commit_vote.voter == from &&
               commit_vote_verify(set, &message->commit_vote) == CERT_OK;
    case MESSAGE_TIMEOUT:
        return timeout_verify(set, &message->timeout.timeout) == CERT_OK &&
               rank_eq(message->timeout.timeout.high, message->timeout.high_qc->rank);
    case MESSAGE_CHECKPOINT:
        return checkpoint_verify(set, &message->checkpoint) == CERT_OK;
    case MESSAGE_RANK_ANSWER:
        return (!message->rank_answer.has_vote ||
                (message->rank_answer.vote.voter == self &&
                 vote_verify(set, &message->rank_answer.vote) == CERT_OK)) &&
               (!message->rank_answer.has_commit_vote ||
                (message->rank_answer.commit_vote.voter == self &&
                 commit_vote_verify(set, &message->rank_answer.commit_vote) == CERT_OK)) &&
               (!message->rank_answer.has_timeout ||
                (message->rank_answer.timeout.voter == self &&
                 timeout_verify(set, &message->rank_answer.timeout) == CERT_OK));
    case MESSAGE_QC:
    case MESSAGE_CC:
    case MESSAGE_ENTRY:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_RANK_QUERY:
    case MESSAGE_TRANSFER:
    case MESSAGE_EPOCH_PROOF:
    case MESSAGE_BUNDLES:
    case MESSAGE_BUNDLE_REQUEST:
    case MESSAGE_BLOCK_REQUEST:
    case MESSAGE_RANGE_REQUEST:
    case MESSAGE_RANGE:
        return true;
    case MESSAGES_END:
        break;
    }
    return false;
}

/* What speaks of a receiver goes to that one only, so that the verdict is the same for all. */
static bool is_let_in(struct world *world, const struct replica *replica, struct message *message,
                      uint32_t from)
{
    if (!message->is_checked) {
        message->is_checked = true;
        message->is_good = is_good(world, replica, message, from);
    }
    return message->is_good;
}

void net_deliver(struct world *world, uint32_t to, uint32_t index)
{
    struct message *message = &world->net.messages[index];
    struct replica *replica = &world->replicas[to];

    world->stats->messages++;
    if (replica->is_up && is_of_epoch(world, replica, message) &&
        is_let_in(world, replica, message,
                  peer_number(world, replica, world->replicas[message->from].key))) {
        struct rank rank = rank_of(world, message);
        world_trace(world, to, message_name(message->kind), fake_mix(message->from, rank.seq));
        world_say(world, to, "< %s of r%" PRIu32 " %" PRIu64 ".%" PRIu64,
                  message_name(message->kind), message->from, rank.term, rank.seq);
        node_on_message(world, replica, message);
    }
    message->n_deliveries--;
    message_release(&world->net, index);
}
