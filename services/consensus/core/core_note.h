/*
 * core_note - what a core says of itself, for logs and metrics alone: nothing is decided by it.
 *
 * Part of core.h (ACTION_NOTE).
 */
#ifndef APM2_CORE_NOTE_H
#define APM2_CORE_NOTE_H

enum note_kind {
    NOTE_TERM_ENTERED,     /* term, leader, reason */
    NOTE_TIMED_OUT,        /* term, reason */
    NOTE_PROPOSED,         /* block, rank, height: our own */
    NOTE_REFUSED,          /* a proposal was refused: verdict in `reason` */
    NOTE_OBSERVING,        /* this node stops signing: reason */
    NOTE_ADMITTED,         /* rank queries answered: may sign from now on */
    NOTE_STATE_MISMATCH,   /* a committed block cites another state root than ours */
    NOTE_EPOCH_ENTERED,    /* height: of its root; validator: we in it, or NONE; reason */
    NOTE_EPOCH_SETTLED,    /* a quorum of this epoch is in it: who left may be switched off */
    NOTE_RECOVERY_REFUSED, /* below what is committed here, or beside it */
};

enum note_reason {
    REASON_NONE,
    /* terms */
    REASON_BOOTSTRAP,
    REASON_TC,
    REASON_HANDOFF,
    REASON_CERTIFICATE,
    /* terms and epochs */
    REASON_CONFIG,
    REASON_RECOVERY,
    /* timeouts */
    REASON_LEADER_SILENT,
    REASON_STALL,
    REASON_AMPLIFIED,
    REASON_OPERATOR,
    REASON_BODY_LOST,
    /* refusals, by VOTE rule */
    REASON_NOT_LEADER,
    REASON_BAD_RANK,
    REASON_BAD_PARENT,
    REASON_BAD_JUSTIFY,
    REASON_BAD_ENTRY,
    REASON_BAD_PAYLOAD,
    REASON_BAD_STATE,
    REASON_BAD_TIME,
    REASON_NOT_EMPTY,
    REASON_BAD_CONFIG,
    REASON_EQUIVOCATION,
    /* observing */
    REASON_RECORD_LOST,
    REASON_NEWER_SIGNATURE,
    REASON_END
};

const char *note_reason_text(enum note_reason reason);

#endif
