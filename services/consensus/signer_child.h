/*
 * signer_child - the process that holds the key and the safety file.
 *
 * Runs in the forked child only, on a blocking loop: receive, approve, write, sign,
 * answer. Everything it does not need is given up before the first request.
 */
#ifndef APM2_SIGNER_CHILD_H
#define APM2_SIGNER_CHILD_H

#include <sys/types.h>

#include "services/consensus/signer.h"

/* A whole record, the most intents, and their msgpack framing. */
#define SIGN_REQUEST_BYTES_MAX (RECORD_BYTES_MAX + SIGN_INTENTS_MAX * (INTENT_BYTES_MAX + 3u) + 64u)
#define SIGN_REPLY_BYTES_MAX (SIGN_INTENTS_MAX * 64u + 64u)
#define SIGN_HELLO_BYTES_MAX (RECORD_BYTES_MAX + 512u)

/* `socket`: its end of the pair; `parent`: whose death ends it. */
_Noreturn void signer_child_run(const struct signer_config *config, int socket, pid_t parent);

#endif
