#include "services/cli/dev_create.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRS_MAX 16

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Never through a symbolic link, never onto another file system. */
static bool remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT;
    return nftw(path, remove_one, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0;
}

/* "n1" to "n64" */
static bool is_node_name(const char *name)
{
    size_t n = strlen(name);
    return name[0] == 'n' && n >= 2 && n <= 3 && strspn(name + 1, "0123456789") == n - 1;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {
        "cluster.json", "cluster.json.tmp", "genesis.json", "operator.pem", "t0",
        "apm2d.lock",   "apm2d.sock",       "apm2d.notify", "apm2d.log",    "apm2d.log.1",
    };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return is_node_name(name);
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The first entry that dev_create would not have made, or "". */
static void find_stranger(DIR *dir, char out[256])
{
    out[0] = 0;
    rewinddir(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (is_dot(entry->d_name) || is_ours(entry->d_name))
            continue;
        (void)snprintf(out, 256, "%s", entry->d_name);
        return;
    }
}

static enum apm_err remove_all(DIR *dir, const char *path, struct complaint *complaint)
{
    rewinddir(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char child[CLUSTER_PATH_MAX + 260];
        if (is_dot(entry->d_name))
            continue;
        (void)snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        if (!remove_tree(child))
            return complain(complaint, APM_ERR_IO, "cannot remove %s: %m", child);
    }
    return APM_OK;
}

bool dev_holds_data(const char *dir)
{
    /* The one names a finished cluster, the other is there once it has run. */
    static const char *const signs[] = {"cluster.json", "apm2d.log"};
    for (size_t i = 0; i < N_ELEMENTS(signs); i++) {
        char path[CLUSTER_PATH_MAX + 16];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, signs[i]);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

enum apm_err dev_remove(const char *dir, struct complaint *ret_complaint)
{
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL && errno == ENOENT)
        return APM_OK;
    if (open_dir == NULL)
        return complain(ret_complaint, APM_ERR_DENIED, "cannot read %s: %m", dir);

    char stranger[256];
    enum apm_err err = APM_OK;
    find_stranger(open_dir, stranger);
    if (stranger[0] != 0) {
        err = complain(ret_complaint, APM_ERR_USAGE,
                       "%s holds \"%s\", which is no part of a development cluster", dir, stranger);
        complain_hint(ret_complaint, "name an empty or new directory with --dir");
    } else {
        err = remove_all(open_dir, dir, ret_complaint);
    }
    (void)closedir(open_dir);
    return err;
}
