/* certificate: a QC, CC or entry by itself, from somebody who is ahead of us. */
#include "services/consensus/node.h"

#include <stdlib.h>

#include "common/mem.h"

static void on_qc(struct node *node, uint32_t from, struct span body)
{
    struct qc qc;
    struct input input = {.kind = INPUT_QC, .from = from, .qc = &qc};

    if (verify_qc(node, from, body, &qc))
        act_input(node, &input);
}

static void on_cc(struct node *node, uint32_t from, struct span body)
{
    struct cc cc;
    struct input input = {.kind = INPUT_CC, .from = from, .cc = &cc};

    if (!verify_cert(node, from, cc_decode(body, &cc), "cc") ||
        rank_cmp(cc.rank, node->view.committed.rank) <= 0)
        return;
    if (verify_cert(node, from, cc_verify(core_set(node->core), &cc), "cc"))
        act_input(node, &input);
}

static void on_entry(struct node *node, uint32_t from, struct span body)
{
    struct entry entry;
    struct input input = {.kind = INPUT_ENTRY, .from = from, .entry = &entry};

    if (verify_cert(node, from, entry_decode(body, &entry), "entry") &&
        verify_cert(node, from, entry_verify(core_set(node->core), &entry), "entry"))
        act_input(node, &input);
}

static void on_epoch_proof(struct node *node, uint32_t from, struct span body)
{
    struct epoch_proof *proof = mem_new(1, sizeof(*proof));
    struct input input = {.kind = INPUT_EPOCH_PROOF, .from = from, .epoch_proof = proof};

    if (verify_cert(node, from, epoch_proof_decode(body, proof), "epoch proof") &&
        epoch_proof_epoch(proof) > node->view.term.epoch &&
        verify_cert(node, from, epoch_proof_verify(core_set(node->core), proof), "epoch proof"))
        act_input(node, &input);
    free(proof);
}

void on_certificate(struct node *node, uint32_t from, const struct wire_certificate *message,
                    struct span frame)
{
    (void)frame;
    if (message->kind == CERTIFICATE_QC)
        on_qc(node, from, message->body);
    else if (message->kind == CERTIFICATE_CC)
        on_cc(node, from, message->body);
    else if (message->kind == CERTIFICATE_ENTRY)
        on_entry(node, from, message->body);
    else if (message->kind == CERTIFICATE_EPOCH)
        on_epoch_proof(node, from, message->body);
    else
        peer_refuse(node, from, LABEL_malformed, "certificate of an unknown kind");
}
