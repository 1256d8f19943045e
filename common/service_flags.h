/*
 * service_flags - a service's command line.
 *
 * The inner half of service: --help, --version, --config FILE, --set key=value, and
 * every setting as --key value or --key=value.
 */
#ifndef APM2_SERVICE_FLAGS_H
#define APM2_SERVICE_FLAGS_H

#include "common/service.h"

struct service_flags {
    struct conf_sources sources; /* borrows from argv and the environment */
    char *storage;               /* keys cut out of key=value; service_flags_release */
    bool wants_help;
    bool wants_version;
};

/* APM_ERR_USAGE: `message` says which argument. */
WARN_UNUSED enum apm_err service_flags_parse(int argc, char **argv, struct service_flags *ret_flags,
                                             struct buf *message);
void service_flags_release(struct service_flags *flags);

/* Usage, flags and settings, to standard output. */
void service_flags_help(const struct service *service);

#endif
