/* timeout: a validator gave a term up, and cites the highest certificate it holds. */
#include "services/consensus/node.h"

void on_timeout(struct node *node, uint32_t from, const struct wire_timeout *message,
                struct span frame)
{
    struct input input = {.kind = INPUT_TIMEOUT, .from = from};
    struct qc high_qc;

    (void)frame;
    if (message->voter != from) {
        accuse_not_its_own(node, from);
        peer_refuse(node, from, LABEL_stranger, "timeout of another validator");
        return;
    }
    if (!verify_cert(node, from, timeout_verify(core_set(node->core), message), "timeout") ||
        !verify_qc(node, from, message->high_qc, &high_qc))
        return;
    if (!rank_eq(high_qc.rank, message->high) || high_qc.rank.term > message->term) {
        peer_refuse(node, from, LABEL_bad_certificate, "timeout with another certificate");
        return;
    }
    accuse_saw_timeout(node, message);
    input.timeout.timeout = *message;
    input.timeout.high_qc = &high_qc;
    act_input(node, &input);
}
