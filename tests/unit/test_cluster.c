/* The files that say which clusters there are, and what may be thrown away. */
#include "tests/support/unit.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cli/confirm.h"
#include "services/cli/contexts.h"
#include "services/cli/dev_create.h"
#include "services/cli/dev_ports.h"

static char dir[64];
static struct complaint complaint;

static void setup(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/apm2-test-cluster-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", dir, 1), 0);
    ck_assert_int_eq(setenv("XDG_STATE_HOME", dir, 1), 0);
    (void)unsetenv("APM2_CLUSTER");
}

static void teardown(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static struct cluster a_cluster(const char *name)
{
    struct cluster cluster = {.n = 2, .name = "", .net = "127.0.10"};
    (void)snprintf(cluster.name, sizeof(cluster.name), "%s", name);
    (void)snprintf(cluster.dir, sizeof(cluster.dir), "%s/%s", dir, name);
    (void)snprintf(cluster.genesis, sizeof(cluster.genesis), "%s/%s/genesis.json", dir, name);
    for (uint32_t i = 0; i < cluster.n; i++) {
        (void)snprintf(cluster.nodes[i].name, sizeof(cluster.nodes[i].name), "n%u", i + 1);
        (void)snprintf(cluster.nodes[i].address, sizeof(cluster.nodes[i].address), "127.0.10.%u",
                       i + 1);
    }
    ck_assert_int_eq(mkdir(cluster.dir, 0700), 0);
    ck_assert_int_eq(cluster_write(&cluster, &complaint), APM_OK);
    return cluster;
}

START_TEST(what_is_written_is_read)
{
    struct cluster cluster = a_cluster("one"), got;
    ck_assert_int_eq(cluster_read(cluster.dir, &got, &complaint), APM_OK);
    ck_assert_str_eq(got.name, "one");
    ck_assert_str_eq(got.genesis, cluster.genesis);
    ck_assert_str_eq(got.postgres_user, "");
    ck_assert_uint_eq(got.n, 2);
    ck_assert_str_eq(got.nodes[1].address, "127.0.10.2");
    ck_assert_uint_eq(cluster_index_of(&got, "n2"), 1);
    ck_assert_uint_eq(cluster_index_of(&got, "n3"), got.n);
    ck_assert_int_eq(cluster_no_node(&got, "n3", &complaint), APM_ERR_USAGE);
    ck_assert_str_eq(complaint.message, "no node \"n3\" in cluster one; there are n1, n2");
}
END_TEST

START_TEST(a_broken_file_is_named)
{
    struct cluster cluster = a_cluster("one"), got;
    char path[CLUSTER_PATH_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s/cluster.json", cluster.dir);
    ck_assert_int_eq(truncate(path, 20), 0);
    ck_assert_int_eq(cluster_read(cluster.dir, &got, &complaint), APM_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(complaint.message, path));
}
END_TEST

/* A test's cluster does not take over, unless nothing else is there. */
START_TEST(the_current_context_stays)
{
    struct cluster one = a_cluster("one"), two = a_cluster("two");
    char found[CLUSTER_PATH_MAX], path[CLUSTER_PATH_MAX + 16];
    ck_assert(contexts_note(one.name, one.dir, false));
    ck_assert(!contexts_note(two.name, two.dir, false));
    ck_assert(contexts_current(found));
    ck_assert_str_eq(found, one.dir);
    ck_assert(contexts_find("two", found));
    ck_assert_str_eq(found, two.dir);
    ck_assert(!contexts_find("three", found));

    (void)snprintf(path, sizeof(path), "%s/cluster.json", one.dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(contexts_note(two.name, two.dir, false));
    ck_assert(contexts_note(one.name, one.dir, true));
}
END_TEST

START_TEST(a_cluster_is_found_by_name_directory_and_default)
{
    struct cluster one = a_cluster("one"), two = a_cluster("two"), got;
    ck_assert(contexts_note(one.name, one.dir, true));
    ck_assert(!contexts_note(two.name, two.dir, false));
    struct invocation invocation = {0};
    ck_assert_int_eq(cluster_open(&invocation, &got, &complaint), APM_OK);
    ck_assert_str_eq(got.name, "one");
    invocation.option[OPTION_cluster] = "two";
    ck_assert_int_eq(cluster_open(&invocation, &got, &complaint), APM_OK);
    ck_assert_str_eq(got.name, "two");
    invocation.option[OPTION_cluster] = one.dir;
    ck_assert_int_eq(cluster_open(&invocation, &got, &complaint), APM_OK);
    ck_assert_str_eq(got.name, "one");
    invocation.option[OPTION_cluster] = "nobody";
    ck_assert_int_eq(cluster_open(&invocation, &got, &complaint), APM_ERR_NOT_FOUND);
    ck_assert(complaint.hint[0] != 0);
}
END_TEST

static void put(const char *name, bool is_dir)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(is_dir ? mkdir(path, 0700) : mknod(path, S_IFREG | 0600, 0), 0);
}

START_TEST(only_our_own_is_removed)
{
    put("cluster.json", false);
    put("n1", true);
    put("n1/anything", false);
    put("letters.txt", false);
    ck_assert_int_eq(dev_remove(dir, &complaint), APM_ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(complaint.message, "letters.txt"));
    char path[192];
    (void)snprintf(path, sizeof(path), "%s/n1/anything", dir);
    ck_assert_int_eq(access(path, F_OK), 0);

    (void)snprintf(path, sizeof(path), "%s/letters.txt", dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(dev_remove(dir, &complaint), APM_OK);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(dev_remove(dir, &complaint), APM_OK); /* nothing there: nothing to do */
    ck_assert_int_eq(mkdir(dir, 0700), 0);
}
END_TEST

/* A link in our place leads elsewhere: the link goes, what it points to stays. */
START_TEST(links_are_not_followed)
{
    char link[192], kept[192];
    put("n2", true);
    put("n2/kept", false);
    (void)snprintf(kept, sizeof(kept), "%s/n2", dir);
    char inner[128];
    (void)snprintf(inner, sizeof(inner), "%s/n9", dir);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    (void)snprintf(link, sizeof(link), "%s/n1", inner);
    ck_assert_int_eq(symlink(kept, link), 0);
    ck_assert_int_eq(dev_remove(inner, &complaint), APM_OK);
    (void)snprintf(kept, sizeof(kept), "%s/n2/kept", dir);
    ck_assert_int_eq(access(kept, F_OK), 0);
}
END_TEST

START_TEST(a_half_made_cluster_holds_no_data)
{
    ck_assert(!dev_holds_data(dir));
    put("genesis.json", false);
    put("n1", true);
    ck_assert(!dev_holds_data(dir));
    put("apm2d.log", false);
    ck_assert(dev_holds_data(dir));
}
END_TEST

/* The standard streams become a terminal on which `typed` was typed. False: a bare chroot
 * has no pseudo-terminals, and without one there is nobody to ask. */
static bool sit_at_a_terminal(const char *typed)
{
    int ours = -1, theirs = -1;
    if (openpty(&ours, &theirs, NULL, NULL, NULL) != 0)
        return false;
    ck_assert_int_ge(dup2(theirs, STDIN_FILENO), 0);
    ck_assert_int_ge(dup2(theirs, STDERR_FILENO), 0);
    ck_assert_int_eq(write(ours, typed, strlen(typed)), (ssize_t)strlen(typed));
    return true;
}

static const struct answer {
    const char *typed; /* NULL = no terminal */
    bool yes, json;
    enum apm_err want;
} answers[] = {
    {NULL, false, false, APM_ERR_USAGE},  {NULL, false, true, APM_ERR_USAGE},
    {NULL, true, false, APM_OK},          {"y\n", false, false, APM_OK},
    {"yes\n", false, false, APM_OK},      {"n\n", false, false, APM_ERR_FAILED},
    {"\n", false, false, APM_ERR_FAILED}, {"yesterday\n", false, false, APM_ERR_FAILED},
    {"y\n", false, true, APM_ERR_USAGE},  {"n\n", true, false, APM_OK},
};

START_TEST(destruction_is_asked_for)
{
    const struct answer *row = &answers[_i];
    struct invocation invocation = {0};
    invocation.option[OPTION_yes] = row->yes ? "" : NULL;
    invocation.option[OPTION_json] = row->json ? "" : NULL;
    ck_assert_int_ge(dup2(open("/dev/null", O_RDONLY), STDIN_FILENO), 0);
    if (row->typed != NULL && !sit_at_a_terminal(row->typed)) {
        (void)fprintf(stderr, "skipped: no pseudo-terminals here\n");
        return;
    }
    ck_assert_int_eq(confirm(&invocation, "this destroys all", &complaint), row->want);
    if (row->want == APM_ERR_USAGE)
        ck_assert_ptr_nonnull(strstr(complaint.hint, "--yes"));
}
END_TEST

START_TEST(nets_are_loopback)
{
    ck_assert(dev_net_is_valid("127.0.10"));
    ck_assert(dev_net_is_valid("127.255.0"));
    ck_assert(!dev_net_is_valid("10.0.0"));
    ck_assert(!dev_net_is_valid("127.0"));
    ck_assert(!dev_net_is_valid("127.0.256"));
    ck_assert(!dev_net_is_valid("127.0.10.1"));
    ck_assert(!dev_net_is_valid(""));
}
END_TEST

UNIT_MAIN("cluster", setup, teardown, {
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_broken_file_is_named);
    tcase_add_test(tc, the_current_context_stays);
    tcase_add_test(tc, a_cluster_is_found_by_name_directory_and_default);
    tcase_add_test(tc, only_our_own_is_removed);
    tcase_add_test(tc, links_are_not_followed);
    tcase_add_test(tc, a_half_made_cluster_holds_no_data);
    tcase_add_loop_test(tc, destruction_is_asked_for, 0, N_ELEMENTS(answers));
    tcase_add_test(tc, nets_are_loopback);
})
