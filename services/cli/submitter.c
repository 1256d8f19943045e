#include "services/cli/submitter.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/must.h"
#include "services/cli/account.h"

#define SIGNINGS_MAX 8u  /* of one batch, each with another nonce */
#define SILENCE_MS 1500u /* of a node that owes answers, before another is tried */
#define POLL_MS 20
#define BUSY_MIN_MS 20u
#define BUSY_MAX_MS 1000u
#define PROGRESS_MS 200u
#define NONCE_LEAD_MAX (NONCE_WINDOW - 64u)

struct submitter {
    const struct submitter_plan *plan;
    struct batch *batches;
    uint32_t n;
    uint32_t next_new; /* the first batch never sent */
    uint32_t oldest;   /* no batch before it is open */
    uint32_t n_open;   /* sent, not at their end */
    uint32_t n_again;  /* of them: QUEUED again */
    uint32_t n_done;
    uint32_t scan;      /* where the search for QUEUED ones goes on */
    uint64_t nonce;     /* of the next bundle */
    uint64_t height;    /* the highest heard of */
    uint32_t n_lessons; /* how often the nodes were asked for it */
    uint32_t node;      /* index in the cluster */
    struct apm2_client *client;
    uint64_t heard_ms; /* the node's last word, or when it was turned to */
    uint64_t moved_ms; /* the last batch's end */
    uint64_t shown_ms;
};

enum apm_err complain_why(struct complaint *complaint, const struct apm2_why *why)
{
    enum apm_err err = APM_ERR_FAILED;
    for (int i = 0; i < APM_ERR_END; i++) {
        if (strcmp(apm_err_name((enum apm_err)i), why->error) == 0)
            err = (enum apm_err)i;
    }
    return complain(complaint, err, "%s", why->text);
}

static bool is_ended(const struct batch *batch)
{
    return batch->state >= BATCH_FINAL;
}

/* ---- nodes ---- */

/* The chain's index of the cluster's node: genesis orders by card id. */
static uint32_t chain_index(const struct submitter_plan *plan, uint32_t node)
{
    uint32_t i = 0;
    const char *name = plan->cluster->nodes[node].name;
    while (i < apm2_cluster_n_nodes(plan->chain) &&
           strcmp(apm2_cluster_node(plan->chain, i), name) != 0)
        i++;
    return i;
}

static bool turn_to(struct submitter *self, uint32_t node, struct apm2_why *why)
{
    apm2_client_close(&self->client);
    self->node = node;
    self->heard_ms = clock_mono_ms();
    return apm2_client_new(self->plan->chain, chain_index(self->plan, node), &self->client, why);
}

/* Everything that is under way is sent again, oldest first. */
static void requeue_open(struct submitter *self)
{
    for (uint32_t i = 0; i < self->next_new; i++) {
        struct batch *batch = &self->batches[i];
        if (batch->state != BATCH_SENT && batch->state != BATCH_ACCEPTED)
            continue;
        batch->state = BATCH_QUEUED;
        batch->next_ms = 0;
        self->n_again++;
    }
    self->scan = 0;
}

static void turn_to_another(struct submitter *self)
{
    struct apm2_why why;
    uint32_t n = self->plan->cluster->n;
    uint32_t next = self->plan->is_only_node ? self->node : (self->node + 1) % n;
    if (turn_to(self, next, &why))
        requeue_open(self);
}

/* Nonce and height never go back: an answer may be older than what was sent. */
static enum apm_err learn(struct submitter *self, struct account *ret_account,
                          struct complaint *complaint)
{
    const struct submitter_plan *plan = self->plan;
    const struct account_question question = {
        .cluster = plan->cluster,
        .public_key = apm2_key_public(plan->key),
        .first_node = plan->first_node,
        .is_first_needed = plan->is_only_node,
    };
    enum apm_err err = account_ask(&question, ret_account, complaint);
    if (err != APM_OK)
        return err;
    if (ret_account->next_nonce > self->nonce)
        self->nonce = ret_account->next_nonce;
    if (ret_account->height > self->height)
        self->height = ret_account->height;
    return APM_OK;
}

/* ---- out ---- */

static bool sign(struct submitter *self, struct batch *batch)
{
    const struct submitter_plan *plan = self->plan;
    const struct apm2_event *events[BUNDLE_EVENTS_MAX];
    MUST(batch->n_events <= BUNDLE_EVENTS_MAX);
    for (uint32_t i = 0; i < batch->n_events; i++)
        events[i] = batch->events[i].event;
    struct apm2_draft draft = {self->nonce, self->height + plan->expiry_heights, events,
                               batch->n_events};
    if (!apm2_bundle_new(plan->chain, plan->key, &draft, &batch->bundle, &batch->why))
        return false;
    self->nonce++;
    batch->n_signed++;
    batch->lesson = self->n_lessons;
    return true;
}

