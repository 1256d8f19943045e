#include "common/service_flags.h"
#include "common/mem.h"

#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/apm2/apm2.yaml"

extern char **environ;

/* argv being read; `storage` takes the keys of key=value, of which there is never
 * more text than argv has. */
struct scan {
    char **argv;
    int argc;
    int at;
    char *free_storage;
    struct service_flags *flags;
    struct buf *message;
};

static enum apm_err refuse(struct scan *scan, const char *argument, const char *why)
{
    buf_printf(scan->message, "%s: %s; see --help", argument, why);
    return APM_ERR_USAGE;
}

static enum apm_err next_value(struct scan *scan, const char *argument, const char **ret_value)
{
    if (scan->at + 1 >= scan->argc) {
        return refuse(scan, argument, "a value is missing");
    }
    scan->at++;
    *ret_value = scan->argv[scan->at];
    return APM_OK;
}

static const char *keep_key(struct scan *scan, const char *text, size_t size)
{
    char *kept = scan->free_storage;
    memcpy(kept, text, size);
    kept[size] = 0;
    scan->free_storage += size + 1;
    return kept;
}

static enum apm_err add_flag(struct scan *scan, const char *key, const char *value)
{
    struct conf_sources *sources = &scan->flags->sources;
    if (sources->n_flags == CONF_FLAGS_MAX) {
        return refuse(scan, key, "too many settings on the command line");
    }
    sources->flags[sources->n_flags] = (struct conf_flag){key, value};
    sources->n_flags++;
    return APM_OK;
}

/* "key=value" */
static enum apm_err add_pair(struct scan *scan, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL) {
        return refuse(scan, pair, "expected key=value");
    }
    return add_flag(scan, keep_key(scan, pair, (size_t)(equals - pair)), equals + 1);
}

static enum apm_err read_valued(struct scan *scan, const char *argument)
{
    const char *value = NULL;
    enum apm_err err = next_value(scan, argument, &value);
    if (err != APM_OK) {
        return err;
    }
    if (strcmp(argument, "--config") == 0 || strcmp(argument, "-c") == 0) {
        scan->flags->sources.file = value;
        return APM_OK;
    }
    if (strcmp(argument, "--set") == 0) {
        return add_pair(scan, value);
    }
    return add_flag(scan, argument + 2, value);
}

static enum apm_err read_argument(struct scan *scan)
{
    static const char config[] = "--config=";
    const char *argument = scan->argv[scan->at];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        scan->flags->wants_help = true;
        return APM_OK;
    }
    if (strcmp(argument, "--version") == 0) {
        scan->flags->wants_version = true;
        return APM_OK;
    }
    if (strncmp(argument, config, sizeof(config) - 1) == 0) {
        scan->flags->sources.file = argument + sizeof(config) - 1;
        return APM_OK;
    }
    bool is_long = strncmp(argument, "--", 2) == 0 && argument[2] != 0;
    if (!is_long && strcmp(argument, "-c") != 0) {
        return refuse(scan, argument, "not an option");
    }
    return is_long && strchr(argument, '=') != NULL ? add_pair(scan, argument + 2)
                                                    : read_valued(scan, argument);
}

static size_t bytes_of(int argc, char **argv)
{
    size_t size = 1;
    for (int i = 0; i < argc; i++) {
        size += strlen(argv[i]) + 1;
    }
    return size;
}

/* A file nobody named may be missing. */
static const char *default_file(void)
{
    const char *named = getenv("APM2_CONFIG");
    if (named != NULL && named[0] != 0) {
        return named;
    }
    return access(DEFAULT_CONFIG, F_OK) == 0 ? DEFAULT_CONFIG : NULL;
}

enum apm_err service_flags_parse(int argc, char **argv, struct service_flags *ret_flags,
                                 struct buf *message)
{
    struct service_flags flags = {.sources = {.environment = environ, .file = default_file()}};
    flags.storage = mem_new(bytes_of(argc, argv), 1);
    struct scan scan = {.argv = argv,
                        .argc = argc,
                        .free_storage = flags.storage,
                        .flags = &flags,
                        .message = message};

    enum apm_err err = APM_OK;
    for (scan.at = 1; err == APM_OK && scan.at < argc; scan.at++) {
        err = read_argument(&scan);
    }
    if (err != APM_OK) {
        service_flags_release(&flags);
        return err;
    }
    *ret_flags = flags;
    return APM_OK;
}

void service_flags_release(struct service_flags *flags)
{
    free(flags->storage);
    flags->storage = NULL;
}

void service_flags_help(const struct service *service)
{
    printf("%s - %s\n\n"
           "usage: %s [--config FILE] [--set KEY=VALUE]... [--KEY VALUE]...\n\n"
           "  --config FILE    settings (APM2_CONFIG; else " DEFAULT_CONFIG
           "), and conf.d beside it\n"
           "  --set KEY=VALUE  one setting, as do --KEY VALUE and APM2_KEY in the environment\n"
           "  --version        what this is\n"
           "  --help           this text\n\n"
           "settings:\n",
           service->name, service->purpose, service->name);
    for (enum setting i = 0; i < SETTING_END; i++) {
        const struct conf_setting *row = conf_setting(i);
        if ((row->set & (service->sets | CONF_SET_ALL)) != 0) {
            printf("  %-17s %s (%s)\n", row->name, row->help,
                   row->default_text[0] == 0 ? "no default" : row->default_text);
        }
    }
}
