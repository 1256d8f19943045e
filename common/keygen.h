/*
 * keygen - a validator's keys, safety record and card, born together.
 *
 * For output "dir/n1.pem": n1.pem and n1.feed.pem (ed25519), n1.<service>.pem (X25519)
 * per peer-facing service, n1.safety and n1.card.json. All or nothing: an existing
 * file is refused before anything is written, and a failure removes what was.
 */
#ifndef APM2_KEYGEN_H
#define APM2_KEYGEN_H

#include "common/card.h"

struct keygen_options {
    const char *id;
    const char *address;
    uint16_t ports[CARD_SERVICES_N]; /* 0: the service's default */
    uint16_t client_port;            /* 0: CARD_CLIENT_PORT */
};

/* ret_card may be NULL. */
WARN_UNUSED enum apm_err keygen_write(const char *output, const struct keygen_options *options,
                                      struct card *ret_card, struct why *ret_why);

/* An actor's key: ed25519 only. ret_key may be NULL. */
WARN_UNUSED enum apm_err key_new(const char *output, struct key *ret_key, struct why *ret_why);

/* "dir/n1.pem" + "consensus.pem" -> "dir/n1.consensus.pem". False: no ".pem", or
 * it does not fit. */
bool keygen_sibling(const char *output, const char *suffix, char *out, size_t capacity);

#endif
