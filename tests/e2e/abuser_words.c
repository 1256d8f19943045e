#include "tests/e2e/abuser_words.h"

#include "common/must.h"

#define GREETING_BYTES 64u

/* splitmix64: a seed repeats a run's bytes, though not its times. */
uint64_t words_draw(uint64_t *random)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void say(struct words *to, const void *bytes, size_t size)
{
    MUST(size <= WORDS_BYTES_MAX - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

static void say_text(struct words *to, const char *text)
{
    say(to, text, strlen(text));
}

static void say_noise(struct words *to, uint64_t *random, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)words_draw(random);
        say(to, &byte, 1);
    }
}

/* ZMTP 3.0, CURVE, as a client; then a HELLO of the right form and size. */
static void say_handshake(struct words *to, uint64_t *random)
{
    static const uint8_t greeting[GREETING_BYTES] = {0xff, 0, 0, 0,   0,   0,   0,   0,  1,
                                                     0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    static const uint8_t hello[] = {4, 200, 5, 'H', 'E', 'L', 'L', 'O', 1, 0};
    say(to, greeting, sizeof(greeting));
    say(to, hello, sizeof(hello));
    say_noise(to, random, 200 - 8);
}

static void say_request(struct words *to, uint64_t *random)
{
    static const char *const paths[] = {"/",        "/livez",       "/readyz?verbose",
                                        "/metrics", "/status.json", "/readyz?exclude=a,b"};
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS"};
    say_text(to, methods[words_draw(random) % 4]);
    say_text(to, " ");
    say_text(to, paths[words_draw(random) % 6]);
    say_text(to, " HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n");
}

/* Changes one to eight bytes, and now and then cuts off the rest. */
static void mutate(struct words *to, uint64_t *random)
{
    uint64_t n = 1 + words_draw(random) % 8;
    for (uint64_t i = 0; i < n; i++) {
        size_t at = words_draw(random) % to->size;
        to->bytes[at] = (uint8_t)words_draw(random);
    }
    if (words_draw(random) % 4 == 0)
        to->size = 1 + words_draw(random) % to->size;
}

static void say_headers(struct words *to, uint64_t *random)
{
    say_text(to, "GET /livez HTTP/1.1\r\nX: ");
    while (to->size < WORDS_BYTES_MAX - 16)
        say_text(to, words_draw(random) % 8 == 0 ? "\r\nY:" : "aaaa");
}

static void say_pipeline(struct words *to, uint64_t *random)
{
    for (int i = 0; i < 50; i++)
        say_request(to, random);
}

static void say_oversize(struct words *to, uint64_t *random)
{
    say_handshake(to, random);
    to->size = GREETING_BYTES;
    say(to, "\x02\x40\0\0\0\0\0\0\0", 9);
    say_noise(to, random, 16384);
}

static void say_body(struct words *to, uint64_t *random)
{
    say_text(to, "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
    say_noise(to, random, 16384);
}

void words_fill(struct words *to, enum way way, uint64_t *random)
{
    to->size = 0;
    switch (way) {
    case WAY_CLOSE:
    case WAY_SILENT:
    case WAY_HALF:
    case WAYS:
        break;
    case WAY_NOISE:
    case WAY_RESET:
        say_noise(to, random, 1 + words_draw(random) % WORDS_BYTES_MAX);
        break;
    case WAY_GREETING:
        say_handshake(to, random);
        mutate(to, random);
        break;
    case WAY_TRUNCATED:
        say_handshake(to, random);
        to->size = 1 + words_draw(random) % to->size;
        break;
    case WAY_OVERSIZE:
        say_oversize(to, random);
        break;
    case WAY_DRIP:
        say_handshake(to, random);
        break;
    case WAY_HTTP:
        say_request(to, random);
        mutate(to, random);
        break;
    case WAY_HEADERS:
        say_headers(to, random);
        break;
    case WAY_BODY:
        say_body(to, random);
        break;
    case WAY_PIPELINE:
        say_pipeline(to, random);
        break;
    case WAY_SLOWLORIS:
        say_request(to, random);
        break;
    }
}
