#include "common/explain.h"

#include <errno.h>
#include <stdarg.h>

enum apm_err explain(struct why *ret_why, enum apm_err err, const char *format, ...)
{
    if (ret_why == NULL)
        return err;
    va_list args;
    va_start(args, format);
    /* Cut text is still worth showing. */
    (void)vsnprintf(ret_why->text, sizeof(ret_why->text), format, args);
    va_end(args);
    return err;
}

enum apm_err err_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return APM_ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return APM_ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return APM_ERR_NO_SPACE;
    case EADDRINUSE:
        return APM_ERR_PORT_IN_USE;
    default: /* errno is not an enum of ours */
        return APM_ERR_IO;
    }
}
