#include "services/apm2d/roster.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/mem.h"
#include "common/clock.h"
#include "common/must.h"

#define CONSENSUS_GRACE_MS 15000u
#define POSTGRES_GRACE_MS 20000u
#define MIGRATE_GRACE_MS 5000u

struct roster {
    json_t *file; /* owns the strings read from it */
    uint32_t n;
    struct roster_node nodes[VALIDATORS_MAX];
    char *strings[VALIDATORS_MAX * 8u]; /* made here */
    uint32_t n_strings;
};

static const char *keep(struct roster *roster, const char *a, const char *b)
{
    char *text = NULL;
    MUST(roster->n_strings < N_ELEMENTS(roster->strings));
    MUST(asprintf(&text, "%s%s", a, b) >= 0);
    roster->strings[roster->n_strings++] = text;
    return text;
}

static void lay_out_postgres(struct roster *roster, struct child *child, const char *dir,
                             const struct roster_programs *programs)
{
    *child = (struct child){
        .service = "postgresql",
        .argv = {programs->postgres, "-D", keep(roster, dir, "/pg")},
        .log_path = keep(roster, dir, "/log/postgresql.log"),
        .stop_signal = SIGINT, /* fast shutdown: sessions are cut, nothing is lost */
        .kill_signal = SIGQUIT,
        .orphan_signal = SIGINT,
        .grace_ms = POSTGRES_GRACE_MS,
    };
}

static void lay_out_node(struct roster *roster, struct roster_node *node, const char *dir,
                         const struct roster_programs *programs)
{
    const char *config = keep(roster, dir, "/apm2.yaml");
    const char *log = keep(roster, dir, "/log/consensus.log");
    lay_out_postgres(roster, &node->children[CHILD_POSTGRES], dir, programs);
    node->children[CHILD_MIGRATE] = (struct child){
        .service = "migrate",
        .argv = {programs->apm2, "db", "migrate", "--config", config, "--timeout", "2m"},
        .log_path = log,
        .stop_signal = SIGTERM,
        .kill_signal = SIGKILL,
        .orphan_signal = SIGTERM,
        .grace_ms = MIGRATE_GRACE_MS,
        .is_one_shot = true,
    };
    node->children[CHILD_CONSENSUS] = (struct child){
        .service = "consensus",
        .argv = {programs->consensus, "--config", config},
        .log_path = log,
        .stop_signal = SIGTERM,
        .kill_signal = SIGKILL,
        .orphan_signal = SIGTERM,
        .grace_ms = CONSENSUS_GRACE_MS,
    };
    for (uint32_t i = 0; i < CHILDREN_N; i++)
        node->children[i].node = node->name;
}

static enum apm_err lay_out(struct roster *roster, const struct roster_programs *programs,
                            struct why *ret_why)
{
    const char *user = json_string_value(json_object_get(roster->file, "postgres_user"));
    json_t *nodes = json_object_get(roster->file, "nodes");
    if (json_array_size(nodes) == 0 || json_array_size(nodes) > VALIDATORS_MAX)
        return explain(ret_why, APM_ERR_CONFIG, "cluster.json: no nodes, or too many");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        json_t *entry = json_array_get(nodes, i);
        struct roster_node *node = &roster->nodes[i];
        const char *dir = json_string_value(json_object_get(entry, "dir"));
        node->name = json_string_value(json_object_get(entry, "name"));
        if (node->name == NULL || dir == NULL)
            return explain(ret_why, APM_ERR_CONFIG, "cluster.json: node %zu lacks name or dir", i);
        lay_out_node(roster, node, dir, programs);
        node->children[CHILD_POSTGRES].user = user;
        roster->n++;
    }
    return APM_OK;
}

enum apm_err roster_read(const char *dir, const struct roster_programs *programs,
                         struct roster **ret_roster, struct why *ret_why)
{
    struct roster *roster = mem_new(1, sizeof(*roster));
    const char *path = keep(roster, dir, "/cluster.json");

    json_error_t error;
    roster->file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    enum apm_err err = roster->file != NULL
                           ? lay_out(roster, programs, ret_why)
                           : explain(ret_why, APM_ERR_CONFIG, "%s: %s", path, error.text);
    if (err != APM_OK)
        roster_destroy(&roster);
    else
        *ret_roster = roster;
    return err;
}

