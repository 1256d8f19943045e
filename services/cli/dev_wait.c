#include "services/cli/dev_wait.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "common/clock.h"
#include "services/cli/ask.h"
#include "services/cli/process.h"
#include "services/cli/watcher_client.h"

#define PAUSE_MS 100u
#define STATUS_TIMEOUT_MS 1000u

struct node_sight {
    bool is_wanted;
    bool is_up;         /* its validator */
    bool are_others_up; /* its other services, but those somebody stopped */
    bool is_healthy;
    uint64_t height;
    char word[64]; /* for the progress line */
};

static void pause_a_little(void)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static enum apm_err given_up(const struct cluster_node *node, const json_t *service,
                             struct complaint *complaint)
{
    char path[CLUSTER_PATH_MAX + 64], tail[700];
    (void)snprintf(path, sizeof(path), "%s/log/%.40s.log", node->dir, text_of(service, "service"));
    process_log_tail(path, 4, tail, sizeof(tail));
    (void)complain(complaint, APM_ERR_UNHEALTHY, "%s: %s is %s (%s); its log ends:\n%s", node->name,
                   text_of(service, "service"), text_of(service, "state"),
                   text_of(service, "last_exit"), tail);
    complain_hint(complaint, "apm2 dev logs %s; then apm2 dev restart %s", node->name, node->name);
    return APM_ERR_UNHEALTHY;
}

/* What the watcher sees of one node. */
static enum apm_err look_at_processes(const struct cluster_node *node, const json_t *entry,
                                      struct node_sight *sight, struct complaint *complaint)
{
    size_t i = 0;
    json_t *service = NULL;
    *sight = (struct node_sight){.is_wanted = strcmp(text_of(entry, "want"), "down") != 0,
                                 .are_others_up = true};
    (void)snprintf(sight->word, sizeof(sight->word), "starting");
    json_array_foreach(json_object_get(entry, "services"), i, service)
    {
        const char *state = text_of(service, "state");
        if (strcmp(state, "failed") == 0 || strcmp(state, "fenced") == 0)
            return given_up(node, service, complaint);
        if (strcmp(text_of(service, "service"), "consensus") == 0)
            sight->is_up = strcmp(state, "up") == 0;
        else if (strcmp(state, "starting") == 0 || strcmp(state, "waiting") == 0 ||
                 strcmp(state, "hung") == 0)
            sight->are_others_up = false;
    }
    return APM_OK;
}

/* What it says itself. */
static void look_at_health(const struct cluster_node *node, struct node_sight *sight)
{
    const struct question question = {.verb = "status", .timeout_ms = STATUS_TIMEOUT_MS};
    struct complaint ignored = {0};
    json_t *status = NULL;
    if (!sight->is_up || ask_one(node, &question, &status, &ignored) != APM_OK)
        return;
    const char *health = text_of(status, "health");
    sight->is_healthy = strcmp(health, "healthy") == 0;
    sight->height = (uint64_t)json_integer_value(json_object_get(status, "height"));
    (void)snprintf(sight->word, sizeof(sight->word), "%s at %llu%s", health,
                   (unsigned long long)sight->height,
                   sight->are_others_up ? "" : ", services starting");
    json_decref(status);
}

static bool are_well(const struct node_sight *sights, uint32_t n)
{
    uint64_t height = 0;
    bool has_height = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!sights[i].is_wanted)
            continue;
        if (!sights[i].is_healthy || !sights[i].are_others_up ||
            (has_height && sights[i].height != height))
            return false;
        height = sights[i].height;
        has_height = true;
    }
    return true;
}

static void describe(const struct cluster *cluster, const struct node_sight *sights, char *out,
                     size_t capacity)
{
    size_t size = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < cluster->n && size < capacity; i++) {
        if (!sights[i].is_wanted)
            continue;
        int n = snprintf(out + size, capacity - size, "%s%s %s", size > 0 ? ", " : "",
                         cluster->nodes[i].name, sights[i].word);
        size += n > 0 ? (size_t)n : 0;
    }
}

static enum apm_err look(const struct cluster *cluster, struct node_sight *sights,
                         struct complaint *complaint)
{
    json_t *state = NULL;
    enum apm_err err = watcher_ask(cluster->dir, "status", NULL, &state, complaint);
    const json_t *nodes = json_object_get(state, "nodes");
    for (uint32_t i = 0; err == APM_OK && i < cluster->n; i++) {
        err =
            look_at_processes(&cluster->nodes[i], json_array_get(nodes, i), &sights[i], complaint);
        if (err == APM_OK)
            look_at_health(&cluster->nodes[i], &sights[i]);
    }
    json_decref(state);
    return err;
}

enum apm_err dev_wait_healthy(const struct cluster *cluster, uint64_t timeout_ms,
                              struct complaint *ret_complaint)
{
    struct node_sight sights[VALIDATORS_MAX];
    char line[480], last[480] = "";
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    for (;;) {
        enum apm_err err = look(cluster, sights, ret_complaint);
        if (err != APM_OK)
            return err;
        describe(cluster, sights, line, sizeof(line));
        if (strcmp(line, last) != 0)
            say_progress("%s", line);
        memcpy(last, line, sizeof(last));
        if (are_well(sights, cluster->n)) {
            say_progress_end();
            return APM_OK;
        }
        if (clock_mono_ms() > deadline_ms) {
            say_progress_end();
            (void)complain(ret_complaint, APM_ERR_UNHEALTHY, "not healthy after %llu s: %s",
                           (unsigned long long)(timeout_ms / 1000), line);
            complain_hint(ret_complaint, "apm2 dev status; apm2 dev logs");
            return APM_ERR_UNHEALTHY;
        }
        pause_a_little();
    }
}

static bool is_named(const struct invocation *names, const char *name)
{
    for (uint32_t i = 0; i < names->n_args; i++) {
        if (strcmp(names->args[i], name) == 0)
            return true;
    }
    return names->n_args == 0;
}

static bool has_process(const json_t *node)
{
    size_t i = 0;
    json_t *service = NULL;
    json_array_foreach(json_object_get(node, "services"), i, service)
    {
        if (json_integer_value(json_object_get(service, "pid")) != 0)
            return true;
    }
    return false;
}

static bool are_down(const char *dir, const struct invocation *names)
{
    struct complaint ignored = {0};
    json_t *state = NULL, *node = NULL;
    size_t i = 0;
    bool down = true;
    if (names->n_args == 0)
        return !watcher_is_running(dir);
    if (watcher_ask(dir, "status", NULL, &state, &ignored) != APM_OK)
        return true;
    json_array_foreach(json_object_get(state, "nodes"), i, node)
    {
        if (is_named(names, text_of(node, "name")) && has_process(node))
            down = false;
    }
    json_decref(state);
    return down;
}

enum apm_err dev_wait_down(const char *dir, const struct invocation *names, uint64_t timeout_ms,
                           struct complaint *ret_complaint)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    while (!are_down(dir, names)) {
        if (clock_mono_ms() > deadline_ms) {
            (void)complain(ret_complaint, APM_ERR_TIMED_OUT, "not down after %llu s",
                           (unsigned long long)(timeout_ms / 1000));
            complain_hint(ret_complaint, "apm2 dev status");
            return APM_ERR_TIMED_OUT;
        }
        pause_a_little();
    }
    return APM_OK;
}
