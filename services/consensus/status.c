/* What operators ask of a validator: status, validators, metrics, and leadership. All of
 * it answers from memory, without quorum and without the database. */
#include "services/consensus/queries.h"

#include "common/clock.h"
#include "common/log.h"

const char *node_name_of(const struct node *node, uint32_t validator)
{
    return validator < node->genesis->n_validators ? node->genesis->cards[validator].id : "";
}

/* Everybody shows its presence twice in a round's time; peers that are well answer. */
uint64_t node_silence_ms(const struct node *node)
{
    return 2 * node->core_config.round_timeout_ms;
}

bool node_is_active(const struct node *node, uint32_t validator, uint64_t now_ms)
{
    uint64_t seen_ms = node->view.peers[validator].seen_ms;

    return seen_ms != 0 && now_ms < seen_ms + node_silence_ms(node);
}

static uint32_t count_active(const struct node *node)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t n = 1;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        n += i != node->self && node_is_active(node, i, now_ms);
    return n;
}

static json_t *hash_json(const struct hash *hash)
{
    struct hash_text text = hash_to_text(hash);

    return json_string(text.text);
}

static json_t *rank_json(struct rank rank)
{
    return json_pack("{s:I,s:I,s:I}", "epoch", (json_int_t)rank.epoch, "term",
                     (json_int_t)rank.term, "seq", (json_int_t)rank.seq);
}

static uint64_t max_peer_height(const struct node *node)
{
    uint64_t highest = node->view.committed.height;

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        if (node->view.peers[i].committed_height > highest)
            highest = node->view.peers[i].committed_height;
    return highest;
}

/* Each reason in words; none of them: healthy. */
/* A record may be intact and yet older than what its peers hold of it: a restored machine. */
static const char *why_observing(const struct node *node)
{
    bool was_found_at_start = node->start_reason != SAFETY_REASON_INTACT &&
                              node->start_reason != SAFETY_REASON_FILE_BEHIND &&
                              node->start_reason != SAFETY_REASON_FILE_TORN;

    return was_found_at_start ? safety_start_reason_text(node->start_reason)
                              : "peers hold newer signatures of this node than its own records: "
                                "was it restored from a backup?";
}

static json_t *reasons_json(const struct node *node, uint32_t n_active)
{
    uint32_t n = node->genesis->n_validators;
    json_t *reasons = json_array();
    char text[200];

    if (node->phase == NODE_LOADING)
        json_array_append_new(reasons, json_string("starting: loading what is stored"));
    if (n_active < quorum_size(n)) {
        (void)snprintf(text, sizeof(text), "no quorum: %u of %u validators active, %u needed",
                       n_active, n, quorum_size(n));
        json_array_append_new(reasons, json_string(text));
    }
    for (uint32_t i = 0; i < n && n_active < n; i++)
        if (i != node->self && !node_is_active(node, i, clock_mono_ms())) {
            (void)snprintf(text, sizeof(text), "validator %s is not heard from",
                           node_name_of(node, i));
            json_array_append_new(reasons, json_string(text));
        }
    if (node->view.is_observing) {
        (void)snprintf(text, sizeof(text), "observing, signs nothing: %s", why_observing(node));
        json_array_append_new(reasons, json_string(text));
    }
    if (!store_is_up(node->store)) {
        (void)snprintf(text, sizeof(text), "database: %s", store_detail(node->store));
        json_array_append_new(reasons, json_string(text));
    }
    uint64_t tip = max_peer_height(node);
    if (tip > node->view.executed_height + CHAIN_WINDOW) {
        (void)snprintf(text, sizeof(text), "behind: at height %llu of %llu",
                       (unsigned long long)node->view.executed_height, (unsigned long long)tip);
        json_array_append_new(reasons, json_string(text));
    }
    return reasons;
}

static const char *health_of(const struct node *node, uint32_t n_active, const json_t *reasons)
{
    if (n_active < quorum_size(node->genesis->n_validators))
        return "critical";
    return json_array_size(reasons) == 0 ? "healthy" : "degraded";
}

/* 0 stays 0: never. */
static json_t *wall_json(uint64_t mono_ms, uint64_t now_ms)
{
    return json_integer(mono_ms == 0 ? 0 : (json_int_t)(clock_wall_ms() - (now_ms - mono_ms)));
}

