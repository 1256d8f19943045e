#include "common/hash.h"

#include <sodium.h>

#include "common/must.h"

static const char hex_digits[] = "0123456789abcdef";

struct hash hash_bytes(struct span bytes)
{
    struct hash hash;
    int failed =
        crypto_generichash_blake2b(hash.b, sizeof(hash.b), bytes.data, bytes.size, NULL, 0);
    MUST(failed == 0);
    return hash;
}

static void absorb(crypto_generichash_blake2b_state *state, const void *data, size_t size)
{
    int failed = crypto_generichash_blake2b_update(state, data, size);
    MUST(failed == 0);
}

struct hash hash_tagged(const char *tag, const struct span *parts, size_t n_parts)
{
    crypto_generichash_blake2b_state state;
    int failed = crypto_generichash_blake2b_init(&state, NULL, 0, sizeof(struct hash));
    MUST(failed == 0);

    /* The string's own final zero separates the tag from what follows. */
    absorb(&state, tag, strlen(tag) + 1);
    for (size_t i = 0; i < n_parts; i++)
        absorb(&state, parts[i].data, parts[i].size);

    struct hash hash;
    failed = crypto_generichash_blake2b_final(&state, hash.b, sizeof(hash.b));
    MUST(failed == 0);
    return hash;
}

void hex_encode(const void *bytes, size_t size, char *out)
{
    const uint8_t *in = bytes;

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex_digits[in[i] >> 4];
        out[2 * i + 1] = hex_digits[in[i] & 0x0f];
    }
    out[2 * size] = '\0';
}

#define NO_HEX 0xffu

static unsigned hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F')
        return (unsigned)(digit - 'A') + 10;
    return NO_HEX;
}

/* Stops at the first character that is no digit, so a short text is never read
 * past its end. */
static bool is_hex_of(const char *text, size_t size)
{
    for (size_t i = 0; i < 2 * size; i++) {
        if (hex_value(text[i]) == NO_HEX)
            return false;
    }
    return text[2 * size] == '\0';
}

bool hex_decode(const char *text, size_t size, void *ret_bytes)
{
    if (!is_hex_of(text, size))
        return false;

    uint8_t *out = ret_bytes;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

struct hash_text hash_to_text(const struct hash *hash)
{
    struct hash_text text;
    hex_encode(hash->b, sizeof(hash->b), text.text);
    return text;
}
