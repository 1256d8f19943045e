/*
 * rotation - what a new key signs to show that whoever rotates to it holds it.
 *
 * Pure. A fixed-layout statement: tag, chain, old key, new key. Chain and old key
 * stand in it so that the signature is good for this one rotation only.
 */
#ifndef APM2_ROTATION_H
#define APM2_ROTATION_H

#include "common/ids.h"

#define ROTATION_TAG "apm2/key-possession/1"
#define ROTATION_BYTES (sizeof(ROTATION_TAG) + sizeof(struct hash) + 2 * sizeof(struct key))

struct rotation {
    struct hash chain;
    struct key old_key, new_key;
};

void rotation_statement(const struct rotation *rotation, uint8_t ret_bytes[ROTATION_BYTES]);

#endif
