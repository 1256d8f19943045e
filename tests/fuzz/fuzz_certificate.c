/* Certificates: decoded, encoded to the same bytes, and judged by a set of four. */
#include "tests/fuzz/form.h"
#include "tests/support/good_proofs.h"

#define DEFINE_CHECK(kind)                                                                         \
    static void check_##kind(struct span bytes)                                                    \
    {                                                                                              \
        struct kind kind;                                                                          \
        uint8_t again[ENTRY_BYTES_MAX];                                                            \
        if (bytes.size == 0 || kind##_decode(bytes, &kind) != CERT_OK)                             \
            return;                                                                                \
        MUST(kind##_encode(&kind, again, sizeof(again)) == bytes.size);                            \
        MUST(memcmp(again, bytes.data, bytes.size) == 0);                                          \
        (void)kind##_verify(&set, &kind);                                                          \
    }
DEFINE_CHECK(qc)
DEFINE_CHECK(cc)
DEFINE_CHECK(tc)
DEFINE_CHECK(entry)
DEFINE_CHECK(commit_proof)
DEFINE_CHECK(epoch_proof)

/* Single statements, as they arrive. */
static void check_message(const struct wire_message *message)
{
    if (message->id == WIRE_vote)
        (void)vote_verify(&set, &message->vote);
    else if (message->id == WIRE_commit_vote)
        (void)commit_vote_verify(&set, &message->commit_vote);
    else if (message->id == WIRE_timeout)
        (void)timeout_verify(&set, &message->timeout);
    else if (message->id == WIRE_checkpoint)
        (void)checkpoint_verify(&set, &message->checkpoint);
}

static void run(struct span input)
{
    struct wire_message message;

    all_good_proofs();
    check_qc(input);
    check_cc(input);
    check_tc(input);
    check_entry(input);
    check_commit_proof(input);
    check_epoch_proof(input);
    if (form_check(input, &message))
        check_message(&message);
}

const struct fuzz_target fuzz_target = {.run = run, .mutate = form_mutate};
