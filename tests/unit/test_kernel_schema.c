#include "common/kernel_schema.h"

#include "common/event.h"
#include "tests/support/unit.h"

static struct genesis *genesis;

static void begin(void)
{
    genesis = genesis_new();
    for (uint32_t i = 0; i < n_kernel_schemas; i++) {
        struct genesis_schema *row = &genesis->schemas[genesis->n_schemas++];
        (void)snprintf(row->type, sizeof(row->type), "%s", kernel_schemas[i].type);
        ck_assert_int_eq(kernel_schema_digest(kernel_schemas[i].text, &row->digest), APM_OK);
    }
}

static void end(void)
{
    genesis_destroy(&genesis);
}

START_TEST(every_type_with_a_payload_is_built_in)
{
    uint32_t n = 0;

    for (unsigned int type = 0; type < EVENT_NONE; type++) {
        const struct event_info *info = event_info((enum event_type)type);
        n += info->fields != NULL;
        ck_assert_msg((kernel_schema_of(info->name) != NULL) == (info->fields != NULL), "%s",
                      info->name);
    }
    ck_assert_uint_eq(n, n_kernel_schemas);
}
END_TEST

START_TEST(what_genesis_binds_is_ours)
{
    struct why why = {""};

    ck_assert_int_eq(kernel_schema_check(genesis, &why), APM_OK);
    genesis->n_schemas = 0; /* nothing in force is no fault */
    ck_assert_int_eq(kernel_schema_check(genesis, &why), APM_OK);
}
END_TEST

START_TEST(another_schema_of_a_type_is_refused)
{
    struct why why = {""};

    genesis->schemas[2].digest.b[31] ^= 1;
    ck_assert_int_eq(kernel_schema_check(genesis, &why), APM_ERR_GENESIS);
    ck_assert_ptr_nonnull(strstr(why.text, genesis->schemas[2].type));
}
END_TEST

START_TEST(a_type_of_another_version_is_refused)
{
    struct why why = {""};

    (void)snprintf(genesis->schemas[0].type, sizeof(genesis->schemas[0].type), "LeaseTeleported");
    ck_assert_int_eq(kernel_schema_check(genesis, &why), APM_ERR_GENESIS);
    ck_assert_ptr_nonnull(strstr(why.text, "LeaseTeleported"));
}
END_TEST

/* Blanks and the order of members do not matter; anything else does. */
START_TEST(a_digest_is_of_the_canonical_form)
{
    struct hash a, b, c;

    ck_assert_int_eq(kernel_schema_digest("{\"a\": 1, \"b\": [2]}", &a), APM_OK);
    ck_assert_int_eq(kernel_schema_digest("{\n  \"b\":[2],\"a\":1}", &b), APM_OK);
    ck_assert_int_eq(kernel_schema_digest("{\"a\": 1, \"b\": [3]}", &c), APM_OK);
    ck_assert(hash_eq(&a, &b));
    ck_assert(!hash_eq(&a, &c));
    ck_assert_int_eq(kernel_schema_digest("{\"a\": 1, \"a\": 1}", &a), APM_ERR_BAD_INPUT);
    ck_assert_int_eq(kernel_schema_digest("{", &a), APM_ERR_BAD_INPUT);
}
END_TEST

UNIT_MAIN("kernel_schema", begin, end, {
    tcase_add_test(tc, every_type_with_a_payload_is_built_in);
    tcase_add_test(tc, what_genesis_binds_is_ours);
    tcase_add_test(tc, another_schema_of_a_type_is_refused);
    tcase_add_test(tc, a_type_of_another_version_is_refused);
    tcase_add_test(tc, a_digest_is_of_the_canonical_form);
})
