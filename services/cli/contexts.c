#include "services/cli/contexts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/file.h"

static bool directory(char out[CLUSTER_PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;
    if (config != NULL && config[0] == '/')
        n = snprintf(out, CLUSTER_PATH_MAX, "%s/apm2", config);
    else if (home != NULL && home[0] == '/')
        n = snprintf(out, CLUSTER_PATH_MAX, "%s/.config/apm2", home);
    return n > 0 && n < (int)CLUSTER_PATH_MAX;
}

const char *contexts_path(void)
{
    return "~/.config/apm2/contexts.json";
}

static bool file_path(char out[CLUSTER_PATH_MAX + 16])
{
    char dir[CLUSTER_PATH_MAX];
    return directory(dir) && snprintf(out, CLUSTER_PATH_MAX + 16, "%s/contexts.json", dir) > 0;
}

static json_t *load(void)
{
    char path[CLUSTER_PATH_MAX + 16];
    json_t *file = file_path(path) ? json_load_file(path, 0, NULL) : NULL;
    return file;
}

static bool copy_dir(const json_t *dir, char ret_dir[CLUSTER_PATH_MAX])
{
    const char *text = json_string_value(dir);
    if (text == NULL || strlen(text) >= CLUSTER_PATH_MAX)
        return false;
    memcpy(ret_dir, text, strlen(text) + 1);
    return true;
}

bool contexts_find(const char *name, char ret_dir[CLUSTER_PATH_MAX])
{
    json_t *file = load();
    bool found = copy_dir(json_object_get(json_object_get(file, "clusters"), name), ret_dir);
    json_decref(file);
    return found;
}

bool contexts_current(char ret_dir[CLUSTER_PATH_MAX])
{
    json_t *file = load();
    const char *name = json_string_value(json_object_get(file, "current"));
    bool found =
        name != NULL && copy_dir(json_object_get(json_object_get(file, "clusters"), name), ret_dir);
    json_decref(file);
    return found;
}

static bool is_current_gone(void)
{
    char dir[CLUSTER_PATH_MAX], path[CLUSTER_PATH_MAX + 16];
    if (!contexts_current(dir))
        return true;
    (void)snprintf(path, sizeof(path), "%s/cluster.json", dir);
    return access(path, F_OK) != 0;
}

static json_t *load_or_begin(void)
{
    json_t *file = load();
    if (!json_is_object(file)) {
        json_decref(file);
        file = json_object();
    }
    if (!json_is_object(json_object_get(file, "clusters")))
        (void)json_object_set_new(file, "clusters", json_object());
    return file;
}

bool contexts_note(const char *name, const char *dir, bool make_current)
{
    char path[CLUSTER_PATH_MAX + 16], folder[CLUSTER_PATH_MAX], current[CLUSTER_PATH_MAX];
    if (!directory(folder) || !file_path(path) || file_make_dirs(folder) != APM_OK)
        return false;
    json_t *file = load_or_begin();
    (void)json_object_set_new(json_object_get(file, "clusters"), name, json_string(dir));
    if (make_current || is_current_gone())
        (void)json_object_set_new(file, "current", json_string(name));

    char *text = json_dumps(file, JSON_INDENT(2));
    json_decref(file);
    enum apm_err err = text != NULL ? file_replace(path, span_of(text, strlen(text))) : APM_ERR_IO;
    free(text);
    return err == APM_OK && contexts_current(current) && strcmp(current, dir) == 0;
}