static void end(struct submitter *self, struct batch *batch, enum batch_state state)
{
    if (is_ended(batch))
        return;
    if (batch->state == BATCH_QUEUED && batch->sent_us != 0)
        self->n_again--;
    batch->state = state;
    self->n_open--;
    self->n_done++;
    self->moved_ms = clock_mono_ms();
    /* The bytes are needed no more, the id is. */
    struct apm2_bundle *kept = realloc(batch->bundle, sizeof(*kept));
    if (kept != NULL)
        batch->bundle = kept;
}

/* False: the connection takes no more now. */
static bool send_one(struct submitter *self, uint32_t i)
{
    struct batch *batch = &self->batches[i];
    struct apm2_why why;
    if (!apm2_client_submit(self->client, i, batch->bundle, &why))
        return false;
    if (batch->sent_us == 0)
        batch->sent_us = clock_mono_us();
    batch->state = BATCH_SENT;
    return true;
}

static bool send_again(struct submitter *self, uint64_t now_ms)
{
    uint32_t left = self->next_new;
    while (self->n_again > 0 && left-- > 0) {
        uint32_t i = self->scan;
        self->scan = (self->scan + 1) % self->next_new;
        struct batch *batch = &self->batches[i];
        if (batch->state != BATCH_QUEUED || batch->next_ms > now_ms)
            continue;
        if (batch->bundle == NULL && !sign(self, batch)) {
            end(self, batch, BATCH_REFUSED);
            continue;
        }
        if (!send_one(self, i)) {
            self->scan = i;
            return false;
        }
        self->n_again--;
    }
    return true;
}

/* A nonce that falls NONCE_WINDOW behind the newest is refused for ever: nobody may run
 * that far ahead of the slowest bundle. */
static bool may_send_new(struct submitter *self)
{
    while (self->oldest < self->next_new && is_ended(&self->batches[self->oldest]))
        self->oldest++;
    return self->next_new < self->n && self->n_open < self->plan->window &&
           self->next_new - self->oldest < NONCE_LEAD_MAX;
}

static void send_new(struct submitter *self)
{
    while (may_send_new(self)) {
        struct batch *batch = &self->batches[self->next_new];
        if (batch->bundle == NULL && !sign(self, batch)) {
            self->next_new++;
            self->n_open++;
            end(self, batch, BATCH_REFUSED);
            continue;
        }
        if (!send_one(self, self->next_new))
            return;
        self->next_new++;
        self->n_open++;
    }
}

/* ---- in ---- */

static void put_off(struct submitter *self, struct batch *batch)
{
    uint64_t wait_ms = BUSY_MIN_MS << (batch->n_busy < 6 ? batch->n_busy : 6);
    batch->n_busy++;
    batch->state = BATCH_QUEUED;
    batch->next_ms = clock_mono_ms() + (wait_ms < BUSY_MAX_MS ? wait_ms : BUSY_MAX_MS);
    self->n_again++;
}

static bool is_nonce_taken(const struct apm2_reply *reply)
{
    static const char code[] = "REPLAYED";
    return strcmp(reply->error, "REJECTED") == 0 &&
           strncmp(reply->detail, code, sizeof(code) - 1) == 0;
}

/* The old bytes can never apply, so the events are free to be signed again. Many may
 * come back at once: the first of them asks for all. */
static void take_fresh_nonce(struct submitter *self, struct batch *batch)
{
    struct account account;
    struct complaint ignored = {0};
    if (batch->lesson == self->n_lessons) {
        (void)!learn(self, &account, &ignored); /* none: go on from our own count */
        self->n_lessons++;
    }
    free(batch->bundle);
    batch->bundle = NULL;
    batch->why = (struct apm2_why){{0}, {0}};
    put_off(self, batch);
}

static void on_refused(struct submitter *self, struct batch *batch, const struct apm2_reply *reply)
{
    (void)snprintf(batch->why.error, sizeof(batch->why.error), "%s", reply->error);
    (void)snprintf(batch->why.text, sizeof(batch->why.text), "%s", reply->detail);
    if (strcmp(reply->error, "BUSY") == 0)
        put_off(self, batch);
    else if (is_nonce_taken(reply) && batch->n_signed < SIGNINGS_MAX)
        take_fresh_nonce(self, batch);
    else
        end(self, batch, BATCH_REFUSED);
}

