#include "common/rotation.h"

#include <string.h>

void rotation_statement(const struct rotation *rotation, uint8_t ret_bytes[ROTATION_BYTES])
{
    uint8_t *at = ret_bytes;

    /* With its final zero, as in every statement. */
    memcpy(at, ROTATION_TAG, sizeof(ROTATION_TAG));
    at += sizeof(ROTATION_TAG);
    memcpy(at, rotation->chain.b, sizeof(rotation->chain.b));
    at += sizeof(rotation->chain.b);
    memcpy(at, rotation->old_key.b, sizeof(rotation->old_key.b));
    at += sizeof(rotation->old_key.b);
    memcpy(at, rotation->new_key.b, sizeof(rotation->new_key.b));
}
