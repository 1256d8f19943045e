#include "common/log.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/limits.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES_MAX 8192u
#define VALUE_BYTES_MAX 1024u

#define EVENTS_MAX 256u /* beyond that many names an event is not limited */
#define LINES_PER_WINDOW 100u
#define WINDOW_MS 10000u

/* How often one event logged in its current window. */
struct rate {
    const char *event;
    enum log_level level;
    uint64_t since_ms;
    uint32_t n;
    uint64_t suppressed;
};

static struct {
    _Atomic int level;
    _Atomic int format;
    _Atomic int fd;
    pthread_mutex_t mutex; /* guards what follows */
    char service[ID_BYTES_MAX + 1];
    char node[ID_BYTES_MAX + 1];
    struct rate rates[EVENTS_MAX];
} log_state = {
    .level = LOG_LEVEL_INFO,
    .format = LOG_FORMAT_LOGFMT,
    .fd = STDERR_FILENO,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *service, const char *node)
{
    pthread_mutex_lock(&log_state.mutex);
    (void)snprintf(log_state.service, sizeof(log_state.service), "%s", service);
    (void)snprintf(log_state.node, sizeof(log_state.node), "%s", node);
    pthread_mutex_unlock(&log_state.mutex);
}

void log_set_level(enum log_level level)
{
    log_state.level = (int)level;
}

void log_set_format(enum log_format format)
{
    log_state.format = (int)format;
}

void log_set_fd(int fd)
{
    log_state.fd = fd;
}

bool log_is_on(enum log_level level)
{
    return (int)level >= log_state.level;
}

struct span log_text(const char *text)
{
    return text == NULL ? span_of("", 0) : span_of(text, strlen(text));
}

/* Event names are constants: the same place in memory, the same event. */
static struct rate *find_rate(const char *event)
{
    size_t start = (size_t)(((uintptr_t)event >> 2) * 2654435761u);
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct rate *rate = &log_state.rates[(start + i) % EVENTS_MAX];
        if (rate->event == NULL || rate->event == event) {
            rate->event = event;
            return rate;
        }
    }
    return NULL;
}

/* Whether this line may be written; *ret_suppressed were left out before it. */
static bool may_log(enum log_level level, const char *event, uint64_t *ret_suppressed)
{
    *ret_suppressed = 0;
    struct rate *rate = level == LOG_LEVEL_DEBUG ? NULL : find_rate(event);
    if (rate == NULL) {
        return true;
    }
    uint64_t now_ms = clock_mono_ms();
    if (rate->n == 0 || now_ms - rate->since_ms >= WINDOW_MS) {
        *ret_suppressed = rate->suppressed;
        *rate = (struct rate){.event = event, .level = level, .since_ms = now_ms};
    }
    if (rate->n >= LINES_PER_WINDOW) {
        rate->suppressed++;
        return false;
    }
    rate->n++;
    return true;
}

static bool needs_quotes(struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return true;
        }
    }
    return value.size == 0;
}

static void put_text(struct buf *line, bool is_json, struct span value)
{
    bool is_cut = value.size > VALUE_BYTES_MAX;
    if (is_cut) {
        value.size = VALUE_BYTES_MAX;
    }
    if (is_json || needs_quotes(value)) {
        buf_json_string(line, value);
    } else {
        buf_append_span(line, value);
    }
    if (is_cut && !line->overflow) {
        /* Inside the quotes where there are any. */
        bool is_quoted = line->data[line->size - 1] == '"';
        line->size -= is_quoted ? 1 : 0;
        buf_text(line, is_quoted ? "...\"" : "...");
    }
}

static void put_hex(struct buf *line, bool is_json, struct span value)
{
    if (value.size > VALUE_BYTES_MAX / 2) {
        value.size = VALUE_BYTES_MAX / 2;
    }
    buf_text(line, is_json || value.size == 0 ? "\"" : "");
    buf_hex(line, value);
    buf_text(line, is_json || value.size == 0 ? "\"" : "");
}

static void put_f64(struct buf *line, bool is_json, double value)
{
    if (is_json && !isfinite(value)) {
        buf_text(line, "null");
    } else {
        buf_printf(line, "%.9g", value);
    }
}

static void put_value(struct buf *line, bool is_json, const struct log_field *field)
{
    switch (field->kind) {
    case LOG_U64:
        buf_printf(line, "%" PRIu64, field->u64);
        break;
    case LOG_I64:
        buf_printf(line, "%" PRId64, field->i64);
        break;
    case LOG_F64:
        put_f64(line, is_json, field->f64);
        break;
    case LOG_BOOL:
        buf_text(line, field->boolean ? "true" : "false");
        break;
    case LOG_TEXT:
        put_text(line, is_json, field->bytes);
        break;
    case LOG_HEX:
        put_hex(line, is_json, field->bytes);
        break;
    case LOG_END:
        break;
    }
}

/* A field that would not fit is left out whole: a line is never half a field. */
static void put_field(struct buf *line, bool is_json, const struct log_field *field)
{
    size_t before = line->size;
    bool is_first = before <= 1;
    buf_printf(line, is_json ? "%s\"%s\":" : "%s%s=",
               is_first  ? ""
               : is_json ? ","
                         : " ",
               field->key);
    put_value(line, is_json, field);
    if (line->overflow) {
        line->size = before;
        line->overflow = false;
    }
}

static void put_timestamp(char text[32])
{
    uint64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + length, 32 - length, ".%03uZ", (unsigned)(now_ms % 1000));
}

static void write_line(enum log_level level, const char *event, const struct log_field *fields,
                       uint64_t suppressed)
{
    bool is_json = log_state.format == LOG_FORMAT_JSON;
    char timestamp[32];
    put_timestamp(timestamp);
    const struct log_field head[] = {F_STR("ts", timestamp), F_STR("level", level_names[level]),
                                     F_STR("service", log_state.service),
                                     F_STR("node", log_state.node), F_STR("event", event)};

    struct buf line;
    buf_init(&line, LINE_BYTES_MAX - 2);
    buf_text(&line, is_json ? "{" : "");
    for (size_t i = 0; i < N_ELEMENTS(head); i++) {
        put_field(&line, is_json, &head[i]);
    }
    if (suppressed > 0) {
        put_field(&line, is_json, &F_U64("suppressed", suppressed));
    }
    for (const struct log_field *field = fields; field->kind != LOG_END; field++) {
        put_field(&line, is_json, field);
    }
    line.max = LINE_BYTES_MAX; /* the end always fits */
    buf_text(&line, is_json ? "}\n" : "\n");

    /* A log that cannot be written has nowhere to complain. */
    ssize_t written = write(log_state.fd, line.data, line.size);
    (void)written;
    buf_release(&line);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    pthread_mutex_lock(&log_state.mutex);
    uint64_t suppressed = 0;
    if (may_log(level, event, &suppressed)) {
        write_line(level, event, fields, suppressed);
    }
    pthread_mutex_unlock(&log_state.mutex);
}

void log_flush(void)
{
    static const struct log_field none[] = {{.kind = LOG_END}};

    pthread_mutex_lock(&log_state.mutex);
    uint64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct rate *rate = &log_state.rates[i];
        if (rate->suppressed > 0 && now_ms - rate->since_ms >= WINDOW_MS) {
            write_line(rate->level, rate->event, none, rate->suppressed);
            rate->suppressed = 0;
            rate->n = 0;
        }
    }
    pthread_mutex_unlock(&log_state.mutex);
}
