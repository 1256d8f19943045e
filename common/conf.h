/*
 * conf - the settings: one table (schemas/settings.def), five sources, an origin each.
 *
 * default < apm2.yaml < conf.d/ *.yaml < APM2_* < flags. In all of them '.', '-' and
 * nesting equal '_': round_timeout, round-timeout, APM2_ROUND_TIMEOUT and
 * `round: {timeout: 1s}` are one key. Unknown keys, values out of bounds and wrong
 * units are refused with a message that says where, what and what is allowed; keys of
 * other services are checked too and kept. A `struct conf` never changes once read:
 * reloading reads a new one and keeps the old when that is refused.
 * Owned by whoever calls conf_read; strings it returns live as long as it.
 */
#ifndef APM2_CONF_H
#define APM2_CONF_H

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "schemas/settings.def"

#define CONF_FILE_BYTES_MAX (256u * KIB)
#define CONF_FLAGS_MAX 128u

/* Whose setting (or metric) it is; a mask. */
enum conf_set {
    CONF_SET_ALL = 1u << 0,
    CONF_SET_CONSENSUS = 1u << 1,
    CONF_SET_ANTI_ENTROPY = 1u << 2,
    CONF_SET_SCHEMA_REGISTRY = 1u << 3,
    CONF_SET_BYZANTINE_MONITOR = 1u << 4,
    CONF_SET_METRICS_EXPORTER = 1u << 5,
    CONF_SET_DATABASE = CONF_SET_CONSENSUS | CONF_SET_ANTI_ENTROPY | CONF_SET_SCHEMA_REGISTRY |
                        CONF_SET_BYZANTINE_MONITOR, /* whoever has tables */
};

/* SETTING_round_timeout, ... */
#define CONF_ENUM(set, name, type, def, min, max, words, change, help) SETTING_##name,
enum setting { SETTINGS(CONF_ENUM) SETTING_END };
#undef CONF_ENUM

enum conf_type {
    CONF_u64,
    CONF_duration,
    CONF_size,
    CONF_bool,
    CONF_string,
    CONF_path,
    CONF_conninfo,
    CONF_word,
};

/* A row of the table, for those who print it. */
struct conf_setting {
    const char *name;
    const char *default_text;
    const char *words;
    const char *help;
    uint64_t min;
    uint64_t max;
    uint32_t set;
    enum conf_type type;
    bool is_reloadable;
};

const struct conf_setting *conf_setting(enum setting setting);

/* A key and its value, of `--set key=value` or `--key value`. */
struct conf_flag {
    const char *key;
    const char *value;
};

struct conf_sources {
    const char *file;         /* apm2.yaml; NULL: none. conf.d lies beside it. */
    char *const *environment; /* NULL: none */
    struct conf_flag flags[CONF_FLAGS_MAX];
    size_t n_flags;
};

struct conf;

/* Reads all sources. On failure ret_message (initialised by the caller) says what is
 * wrong, and where; APM_ERR_CONFIG, or file_read's error. */
WARN_UNUSED enum apm_err conf_read(const struct conf_sources *sources, struct conf **ret_conf,
                                   struct buf *ret_message);
void conf_destroy(struct conf **conf);

/* The value; asking for another type than the table's is our bug. */
uint64_t conf_u64(const struct conf *conf, enum setting setting);
uint64_t conf_ms(const struct conf *conf, enum setting setting);    /* duration */
uint64_t conf_bytes(const struct conf *conf, enum setting setting); /* size */
bool conf_bool(const struct conf *conf, enum setting setting);
unsigned conf_word(const struct conf *conf, enum setting setting); /* index into words */
/* string, path, conninfo; "" when not set. */
const char *conf_str(const struct conf *conf, enum setting setting);

/* "default", "/etc/apm2/apm2.yaml:12", "APM2_PORT", "--port". */
const char *conf_origin(const struct conf *conf, enum setting setting);

bool conf_is_equal(const struct conf *a, const struct conf *b, enum setting setting);

enum conf_format { CONF_FORMAT_TEXT, CONF_FORMAT_JSON };

/* The settings of `sets`, with origins; passwords as ***. For `apm2 config show`. */
void conf_print(const struct conf *conf, uint32_t sets, enum conf_format format,
                struct buf *ret_text);

#endif
