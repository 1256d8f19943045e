/* As rfc.zeromq.org/spec/26 has it; the names are its own. */
#include "tests/support/raw_curve.h"

#include <sodium.h>
#include <sys/socket.h>

#include "common/must.h"

#define BOX crypto_box_MACBYTES
#define GREETING_BYTES 64u
#define WELCOME_BYTES 168u
#define COOKIE_BYTES 96u
#define FRAME_COMMAND 4u
#define FRAME_COMMAND_LONG 6u
#define FRAME_MESSAGE_LONG 2u

static bool send_all(int fd, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, void *bytes, size_t size)
{
    return size == 0 || recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static void big_endian(uint64_t value, uint8_t ret_bytes[8])
{
    for (int i = 0; i < 8; i++)
        ret_bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* The nonce: a prefix of the protocol's, then a count. */
static void count_nonce(struct raw_curve *curve, const char *prefix, uint8_t ret_nonce[24])
{
    memcpy(ret_nonce, prefix, 16);
    big_endian(++curve->nonce, ret_nonce + 16);
}

static bool send_frame(int fd, uint8_t flags, const uint8_t *body, size_t size)
{
    uint8_t head[9] = {flags};
    big_endian(size, head + 1);
    if (flags == FRAME_COMMAND)
        head[1] = (uint8_t)size;
    return send_all(fd, head, flags == FRAME_COMMAND ? 2 : sizeof(head)) &&
           send_all(fd, body, size);
}

struct keys {
    uint8_t public_key[32];
    uint8_t secret[32];
};

static bool greet(int fd)
{
    uint8_t ours[GREETING_BYTES] = {0xff, 0, 0, 0,   0,   0,   0,   0,  1,
                                    0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    uint8_t theirs[GREETING_BYTES];
    return send_all(fd, ours, sizeof(ours)) && receive_all(fd, theirs, sizeof(theirs));
}

static bool hello(struct raw_curve *curve, const struct keys *brief, const uint8_t server[32])
{
    static const uint8_t zeros[64];
    uint8_t body[200] = "\x05HELLO\x01";
    uint8_t nonce[24];
    count_nonce(curve, "CurveZMQHELLO---", nonce);
    memcpy(body + 80, brief->public_key, 32);
    memcpy(body + 112, nonce + 16, 8);
    MUST(crypto_box_easy(body + 120, zeros, sizeof(zeros), nonce, server, brief->secret) == 0);
    return send_frame(curve->fd, FRAME_COMMAND, body, sizeof(body));
}

/* The server's short-lived key, and its cookie. */
static bool welcome(struct raw_curve *curve, const struct keys *brief, const uint8_t server[32],
                    uint8_t ret_plain[32 + COOKIE_BYTES])
{
    uint8_t frame[2 + WELCOME_BYTES];
    uint8_t nonce[24] = "WELCOME-";
    if (!receive_all(curve->fd, frame, sizeof(frame)) || memcmp(frame + 2, "\7WELCOME", 8) != 0)
        return false;
    memcpy(nonce + 8, frame + 10, 16);
    return crypto_box_open_easy(ret_plain, frame + 26, 32 + COOKIE_BYTES + BOX, nonce, server,
                                brief->secret) == 0;
}

static bool initiate(struct raw_curve *curve, const struct keys *brief, const uint8_t server[32],
                     const uint8_t plain[32 + COOKIE_BYTES])
{
    static const char metadata[] = "\x0bSocket-Type\0\0\0\x06"
                                   "DEALER";
    struct keys lasting;
    uint8_t vouch[64];
    uint8_t nonce[24] = "VOUCH---";
    uint8_t inner[32 + 16 + 64 + BOX + sizeof(metadata) - 1];
    uint8_t body[9 + COOKIE_BYTES + 8 + sizeof(inner) + BOX] = "\x08INITIATE";

    crypto_box_keypair(lasting.public_key, lasting.secret);
    randombytes_buf(nonce + 8, 16);
    memcpy(vouch, brief->public_key, 32);
    memcpy(vouch + 32, server, 32);
    memcpy(inner, lasting.public_key, 32);
    memcpy(inner + 32, nonce + 8, 16);
    MUST(crypto_box_easy(inner + 48, vouch, sizeof(vouch), nonce, plain, lasting.secret) == 0);
    memcpy(inner + 48 + 64 + BOX, metadata, sizeof(metadata) - 1);
    count_nonce(curve, "CurveZMQINITIATE", nonce);
    memcpy(body + 9, plain + 32, COOKIE_BYTES);
    memcpy(body + 9 + COOKIE_BYTES, nonce + 16, 8);
    MUST(crypto_box_easy_afternm(body + 9 + COOKIE_BYTES + 8, inner, sizeof(inner), nonce,
                                 curve->shared) == 0);
    return send_frame(curve->fd, FRAME_COMMAND_LONG, body, sizeof(body));
}

static bool ready(const struct raw_curve *curve)
{
    uint8_t head[2];
    uint8_t body[UINT8_MAX];
    return receive_all(curve->fd, head, 2) && head[0] == FRAME_COMMAND &&
           receive_all(curve->fd, body, head[1]) && memcmp(body, "\5READY", 6) == 0;
}

bool raw_curve_connect(int fd, const uint8_t server[32], struct raw_curve *ret_curve)
{
    struct raw_curve curve = {.fd = fd};
    struct keys brief;
    uint8_t plain[32 + COOKIE_BYTES];
    crypto_box_keypair(brief.public_key, brief.secret);
    if (!greet(fd) || !hello(&curve, &brief, server) || !welcome(&curve, &brief, server, plain) ||
        crypto_box_beforenm(curve.shared, plain, brief.secret) != 0 ||
        !initiate(&curve, &brief, server, plain) || !ready(&curve))
        return false;
    *ret_curve = curve;
    return true;
}

bool raw_curve_send(struct raw_curve *curve, const uint8_t *part, size_t size, bool is_last)
{
    size_t body_size = 16 + BOX + 1 + size;
    uint8_t *plain = malloc(1 + size);
    uint8_t *body = malloc(body_size);
    uint8_t nonce[24];
    MUST(plain != NULL && body != NULL);
    plain[0] = is_last ? 0 : 1;
    memcpy(plain + 1, part, size);
    count_nonce(curve, "CurveZMQMESSAGEC", nonce);
    memcpy(body, "\7MESSAGE", 8);
    memcpy(body + 8, nonce + 16, 8);
    MUST(crypto_box_easy_afternm(body + 16, plain, 1 + size, nonce, curve->shared) == 0);
    bool is_sent = send_frame(curve->fd, FRAME_MESSAGE_LONG, body, body_size);
    free(plain);
    free(body);
    return is_sent;
}
