/*
 * abuser_words - what a bad client says, by its way of being bad.
 *
 * Pure: a seed and a way give the same bytes.
 */
#ifndef APM2_ABUSER_WORDS_H
#define APM2_ABUSER_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_BYTES_MAX 65536u

enum way {
    WAY_CLOSE,     /* connects and leaves */
    WAY_SILENT,    /* connects and says nothing */
    WAY_HALF,      /* says it has finished, and stays */
    WAY_NOISE,     /* random bytes */
    WAY_RESET,     /* random bytes, then a reset */
    WAY_GREETING,  /* a ZMTP handshake with some bytes changed */
    WAY_TRUNCATED, /* one that stops in the middle, and stays */
    WAY_OVERSIZE,  /* one whose next frame is announced as 2^62 bytes */
    WAY_DRIP,      /* one, a byte a second */
    WAY_HTTP,      /* a request with some bytes changed */
    WAY_HEADERS,   /* a head without end */
    WAY_BODY,      /* a body of which more is announced than comes */
    WAY_PIPELINE,  /* many requests at once, answers never read */
    WAY_SLOWLORIS, /* a request, a byte a second */
    WAYS
};

struct words {
    size_t size;
    uint8_t bytes[WORDS_BYTES_MAX];
};

uint64_t words_draw(uint64_t *random);

/* None at all for the ways that are silent. */
void words_fill(struct words *words, enum way way, uint64_t *random);

#endif
