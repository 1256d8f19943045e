#include "common/conf.h"
#include "common/mem.h"
#include "tests/support/unit.h"

#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char *file;
static struct conf_sources sources;
static struct conf *conf;
static struct buf message;

static void scratch(void)
{
    snprintf(dir, sizeof(dir), "/tmp/test_conf.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    file = mem_printf("%s/apm2.yaml", dir);
    sources = (struct conf_sources){.file = NULL};
    conf = NULL;
    buf_init(&message, 4096);
}

static void clean(void)
{
    conf_destroy(&conf);
    buf_release(&message);
    free(file);
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    (void)fclose(out);
}

static enum apm_err read_yaml(const char *text)
{
    write_text(file, text);
    sources.file = file;
    enum apm_err err = conf_read(&sources, &conf, &message);
    unlink(file);
    rmdir(dir);
    return err;
}

START_TEST(defaults)
{
    ck_assert_int_eq(conf_read(&sources, &conf, &message), APM_OK);
    ck_assert_uint_eq(conf_ms(conf, SETTING_round_timeout), 1000);
    ck_assert_uint_eq(conf_ms(conf, SETTING_heartbeat), 200);
    ck_assert_uint_eq(conf_bytes(conf, SETTING_mempool_bytes), 64u * MIB);
    ck_assert_uint_eq(conf_u64(conf, SETTING_port), 9090);
    ck_assert_uint_eq(conf_u64(conf, SETTING_client_port), 9096);
    ck_assert_uint_eq(conf_word(conf, SETTING_log_level), 1);
    ck_assert_str_eq(conf_str(conf, SETTING_node), "n1");
    ck_assert_str_eq(conf_origin(conf, SETTING_port), "default");
    conf_destroy(&conf);
    ck_assert_ptr_null(conf);
    rmdir(dir);
}
END_TEST

START_TEST(later_sources_win)
{
    char *drop_in = mem_printf("%s/conf.d", dir);
    char *first = mem_printf("%s/10.yaml", drop_in);
    char *second = mem_printf("%s/20.yaml", drop_in);
    ck_assert_int_eq(mkdir(drop_in, 0700), 0);
    write_text(first, "port: 2\nclient_port: 2222\nheartbeat: 20ms\nbackoff_max: 2m\n");
    write_text(second, "\nclient_port: 3\nheartbeat: 30ms\nbackoff_max: 3m\n");
    static char *environment[] = {"HOME=/", "APM2_HEARTBEAT=40ms", "APM2_BACKOFF_MAX=4m", NULL};
    sources.environment = environment;
    sources.flags[0] = (struct conf_flag){"backoff-max", "5m"};
    sources.n_flags = 1;

    write_text(file, "node: n7\nport: 1\nclient_port: 1111\nheartbeat: 10ms\nbackoff_max: 1m\n");
    sources.file = file;
    enum apm_err err = conf_read(&sources, &conf, &message);
    unlink(file);
    unlink(first);
    unlink(second);
    rmdir(drop_in);
    rmdir(dir);
    ck_assert_msg(err == APM_OK, "%s", buf_str(&message));

    ck_assert_str_eq(conf_str(conf, SETTING_node), "n7");
    ck_assert_uint_eq(conf_u64(conf, SETTING_port), 2);
    ck_assert_uint_eq(conf_u64(conf, SETTING_client_port), 3);
    ck_assert_uint_eq(conf_ms(conf, SETTING_heartbeat), 40);
    ck_assert_uint_eq(conf_ms(conf, SETTING_backoff_max), 300000);

    char *origins[] = {mem_printf("%s:1", file), mem_printf("%s:2", second)};
    ck_assert_str_eq(conf_origin(conf, SETTING_node), origins[0]);
    ck_assert_str_eq(conf_origin(conf, SETTING_client_port), origins[1]);
    ck_assert_str_eq(conf_origin(conf, SETTING_heartbeat), "APM2_HEARTBEAT");
    ck_assert_str_eq(conf_origin(conf, SETTING_backoff_max), "--backoff-max");
    char *owned[] = {drop_in, first, second, origins[0], origins[1]};
    for (size_t i = 0; i < N_ELEMENTS(owned); i++)
        free(owned[i]);
}
END_TEST

START_TEST(nesting_equals_underscores)
{
    enum apm_err err = read_yaml("round:\n  timeout: 3s\nquota:\n  per:\n    actor: 5\n"
                                 "log-level: debug\nclient.port: 44\n");
    ck_assert_msg(err == APM_OK, "%s", buf_str(&message));
    ck_assert_uint_eq(conf_ms(conf, SETTING_round_timeout), 3000);
    ck_assert_uint_eq(conf_u64(conf, SETTING_quota_per_actor), 5);
    ck_assert_uint_eq(conf_word(conf, SETTING_log_level), 0);
    ck_assert_uint_eq(conf_u64(conf, SETTING_client_port), 44);
}
END_TEST

static const struct bad_row {
    const char *yaml;
    const char *want[3]; /* parts of the message */
} bad_rows[] = {
    {"\nround_timeoot: 1s\n", {"apm2.yaml:2", "\"round_timeoot\"", "did you mean round_timeout?"}},
    {"zebra_crossing: 1\n", {"apm2.yaml:1", "unknown setting \"zebra_crossing\"", "config show"}},
    {"round_timeout: 1000\n", {"apm2.yaml:1", "round_timeout: \"1000\"", "50ms to 1m"}},
    {"round_timeout: 1 s\n", {"apm2.yaml:1", "is not a duration", "like 200ms"}},
    {"round_timeout: 2h\n", {"apm2.yaml:1", "out of range", "50ms to 1m"}},
    {"round_timeout: 99999999999999999999s\n", {"apm2.yaml:1", "is not a duration", ""}},
    {"round_timeout: 9999999999999999999s\n", {"apm2.yaml:1", "is not a duration", ""}},
    {"block_bytes: 4MB\n", {"apm2.yaml:1", "is not a size", "1MiB to 4MiB"}},
    {"port: 65536\n", {"apm2.yaml:1", "port: \"65536\" is out of range", "1 to 65535"}},
    {"port: 18446744073709560706\n",
     {"apm2.yaml:1", "is not a whole number", ""}}, /* 2^64 + 9090 */
    {"port: -1\n", {"apm2.yaml:1", "is not a whole number", ""}},
    {"port: 0x10\n", {"apm2.yaml:1", "is not a whole number", ""}},
    {"port:\n", {"apm2.yaml:1", "is not a whole number", ""}},
    {"log_level: loud\n", {"apm2.yaml:1", "\"loud\"", "debug|info|warn|error"}},
    {"genesis: here.json\n", {"apm2.yaml:1", "genesis", "absolute path"}},
    {"node: ''\n", {"apm2.yaml:1", "node", "1 to 64"}},
    {"node: 'a b'\n", {"apm2.yaml:1", "node", "letters, digits"}},
    {"port: 1\nnode: n1\nport: 2\n", {"apm2.yaml:3", "port is already set", "line 1"}},
    {"port: [1, 2]\n", {"apm2.yaml:1", "a list is not allowed", ""}},
    {"port: &a 1\nclient_port: *a\n", {"apm2.yaml:2", "alias", ""}},
    {"a: {b: {c: {d: {e: 1}}}}\n", {"apm2.yaml:1", "nested too deeply", ""}},
    {"port: 1\n  bad\n\tx\n", {"apm2.yaml:", "", ""}},
    {"just text\n", {"apm2.yaml:1", "key: value", ""}},
    {"heartbeat: 600ms\n", {"apm2.yaml:1", "heartbeat", "half of round_timeout"}},
    {"client_port: 9090\n", {"apm2.yaml:1", "client_port", "differ from port"}},
};

START_TEST(bad_files_say_where_what_and_what_is_allowed)
{
    const struct bad_row *row = &bad_rows[_i];
    enum apm_err err = read_yaml(row->yaml);
    ck_assert_msg(err == APM_ERR_CONFIG, "%s: %s", row->yaml, apm_err_name(err));
    ck_assert_ptr_null(conf);
    for (size_t i = 0; i < N_ELEMENTS(row->want); i++) {
        ck_assert_msg(strstr(buf_str(&message), row->want[i]) != NULL, "%s: \"%s\" lacks \"%s\"",
                      row->yaml, buf_str(&message), row->want[i]);
    }
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    sources.file = file;
    ck_assert_int_eq(conf_read(&sources, &conf, &message), APM_ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(buf_str(&message), file));
    rmdir(dir);
}
END_TEST

START_TEST(a_huge_file_is_refused)
{
    char *text = mem_new(CONF_FILE_BYTES_MAX + 2, 1);
    memset(text, '#', CONF_FILE_BYTES_MAX + 1);
    ck_assert_int_eq(read_yaml(text), APM_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(buf_str(&message), "too large"));
    free(text);
}
END_TEST

START_TEST(an_empty_file_changes_nothing)
{
    ck_assert_int_eq(read_yaml("# nothing\n"), APM_OK);
    ck_assert_uint_eq(conf_u64(conf, SETTING_port), 9090);
}
END_TEST

static const struct variable_row {
    const char *variable;
    enum apm_err want;
} variable_rows[] = {
    {"APM2_PORT=77", APM_OK},
    {"APM2_PORT=x", APM_ERR_CONFIG},
    {"APM2_PRT=77", APM_ERR_CONFIG},           /* a slip */
    {"APM2_N1_SERVICE_HOST=10.0.0.1", APM_OK}, /* a platform's */
    {"APM2_CONFIG=/etc/x", APM_OK},            /* the command's */
    {"XAPM2_PORT=x", APM_OK},
    {"APM2_PORT", APM_OK},
};

START_TEST(variables)
{
    static char *environment[2];
    environment[0] = (char *)(uintptr_t)variable_rows[_i].variable;
    sources.environment = environment;
    ck_assert_int_eq(conf_read(&sources, &conf, &message), variable_rows[_i].want);
    rmdir(dir);
}
END_TEST

START_TEST(passwords_are_never_shown)
{
    static const char *const infos[] = {
        "host=/run password=hunter2 dbname=apm2",
        "host=/run password = 'hunter2 \\' hunter2' dbname=apm2",
        "postgresql://apm2:hunter2@localhost/apm2",
        "postgresql://apm2@localhost/apm2?password=hunter2&x=1",
    };
    sources.flags[0] = (struct conf_flag){"database", infos[_i]};
    sources.n_flags = 1;
    ck_assert_int_eq(conf_read(&sources, &conf, &message), APM_OK);
    for (int format = CONF_FORMAT_TEXT; format <= CONF_FORMAT_JSON; format++) {
        struct buf text;
        buf_init(&text, 1u << 20);
        conf_print(conf, CONF_SET_ALL, (enum conf_format)format, &text);
        ck_assert_ptr_null(strstr(buf_str(&text), "hunter2"));
        ck_assert_ptr_nonnull(strstr(buf_str(&text), "***"));
        ck_assert_ptr_nonnull(strstr(buf_str(&text), "apm2"));
        buf_release(&text);
    }
    ck_assert_str_eq(conf_str(conf, SETTING_database), infos[_i]);
    rmdir(dir);
}
END_TEST

START_TEST(prints_what_it_holds)
{
    ck_assert_int_eq(read_yaml("stall_timeout: 1500ms\nlog_level: error\n"), APM_OK);
    struct buf text;
    buf_init(&text, 1u << 20);
    conf_print(conf, UINT32_MAX, CONF_FORMAT_JSON, &text);
    json_t *root = json_loads(buf_str(&text), 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_t *rows = json_object_get(root, "settings");
    ck_assert_uint_eq(json_array_size(rows), SETTING_END);
    json_t *stall = json_array_get(rows, SETTING_stall_timeout);
    ck_assert_str_eq(json_string_value(json_object_get(stall, "value")), "1500ms");
    ck_assert_str_eq(json_string_value(json_object_get(stall, "default")), "2s");
    json_decref(root);

    buf_clear(&text);
    conf_print(conf, CONF_SET_ALL, CONF_FORMAT_TEXT, &text);
    ck_assert_ptr_nonnull(strstr(buf_str(&text), "log_level:        error"));
    ck_assert_ptr_nonnull(strstr(buf_str(&text), "apm2.yaml:2\n"));
    ck_assert_ptr_null(strstr(buf_str(&text), "stall_timeout"));
    buf_release(&text);
}
END_TEST

START_TEST(another_type_is_our_bug)
{
    ck_assert_int_eq(conf_read(&sources, &conf, &message), APM_OK);
    rmdir(dir);
    (void)conf_u64(conf, SETTING_round_timeout);
}
END_TEST

UNIT_MAIN("conf", scratch, clean, {
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, later_sources_win);
    tcase_add_test(tc, nesting_equals_underscores);
    tcase_add_loop_test(tc, bad_files_say_where_what_and_what_is_allowed, 0, N_ELEMENTS(bad_rows));
    tcase_add_test(tc, a_missing_file_is_named);
    tcase_add_test(tc, a_huge_file_is_refused);
    tcase_add_test(tc, an_empty_file_changes_nothing);
    tcase_add_loop_test(tc, variables, 0, N_ELEMENTS(variable_rows));
    tcase_add_loop_test(tc, passwords_are_never_shown, 0, 4);
    tcase_add_test(tc, prints_what_it_holds);
    tcase_add_test_raise_signal(tc, another_type_is_our_bug, SIGABRT);
})