static void on_outcome(struct submitter *self, struct batch *batch, const struct apm2_reply *reply)
{
    batch->latency_us = clock_mono_us() - batch->sent_us;
    batch->height = reply->height;
    self->height = reply->height > self->height ? reply->height : self->height;
    if (reply->height == 0) {
        end(self, batch, BATCH_EXPIRED);
        return;
    }
    if (reply->n_codes != batch->n_events)
        return; /* not an answer to what was sent */
    batch->codes = mem_new(1, reply->n_codes);
    memcpy(batch->codes, reply->codes, reply->n_codes);
    end(self, batch, BATCH_FINAL);
}

static void on_reply(struct submitter *self, const struct apm2_reply *reply)
{
    self->heard_ms = clock_mono_ms();
    if (reply->request >= self->next_new)
        return;
    struct batch *batch = &self->batches[reply->request];
    /* QUEUED again: the answer to an earlier sending still settles it, unless the bundle
     * was signed anew since. */
    if (is_ended(batch) || batch->bundle == NULL ||
        (reply->kind == APM2_OUTCOME &&
         memcmp(reply->bundle, batch->bundle->id, sizeof(batch->bundle->id)) != 0))
        return;
    if (reply->kind == APM2_OUTCOME)
        on_outcome(self, batch, reply);
    else if (reply->kind == APM2_ACCEPTED && batch->state == BATCH_SENT)
        batch->state = BATCH_ACCEPTED;
    else if (reply->kind == APM2_REFUSED &&
             (batch->state == BATCH_SENT || batch->state == BATCH_ACCEPTED))
        on_refused(self, batch, reply);
}

/* ---- the loop ---- */

static void show(struct submitter *self, uint64_t now_ms)
{
    if (self->plan->progress == NULL || now_ms - self->shown_ms < PROGRESS_MS)
        return;
    self->shown_ms = now_ms;
    self->plan->progress(self->plan->context, self->batches, self->n_done);
}

static void drive(struct submitter *self)
{
    while (self->n_done < self->n) {
        uint64_t now_ms = clock_mono_ms();
        if (now_ms - self->moved_ms > self->plan->timeout_ms)
            return;
        if (now_ms - self->heard_ms > SILENCE_MS)
            turn_to_another(self);
        if (self->client != NULL && send_again(self, now_ms))
            send_new(self);
        struct apm2_reply reply;
        bool got = false;
        while (self->client != NULL && apm2_client_next(self->client, &reply)) {
            on_reply(self, &reply);
            got = true;
        }
        show(self, now_ms);
        if (!got && self->client != NULL)
            apm2_client_wait(&self->client, 1, self->n_again > 0 ? POLL_MS : POLL_MS * 5);
    }
}

static void count(const struct batch *batch, struct submit_totals *totals)
{
    switch (batch->state) {
    case BATCH_QUEUED:
    case BATCH_SENT:
    case BATCH_ACCEPTED:
    case BATCH_UNDECIDED:
        totals->undecided += batch->n_events;
        return;
    case BATCH_EXPIRED:
        totals->expired += batch->n_events;
        return;
    case BATCH_REFUSED:
        totals->refused += batch->n_events;
        return;
    case BATCH_FINAL:
        for (uint32_t i = 0; i < batch->n_events; i++)
            *(batch->codes[i] == 0 ? &totals->applied : &totals->rejected) += 1;
        return;
    }
}

enum apm_err submitter_run(const struct submitter_plan *plan, const struct batches *batches,
                           struct submit_totals *ret_totals, struct complaint *ret_complaint)
{
    struct submitter self = {.plan = plan, .batches = batches->list, .n = batches->n};
    struct apm2_why why;
    uint64_t began_us = clock_mono_us();
    struct account account;
    enum apm_err err = learn(&self, &account, ret_complaint);
    if (err != APM_OK)
        return err;
    if (!turn_to(&self, account.node, &why))
        return complain_why(ret_complaint, &why);

    self.moved_ms = clock_mono_ms();
    drive(&self);
    apm2_client_close(&self.client);

    struct submit_totals totals = {.elapsed_us = clock_mono_us() - began_us};
    for (uint32_t i = 0; i < batches->n; i++) {
        if (!is_ended(&batches->list[i]))
            batches->list[i].state = BATCH_UNDECIDED;
        count(&batches->list[i], &totals);
    }
    *ret_totals = totals;
    return APM_OK;
}

void batches_release(struct batches *batches)
{
    for (uint32_t i = 0; i < batches->n; i++) {
        struct batch *batch = &batches->list[i];
        for (uint32_t j = 0; j < batch->n_events; j++)
            apm2_event_free(&batch->events[j].event);
        free(batch->events);
        free(batch->bundle);
        free(batch->codes);
    }
    free(batches->list);
    *batches = (struct batches){0};
}
