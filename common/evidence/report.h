/*
 * report - what consensus hands to its node's monitor (schemas/messages.def, `report`).
 *
 * Constants only.
 */
#ifndef APM2_REPORT_H
#define APM2_REPORT_H

enum report_kind {
    REPORT_EVIDENCE = 1, /* an evidence record, of any kind */
    REPORT_LOST = 2,     /* a signed message that is not in the chain (signed_message.h) */
};

#endif