static json_t *peer_json(const struct node *node, uint32_t i, uint64_t now_ms)
{
    const struct watched_peer *peer = &node->watch.peers[i];
    json_t *json = json_object();

    json_object_set_new(json, "id", json_string(node_name_of(node, i)));
    json_object_set_new(json, "active", json_boolean(node_is_active(node, i, now_ms)));
    json_object_set_new(json, "last_seen_ms", wall_json(node->view.peers[i].seen_ms, now_ms));
    json_object_set_new(json, "rejoined_ms", wall_json(peer->rejoined_ms, now_ms));
    json_object_set_new(json, "height",
                        json_integer((json_int_t)node->view.peers[i].committed_height));
    json_object_set_new(json, "rtt_ms",
                        peer->is_measured ? json_integer((json_int_t)peer->rtt_ms) : json_null());
    json_object_set_new(json, "clock_offset_ms",
                        peer->is_measured ? json_integer(peer->clock_offset_ms) : json_null());
    return json;
}

static json_t *peers_json(const struct node *node)
{
    uint64_t now_ms = clock_mono_ms();
    json_t *list = json_array();

    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        if (i != node->self)
            json_array_append_new(list, peer_json(node, i, now_ms));
    return list;
}

static void add_verbose(const struct node *node, json_t *status)
{
    struct mempool_size size = mempool_size(node->mempool);

    json_object_set_new(status, "chain_id", hash_json(&node->genesis->chain));
    json_object_set_new(status, "high_qc", rank_json(node->view.high_qc));
    json_object_set_new(status, "high_qc_round", json_integer((json_int_t)node->view.high_qc.term));
    json_object_set_new(status, "locked_qc_round",
                        json_integer((json_int_t)node->view.high_qc.term));
    json_object_set_new(status, "committed_blocks",
                        json_integer((json_int_t)node->view.committed.height));
    json_object_set_new(status, "committed_rank", rank_json(node->view.committed.rank));
    json_object_set_new(status, "timed_out_term",
                        json_integer((json_int_t)node->view.timed_out.term));
    json_object_set_new(status, "checkpoint_height",
                        json_integer((json_int_t)node->view.checkpoint_height));
    json_object_set_new(status, "observing", json_boolean(node->view.is_observing));
    json_object_set_new(status, "admitted", json_boolean(node->view.is_admitted));
    json_object_set_new(status, "catching_up", json_boolean(node->sync.is_active));
    json_object_set_new(status, "mempool_bytes", json_integer((json_int_t)size.bytes));
    json_object_set_new(status, "commit_backlog", json_integer(node->log.n));
    json_object_set_new(status, "waiting_clients", json_integer(waiters_count(node->waiters)));
    json_object_set_new(status, "database", json_string(store_detail(node->store)));
    json_object_set_new(status, "safety_counter",
                        json_integer((json_int_t)node->persister.counter));
    json_object_set_new(status, "signer_pid", json_integer(signer_pid(node->signer)));
    json_object_set_new(status, "peers", peers_json(node));
}

enum apm_err query_status(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    uint32_t n = node->genesis->n_validators;
    uint32_t n_active = count_active(node);
    json_t *reasons = reasons_json(node, n_active);
    struct hash root = execution_state_root(node->execution);
    json_t *status = json_object();

    json_object_set_new(status, "node_id", json_string(node_name_of(node, node->self)));
    json_object_set_new(status, "health", json_string(health_of(node, n_active, reasons)));
    json_object_set_new(status, "epoch", json_integer((json_int_t)node->view.term.epoch));
    json_object_set_new(status, "term", json_integer((json_int_t)node->view.term.term));
    json_object_set_new(status, "round", json_integer((json_int_t)node->view.committed.height + 1));
    json_object_set_new(status, "height", json_integer((json_int_t)node->view.committed.height));
    json_object_set_new(status, "leader_id", json_string(node_name_of(node, node->view.leader)));
    json_object_set_new(status, "is_leader", json_boolean(node->view.is_leader));
    json_object_set_new(status, "last_committed_hash", hash_json(&node->view.committed.block));
    json_object_set_new(status, "state_root", hash_json(&root));
    json_object_set_new(status, "executed_height",
                        json_integer((json_int_t)node->view.executed_height));
    json_object_set_new(status, "pending",
                        json_integer((json_int_t)mempool_size(node->mempool).bundles));
    json_object_set_new(status, "validator_count", json_integer(n));
    json_object_set_new(status, "active_validators", json_integer(n_active));
    json_object_set_new(status, "quorum_threshold", json_integer(quorum_size(n)));
    json_object_set_new(status, "quorum_met", json_boolean(n_active >= quorum_size(n)));
    json_object_set_new(status, "reasons", reasons);
    if (query_flag(args, "verbose"))
        add_verbose(node, status);
    return admin_body(status, ret_body);
}

