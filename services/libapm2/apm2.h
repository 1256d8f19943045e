/*
 * apm2 - submit events to an APM2 cluster and learn what became of them.
 *
 *     apm2_cluster_open   the cluster's genesis: chain id, nodes, schemas
 *     apm2_key_read       an actor's key (apm2 key new)
 *     apm2_bundle_new     sign events as one bundle; its bytes may be sent again
 *     apm2_client_new     a connection to one node's client port
 *     apm2_client_submit  never blocks; any number under way at once
 *     apm2_client_next    what came back: a reply at the door, then the outcome
 *
 * A node that answers "OK" will send the outcome once the bundle is final. A client
 * whose node falls silent sends the same bytes to another one: a bundle takes effect
 * at most once, however often it is submitted.
 *
 * Functions return true on success, else false with the reason in ret_why (NULL is
 * fine). Error names are those of schemas/errors.def and never change. Objects are
 * used by one thread at a time; a cluster outlives its clients.
 */
#ifndef APM2_LIBAPM2_APM2_H
#define APM2_LIBAPM2_APM2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APM2_API __attribute__((visibility("default")))

#define APM2_HASH_BYTES 32

struct apm2_why {
    char error[32]; /* "UNREACHABLE" */
    char text[320];
};

/* ---- cluster ---- */

struct apm2_cluster;

APM2_API bool apm2_cluster_open(const char *genesis_path, struct apm2_cluster **ret_cluster,
                                struct apm2_why *ret_why);
APM2_API void apm2_cluster_close(struct apm2_cluster **cluster);
APM2_API const uint8_t *apm2_cluster_chain(const struct apm2_cluster *cluster);
APM2_API uint32_t apm2_cluster_n_nodes(const struct apm2_cluster *cluster);
/* "n1" */
APM2_API const char *apm2_cluster_node(const struct apm2_cluster *cluster, uint32_t i);

/* ---- keys ---- */

struct apm2_key;

APM2_API bool apm2_key_read(const char *pem_path, struct apm2_key **ret_key,
                            struct apm2_why *ret_why);
/* Wipes it. */
APM2_API void apm2_key_close(struct apm2_key **key);
APM2_API const uint8_t *apm2_key_public(const struct apm2_key *key);

/* ---- events and bundles ---- */

/* One event, checked and encoded. */
struct apm2_event;

/* From {"type", "namespace", "payload"} (namespace defaults to kernel). */
APM2_API bool apm2_event_new(struct apm2_cluster *cluster, const char *json, size_t n,
                             struct apm2_event **ret_event, struct apm2_why *ret_why);
APM2_API void apm2_event_free(struct apm2_event **event);
APM2_API const char *apm2_event_namespace(const struct apm2_event *event);
/* Bytes it takes up in a bundle. */
APM2_API size_t apm2_event_size(const struct apm2_event *event);

struct apm2_bundle {
    uint8_t id[APM2_HASH_BYTES];
    size_t size;
    uint8_t bytes[];
};

/* What is to be signed. */
struct apm2_draft {
    uint64_t nonce; /* each once; ask the node for the next one ("account") */
    uint64_t expiry_height;
    const struct apm2_event *const *events; /* of one namespace */
    uint32_t n_events;
};

/* Signs. Free the bundle with free(). */
APM2_API bool apm2_bundle_new(const struct apm2_cluster *cluster, const struct apm2_key *key,
                              const struct apm2_draft *draft, struct apm2_bundle **ret_bundle,
                              struct apm2_why *ret_why);

/* ---- client ---- */

struct apm2_client;

/* To the node of this index. Connects in the background. */
APM2_API bool apm2_client_new(struct apm2_cluster *cluster, uint32_t node,
                              struct apm2_client **ret_client, struct apm2_why *ret_why);
APM2_API void apm2_client_close(struct apm2_client **client);

/* `request` comes back with everything that answers it. False with error BUSY: not
 * connected yet or the queue is full; nothing was sent, try again. */
APM2_API bool apm2_client_submit(struct apm2_client *client, uint64_t request,
                                 const struct apm2_bundle *bundle, struct apm2_why *ret_why);
/* Verbs as in services/consensus/queries.def; `args` is JSON or NULL. */
APM2_API bool apm2_client_query(struct apm2_client *client, uint64_t request, const char *verb,
                                const char *args, struct apm2_why *ret_why);

enum apm2_kind {
    APM2_ACCEPTED, /* at the door; an outcome follows */
    APM2_REFUSED,  /* error and detail say why; nothing follows. At the door; after ACCEPTED
                    * only BUSY or REJECTED, when the bundle was ordered twice */
    APM2_OUTCOME,  /* final */
    APM2_ANSWER,   /* to a query: error ("OK" or not), detail = JSON */
};

/* Pointers are good until the client's next call. Texts end with a 0. */
struct apm2_reply {
    enum apm2_kind kind;
    uint64_t request;
    uint8_t bundle[APM2_HASH_BYTES];
    const char *error;
    const char *detail;
    uint64_t height; /* OUTCOME; 0 = it expired without being ordered */
    uint64_t index;
    uint8_t block[APM2_HASH_BYTES];
    const uint8_t *codes; /* one per event: schemas/outcomes.def, 0 = applied */
    size_t n_codes;
};

/* The next reply that has arrived; false when there is none. Never blocks. */
APM2_API bool apm2_client_next(struct apm2_client *client, struct apm2_reply *ret_reply);

/* Waits until one of the clients has something, or the time is over. */
APM2_API void apm2_client_wait(struct apm2_client *const *clients, uint32_t n, int timeout_ms);

/* For other event loops. Edge-triggered (ZMQ_FD): when it becomes readable, and after
 * each submit, call apm2_client_next until it says false. */
APM2_API int apm2_client_fd(struct apm2_client *client);

/* "LEASE_CONFLICT", "the resource is leased to another holder". */
APM2_API const char *apm2_outcome_name(uint8_t code);
APM2_API const char *apm2_outcome_text(uint8_t code);

#ifdef __cplusplus
}
#endif

#endif
