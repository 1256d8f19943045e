#include "common/conf.h"
#include "common/conf_value.h"
#include "common/conf_yaml.h"
#include "common/mem.h"
#include "common/must.h"

#include <glob.h>
#include <libgen.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 64u
#define ENVIRONMENT_PREFIX "APM2_"

/* A name this close to a setting's is taken for a slip of the finger. */
#define NEAR_DISTANCE 2u

#define CONF_CHANGE_RELOAD true
#define CONF_CHANGE_RESTART false
#define CONF_ROW(_set, _name, _type, _def, _min, _max, _words, _change, _help)                     \
    {.name = #_name,                                                                               \
     .default_text = (_def),                                                                       \
     .words = (_words),                                                                            \
     .help = (_help),                                                                              \
     .min = (_min),                                                                                \
     .max = (_max),                                                                                \
     .set = CONF_SET_##_set,                                                                       \
     .type = CONF_##_type,                                                                         \
     .is_reloadable = CONF_CHANGE_##_change},

static const struct conf_setting table[] = {SETTINGS(CONF_ROW)};

const struct conf_setting *conf_setting(enum setting setting)
{
    MUST((unsigned)setting < SETTING_END);
    return &table[setting];
}

/* The one spelling of a key: lower case, '_' for '.' and '-'. False when too long. */
static bool spell(const char *key, char ret_name[NAME_BYTES_MAX + 1])
{
    size_t length = strlen(key);
    if (length > NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i <= length; i++) {
        char c = key[i];
        bool is_joint = c == '.' || c == '-';
        bool is_upper = c >= 'A' && c <= 'Z';
        ret_name[i] = is_joint ? '_' : (char)(is_upper ? c - 'A' + 'a' : c);
    }
    return true;
}

static enum setting find(const char *name)
{
    for (size_t i = 0; i < SETTING_END; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return (enum setting)i;
        }
    }
    return SETTING_END;
}

/* Levenshtein's edit distance of two names. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_BYTES_MAX + 1];
    size_t n = strlen(b);
    MUST(n <= NAME_BYTES_MAX);
    for (size_t j = 0; j <= n; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 0; a[i] != 0; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = diagonal + (a[i] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

static enum setting nearest(const char *name, unsigned *ret_distance)
{
    enum setting best = SETTING_node;
    *ret_distance = UINT32_MAX;
    for (size_t i = 0; i < SETTING_END; i++) {
        unsigned here = distance(name, table[i].name);
        if (here < *ret_distance) {
            *ret_distance = here;
            best = (enum setting)i;
        }
    }
    return best;
}

/* One pass over the sources: what is being read, and from where. */
struct reading {
    struct conf *conf;
    struct buf *message;
    const char *file;
    unsigned lines[SETTING_END]; /* of `file` that set it already, 0 none */
};

static void forget(struct conf_value *value)
{
    free(value->text);
    free(value->origin);
}

static enum apm_err put(struct reading *reading, enum setting setting, const char *text,
                        const char *origin)
{
    struct buf why;
    buf_init(&why, 512);
    struct conf_value value;
    bool is_sound = conf_value_parse(&table[setting], text, &value, &why);
    if (is_sound) {
        value.origin = mem_strdup(origin);
        forget(&reading->conf->values[setting]);
        reading->conf->values[setting] = value;
    } else {
        bool is_secret = table[setting].type == CONF_conninfo;
        buf_printf(reading->message, "%s: %s: \"%.200s\" %s", origin, table[setting].name,
                   is_secret ? "***" : text, buf_str(&why));
    }
    buf_release(&why);
    return is_sound ? APM_OK : APM_ERR_CONFIG;
}

static enum apm_err refuse_unknown(struct reading *reading, const char *name, const char *origin)
{
    unsigned apart = 0;
    enum setting near = nearest(name, &apart);
    buf_printf(reading->message, "%s: unknown setting \"%s\"", origin, name);
    if (apart <= 1 + strlen(name) / 3) {
        buf_printf(reading->message, "; did you mean %s?", table[near].name);
    } else {
        buf_text(reading->message, "; `apm2 config show` lists them all");
    }
    return APM_ERR_CONFIG;
}

