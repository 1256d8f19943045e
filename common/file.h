/*
 * file - read a whole file within a limit; replace one so that a crash leaves
 * either the old content or the new, never a part.
 */
#ifndef APM2_FILE_H
#define APM2_FILE_H

#include "common/buf.h"
#include "common/err.h"

/* Reads all of it. On success *ret_content is a new buf for the caller to release.
 * APM_ERR_NOT_FOUND, DENIED, TOO_LARGE (over `max`), IO. */
WARN_UNUSED enum apm_err file_read(const char *path, size_t max, struct buf *ret_content);

/* Writes path.tmp with mode 0600, fsyncs it, renames it over `path` and fsyncs the
 * directory: durable when it returns APM_OK. */
WARN_UNUSED enum apm_err file_replace(const char *path, struct span content);

/* The same, but refuses to replace an existing file: APM_ERR_BAD_INPUT. */
WARN_UNUSED enum apm_err file_create(const char *path, struct span content);

/* mkdir -p with mode 0700 for what is missing. */
WARN_UNUSED enum apm_err file_make_dirs(const char *path);

/* What errno says, in our words. */
enum apm_err file_err(int error_number);

#endif
