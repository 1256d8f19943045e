/*
 * raw_curve - a CurveZMQ client on a bare TCP connection, for what libzmq's own would not
 * send: messages that never end.
 *
 * The descriptor stays the caller's.
 */
#ifndef APM2_TESTS_RAW_CURVE_H
#define APM2_TESTS_RAW_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_curve {
    int fd;
    uint64_t nonce;
    uint8_t shared[32]; /* between both ends' short-lived keys */
};

/* False: the other end does not admit us. A DEALER with a key drawn here. */
bool raw_curve_connect(int fd, const uint8_t server[32], struct raw_curve *ret_curve);

/* One part of a message. False: cut off. */
bool raw_curve_send(struct raw_curve *curve, const uint8_t *part, size_t size, bool is_last);

#endif