static enum apm_err put_key(struct reading *reading, const char *key, const char *text,
                            const char *origin)
{
    char name[NAME_BYTES_MAX + 1] = "";
    if (!spell(key, name)) {
        buf_printf(reading->message, "%s: unknown setting \"%.80s...\"", origin, key);
        return APM_ERR_CONFIG;
    }
    enum setting setting = find(name);
    return setting == SETTING_END ? refuse_unknown(reading, name, origin)
                                  : put(reading, setting, text, origin);
}

static enum apm_err put_line(void *arg, const char *key, const char *text, unsigned line)
{
    struct reading *reading = arg;
    char *origin = mem_printf("%s:%u", reading->file, line);
    char name[NAME_BYTES_MAX + 1] = "";
    enum setting setting = spell(key, name) ? find(name) : SETTING_END;

    enum apm_err err = APM_ERR_CONFIG;
    if (setting != SETTING_END && reading->lines[setting] != 0) {
        buf_printf(reading->message, "%s: %s is already set in line %u", origin, name,
                   reading->lines[setting]);
    } else {
        err = put_key(reading, key, text, origin);
    }
    if (setting != SETTING_END) {
        reading->lines[setting] = line;
    }
    free(origin);
    return err;
}

static enum apm_err read_file(struct reading *reading, const char *path)
{
    reading->file = path;
    memset(reading->lines, 0, sizeof(reading->lines));
    const struct conf_sink sink = {put_line, reading};
    return conf_yaml_read(path, &sink, reading->message);
}

/* conf.d beside the file, in the order of names. */
static enum apm_err read_dir(struct reading *reading, const char *file)
{
    char *copy = mem_strdup(file);
    char *pattern = mem_printf("%s/conf.d/*.yaml", dirname(copy));
    glob_t found = {0};
    int none = glob(pattern, 0, NULL, &found);

    enum apm_err err = APM_OK;
    for (size_t i = 0; none == 0 && err == APM_OK && i < found.gl_pathc; i++) {
        err = read_file(reading, found.gl_pathv[i]);
    }
    globfree(&found);
    free(pattern);
    free(copy);
    return err;
}

/* Variables of the command, which are not settings. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"config", "context", "cluster", "dir", "nodes"};
    for (size_t i = 0; i < N_ELEMENTS(reserved); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* An unknown variable is refused only when it looks like a slip: container platforms
 * set variables of their own with our prefix. */
static enum apm_err read_variable(struct reading *reading, const char *variable)
{
    const char *equals = strchr(variable, '=');
    size_t prefix = strlen(ENVIRONMENT_PREFIX);
    if (equals == NULL || strncmp(variable, ENVIRONMENT_PREFIX, prefix) != 0) {
        return APM_OK;
    }
    char *origin = mem_printf("%.*s", (int)(equals - variable), variable);
    char name[NAME_BYTES_MAX + 1] = "";
    unsigned apart = UINT32_MAX;
    bool is_short = spell(origin + prefix, name);
    if (is_short) {
        (void)nearest(name, &apart);
    }
    enum apm_err err = APM_OK;
    if (is_short && apart <= NEAR_DISTANCE && !is_reserved(name)) {
        err = put_key(reading, name, equals + 1, origin);
    }
    free(origin);
    return err;
}

static enum apm_err read_flags(struct reading *reading, const struct conf_sources *sources)
{
    enum apm_err err = APM_OK;
    for (size_t i = 0; err == APM_OK && i < sources->n_flags; i++) {
        char *origin = mem_printf("--%s", sources->flags[i].key);
        err = put_key(reading, sources->flags[i].key, sources->flags[i].value, origin);
        free(origin);
    }
    return err;
}

