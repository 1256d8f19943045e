/*
 * signer - the node's side of the signer child, which alone can sign.
 *
 * The child is forked before any thread and any ZeroMQ call. It holds the secret key
 * and the safety file, applies safety.h to its own record, makes the new record durable
 * and only then signs. Node and child speak over a socketpair (sign_request, sign_reply);
 * each dies with the other.
 *
 * The counter of each request's record is exactly one above the last one's: it counts
 * *writes*. Merging several persists into one request means numbering that write anew;
 * a gap would make a file that a power cut left behind look like a rolled-back one
 * (safety_start.h). The child refuses a gap as SAFETY_MALFORMED.
 *
 * Requests are answered in order. A refusal changes nothing in the child and uses no
 * counter up.
 */
#ifndef APM2_SIGNER_H
#define APM2_SIGNER_H

#include "common/explain.h"
#include "services/consensus/core/safety.h"
#include "services/consensus/core/safety_start.h"

#define SIGN_INTENTS_MAX 64u

struct signer;

struct signer_config {
    const char *key_path;    /* PEM; refused when others may read it */
    const char *safety_path; /* likewise */
    struct hash chain;
};

/* What the child found when it started. */
struct signer_hello {
    struct key key; /* public */
    enum safety_file_state file_state;
    bool is_newest_torn;
    struct safety_record record; /* meaningful when SAFETY_FILE_GOOD */
    struct why why;              /* names the path; empty when all is well */
};

/* Forks the child and waits for its hello. On failure nothing is left running and ret_why
 * says what is wrong with which file. A missing or corrupt safety file
 * is no failure: see the hello. */
enum apm_err signer_start(const struct signer_config *config, struct signer **ret_signer,
                          struct signer_hello *ret_hello, struct why *ret_why) WARN_UNUSED;

/* To poll: for input always, for output while signer_has_queued. */
int signer_fd(const struct signer *signer);
bool signer_has_queued(const struct signer *signer);

struct sign_job {
    uint64_t token;
    struct span record; /* as safety_encode made it: the bytes the store gets, too */
    uint32_t n_intents; /* 0: only write the record, merged field by field (a repair) */
    const struct intent *intents;
};

/* Encodes and queues; sends what the socket takes. APM_ERR_BUSY: SIGNER_QUEUE_MAX are
 * queued. APM_ERR_FAILED: the child is gone. */
#define SIGNER_QUEUE_MAX 64u
enum apm_err signer_send(struct signer *signer, const struct sign_job *job) WARN_UNUSED;

/* Sends what is queued, as far as the socket takes it: on POLLOUT. */
enum apm_err signer_flush(struct signer *signer) WARN_UNUSED;

enum signer_event {
    SIGNER_NOTHING, /* no answer yet */
    SIGNER_SIGNED,
    SIGNER_REFUSED, /* nothing was signed or written: `refused` and `verdict` */
    SIGNER_GONE,    /* died or cannot write its file: sign nothing more, exit 1 */
};

struct sign_result {
    uint64_t token;
    uint32_t n_sigs; /* as many as the job had intents */
    struct sig sigs[SIGN_INTENTS_MAX];
    uint32_t refused; /* REFUSED: index + 1 of the intent, 0 = the record itself */
    enum safety_verdict verdict;
};

/* Does not block. Call until SIGNER_NOTHING. */
enum signer_event signer_receive(struct signer *signer, struct sign_result *ret_result);

/* Process id of the child: for status and tests. */
int signer_pid(const struct signer *signer);

/* Closes the socket, which ends the child, and waits for it. NULL is fine. */
void signer_stop(struct signer **signer);

#endif
