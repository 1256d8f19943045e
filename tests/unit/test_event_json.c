#include "common/event_json.h"

#include "common/hash.h"
#include "tests/support/unit.h"

static struct hash digest_of(enum event_type type)
{
    const char *name = event_info(type)->name;
    struct span part = span_of(name, strlen(name));
    return hash_tagged("test/schema", &part, 1);
}

static bool schema_of(const void *context, enum event_type type, struct hash *ret_digest)
{
    (void)context;
    /* A chain that knows no revocations. */
    if (type == EVENT_CapabilityRevoked)
        return false;
    *ret_digest = digest_of(type);
    return true;
}

static const struct event_json_context context = {schema_of, NULL, 1234, 5};

static enum apm_err parse(const char *line, struct event_draft *ret_draft, struct why *ret_why)
{
    return event_json_parse(span_of(line, strlen(line)), &context, ret_draft, ret_why);
}

START_TEST(a_line_becomes_an_event)
{
    struct event_draft draft;
    struct why why;
    ck_assert_int_eq(parse("{\"type\":\"LeaseIssued\",\"namespace\":\"payments\",\"payload\":"
                           "{\"resource\":\"db/primary\",\"holder\":\"svc-a\",\"ttl_ms\":60000}}",
                           &draft, &why),
                     APM_OK);
    ck_assert_str_eq(draft.space, "payments");

    struct wire_event event;
    union event_payload payload;
    struct hash schema = digest_of(EVENT_LeaseIssued);
    ck_assert_int_eq(wire_decode_as(WIRE_event, span_of(draft.bytes, draft.size), &event), WIRE_OK);
    ck_assert(hash_eq(&event.schema, &schema));
    ck_assert_uint_eq(event.canonicalizer_version, 1);
    ck_assert_uint_eq(event.hlc_wall_ms, 1234);
    ck_assert_uint_eq(event.hlc_counter, 5);
    ck_assert_int_eq(event_payload_decode(EVENT_LeaseIssued, event.payload, &payload).verdict,
                     PAYLOAD_OK);
    ck_assert_uint_eq(payload.LeaseIssued.ttl_ms, 60000);
    ck_assert(span_eq(payload.LeaseIssued.resource, span_of("db/primary", 10)));
}
END_TEST

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define LEASE(fields) "{\"type\":\"LeaseIssued\",\"payload\":{" fields "}}"
#define GRANT(fields)                                                                              \
    "{\"type\":\"CapabilityGranted\",\"payload\":{\"capability_id\":\"c\"," fields "}}"

/* What goes in comes out, whole. */
static const struct round {
    const char *type;
    const char *payload;
} rounds[] = {
    {"LeaseIssued", "{\"resource\": \"r\", \"holder\": \"h\", \"ttl_ms\": 31536000000}"},
    {"LeaseRenewed", "{\"resource\": \"r\", \"lease_id\": \"" HEX "\", \"ttl_ms\": 1}"},
    {"LeaseRenewed", "{\"resource\": \"r\", \"ttl_ms\": 1}"},
    {"LeaseReleased", "{\"resource\": \"r\"}"},
    {"CapabilityGranted", "{\"capability_id\": \"c\", \"subject\": \"" HEX
                          "\", \"rights\": [\"lease/*\", \"work/open\"]}"},
    {"CapabilityDelegated", "{\"from\": \"root\", \"capability_id\": \"c\", \"subject\": \"" HEX
                            "\", \"rights\": [\"lease/issue\"], \"expires_at_ms\": "
                            "9007199254740991, \"resource_prefix\": \"db/\"}"},
};

START_TEST(what_goes_in_comes_out)
{
    const struct round *round = &rounds[_i];
    char line[1024];
    struct event_draft draft;
    struct why why;
    (void)snprintf(line, sizeof(line), "{\"type\":\"%s\",\"payload\":%s}", round->type,
                   round->payload);
    ck_assert_msg(parse(line, &draft, &why) == APM_OK, "%s", why.text);
    ck_assert_str_eq(draft.space, "kernel");

    json_t *back = event_json_of(span_of(draft.bytes, draft.size));
    ck_assert_ptr_nonnull(back);
    char *payload = json_dumps(json_object_get(back, "payload"), 0);
    ck_assert_str_eq(payload, round->payload);
    ck_assert_str_eq(json_string_value(json_object_get(back, "type")), round->type);
    free(payload);
    json_decref(back);
}
END_TEST

