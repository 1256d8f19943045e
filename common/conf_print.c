#include "common/conf_value.h"

#include <ctype.h>

static const char password_key[] = "password";

/* Where the value that begins at `at` ends: a quote may hold blanks, a backslash
 * anything. */
static const char *end_of_value(const char *at)
{
    bool is_quoted = *at == '\'';
    at += is_quoted ? 1 : 0;
    for (; *at != 0; at++) {
        bool is_end = is_quoted ? *at == '\'' : isspace((unsigned char)*at) || *at == '&';
        if (is_end) {
            return at + (is_quoted ? 1 : 0);
        }
        if (*at == '\\' && at[1] != 0) {
            at++;
        }
    }
    return at;
}

/* If a password's value begins in `at`, what comes before it; else 0. */
static size_t password_prefix(const char *at)
{
    if (strncasecmp(at, password_key, strlen(password_key)) != 0) {
        return 0;
    }
    const char *after = at + strlen(password_key);
    after += strspn(after, " \t");
    if (*after != '=') {
        return 0;
    }
    after++;
    after += strspn(after, " \t");
    return (size_t)(after - at);
}

/* postgresql://user:secret@host: the part between ':' and the last '@' before the path. */
static bool find_uri_password(const char *text, struct span *ret_password)
{
    const char *scheme = strstr(text, "://");
    if (scheme == NULL) {
        return false;
    }
    const char *start = scheme + 3;
    size_t authority = strcspn(start, "?#");
    const char *at_sign = memrchr(start, '@', authority);
    const char *colon = at_sign == NULL ? NULL : memchr(start, ':', (size_t)(at_sign - start));
    if (colon == NULL) {
        return false;
    }
    *ret_password = span_of(colon + 1, (size_t)(at_sign - colon - 1));
    return true;
}

static void print_conninfo(const char *text, struct buf *ret_text)
{
    struct span secret = {0};
    bool has_secret = find_uri_password(text, &secret);
    for (const char *at = text; *at != 0;) {
        size_t prefix = password_prefix(at);
        if (has_secret && (const uint8_t *)at == secret.data) {
            buf_text(ret_text, "***");
            at += secret.size;
            has_secret = false;
        } else if (prefix > 0) {
            buf_append(ret_text, at, prefix);
            buf_text(ret_text, "***");
            at = end_of_value(at + prefix);
        } else {
            buf_char(ret_text, *at);
            at++;
        }
    }
}

static void print_value(const struct conf *conf, enum setting setting, struct buf *ret_text)
{
    const struct conf_setting *row = conf_setting(setting);
    if (row->type == CONF_conninfo) {
        print_conninfo(conf->values[setting].text, ret_text);
    } else {
        conf_value_print(row, &conf->values[setting], ret_text);
    }
}

static void print_string(struct buf *ret_text, const char *text)
{
    buf_json_string(ret_text, span_of(text, strlen(text)));
}

static void print_json_row(const struct conf *conf, enum setting setting, struct buf *ret_text)
{
    const struct conf_setting *row = conf_setting(setting);
    struct buf value;
    buf_init(&value, 16384);
    print_value(conf, setting, &value);

    buf_printf(ret_text, "{\"name\":\"%s\",\"value\":", row->name);
    print_string(ret_text, buf_str(&value));
    buf_text(ret_text, ",\"origin\":");
    print_string(ret_text, conf_origin(conf, setting));
    buf_text(ret_text, ",\"default\":");
    print_string(ret_text, row->default_text);
    buf_printf(ret_text, ",\"reloadable\":%s,\"help\":", row->is_reloadable ? "true" : "false");
    print_string(ret_text, row->help);
    buf_char(ret_text, '}');
    buf_release(&value);
}

static void print_text_row(const struct conf *conf, enum setting setting, struct buf *ret_text)
{
    struct buf value;
    buf_init(&value, 16384);
    print_value(conf, setting, &value);
    const char *name = conf_setting(setting)->name;
    int pad = 17 - (int)strlen(name);
    buf_printf(ret_text, "%s:%*s%-28s # %s\n", name, pad > 1 ? pad : 1, "",
               value.size == 0 ? "\"\"" : buf_str(&value), conf_origin(conf, setting));
    buf_release(&value);
}

void conf_print(const struct conf *conf, uint32_t sets, enum conf_format format,
                struct buf *ret_text)
{
    bool is_json = format == CONF_FORMAT_JSON;
    bool is_first = true;
    buf_text(ret_text, is_json ? "{\"settings\":[" : "");
    for (enum setting i = 0; i < SETTING_END; i++) {
        if ((conf_setting(i)->set & sets) == 0) {
            continue;
        }
        if (!is_json) {
            print_text_row(conf, i, ret_text);
            continue;
        }
        buf_text(ret_text, is_first ? "" : ",");
        print_json_row(conf, i, ret_text);
        is_first = false;
    }
    buf_text(ret_text, is_json ? "]}\n" : "");
}
