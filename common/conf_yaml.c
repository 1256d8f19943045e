#include "common/conf_yaml.h"
#include "common/conf.h"
#include "common/file.h"

#include <yaml.h>

#define KEY_BYTES_MAX 128u

/* Where in the file we are: the keys of the open mappings, joined in `path`. */
struct place {
    const char *file;
    const struct conf_sink *sink;
    struct buf *message;
    char path[KEY_BYTES_MAX + 1];
    size_t lengths[CONF_DEPTH_MAX + 1]; /* of `path` outside each open mapping */
    unsigned depth;
    bool has_key; /* a key was read, its value comes next */
    bool is_done;
};

static enum apm_err refuse(struct place *place, size_t line, const char *what)
{
    buf_printf(place->message, "%s:%zu: %s", place->file, line + 1, what);
    return APM_ERR_CONFIG;
}

static enum apm_err on_key(struct place *place, const yaml_event_t *event)
{
    size_t outside = place->lengths[place->depth];
    int length = snprintf(place->path + outside, sizeof(place->path) - outside, "%s%s",
                          outside > 0 ? "." : "", (const char *)event->data.scalar.value);
    if (length < 0 || (size_t)length >= sizeof(place->path) - outside) {
        return refuse(place, event->start_mark.line, "key too long");
    }
    place->has_key = true;
    return APM_OK;
}

static enum apm_err on_scalar(struct place *place, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    const char *value = (const char *)event->data.scalar.value;
    if (place->depth == 0) {
        /* An empty document is one empty scalar. */
        return value[0] == 0 ? APM_OK : refuse(place, line, "expected `key: value` lines");
    }
    if (strlen(value) != event->data.scalar.length) {
        return refuse(place, line, "a value holds a 0 byte");
    }
    if (!place->has_key) {
        return on_key(place, event);
    }
    place->has_key = false;
    return place->sink->put(place->sink->arg, place->path, value, (unsigned)line + 1);
}

static enum apm_err on_mapping(struct place *place, const yaml_event_t *event)
{
    size_t line = event->start_mark.line;
    if (place->depth > 0 && !place->has_key) {
        return refuse(place, line, "a mapping cannot be a key");
    }
    if (place->depth == CONF_DEPTH_MAX) {
        return refuse(place, line, "nested too deeply");
    }
    place->depth++;
    place->lengths[place->depth] = strlen(place->path);
    place->has_key = false;
    return APM_OK;
}

static enum apm_err on_event(struct place *place, const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(place, event);
    case YAML_MAPPING_START_EVENT:
        return on_mapping(place, event);
    case YAML_MAPPING_END_EVENT:
        place->path[place->lengths[place->depth]] = 0;
        place->depth--;
        return APM_OK;
    case YAML_SEQUENCE_START_EVENT:
        return refuse(place, event->start_mark.line, "a list is not allowed here");
    case YAML_ALIAS_EVENT:
        return refuse(place, event->start_mark.line, "an alias is not allowed here");
    case YAML_STREAM_END_EVENT:
        place->is_done = true;
        return APM_OK;
    default: /* starts and ends of stream and document */
        return APM_OK;
    }
}

static enum apm_err read_events(yaml_parser_t *parser, struct place *place)
{
    enum apm_err err = APM_OK;
    while (err == APM_OK && !place->is_done) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
            return refuse(place, parser->problem_mark.line, problem);
        }
        err = on_event(place, &event);
        yaml_event_delete(&event);
    }
    return err;
}

enum apm_err conf_yaml_read(const char *path, const struct conf_sink *sink, struct buf *message)
{
    struct buf content;
    enum apm_err err = file_read(path, CONF_FILE_BYTES_MAX, &content);
    if (err != APM_OK) {
        buf_printf(message, "%s: %s", path, apm_err_text(err));
        return err == APM_ERR_TOO_LARGE ? APM_ERR_CONFIG : err;
    }

    yaml_parser_t parser;
    struct place place = {.file = path, .sink = sink, .message = message};
    if (yaml_parser_initialize(&parser)) {
        yaml_parser_set_input_string(&parser, content.data, content.size);
        err = read_events(&parser, &place);
        yaml_parser_delete(&parser);
    } else {
        err = refuse(&place, 0, "out of memory");
    }
    buf_release(&content);
    return err;
}
