/*
 * conf_yaml - a YAML file as a list of keys and values: nested mappings of scalars.
 *
 * The inner half of conf. Nested keys are joined by '.'; lists, aliases and tags
 * are refused, and so is what is deeper than CONF_DEPTH_MAX.
 */
#ifndef APM2_CONF_YAML_H
#define APM2_CONF_YAML_H

#include "common/buf.h"
#include "common/err.h"

#define CONF_DEPTH_MAX 4u

struct conf_sink {
    enum apm_err (*put)(void *arg, const char *key, const char *value, unsigned line);
    void *arg;
};

/* Hands every pair to the sink until that fails. `message` says where and what. */
WARN_UNUSED enum apm_err conf_yaml_read(const char *path, const struct conf_sink *sink,
                                        struct buf *message);

#endif