static json_t *validator_json(const struct node *node, uint32_t i, uint64_t now_ms)
{
    const struct card *card = &node->genesis->cards[i];
    bool is_self = i == node->self;
    const struct core_peer_view *peer = &node->view.peers[i];
    uint64_t height = is_self ? node->view.committed.height : peer->committed_height;
    uint16_t port = card->services[CARD_CONSENSUS].port;
    char endpoint[CARD_ADDRESS_MAX + 8], key[65];

    (void)snprintf(endpoint, sizeof(endpoint), "%s:%u", card->address, port);
    hex_encode(card->key.b, sizeof(card->key.b), key);
    json_t *json =
        json_pack("{s:s,s:i,s:s,s:i,s:s,s:s,s:s,s:b,s:I,s:I}", "id", card->id, "index", (int)i,
                  "address", card->address, "port", (int)port, "endpoint", endpoint, "public_key",
                  key, "role", i == node->view.leader ? "leader" : "follower", "active",
                  is_self || node_is_active(node, i, now_ms), "height", (json_int_t)height,
                  "missed_votes", (json_int_t)node->n_missed[i]);
    json_object_set_new(json, "last_seen_ms", wall_json(is_self ? now_ms : peer->seen_ms, now_ms));
    json_object_set_new(json, "self", json_boolean(is_self));
    json_object_set_new(json, "client_port", json_integer(card->client_port));
    json_object_set_new(json, "has_voted", json_boolean(is_self || peer->has_voted));
    return json;
}

enum apm_err query_validators(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    uint64_t now_ms = clock_mono_ms();
    json_t *list = json_array();

    (void)args;
    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        json_array_append_new(list, validator_json(node, i, now_ms));
    json_t *body = json_pack("{s:o,s:i,s:i}", "validators", list, "total",
                             (int)node->genesis->n_validators, "active", (int)count_active(node));
    return admin_body(body, ret_body);
}

enum apm_err query_metrics(void *state, struct span args, struct buf *ret_body)
{
    const struct node *node = state;
    uint64_t period_s = query_u64(args, "period_s", 60);

    metrics_json(node->env->metrics, (uint32_t)(period_s < 3600 ? period_s : 3600), ret_body);
    return APM_OK;
}

static uint32_t find_validator(const struct node *node, const char *id)
{
    for (uint32_t i = 0; i < node->genesis->n_validators; i++)
        if (strcmp(node->genesis->cards[i].id, id) == 0)
            return i;
    return VALIDATOR_NONE;
}

enum apm_err query_transfer(void *state, struct span args, struct buf *ret_body)
{
    struct node *node = state;
    char id[ID_BYTES_MAX + 1];
    struct input input = {.kind = INPUT_OPERATOR_TRANSFER, .from = VALIDATOR_NONE};

    input.transfer_to = VALIDATOR_NONE;
    if (node->phase != NODE_RUNNING) {
        admin_error_body(ret_body, "this node is not running consensus yet", NULL);
        return APM_ERR_BUSY;
    }
    if (query_text(args, "to", id)) {
        input.transfer_to = find_validator(node, id);
        if (input.transfer_to == VALIDATOR_NONE) {
            admin_error_body(ret_body, "no validator of that name",
                             "apm2 consensus validators lists them");
            return APM_ERR_NOT_FOUND;
        }
    }
    LOG_INFO("transfer_asked", F_STR("by", "operator"),
             F_STR("to", node_name_of(node, input.transfer_to)));
    json_t *body = json_pack("{s:s,s:I}", "leader_id", node_name_of(node, node->view.leader),
                             "term", (json_int_t)node->view.term.term);
    act_input(node, &input);
    return admin_body(body, ret_body);
}

/* /readyz: may this node be counted on? Never a reason to restart it. */
void node_health(void *state, struct health *health)
{
    const struct node *node = state;
    uint32_t n_active = count_active(node);
    uint32_t quorum = quorum_size(node->genesis->n_validators);
    uint64_t tip = max_peer_height(node);
    uint64_t height = node->view.executed_height;

    health_add(health, "loaded", node->phase != NODE_LOADING, "%s",
               node->phase == NODE_LOADING ? "replaying stored blocks" : "replayed");
    health_add(health, "database", store_is_up(node->store), "%s", store_detail(node->store));
    health_add(health, "quorum", n_active >= quorum, "%u active, %u needed", n_active, quorum);
    health_add(health, "caught_up", tip <= height + CHAIN_WINDOW, "height %llu of %llu",
               (unsigned long long)height, (unsigned long long)tip);
    health_add(health, "signing", !node->view.is_observing, "%s",
               node->view.is_observing ? safety_start_reason_text(node->start_reason)
                                       : "the safety record is intact");
}
