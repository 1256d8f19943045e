/*
 * state - what struct authority is made of; private to this directory.
 *
 * Every entry stands in a table slot and, as a hash, in the one sparse map whose
 * root is the authority root. Whoever changes an entry puts it into the map again;
 * actors' nonces only once a block, when it ends.
 */
#ifndef APM2_AUTHORITY_STATE_H
#define APM2_AUTHORITY_STATE_H

#include "common/merkle/merkle.h"
#include "services/consensus/authority/arena.h"
#include "services/consensus/authority/authority.h"
#include "services/consensus/authority/derived.h"
#include "services/consensus/authority/expiry.h"
#include "services/consensus/authority/nonce.h"
#include "services/consensus/authority/table.h"

/* A short text within an entry. */
struct name {
    uint32_t size;
    char text[ID_BYTES_MAX];
};

struct lease {
    struct hash id;
    struct key issuer;
    uint32_t space;
    uint32_t resource_size, holder_size;
    uint64_t issued_at_ms, renewed_at_ms, expires_at_ms;
    uint64_t n_renewals;
    uint8_t resource[EVENT_RESOURCE_MAX];
    uint8_t holder[EVENT_HOLDER_MAX];
};

/* A tree under each root: what a capability is cut from stands above it. Once
 * ended it is out of tree and subject's list, and waits to be overwritten. */
struct capability {
    struct name id;
    uint32_t space;
    uint32_t subject; /* actor slot */
    struct key granter;
    struct rights rights;
    uint64_t expires_at_ms; /* 0: never */
    uint32_t depth;
    enum capability_state state;
    uint32_t parent, first_child, next_sibling, previous_sibling;
    uint32_t next_of_subject, previous_of_subject;
    uint32_t next_ended;
    uint32_t prefix_size;
    uint8_t prefix[EVENT_RESOURCE_MAX];
};

struct actor {
    struct key key;
    struct nonce_window nonces;
    uint32_t successor;     /* who holds what it held, SLOT_NONE: the key is in use */
    uint64_t rotated_at_ms; /* 0: in use */
    bool is_dirty;
    uint32_t next_dirty;
    uint32_t capabilities[NAMESPACES_MAX]; /* first live one per namespace */
};

struct authority {
    struct authority_limits limits;
    struct hash schemas[EVENT_NONE];
    struct name spaces[NAMESPACES_MAX];
    uint32_t n_spaces;

    struct table lease_table;
    struct lease *leases;
    struct expiry lease_expiry;

    struct table capability_table;
    struct capability *capabilities;
    struct expiry capability_expiry;
    uint32_t first_ended, last_ended;

    struct table actor_table;
    struct actor *actors;
    uint32_t first_dirty;

    struct smap map;
    struct smap_node *map_nodes;
    uint32_t n_map_nodes;
};

/* One event being executed. */
struct act {
    struct authority *authority;
    uint32_t actor;
    uint32_t space;
    uint64_t time_ms;
    const struct hash *chain;
    const struct hash *bundle;
    uint64_t position; /* in the bundle */
    const union event_payload *payload;
    struct derived *derived;
};

/* Limits with the defaults filled in. False: out of range. */
bool authority_limits_fill(const struct authority_limits *limits,
                           struct authority_limits *ret_limits);
/* Places the arrays; counts only when the arena has no memory. */
void authority_lay_out(struct authority *authority, struct arena *arena);
enum apm_err WARN_UNUSED authority_init(struct authority *authority,
                                        const struct authority_genesis *genesis);
/* Takes the block's nonces into the map and gives its root. */
struct hash authority_root(struct authority *authority);

/* SLOT_NONE: the chain has no such namespace. */
uint32_t authority_space(const struct authority *authority, struct span space);

static inline struct span name_span(const struct name *name)
{
    return span_of(name->text, name->size);
}

/* The entry's place in the map: H(tag, namespace, name). */
struct hash entry_key(const char *tag, struct span space, struct span name);
/* There is room for every entry the tables hold (authority_lay_out). */
void authority_put(struct authority *authority, const struct hash *key, const char *tag,
                   const struct writer *value);

#endif
