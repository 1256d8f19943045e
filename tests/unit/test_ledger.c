#include "tests/support/unit.h"

#include "common/hash.h"
#include "common/ledger/ledger.h"

static struct ledger ledger;
static struct ledger_record record;

static struct span named(const char *name)
{
    return span_of(name, strlen(name));
}

static void one_namespace(void)
{
    ledger_init(&ledger);
    ck_assert(ledger_head_of(&ledger, named("kernel")) != NULL);
    record = (struct ledger_record){.height = 3, .index = 1, .code = 0};
    record.subject = ledger_derived_subject(named("event"));
}

static struct hash head_root(const char *name)
{
    const struct ledger_head *head = ledger_find(&ledger, named(name));
    ck_assert(head != NULL);
    return merkle_frontier_root(&head->tree);
}

START_TEST(heads_stay_sorted_and_are_found)
{
    static const char *const names[] = {"kernel", "b", "a", "kern", "kernels", "z", "Z"};
    for (size_t i = 0; i < N_ELEMENTS(names); i++)
        ck_assert(ledger_head_of(&ledger, named(names[i])) != NULL);

    ck_assert_uint_eq(ledger.n, N_ELEMENTS(names));
    for (uint32_t i = 1; i < ledger.n; i++)
        ck_assert_int_lt(strcmp(ledger.heads[i - 1].space, ledger.heads[i].space), 0);
    for (size_t i = 0; i < N_ELEMENTS(names); i++)
        ck_assert_str_eq(ledger_find(&ledger, named(names[i]))->space, names[i]);
    ck_assert_ptr_null(ledger_find(&ledger, named("kerne")));
}
END_TEST

START_TEST(names_that_cannot_be_told_apart_are_refused)
{
    char long_name[ID_BYTES_MAX + 1];
    memset(long_name, 'n', sizeof(long_name));

    ck_assert_ptr_null(ledger_head_of(&ledger, span_of("", 0)));
    ck_assert_ptr_null(ledger_head_of(&ledger, span_of("a\0b", 3)));
    ck_assert_ptr_null(ledger_head_of(&ledger, span_of("kernel\0", 7)));
    ck_assert_ptr_null(ledger_head_of(&ledger, span_of(long_name, sizeof(long_name))));
    ck_assert_ptr_nonnull(ledger_head_of(&ledger, span_of(long_name, ID_BYTES_MAX)));
}
END_TEST

START_TEST(namespaces_end_at_the_limit)
{
    char name[8];
    for (unsigned int i = 1; i < NAMESPACES_MAX; i++) {
        int size = snprintf(name, sizeof(name), "n%02u", i);
        ck_assert_ptr_nonnull(ledger_head_of(&ledger, span_of(name, (size_t)size)));
    }
    ck_assert_ptr_null(ledger_head_of(&ledger, named("one-more")));
    ck_assert_ptr_nonnull(ledger_head_of(&ledger, named("kernel")));
}
END_TEST

START_TEST(chain_and_tree_follow_the_definition)
{
    struct ledger_head *head = ledger_head_of(&ledger, named("kernel"));
    struct hash chain = {{0}};
    struct hash data[9];

    for (size_t i = 0; i < N_ELEMENTS(data); i++) {
        record.index = i;
        ck_assert_uint_eq(head->n_records, i);
        data[i] = ledger_leaf(head, &record);
        ledger_append(head, &record);

        struct span parts[] = {span_of(chain.b, 32), span_of(data[i].b, 32)};
        chain = hash_tagged("apm2/chain/1", parts, 2);
        struct hash want = merkle_root_of_hashes(data, i + 1);
        struct hash got = head_root("kernel");
        ck_assert(hash_eq(&head->chain, &chain));
        ck_assert(hash_eq(&got, &want));
    }
}
END_TEST

static void other_height(void)
{
    record.height++;
}
static void other_index(void)
{
    record.index++;
}
static void other_code(void)
{
    record.code++;
}
static void other_subject(void)
{
    record.subject.b[0] ^= 1;
}

static void (*const changes[])(void) = {other_height, other_index, other_code, other_subject};

START_TEST(every_field_of_a_record_counts)
{
    const struct ledger_head *head = ledger_find(&ledger, named("kernel"));
    struct hash before = ledger_leaf(head, &record);

    changes[_i]();
    struct hash after = ledger_leaf(head, &record);
    ck_assert(!hash_eq(&before, &after));
}
END_TEST

START_TEST(a_record_is_bound_to_its_place)
{
    struct ledger_head *head = ledger_head_of(&ledger, named("kernel"));
    struct hash first = ledger_leaf(head, &record);
    ledger_append(head, &record);
    struct hash second = ledger_leaf(head, &record);
    struct hash elsewhere = ledger_leaf(ledger_head_of(&ledger, named("kerne")), &record);

    ck_assert(!hash_eq(&first, &second));
    ck_assert(!hash_eq(&first, &elsewhere));
}
END_TEST

START_TEST(subjects_differ_by_bundle_position_and_kind)
{
    struct hash one = hash_bytes(named("one"));
    struct hash two = hash_bytes(named("two"));
    struct hash base = ledger_subject(&one, 0, named("event"));
    struct hash others[] = {
        ledger_subject(&two, 0, named("event")), ledger_subject(&one, 1, named("event")),
        ledger_subject(&one, 0, named("evenT")), ledger_derived_subject(named("event"))};

    for (size_t i = 0; i < N_ELEMENTS(others); i++)
        ck_assert(!hash_eq(&base, &others[i]));
}
END_TEST

START_TEST(the_root_binds_every_namespace)
{
    struct hash before = ledger_root(&ledger);
    struct ledger_head *head = ledger_head_of(&ledger, named("other"));
    struct hash named_only = ledger_root(&ledger);
    ledger_append(head, &record);
    struct hash appended = ledger_root(&ledger);

    ck_assert(!hash_eq(&before, &named_only));
    ck_assert(!hash_eq(&named_only, &appended));

    struct hash state = state_root_of(&before, &appended);
    struct hash swapped = state_root_of(&appended, &before);
    ck_assert(!hash_eq(&state, &swapped));
}
END_TEST

START_TEST(the_order_of_namespaces_leaves_no_trace)
{
    struct hash one;

    ck_assert_ptr_nonnull(ledger_head_of(&ledger, named("a")));
    ledger_append(ledger_head_of(&ledger, named("z")), &record);
    one = ledger_root(&ledger);

    ledger_init(&ledger);
    ledger_append(ledger_head_of(&ledger, named("z")), &record);
    ck_assert_ptr_nonnull(ledger_head_of(&ledger, named("kernel")));
    ck_assert_ptr_nonnull(ledger_head_of(&ledger, named("a")));
    struct hash two = ledger_root(&ledger);
    ck_assert(hash_eq(&one, &two));
}
END_TEST

UNIT_MAIN("ledger", one_namespace, NULL, {
    tcase_add_test(tc, heads_stay_sorted_and_are_found);
    tcase_add_test(tc, names_that_cannot_be_told_apart_are_refused);
    tcase_add_test(tc, namespaces_end_at_the_limit);
    tcase_add_test(tc, chain_and_tree_follow_the_definition);
    tcase_add_loop_test(tc, every_field_of_a_record_counts, 0, N_ELEMENTS(changes));
    tcase_add_test(tc, a_record_is_bound_to_its_place);
    tcase_add_test(tc, subjects_differ_by_bundle_position_and_kind);
    tcase_add_test(tc, the_root_binds_every_namespace);
    tcase_add_test(tc, the_order_of_namespaces_leaves_no_trace);
})