void roster_destroy(struct roster **roster)
{
    if (*roster == NULL)
        return;
    for (uint32_t i = 0; i < (*roster)->n_strings; i++)
        free((*roster)->strings[i]);
    json_decref((*roster)->file);
    free(*roster);
    *roster = NULL;
}

uint32_t roster_n(const struct roster *roster)
{
    return roster->n;
}

struct roster_node *roster_node(struct roster *roster, uint32_t i)
{
    MUST(i < roster->n);
    return &roster->nodes[i];
}

struct roster_node *roster_find(struct roster *roster, const char *name)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        if (strcmp(roster->nodes[i].name, name) == 0)
            return &roster->nodes[i];
    }
    return NULL;
}

static bool is_untouched(const struct child *child)
{
    return child->state == CHILD_STOPPED || child->state == CHILD_DONE;
}

static bool is_node_down(const struct roster_node *node)
{
    for (uint32_t i = 0; i < CHILDREN_N; i++) {
        if (!child_is_down(&node->children[i]))
            return false;
    }
    return true;
}

/* What was given up gets a new chance whenever somebody asks for the node. */
void roster_want(struct roster_node *node, enum node_want want)
{
    node->want = want;
    for (uint32_t i = 0; i < CHILDREN_N; i++) {
        struct child *child = &node->children[i];
        if (child->state == CHILD_FAILED || child->state == CHILD_FENCED)
            child->state = CHILD_STOPPED;
    }
}

static void bring_up(struct roster_node *node, uint64_t now_ms)
{
    struct child *postgres = &node->children[CHILD_POSTGRES];
    struct child *migrate = &node->children[CHILD_MIGRATE];
    struct child *consensus = &node->children[CHILD_CONSENSUS];

    if (is_untouched(postgres))
        child_start(postgres, now_ms);
    /* Waits for the database itself, however long its recovery takes. */
    if (migrate->state == CHILD_STOPPED)
        child_start(migrate, now_ms);
    if (migrate->state == CHILD_DONE && is_untouched(consensus))
        child_start(consensus, now_ms);
}

static void bring_down(struct roster_node *node, uint64_t now_ms)
{
    child_stop(&node->children[CHILD_CONSENSUS], now_ms);
    child_stop(&node->children[CHILD_MIGRATE], now_ms);
    if (child_is_down(&node->children[CHILD_CONSENSUS]) &&
        child_is_down(&node->children[CHILD_MIGRATE]))
        child_stop(&node->children[CHILD_POSTGRES], now_ms);
}

void roster_turn(struct roster *roster, uint64_t now_ms)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        struct roster_node *node = &roster->nodes[i];
        for (uint32_t j = 0; j < CHILDREN_N; j++)
            child_turn(&node->children[j], now_ms);
        if (node->want != WANT_UP)
            bring_down(node, now_ms);
        if (node->want == WANT_RESTART && is_node_down(node))
            node->want = WANT_UP;
        if (node->want == WANT_UP)
            bring_up(node, now_ms);
    }
}

uint64_t roster_deadline_ms(const struct roster *roster)
{
    uint64_t first = CLOCK_NEVER;
    for (uint32_t i = 0; i < roster->n; i++) {
        for (uint32_t j = 0; j < CHILDREN_N; j++) {
            uint64_t deadline = child_deadline_ms(&roster->nodes[i].children[j]);
            first = deadline < first ? deadline : first;
        }
    }
    return first;
}

static void reap_one(struct roster *roster, pid_t pid, int status, uint64_t now_ms)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        for (uint32_t j = 0; j < CHILDREN_N; j++) {
            if (child_exited(&roster->nodes[i].children[j], pid, status, now_ms))
                return;
        }
    }
}

void roster_reap(struct roster *roster, uint64_t now_ms)
{
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            return;
        reap_one(roster, pid, status, now_ms);
    }
}

bool roster_is_down(const struct roster *roster)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        if (!is_node_down(&roster->nodes[i]))
            return false;
    }
    return true;
}
