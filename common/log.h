/*
 * log - one line per event on standard error, logfmt or JSON.
 *
 *     LOG_INFO("term_entered", F_U64("term", term), F_STR("leader", name));
 *     ts=2026-11-24T05:47:24.123Z level=info service=apm2-consensus node=n1
 *     event=term_entered term=7 leader=n2
 *
 * Only services log, once, where the decision is made. The event is a constant
 * text, values are fields; keys and secrets never are. Values are escaped and cut
 * at 1 KiB, lines at 8 KiB. From info upwards an event may log 100 lines in ten
 * seconds; then "suppressed" counts those left out. Debug lines are never left out.
 * Thread-safe; each line is one write(2). The process has one log, hence its state
 * is static: the only such module.
 */
#ifndef APM2_LOG_H
#define APM2_LOG_H

#include "common/err.h"
#include "common/ids.h"

/* It defines LOG_INFO and LOG_DEBUG as numbers: read it first, so that nobody can
 * bring them back. */
#include <syslog.h>
#undef LOG_INFO
#undef LOG_DEBUG

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_kind { LOG_END, LOG_U64, LOG_I64, LOG_F64, LOG_BOOL, LOG_TEXT, LOG_HEX };

struct log_field {
    enum log_kind kind;
    const char *key;
    union {
        uint64_t u64;
        int64_t i64;
        double f64;
        bool boolean;
        struct span bytes; /* LOG_TEXT, LOG_HEX */
    };
};

struct span log_text(const char *text);

#define F_U64(name, value)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_U64, .key = (name), .u64 = (value)                                             \
    }
#define F_I64(name, value)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_I64, .key = (name), .i64 = (value)                                             \
    }
#define F_F64(name, value)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_F64, .key = (name), .f64 = (value)                                             \
    }
#define F_BOOL(name, value)                                                                        \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_BOOL, .key = (name), .boolean = (value)                                        \
    }
/* A string; NULL is logged as empty. */
#define F_STR(name, value)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_TEXT, .key = (name), .bytes = log_text(value)                                  \
    }
/* Text that is not a string: escaped like one. */
#define F_SPAN(name, value)                                                                        \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_TEXT, .key = (name), .bytes = (value)                                          \
    }
#define F_HEX(name, value)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_HEX, .key = (name), .bytes = (value)                                           \
    }
/* A struct hash, by pointer, in full. */
#define F_HASH(name, hash)                                                                         \
    (struct log_field)                                                                             \
    {                                                                                              \
        .kind = LOG_HEX, .key = (name), .bytes = span_of((hash)->b, 32)                            \
    }
#define F_ERR(value) F_STR("error", apm_err_text(value))

/* Until called: level info, logfmt, no service and node. The texts are copied. */
void log_init(const char *service, const char *node);
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* Where lines go: standard error unless a test says otherwise. */
void log_set_fd(int fd);

bool log_is_on(enum log_level level);

/* `fields` ends with a LOG_END. Use the macros. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* Says what was suppressed and whose ten seconds are over. The service loop calls it. */
void log_flush(void);

#define LOG_AT(level, event, ...)                                                                  \
    do {                                                                                           \
        if (log_is_on(level))                                                                      \
            log_write(level, event,                                                                \
                      (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_END}});    \
    } while (0)

#define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARN(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