static const struct bad {
    const char *line;
    const char *says;
} bads[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {"[]", "one JSON object"},
    {LEASE("\"ttl_ms\":1") "x", "not JSON"},
    {"{\"type\":\"LeaseIssued\",\"type\":\"LeaseIssued\"}", "duplicate"},
    {"{\"kind\":1}", "kind: no such key"},
    {"{\"payload\":{}}", "type: must be"},
    {"{\"type\":\"Nothing\"}", "type: Nothing: no such"},
    {"{\"type\":\"LeaseExpired\"}", "made by execution"},
    {"{\"type\":\"WorkOpened\"}", "not yet supported"},
    {"{\"type\":\"LeaseIssued\",\"namespace\":\"\"}", "namespace: must be"},
    {"{\"type\":\"LeaseIssued\",\"namespace\":1}", "namespace: must be"},
    {"{\"type\":\"LeaseIssued\"}", "payload: must be an object"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\""), "payload.ttl_ms: missing"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":0"), "1..31536000000"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":-1"), "payload.ttl_ms"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":1.5"), "must be an integer"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":\"1\""), "must be an integer"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":99999999999999999999"), "not JSON"},
    {LEASE("\"resource\":\"a b\",\"holder\":\"h\",\"ttl_ms\":1"),
     "payload.resource: must be 1..256"},
    {LEASE("\"resource\":\"\xc3\xa9\",\"holder\":\"h\",\"ttl_ms\":1"), "printable ASCII"},
    {LEASE("\"resource\":\"r\",\"holder\":7,\"ttl_ms\":1"), "payload.holder"},
    {LEASE("\"resource\":\"r\",\"holder\":\"h\",\"ttl_ms\":1,\"ttl\":1"),
     "payload.ttl: LeaseIssued"},
    {GRANT("\"subject\":\"12\",\"rights\":[\"*/*\"]"), "payload.subject: must be 64 hex"},
    {GRANT("\"subject\":\"" ZERO "\",\"rights\":[\"*/*\"]"), "not all zero"},
    {GRANT("\"subject\":\"" HEX "\",\"rights\":\"*/*\""), "must be a list of 1..32"},
    {GRANT("\"subject\":\"" HEX "\",\"rights\":[]"), "must be a list"},
    {GRANT("\"subject\":\"" HEX "\",\"rights\":[1]"), "must be a list"},
    {"{\"type\":\"CapabilityRevoked\",\"payload\":{\"capability_id\":\"c\"}}", "no schema"},
};

START_TEST(bad_lines_say_what_is_wrong)
{
    const struct bad *bad = &bads[_i];
    struct event_draft draft = {.size = 77};
    struct why why = {""};

    ck_assert_int_eq(parse(bad->line, &draft, &why), APM_ERR_BAD_INPUT);
    ck_assert_msg(strstr(why.text, bad->says) != NULL, "%s: said \"%s\"", bad->line, why.text);
    ck_assert_uint_eq(draft.size, 77);
}
END_TEST

START_TEST(a_huge_line_is_too_large)
{
    static char line[EVENT_BYTES_MAX + 2];
    struct event_draft draft;
    struct why why;

    memset(line, ' ', sizeof(line) - 1);
    ck_assert_int_eq(parse(line, &draft, &why), APM_ERR_TOO_LARGE);
}
END_TEST

START_TEST(the_largest_event_fits)
{
    union event_payload payload = {0};
    struct payload_CapabilityDelegated *part = &payload.CapabilityDelegated;
    static char letters[EVENT_RESOURCE_MAX];
    uint8_t out[EVENT_ENCODED_MAX];
    memset(letters, 'x', sizeof(letters));
    part->from = part->capability_id = span_of(letters, ID_BYTES_MAX);
    part->resource_prefix = span_of(letters, EVENT_RESOURCE_MAX);
    memset(&part->subject, 0xff, sizeof(part->subject));
    part->expires_at_ms = EVENT_TIME_MAX_MS;
    part->rights.n = EVENT_LIST_MAX;
    for (uint32_t i = 0; i < EVENT_LIST_MAX; i++)
        part->rights.items[i] = span_of(letters, ID_BYTES_MAX);
    const struct event_head head = {EVENT_CapabilityDelegated, {{1}}, UINT64_MAX, UINT64_MAX};
    ck_assert_uint_gt(event_encode(&head, &payload, out, sizeof(out)), 0);
}
END_TEST

