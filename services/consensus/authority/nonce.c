#include "services/consensus/authority/nonce.h"

#include "common/must.h"

static bool bit(const struct nonce_window *window, uint64_t nonce)
{
    return (window->bits[nonce % NONCE_WINDOW / 64] >> nonce % 64 & 1) != 0;
}

bool nonce_is_used(const struct nonce_window *window, uint32_t size, uint64_t nonce)
{
    if (nonce == UINT64_MAX)
        return true;
    if (nonce >= window->next)
        return false;
    return window->next - nonce > size || bit(window, nonce);
}

/* Forgets what falls out of the window when its upper end moves to `next`. */
static void slide(struct nonce_window *window, uint64_t next)
{
    if (next - window->next >= NONCE_WINDOW) {
        memset(window->bits, 0, sizeof(window->bits));
    } else {
        for (uint64_t n = window->next; n < next; n++)
            window->bits[n % NONCE_WINDOW / 64] &= ~(UINT64_C(1) << n % 64);
    }
    window->next = next;
}

void nonce_use(struct nonce_window *window, uint64_t nonce)
{
    MUST(!nonce_is_used(window, NONCE_WINDOW, nonce));

    if (nonce >= window->next)
        slide(window, nonce + 1);
    window->bits[nonce % NONCE_WINDOW / 64] |= UINT64_C(1) << nonce % 64;
}
