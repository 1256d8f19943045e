/*
 * slot_file - one small record on disk, replaced whole or not at all.
 *
 * Two preallocated slots, each with counter, length and BLAKE2b checksum. A
 * write goes to the slot that does not hold the newest record, so a power cut
 * leaves at least the record before. The file is created once, with its
 * directory entry synced, mode 0600, and locked while open: one process only.
 *
 * After a failed write or sync the kernel may have dropped the pages without
 * telling again: the file is dead then, and says IO for ever. Open it anew.
 * Not thread-safe. Records of at most RECORD_BYTES_MAX.
 */
#ifndef APM2_SLOT_FILE_H
#define APM2_SLOT_FILE_H

#include "common/err.h"
#include "common/ids.h"
#include "common/limits.h"

struct slot_file;

/* Both slots hold the record, so that neither is torn. BUSY: there is a file. A
 * failed creation leaves none behind. */
WARN_UNUSED enum apm_err slot_file_create(const char *path, uint64_t counter, struct span record);

/* NOT_FOUND, CORRUPT (neither slot is whole), KEY_FILE (group or others may touch
 * it, or another user's), FENCED (open elsewhere), IO. What is read is synced
 * first: nobody acts on a record that a power cut could take back. */
WARN_UNUSED enum apm_err slot_file_open(const char *path, struct slot_file **ret_file);

/* ret_record borrows from the file until the next write. ret_newest_torn: the
 * other slot is not whole, so a newer record may have been under way. */
void slot_file_newest(const struct slot_file *file, uint64_t *ret_counter, struct span *ret_record,
                      bool *ret_newest_torn);

/* Durable on return. BAD_INPUT (nothing written): the counter is not above the
 * newest, or the record is too large. */
WARN_UNUSED enum apm_err slot_file_write(struct slot_file *file, uint64_t counter,
                                         struct span record);

void slot_file_close(struct slot_file **file);

#endif