START_TEST(bytes_that_are_no_event_give_nothing)
{
    uint8_t bytes[256];
    const struct wire_event unreadable = {
        .type = span_of("LeaseIssued", 11),
        .canonicalizer = span_of("x", 1),
        .payload = span_of("\xc0", 1),
    };

    ck_assert_ptr_null(event_json_of(span_of("\xc0", 1)));
    size_t size = wire_encode(WIRE_event, &unreadable, bytes, sizeof(bytes));
    json_t *json = event_json_of(span_of(bytes, size));
    ck_assert_str_eq(json_string_value(json_object_get(json, "payload_hex")), "c0");
    json_decref(json);
}
END_TEST

/* ---- schemas/kernel/<Type>.json say what the field tables say ---- */

static json_t *name_schema(uint64_t min, uint64_t max)
{
    return json_pack("{s:s, s:I, s:I, s:s}", "type", "string", "minLength", (json_int_t)min,
                     "maxLength", (json_int_t)max, "pattern", "^[!-~]+$");
}

static json_t *field_schema(const struct event_field *field)
{
    json_int_t min = (json_int_t)field->min;
    json_int_t max = (json_int_t)field->max;

    switch (field->kind) {
    case EVENT_KIND_str:
        return name_schema(field->min, field->max);
    case EVENT_KIND_u64:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", min, "maximum", max);
    case EVENT_KIND_key:
    case EVENT_KIND_hash:
    case EVENT_KIND_sig:
        return json_pack("{s:{s:I, s:I}}", "x-apm2-bytes", "min", min, "max", max);
    case EVENT_KIND_list:
        return json_pack("{s:s, s:I, s:I, s:o}", "type", "array", "minItems", min, "maxItems", max,
                         "items", name_schema(1, ID_BYTES_MAX));
    }
    return NULL;
}

static json_t *type_schema(const struct event_info *info, const json_t *file)
{
    json_t *properties = json_object();
    json_t *required = json_array();

    for (uint32_t i = 0; i < info->n_fields; i++) {
        const struct event_field *field = &info->fields[i];
        json_object_set_new(properties, field->name, field_schema(field));
        if (field->is_required)
            json_array_append_new(required, json_string(field->name));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "$schema",
                     "https://json-schema.org/draft/2020-12/schema", "title", info->name,
                     "description", json_string_value(json_object_get(file, "description")), "type",
                     "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

START_TEST(schemas_match_the_tables)
{
    const struct event_info *info = event_info((enum event_type)_i);
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/../../schemas/kernel/%s.json", getenv("GOLDEN_DIR"),
                   info->name);
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (info->fields == NULL) {
        ck_assert_msg(file == NULL, "%s: a schema without a table", info->name);
        return;
    }
    ck_assert_msg(file != NULL, "%s: %s", path, error.text);
    json_t *want = type_schema(info, file);
    ck_assert_msg(json_equal(file, want), "%s differs from schemas/events.def", path);
    json_decref(file);
    json_decref(want);
}
END_TEST

START_TEST(a_resource_is_always_the_first_field)
{
    const struct event_info *info = event_info((enum event_type)_i);

    for (uint32_t i = 1; i < info->n_fields; i++)
        ck_assert_str_ne(info->fields[i].name, "resource");
}
END_TEST

START_TEST(names_and_verbs_are_used_once)
{
    const struct event_info *info = event_info((enum event_type)_i);

    ck_assert_uint_eq(event_type_of(span_of(info->name, strlen(info->name))), (unsigned int)_i);
    for (int i = 0; i < _i; i++) {
        const struct event_info *other = event_info((enum event_type)i);
        ck_assert(strcmp(other->family, info->family) != 0 || strcmp(other->verb, info->verb) != 0);
    }
}
END_TEST

UNIT_MAIN("event_json", NULL, NULL, {
    tcase_add_test(tc, a_line_becomes_an_event);
    tcase_add_loop_test(tc, what_goes_in_comes_out, 0, N_ELEMENTS(rounds));
    tcase_add_loop_test(tc, bad_lines_say_what_is_wrong, 0, N_ELEMENTS(bads));
    tcase_add_test(tc, a_huge_line_is_too_large);
    tcase_add_test(tc, the_largest_event_fits);
    tcase_add_test(tc, bytes_that_are_no_event_give_nothing);
    tcase_add_loop_test(tc, schemas_match_the_tables, 0, EVENT_NONE);
    tcase_add_loop_test(tc, a_resource_is_always_the_first_field, 0, EVENT_NONE);
    tcase_add_loop_test(tc, names_and_verbs_are_used_once, 0, EVENT_NONE);
})
