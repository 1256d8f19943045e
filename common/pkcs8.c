#include "common/pkcs8.h"

#include <sodium.h>

#include "common/must.h"

#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----"
#define PEM_END "-----END PRIVATE KEY-----"
#define DER_PREFIX_BYTES 16u
#define DER_BYTES (DER_PREFIX_BYTES + 32u)
#define DER_OID_LAST 11u /* the only byte in which the two kinds differ */

/* SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.x }, OCTET STRING { OCTET STRING { 32 bytes } } } */
static const uint8_t der_prefix[DER_PREFIX_BYTES] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x00, 0x04, 0x22, 0x04, 0x20};
static const uint8_t oid_last[] = {[PKCS8_ED25519] = 0x70, [PKCS8_X25519] = 0x6e};

const char *pkcs8_kind_name(enum pkcs8_kind kind)
{
    return kind == PKCS8_ED25519 ? "ed25519" : "X25519";
}

size_t pkcs8_encode(enum pkcs8_kind kind, const uint8_t secret[32], char out[PKCS8_PEM_BYTES_MAX])
{
    uint8_t der[DER_BYTES];
    char base64[sodium_base64_ENCODED_LEN(DER_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    memcpy(der, der_prefix, sizeof(der_prefix));
    der[DER_OID_LAST] = oid_last[kind];
    memcpy(der + DER_PREFIX_BYTES, secret, 32);
    sodium_bin2base64(base64, sizeof(base64), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);

    int size = snprintf(out, PKCS8_PEM_BYTES_MAX, "%s\n%s\n%s\n", PEM_BEGIN, base64, PEM_END);
    MUST(size > 0 && (unsigned)size < PKCS8_PEM_BYTES_MAX);
    sodium_memzero(der, sizeof(der));
    sodium_memzero(base64, sizeof(base64));
    return (size_t)size;
}

static bool der_decode(const uint8_t der[DER_BYTES], enum pkcs8_kind *ret_kind,
                       uint8_t ret_secret[32])
{
    uint8_t prefix[DER_PREFIX_BYTES];
    memcpy(prefix, der_prefix, sizeof(prefix));
    for (unsigned kind = 0; kind < N_ELEMENTS(oid_last); kind++) {
        prefix[DER_OID_LAST] = oid_last[kind];
        if (memcmp(der, prefix, sizeof(prefix)) != 0)
            continue;
        memcpy(ret_secret, der + DER_PREFIX_BYTES, 32);
        *ret_kind = (enum pkcs8_kind)kind;
        return true;
    }
    return false;
}

static bool is_blank(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

/* What stands between the two lines; false unless nothing stands around them. */
static bool pem_body(struct span text, struct span *ret_body)
{
    const uint8_t *end_of_text = text.data + text.size;
    const uint8_t *begin = memmem(text.data, text.size, PEM_BEGIN, strlen(PEM_BEGIN));
    if (begin == NULL || !is_blank(span_of(text.data, (size_t)(begin - text.data))))
        return false;
    const uint8_t *body = begin + strlen(PEM_BEGIN);
    const uint8_t *end = memmem(body, (size_t)(end_of_text - body), PEM_END, strlen(PEM_END));
    if (end == NULL)
        return false;
    const uint8_t *after = end + strlen(PEM_END);
    if (!is_blank(span_of(after, (size_t)(end_of_text - after))))
        return false;
    *ret_body = span_of(body, (size_t)(end - body));
    return true;
}

bool pkcs8_decode(struct span text, enum pkcs8_kind *ret_kind, uint8_t ret_secret[32])
{
    struct span body;
    if (text.size == 0 || !pem_body(text, &body))
        return false;
    uint8_t der[DER_BYTES];
    size_t size = 0;
    const char *end = NULL;
    int rc = sodium_base642bin(der, sizeof(der), (const char *)body.data, body.size, " \t\r\n",
                               &size, &end, sodium_base64_VARIANT_ORIGINAL);
    bool whole = rc == 0 && size == sizeof(der) && end == (const char *)body.data + body.size;
    bool ok = whole && der_decode(der, ret_kind, ret_secret);
    sodium_memzero(der, sizeof(der));
    return ok;
}
