/*
 * nonce - which nonces an actor has used: a window that slides with the highest.
 *
 * Pure. Within the window every nonce can be used once, in any order; below it all
 * count as used. Bundles of one actor may so overtake one another.
 */
#ifndef APM2_AUTHORITY_NONCE_H
#define APM2_AUTHORITY_NONCE_H

#include "common/ids.h"
#include "common/limits.h"

struct nonce_window {
    uint64_t next;                     /* the highest used + 1; 0: none used */
    uint64_t bits[NONCE_WINDOW / 64u]; /* bit n mod NONCE_WINDOW: n was used */
};

/* `size` is the window's in genesis, at most NONCE_WINDOW. The last number there
 * is counts as used: nothing could follow it. */
bool nonce_is_used(const struct nonce_window *window, uint32_t size, uint64_t nonce);

/* Uses one that is not (MUST, for the full window). */
void nonce_use(struct nonce_window *window, uint64_t nonce);

#endif
