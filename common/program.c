#include "common/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ids.h"

const char *node_service_name(enum node_service service)
{
#define NODE_SERVICE_TEXT(NAME, name, purpose) name,
    static const char *const names[] = {NODE_SERVICES(NODE_SERVICE_TEXT)};
#undef NODE_SERVICE_TEXT
    return names[service];
}

enum node_service node_service_find(const char *name)
{
    enum node_service service = 0;
    const char *short_name = strncmp(name, "apm2-", 5) == 0 ? name + 5 : name;
    while (service < NODE_SERVICE_END && strcmp(node_service_name(service), short_name) != 0)
        service++;
    return service;
}

static bool own_dir(char out[PROGRAM_PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PROGRAM_PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return false;
    *slash = 0;
    return true;
}

bool program_find(const char *room, const char *name, char ret_path[PROGRAM_PATH_MAX])
{
    static const char *const places[] = {"", "/../sbin", "/../libexec/apm2", "/../lib/apm2"};
    char dir[PROGRAM_PATH_MAX], path[3 * PROGRAM_PATH_MAX];
    bool found = false;
    if (!own_dir(dir))
        return false;
    for (size_t i = 0; i < N_ELEMENTS(places) && !found; i++) {
        (void)snprintf(path, sizeof(path), "%s%s/%s", dir, places[i], name);
        found = access(path, X_OK) == 0;
    }
    if (!found) {
        (void)snprintf(path, sizeof(path), "%s/../%s/%s", dir, room, name);
        found = access(path, X_OK) == 0;
    }
    char *plain = found ? realpath(path, NULL) : NULL;
    bool fits = plain != NULL && strlen(plain) < PROGRAM_PATH_MAX;
    if (fits)
        memcpy(ret_path, plain, strlen(plain) + 1);
    free(plain);
    return fits;
}
