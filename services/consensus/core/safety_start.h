/*
 * safety_start - which safety record a node starts with (PROTOCOL, Durability 2).
 *
 * Pure. The signer's file and the store each hold a record; a crash may leave one
 * of them a write behind. Anything a crash cannot explain means: observe.
 */
#ifndef APM2_SAFETY_START_H
#define APM2_SAFETY_START_H

#include "services/consensus/core/safety.h"

enum safety_file_state {
    SAFETY_FILE_GOOD = 1,
    SAFETY_FILE_MISSING = 2,
    SAFETY_FILE_CORRUPT = 3, /* no slot of it holds a record */
};

struct safety_found {
    enum safety_file_state file_state;
    bool is_newest_torn;               /* one slot is damaged: a write was cut short */
    const struct safety_record *file;  /* SAFETY_FILE_GOOD; else NULL */
    const struct safety_record *store; /* NULL: the store holds none */
    struct hash instance;              /* that genesis or a config event pins for the key */
};

enum safety_start {
    SAFETY_START_FILE,   /* start with the file's record */
    SAFETY_START_REPAIR, /* write ret_record to the file, then start with it */
    SAFETY_START_OBSERVE,
};

enum safety_start_reason {
    SAFETY_REASON_INTACT,
    SAFETY_REASON_FILE_BEHIND, /* by the one write that a crash explains */
    SAFETY_REASON_FILE_TORN,   /* the same, and the write was cut short */
    SAFETY_REASON_FILE_MISSING,
    SAFETY_REASON_FILE_CORRUPT,
    SAFETY_REASON_OTHER_INSTANCE, /* file or store is not of the pinned instance */
    SAFETY_REASON_ROLLED_BACK,    /* the store is further ahead than a crash explains */
    SAFETY_REASON_MARKED,         /* the record itself says: observe */
};

const char *safety_start_reason_text(enum safety_start_reason reason);

/* ret_record: what to start with, `observing` set when that is the verdict (the best
 * record there is, an empty one if none). */
enum safety_start safety_reconcile(const struct safety_found *found,
                                   struct safety_record *ret_record,
                                   enum safety_start_reason *ret_reason);

#endif
