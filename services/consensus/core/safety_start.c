#include "services/consensus/core/safety_start.h"

#include "common/must.h"

const char *safety_start_reason_text(enum safety_start_reason reason)
{
    switch (reason) {
    case SAFETY_REASON_INTACT:
        return "intact";
    case SAFETY_REASON_FILE_BEHIND:
        return "safety file one write behind the database, as a crash leaves it";
    case SAFETY_REASON_FILE_TORN:
        return "last write of the safety file was cut short; the database has it";
    case SAFETY_REASON_FILE_MISSING:
        return "safety file missing";
    case SAFETY_REASON_FILE_CORRUPT:
        return "safety file corrupt";
    case SAFETY_REASON_OTHER_INSTANCE:
        return "safety record of another instance of this key";
    case SAFETY_REASON_ROLLED_BACK:
        return "safety file older than the database: rolled back";
    case SAFETY_REASON_MARKED:
        return "marked as observing";
    }
    return "unknown";
}

/* The best record there is, for its certificates; it never signs again. */
static enum safety_start observe(const struct safety_found *found, enum safety_start_reason reason,
                                 struct safety_record *ret_record,
                                 enum safety_start_reason *ret_reason)
{
    struct safety_record record = {.instance = found->instance, .epoch = 1};
    if (found->file != NULL)
        record = *found->file;
    else if (found->store != NULL)
        record = *found->store;
    if (found->file != NULL && found->store != NULL &&
        hash_eq(&found->file->instance, &found->store->instance))
        safety_merge(&record, found->store);

    record.observing = true;
    *ret_record = record;
    *ret_reason = reason;
    return SAFETY_START_OBSERVE;
}

/* Why the file may not be used at all, or INTACT. */
static enum safety_start_reason judge_instances(const struct safety_found *found)
{
    switch (found->file_state) {
    case SAFETY_FILE_GOOD:
        break;
    case SAFETY_FILE_MISSING:
        return SAFETY_REASON_FILE_MISSING;
    case SAFETY_FILE_CORRUPT:
        return SAFETY_REASON_FILE_CORRUPT;
    }
    if (!hash_eq(&found->file->instance, &found->instance))
        return SAFETY_REASON_OTHER_INSTANCE;
    if (found->store != NULL && !hash_eq(&found->store->instance, &found->instance))
        return SAFETY_REASON_OTHER_INSTANCE;
    return SAFETY_REASON_INTACT;
}

enum safety_start safety_reconcile(const struct safety_found *found,
                                   struct safety_record *ret_record,
                                   enum safety_start_reason *ret_reason)
{
    MUST((found->file != NULL) == (found->file_state == SAFETY_FILE_GOOD));

    enum safety_start_reason reason = judge_instances(found);
    if (reason != SAFETY_REASON_INTACT)
        return observe(found, reason, ret_record, ret_reason);

    struct safety_record record = *found->file;
    uint64_t ahead = 0;
    if (found->store != NULL && found->store->counter > record.counter)
        ahead = found->store->counter - record.counter;
    /* File and store are written in parallel, one write at a time: a crash explains one. */
    if (ahead > 1)
        return observe(found, SAFETY_REASON_ROLLED_BACK, ret_record, ret_reason);
    if (ahead == 1) {
        safety_merge(&record, found->store);
        reason = found->is_newest_torn ? SAFETY_REASON_FILE_TORN : SAFETY_REASON_FILE_BEHIND;
    }
    if (record.observing)
        return observe(found, SAFETY_REASON_MARKED, ret_record, ret_reason);

    *ret_record = record;
    *ret_reason = reason;
    return ahead == 0 ? SAFETY_START_FILE : SAFETY_START_REPAIR;
}