static enum apm_err read_sources(struct reading *reading, const struct conf_sources *sources)
{
    for (size_t i = 0; i < SETTING_END; i++) {
        enum apm_err err = put(reading, (enum setting)i, table[i].default_text, "default");
        MUST(err == APM_OK); /* the table contradicts itself */
    }
    enum apm_err err = APM_OK;
    if (sources->file != NULL) {
        err = read_file(reading, sources->file);
        err = err == APM_OK ? read_dir(reading, sources->file) : err;
    }
    for (char *const *at = sources->environment; err == APM_OK && at != NULL && *at != NULL; at++) {
        err = read_variable(reading, *at);
    }
    return err == APM_OK ? read_flags(reading, sources) : err;
}

/* What no single value shows. */
static enum apm_err check_together(const struct conf *conf, struct buf *message)
{
    const char *node = conf_str(conf, SETTING_node);
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    enum setting at = SETTING_END;
    const char *rule = "";
    if (node[strspn(node, letters)] != 0) {
        at = SETTING_node;
        rule = "may hold only letters, digits, - and _";
    } else if (conf_ms(conf, SETTING_heartbeat) * 2 > conf_ms(conf, SETTING_round_timeout)) {
        at = SETTING_heartbeat;
        rule = "must be at most half of round_timeout, or healthy leaders are voted out";
    } else if (conf_ms(conf, SETTING_backoff_max) < conf_ms(conf, SETTING_round_timeout)) {
        at = SETTING_backoff_max;
        rule = "must not be less than round_timeout";
    } else if (conf_u64(conf, SETTING_port) == conf_u64(conf, SETTING_client_port)) {
        at = SETTING_client_port;
        rule = "must differ from port";
    }
    if (at == SETTING_END) {
        return APM_OK;
    }
    buf_printf(message, "%s: %s %s", conf_origin(conf, at), table[at].name, rule);
    return APM_ERR_CONFIG;
}

enum apm_err conf_read(const struct conf_sources *sources, struct conf **ret_conf,
                       struct buf *ret_message)
{
    struct conf *conf = mem_new(1, sizeof(*conf));
    struct reading reading = {.conf = conf, .message = ret_message};
    enum apm_err err = read_sources(&reading, sources);
    if (err == APM_OK) {
        err = check_together(conf, ret_message);
    }
    if (err != APM_OK) {
        conf_destroy(&conf);
        return err;
    }
    *ret_conf = conf;
    return APM_OK;
}

void conf_destroy(struct conf **conf)
{
    if (*conf == NULL) {
        return;
    }
    for (size_t i = 0; i < SETTING_END; i++) {
        forget(&(*conf)->values[i]);
    }
    free(*conf);
    *conf = NULL;
}

static uint64_t number_of(const struct conf *conf, enum setting setting, enum conf_type type)
{
    MUST(conf_setting(setting)->type == type);
    return conf->values[setting].number;
}

uint64_t conf_u64(const struct conf *conf, enum setting setting)
{
    return number_of(conf, setting, CONF_u64);
}

uint64_t conf_ms(const struct conf *conf, enum setting setting)
{
    return number_of(conf, setting, CONF_duration);
}

uint64_t conf_bytes(const struct conf *conf, enum setting setting)
{
    return number_of(conf, setting, CONF_size);
}

bool conf_bool(const struct conf *conf, enum setting setting)
{
    return number_of(conf, setting, CONF_bool) != 0;
}

unsigned conf_word(const struct conf *conf, enum setting setting)
{
    return (unsigned)number_of(conf, setting, CONF_word);
}

const char *conf_str(const struct conf *conf, enum setting setting)
{
    MUST((unsigned)setting < SETTING_END && conf->values[setting].text != NULL);
    return conf->values[setting].text;
}

const char *conf_origin(const struct conf *conf, enum setting setting)
{
    MUST((unsigned)setting < SETTING_END);
    return conf->values[setting].origin;
}

bool conf_is_equal(const struct conf *a, const struct conf *b, enum setting setting)
{
    MUST((unsigned)setting < SETTING_END);
    const struct conf_value *left = &a->values[setting];
    const struct conf_value *right = &b->values[setting];
    bool is_text = left->text != NULL;
    return is_text ? strcmp(left->text, right->text) == 0 : left->number == right->number;
}
