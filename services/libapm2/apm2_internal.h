/*
 * apm2_internal - what the library's files share behind apm2.h.
 */
#ifndef APM2_LIBAPM2_APM2_INTERNAL_H
#define APM2_LIBAPM2_APM2_INTERNAL_H

#include "common/hlc.h"
#include "common/event_json.h"
#include "common/genesis.h"
#include "services/libapm2/apm2.h"

struct apm2_cluster {
    struct genesis *genesis;
    void *zmq;      /* context of all clients */
    struct hlc hlc; /* stamps of the events made here: no two alike, in order */
};

struct apm2_key {
    struct sign_pair pair;
};

struct apm2_event {
    char space[ID_BYTES_MAX + 1];
    size_t size;
    uint8_t bytes[]; /* event record */
};

/* Fills ret_why (NULL is fine); returns false. */
bool apm2_fail(struct apm2_why *ret_why, enum apm_err err, const char *text);

#endif
