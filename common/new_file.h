/*
 * new_file - a file that either comes to exist whole and durable, or not at all.
 */
#ifndef APM2_NEW_FILE_H
#define APM2_NEW_FILE_H

#include "common/err.h"
#include "common/ids.h"

/* Creates `path` with exactly this mode and these bytes, syncs it and its
 * directory. BUSY: it exists (untouched). On any other failure it is removed. */
WARN_UNUSED enum apm_err new_file_write(const char *path, struct span bytes, int mode);

/* Takes a file made by new_file_write away again, best effort. */
void new_file_undo(const char *path);

#endif
