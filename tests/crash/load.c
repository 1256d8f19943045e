#include "tests/crash/load.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/hash.h"
#include "common/must.h"

#define SPELL_MS 1000u
#define BUSY_MS 650u /* of each spell */
#define EVERY_MS 12u
#define AGAIN_MS 2500u
#define SENT_MAX 12u
#define ASK_EVERY 16u
#define LOAD_QUESTION UINT64_MAX
#define EXPIRY_HEIGHTS 5000u

static _Noreturn void die(const char *what, const struct apm2_why *why)
{
    (void)fprintf(stderr, "crashpoints: %s: %s %s\n", what, why->error, why->text);
    exit(1);
}

/* n3 is node 2, whatever its place in genesis. */
static uint32_t node_of(const struct load *load, uint32_t validator)
{
    const char *name = apm2_cluster_node(load->cluster, validator);
    MUST(name[0] == 'n' && name[1] >= '1' && name[1] < '1' + (int)LOAD_NODES && name[2] == 0);
    return (uint32_t)(name[1] - '1');
}

void load_begin(struct load *load, const char *dir)
{
    struct apm2_why why;
    struct timespec now;
    char path[300];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    load->run = (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
    (void)snprintf(path, sizeof(path), "%s/genesis.json", dir);
    if (!apm2_cluster_open(path, &load->cluster, &why))
        die(path, &why);
    (void)snprintf(path, sizeof(path), "%s/operator.pem", dir);
    if (!apm2_key_read(path, &load->key, &why))
        die(path, &why);
    MUST(apm2_cluster_n_nodes(load->cluster) == LOAD_NODES);
    for (uint32_t i = 0; i < LOAD_NODES; i++)
        if (!apm2_client_new(load->cluster, i, &load->clients[node_of(load, i)], &why))
            die("client", &why);
    load->acks = calloc(LOAD_ACKS_MAX, sizeof(*load->acks));
    MUST(load->acks != NULL);
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* The highest that any of them knows: who has just started may not have read it all. */
static uint32_t take_nonces(struct load *load)
{
    struct apm2_reply reply;
    uint32_t n = 0;
    for (uint32_t i = 0; i < LOAD_NODES; i++) {
        while (apm2_client_next(load->clients[i], &reply)) {
            json_t *body = reply.kind == APM2_ANSWER && strcmp(reply.error, "OK") == 0
                               ? json_loads(reply.detail, 0, NULL)
                               : NULL;
            json_int_t nonce = json_integer_value(json_object_get(body, "next_nonce"));
            if ((uint64_t)nonce > load->next_nonce)
                load->next_nonce = (uint64_t)nonce;
            n += body != NULL;
            json_decref(body);
        }
    }
    return n;
}

bool load_learn_nonce(struct load *load, uint64_t time_ms)
{
    char hex[2 * 32 + 1], args[128];
    uint64_t end_ms = clock_ms() + time_ms;
    uint32_t n_answers = 0;
    hex_encode(apm2_key_public(load->key), 32, hex);
    (void)snprintf(args, sizeof(args), "{\"actor\":\"%s\"}", hex);
    while (clock_ms() < end_ms) {
        for (uint32_t i = 0; i < LOAD_NODES; i++)
            (void)apm2_client_query(load->clients[i], LOAD_QUESTION, "account", args, NULL);
        for (uint64_t next_ms = clock_ms() + 200; clock_ms() < next_ms;) {
            apm2_client_wait(load->clients, LOAD_NODES, 50);
            n_answers += take_nonces(load);
        }
    }
    return n_answers >= LOAD_NODES;
}

static struct apm2_bundle *make(struct load *load)
{
    char json[256];
    struct apm2_event *event = NULL;
    struct apm2_bundle *bundle = NULL;
    struct apm2_why why;
    int n = snprintf(json, sizeof(json),
                     "{\"type\":\"LeaseIssued\",\"namespace\":\"kernel\",\"payload\":{\"resource\":"
                     "\"crash/%" PRIx64 "/%" PRIu64 "\",\"holder\":\"crash\",\"ttl_ms\":500}}",
                     load->run, load->n_made);
    if (!apm2_event_new(load->cluster, json, (size_t)n, &event, &why))
        die("event", &why);
    struct apm2_draft draft = {load->next_nonce++, load->height + EXPIRY_HEIGHTS,
                               (const struct apm2_event *const *)&event, 1};
    if (!apm2_bundle_new(load->cluster, load->key, &draft, &bundle, &why))
        die("bundle", &why);
    apm2_event_free(&event);
    load->n_made++;
    return bundle;
}

/* ---- in ---- */

static struct load_open *find(struct load *load, uint64_t request)
{
    struct load_open *open = &load->open[request % LOAD_OPEN_MAX];
    return open->bundle != NULL && open->request == request ? open : NULL;
}

static void drop(struct load_open *open)
{
    free(open->bundle);
    open->bundle = NULL;
}

static void take(struct load *load, uint32_t node, const struct apm2_reply *reply)
{
    struct load_open *open = find(load, reply->request);
    if (reply->kind == APM2_OUTCOME && reply->height > 0) {
        /* Each one that tells has promised, also the second. */
        MUST(load->n_acks < LOAD_ACKS_MAX);
        struct load_ack *ack = &load->acks[load->n_acks++];
        *ack = (struct load_ack){.height = reply->height, .node = node};
        if (strcmp(apm2_outcome_name(reply->n_codes > 0 ? reply->codes[0] : 0), "REPLAYED") == 0)
            ack->height = 0;
        memcpy(ack->bundle.b, reply->bundle, sizeof(ack->bundle.b));
        load->height = reply->height > load->height ? reply->height : load->height;
    }
    if (open == NULL || reply->kind == APM2_ACCEPTED || reply->kind == APM2_ANSWER)
        return;
    if (reply->kind == APM2_REFUSED && strcmp(reply->error, "BUSY") == 0)
        return; /* or starting: sent again later */
    load->n_refused += reply->kind == APM2_REFUSED;
    drop(open);
}

/* ---- out ---- */

static void send_open(struct load *load, struct load_open *open, uint64_t now_ms)
{
    if (open->n_sent == SENT_MAX) {
        load->n_dropped++;
        drop(open);
        return;
    }
    if (open->n_sent > 0)
        open->node = (open->node + 1) % LOAD_NODES;
    open->n_sent++;
    open->sent_ms = now_ms;
    (void)apm2_client_submit(load->clients[open->node], open->request, open->bundle, NULL);
}

static void send_new(struct load *load, uint64_t now_ms)
{
    uint64_t request = load->n_made;
    struct load_open *open = &load->open[request % LOAD_OPEN_MAX];
    if (load->is_quiet || now_ms < load->next_ms || now_ms % SPELL_MS >= BUSY_MS ||
        open->bundle != NULL)
        return;
    load->next_ms = now_ms + EVERY_MS;
    *open = (struct load_open){.request = request, .node = (uint32_t)(request % LOAD_NODES)};
    open->bundle = make(load);
    if (request % ASK_EVERY == 0) /* so that the door has answers to give, too */
        (void)apm2_client_query(load->clients[open->node], LOAD_QUESTION, "status", NULL, NULL);
    send_open(load, open, now_ms);
}

void load_turn(struct load *load, uint64_t now_ms, int wait_ms)
{
    struct apm2_reply reply;
    send_new(load, now_ms);
    for (uint32_t i = 0; i < LOAD_OPEN_MAX; i++)
        if (load->open[i].bundle != NULL && now_ms - load->open[i].sent_ms >= AGAIN_MS)
            send_open(load, &load->open[i], now_ms);
    apm2_client_wait(load->clients, LOAD_NODES, wait_ms);
    for (uint32_t i = 0; i < LOAD_NODES; i++)
        while (apm2_client_next(load->clients[i], &reply))
            take(load, i, &reply);
}

uint32_t load_n_open(const struct load *load)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < LOAD_OPEN_MAX; i++)
        n += load->open[i].bundle != NULL;
    return n;
}

void load_end(struct load *load)
{
    for (uint32_t i = 0; i < LOAD_OPEN_MAX; i++)
        free(load->open[i].bundle);
    for (uint32_t i = 0; i < LOAD_NODES; i++)
        apm2_client_close(&load->clients[i]);
    apm2_key_close(&load->key);
    apm2_cluster_close(&load->cluster);
    free(load->acks);
}
