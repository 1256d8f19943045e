/*
 * queries - the verbs of the admin socket, and what their answers share.
 *
 * Private to services/consensus. A query answers at once from memory; those that read
 * the store answer later by ticket. Arguments are one small JSON object.
 */
#ifndef APM2_QUERIES_H
#define APM2_QUERIES_H

#include "common/admin_json.h"
#include "services/consensus/node.h"

/* Arguments: false, or the fallback, when absent or of another type. */
bool query_flag(struct span args, const char *name);
uint64_t query_u64(struct span args, const char *name, uint64_t fallback);
bool query_text(struct span args, const char *name, char ret_text[ID_BYTES_MAX + 1]);
bool query_key(struct span args, const char *name, struct key *ret_key);
bool query_hash(struct span args, const char *name, struct hash *ret_hash);

/* status.c */
enum apm_err query_status(void *state, struct span args, struct buf *ret_body);
enum apm_err query_validators(void *state, struct span args, struct buf *ret_body);
enum apm_err query_metrics(void *state, struct span args, struct buf *ret_body);
enum apm_err query_transfer(void *state, struct span args, struct buf *ret_body);

/* votes.c */
enum apm_err query_votes(void *state, struct span args, struct buf *ret_body);

/* why.c */
enum apm_err query_why(void *state, struct span args, struct buf *ret_body);

/* objects.c */
enum apm_err query_account(void *state, struct span args, struct buf *ret_body);
enum apm_err query_leases(void *state, struct span args, struct buf *ret_body);
enum apm_err query_capabilities(void *state, struct span args, struct buf *ret_body);
enum apm_err query_actors(void *state, struct span args, struct buf *ret_body);

/* lookup.c */
void query_event_get(void *state, uint64_t ticket, struct span args);

#endif
