#include "services/anti-entropy/strikes.h"

#define STRIKE_TEXT(name, text) [STRIKE_##name] = text,
static const char *const texts[STRIKE_END] = {[STRIKE_NONE] = "none", STRIKE_REASONS(STRIKE_TEXT)};
#undef STRIKE_TEXT

const char *strike_text(enum strike_reason reason)
{
    return texts[reason];
}

void strikes_add(struct strikes *strikes, uint32_t peer, enum strike_reason reason, uint64_t now_ms)
{
    struct strike_card *card = &strikes->peers[peer];
    uint64_t pause_ms = STRIKE_BASE_MS;

    for (uint32_t i = 0; i < card->n && pause_ms < STRIKE_MAX_MS; i++)
        pause_ms *= 2;
    card->n++;
    card->total++;
    card->last = reason;
    card->until_ms = now_ms + (pause_ms < STRIKE_MAX_MS ? pause_ms : STRIKE_MAX_MS);
}

void strikes_forgive(struct strikes *strikes, uint32_t peer)
{
    struct strike_card *card = &strikes->peers[peer];

    if (card->n > 0)
        card->n--;
}

bool strikes_is_out(const struct strikes *strikes, uint32_t peer, uint64_t now_ms)
{
    return now_ms < strikes->peers[peer].until_ms;
}
