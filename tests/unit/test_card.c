/* card, keygen: a node's papers are whole, consistent, or refused. */
#include "tests/support/unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/canonical_json.h"
#include "common/keygen.h"
#include "common/slot_file.h"
#include "common/wire.h"

static char directory[64];
static char output[96];
static struct why why;
static const struct keygen_options options = {.id = "n1", .address = "127.0.11.1"};

static void fixture(void)
{
    snprintf(directory, sizeof(directory), "/tmp/apm2-card-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(output, sizeof(output), "%s/n1.pem", directory);
}

static const char *sibling(const char *suffix)
{
    static char path[128];
    ck_assert(keygen_sibling(output, suffix, path, sizeof(path)));
    return path;
}

/* Removes everything; returns how many files there were. */
static unsigned empty_directory(void)
{
    unsigned n = 0;
    DIR *open_directory = opendir(directory);
    for (struct dirent *entry; (entry = readdir(open_directory)) != NULL;) {
        if (entry->d_name[0] != '.')
            n += unlinkat(dirfd(open_directory), entry->d_name, 0) == 0 ? 1 : 0;
    }
    closedir(open_directory);
    return n;
}

static void cleanup(void)
{
    empty_directory();
    rmdir(directory);
}

START_TEST(keys_card_and_safety_record_belong_together)
{
    struct card made;
    ck_assert_msg(keygen_write(output, &options, &made, &why) == APM_OK, "%s", why.text);
    struct card card;
    ck_assert_msg(card_read(sibling("card.json"), &card, &why) == APM_OK, "%s", why.text);
    ck_assert_str_eq(card.id, "n1");
    ck_assert_str_eq(card.address, "127.0.11.1");
    ck_assert_uint_eq(card.client_port, 9096);
    ck_assert_mem_eq(card.signature.b, made.signature.b, sizeof(made.signature.b));

    struct sign_pair sign;
    ck_assert_int_eq(keyfile_read_sign(output, &sign, &why), APM_OK);
    ck_assert(key_eq(&sign.public_key, &card.key));
    static const uint16_t ports[] = {9090, 9091, 9095};
    for (unsigned i = 0; i < CARD_SERVICES_N; i++) {
        char suffix[64];
        snprintf(suffix, sizeof(suffix), "%s.pem", card_service_name((enum card_service)i));
        struct curve_pair curve;
        ck_assert_int_eq(keyfile_read_curve(sibling(suffix), &curve, &why), APM_OK);
        ck_assert(curve_key_eq(&curve.public_key, &card.services[i].curve));
        ck_assert_uint_eq(card.services[i].port, ports[i]);
    }

    struct slot_file *file = NULL;
    ck_assert_int_eq(slot_file_open(sibling("safety"), &file), APM_OK);
    uint64_t counter;
    struct span bytes;
    bool torn;
    slot_file_newest(file, &counter, &bytes, &torn);
    ck_assert_uint_eq(counter, 1);
    ck_assert(!torn);
    struct wire_safety safety;
    ck_assert_int_eq(wire_decode_as(WIRE_safety, bytes, &safety), WIRE_OK);
    ck_assert_uint_eq(safety.counter, 1);
    ck_assert_uint_eq(safety.epoch, 1);
    ck_assert(hash_eq(&safety.instance, &card.instance));
    ck_assert_uint_eq(safety.high_qc.size, 0);
    slot_file_close(&file);
    ck_assert_uint_eq(empty_directory(), 7);
}
END_TEST

START_TEST(an_existing_file_is_refused_before_anything_is_written)
{
    static const char *const suffixes[] = {"pem", "consensus.pem", "schema-registry.pem", "safety",
                                           "card.json"};
    FILE *file = fopen(sibling(suffixes[_i]), "we");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_int_eq(keygen_write(output, &options, NULL, &why), APM_ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(why.text, suffixes[_i]));
    ck_assert_uint_eq(empty_directory(), 1);
}
END_TEST

/* A dangling link is no file to look at and none to create: the third of six fails. */
START_TEST(a_failure_half_way_leaves_nothing)
{
    ck_assert_int_eq(symlink("/nowhere/at/all", sibling("anti-entropy.pem")), 0);
    ck_assert_int_ne(keygen_write(output, &options, NULL, &why), APM_OK);
    ck_assert_uint_eq(empty_directory(), 1);
}
END_TEST

static const struct bad_option {
    const char *label;
    const char *output;
    struct keygen_options options;
} bad_options[] = {
    {"empty id", "x.pem", {.id = "", .address = "h"}},
    {"id with a slash", "x.pem", {.id = "a/b", .address = "h"}},
    {"address with a port", "x.pem", {.id = "a", .address = "h:1"}},
    {"no .pem", "x.key", {.id = "a", .address = "h"}},
    {"nothing but .pem", ".pem", {.id = "a", .address = "h"}},
};

START_TEST(bad_options_are_refused)
{
    const struct bad_option *row = &bad_options[_i];
    enum apm_err err = keygen_write(row->output, &row->options, NULL, &why);
    ck_assert_msg(err == APM_ERR_BAD_INPUT, "%s: got %d", row->label, err);
}
END_TEST

/* What somebody may have done to a card, as a jansson edit. */
static const struct change {
    const char *label;
    const char *field;
    const char *value; /* JSON; NULL removes */
    const char *says;
} changes[] = {
    {"another address", "address", "\"127.0.11.9\"", "signature"},
    {"another id", "id", "\"n2\"", "signature"},
    {"another port", "client_port", "9", "signature"},
    {"an address with a port", "address", "\"h:9090\"", "address"},
    {"an empty id", "id", "\"\"", "id"},
    {"an id that is no string", "id", "7", "id"},
    {"a port too high", "client_port", "65536", "client_port"},
    {"no port", "client_port", "0", "client_port"},
    {"a real port", "client_port", "9096.0", "client_port"},
    {"a short key", "key", "\"00ff\"", "key"},
    {"no instance", "instance", NULL, "instance"},
    {"no services", "services", "{}", "consensus"},
    {"no signature", "signature", NULL, "signature"},
    {"a later version", "version", "2", "version"},
    {"one field more", "extra", "1", "unknown field"},
};

START_TEST(a_changed_card_is_refused)
{
    const struct change *row = &changes[_i];
    ck_assert_int_eq(keygen_write(output, &options, NULL, &why), APM_OK);
    json_t *json = NULL;
    ck_assert_int_eq(json_read_file(sibling("card.json"), 100000, &json, &why), APM_OK);
    if (row->value == NULL)
        json_object_del(json, row->field);
    else
        json_object_set_new(json, row->field, json_loads(row->value, JSON_DECODE_ANY, NULL));
    char *text = json_dumps(json, 0);
    FILE *file = fopen(sibling("card.json"), "we");
    fputs(text, file);
    fclose(file);
    free(text);
    json_decref(json);

    struct card card;
    enum apm_err err = card_read(sibling("card.json"), &card, &why);
    ck_assert_msg(err == APM_ERR_BAD_INPUT, "%s: got %d", row->label, err);
    ck_assert_msg(strstr(why.text, row->says) != NULL, "%s: says %s", row->label, why.text);
}
END_TEST

START_TEST(an_actors_key)
{
    struct key key;
    struct sign_pair pair;
    ck_assert_int_eq(key_new(output, &key, &why), APM_OK);
    ck_assert_int_eq(keyfile_read_sign(output, &pair, &why), APM_OK);
    ck_assert(key_eq(&key, &pair.public_key));
    ck_assert_int_eq(key_new(output, &key, &why), APM_ERR_BUSY);
    ck_assert_uint_eq(empty_directory(), 1);
}
END_TEST

UNIT_MAIN("card", fixture, cleanup, {
    tcase_add_test(tc, keys_card_and_safety_record_belong_together);
    tcase_add_loop_test(tc, an_existing_file_is_refused_before_anything_is_written, 0, 5);
    tcase_add_test(tc, a_failure_half_way_leaves_nothing);
    tcase_add_loop_test(tc, bad_options_are_refused, 0, (int)N_ELEMENTS(bad_options));
    tcase_add_loop_test(tc, a_changed_card_is_refused, 0, (int)N_ELEMENTS(changes));
    tcase_add_test(tc, an_actors_key);
})
