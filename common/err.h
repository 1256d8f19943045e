/*
 * err - the world failed: one enum, from schemas/errors.def.
 *
 * Our own bugs are MUST; a peer's misbehaviour is a verdict. Functions that can
 * fail return enum apm_err and leave their ret_* outputs untouched on failure.
 */
#ifndef APM2_ERR_H
#define APM2_ERR_H

#include "schemas/errors.def"

#define APM_ERR_ENUM(name, exit_code, text) APM_ERR_##name,
enum apm_err { APM_ERRORS(APM_ERR_ENUM) APM_ERR_END };
#undef APM_ERR_ENUM

#define APM_OK APM_ERR_OK
#define WARN_UNUSED __attribute__((warn_unused_result))

/* "NO_SPACE": for JSON and logs. */
const char *apm_err_name(enum apm_err err);

/* "no space left on device": for people. */
const char *apm_err_text(enum apm_err err);

/* The process exit code that belongs to it. */
int apm_err_exit(enum apm_err err);

#endif
