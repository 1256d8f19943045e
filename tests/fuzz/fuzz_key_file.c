/* A private key's PEM text. */
#include "common/pkcs8.h"
#include "tests/fuzz/fuzz.h"

static void run(struct span input)
{
    enum pkcs8_kind kind;
    enum pkcs8_kind kind_again;
    uint8_t secret[32];
    uint8_t secret_again[32];
    char text[PKCS8_PEM_BYTES_MAX];

    if (!pkcs8_decode(input, &kind, secret))
        return;
    size_t size = pkcs8_encode(kind, secret, text);
    MUST(size <= sizeof(text));
    MUST(pkcs8_decode(span_of(text, size), &kind_again, secret_again));
    MUST(kind_again == kind && memcmp(secret_again, secret, sizeof(secret)) == 0);
}

const struct fuzz_target fuzz_target = {.run = run};
