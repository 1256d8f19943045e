/*
 * zap - who may finish a CURVE handshake, per socket domain (ZeroMQ RFC 27).
 *
 * One thread per ZeroMQ context answers libzmq's questions from tables of keys.
 * Anything doubtful is denied: another version or mechanism, an unknown domain, a
 * malformed request. libzmq lets strangers in when no handler answers, unless
 * the socket enforces its domain: zap_guard sets that, too.
 *
 * The answer's User-Id is the client's CURVE key in hex: what zap_message_key reads
 * back from each message. A key taken off a table keeps its live connections;
 * receivers check the key on every message.
 *
 * zap_allow, zap_allow_any and zap_refused may be called from any thread. Destroy
 * it after the sockets it guards and before the context.
 */
#ifndef APM2_ZAP_H
#define APM2_ZAP_H

#include <zmq.h>

#include "common/err.h"
#include "common/keyfile.h"
#include "common/limits.h"

#define ZAP_DOMAINS_MAX 8u
#define ZAP_DOMAIN_BYTES_MAX 63u
#define ZAP_KEYS_MAX (VALIDATORS_MAX * 2u) /* old and new keys overlap for a while */

struct zap;

/* BUSY: the context has a handler already. */
WARN_UNUSED enum apm_err zap_new(void *context, struct zap **ret_zap);
void zap_destroy(struct zap **zap);
/* No more answers: whoever has no connection yet gets none any more. */
void zap_stop(struct zap *zap);

/* Replaces the domain's table. n = 0 admits nobody. */
void zap_allow(struct zap *zap, const char *domain, const struct curve_key *keys, uint32_t n);
/* Any key of a good CURVE handshake. */
void zap_allow_any(struct zap *zap, const char *domain);

/* Handshakes refused so far. */
uint64_t zap_refused(struct zap *zap);

/* Makes a socket, not yet bound, a CURVE server of this domain, enforced. False:
 * this libzmq cannot, and the socket must not be opened. */
bool zap_guard(void *socket, const char *domain, const struct curve_pair *pair);

/* The CURVE key of the message's connection. False: it has none. */
bool zap_message_key(zmq_msg_t *message, struct curve_key *ret_key);

#endif
