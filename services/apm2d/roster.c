#include "services/apm2d/roster.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/must.h"

#define STRINGS_MAX (VALIDATORS_MAX * 24u)

struct roster {
    uint32_t n;
    struct roster_node nodes[VALIDATORS_MAX];
    char *strings[STRINGS_MAX];
    uint32_t n_strings;
};

struct roster *roster_new(void)
{
    return mem_new(1, sizeof(struct roster));
}

void roster_destroy(struct roster **roster)
{
    if (*roster == NULL)
        return;
    for (uint32_t i = 0; i < (*roster)->n_strings; i++)
        free((*roster)->strings[i]);
    free(*roster);
    *roster = NULL;
}

const char *roster_keep(struct roster *roster, const char *a, const char *b)
{
    MUST(roster->n_strings < STRINGS_MAX);
    char *text = mem_printf("%s%s", a, b);
    roster->strings[roster->n_strings++] = text;
    return text;
}

struct roster_node *roster_add(struct roster *roster, const char *name)
{
    MUST(roster->n < VALIDATORS_MAX);
    struct roster_node *node = &roster->nodes[roster->n++];
    node->name = roster_keep(roster, name, "");
    return node;
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

static bool is_given_up(const struct child *child)
{
    return child->life.state == LIFE_FAILED || child->life.state == LIFE_FENCED;
}

static bool is_node_down(const struct roster_node *node)
{
    for (uint32_t i = 0; i < CHILDREN_N; i++) {
        if (!life_is_down(&node->children[i].life))
            return false;
    }
    return true;
}

static bool are_services_down(const struct roster_node *node)
{
    for (uint32_t i = CHILD_MIGRATE; i < CHILDREN_N; i++) {
        if (!life_is_down(&node->children[i].life))
            return false;
    }
    return true;
}

void roster_want(struct roster_node *node, enum node_want want)
{
    node->want = want;
    for (uint32_t i = 0; i < CHILDREN_N; i++) {
        struct child *child = &node->children[i];
        child->is_held = false;
        if (is_given_up(child))
            child->life.state = LIFE_STOPPED;
    }
}

/* Its database's schema is there, or is somebody else's business. */
static bool may_run_services(const struct roster_node *node)
{
    const struct child *migrate = &node->children[CHILD_MIGRATE];
    return !child_exists(migrate) || migrate->life.state == LIFE_DONE;
}

enum apm_err roster_want_service(struct roster_node *node, enum node_service service,
                                 enum node_want want, uint64_t now_ms)
{
    struct child *child = &node->children[CHILD_SERVICES + service];
    if (node->want != WANT_UP)
        return APM_ERR_REJECTED;
    child->is_held = want == WANT_DOWN;
    if (want == WANT_DOWN)
        child_stop(child, now_ms);
    else if (!may_run_services(node))
        return APM_OK; /* with the others, as soon as they may */
    else if (want == WANT_UP)
        child_start(child, now_ms);
    else
        child_restart(child, now_ms);
    return APM_OK;
}

static void start_if_stopped(struct child *child, uint64_t now_ms)
{
    if (child_exists(child) && child->life.state == LIFE_STOPPED && !child->is_held)
        child_start(child, now_ms);
}

static void bring_up(struct roster_node *node, uint64_t now_ms)
{
    start_if_stopped(&node->children[CHILD_POSTGRES], now_ms);
    /* Waits for the database itself, however long its recovery takes. */
    start_if_stopped(&node->children[CHILD_MIGRATE], now_ms);
    for (uint32_t i = CHILD_SERVICES; i < CHILDREN_N && may_run_services(node); i++)
        start_if_stopped(&node->children[i], now_ms);
}

static void bring_down(struct roster_node *node, uint64_t now_ms)
{
    for (uint32_t i = CHILD_MIGRATE; i < CHILDREN_N; i++)
        child_stop(&node->children[i], now_ms);
    if (are_services_down(node))
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

void roster_heard(struct roster *roster, pid_t pid, const char *words, uint64_t now_ms)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        for (uint32_t j = 0; j < CHILDREN_N; j++) {
            struct child *child = &roster->nodes[i].children[j];
            if (life_has_process(&child->life) && child->pid == pid)
                child_said(child, words, now_ms);
        }
    }
}

void roster_reload(const struct roster *roster)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        for (uint32_t j = 0; j < CHILDREN_N; j++)
            child_reload(&roster->nodes[i].children[j]);
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

static void look_at(const struct roster_node *node, const struct child *child, uint64_t now_ms,
                    struct roster_sight *sight)
{
    bool is_up = child->life.state == LIFE_UP;
    bool is_wanted = node->want == WANT_UP && !child->is_held;
    sight->n_services++;
    sight->n_up += is_up;
    if (is_wanted && !is_up && !is_given_up(child))
        sight->is_settled = false;
    if (life_is_overdue(&child->life, now_ms))
        sight->is_overdue = true;
}

struct roster_sight roster_look(const struct roster *roster, uint64_t now_ms)
{
    struct roster_sight sight = {.is_settled = true, .status = ""};
    for (uint32_t i = 0; i < roster->n; i++) {
        const struct roster_node *node = &roster->nodes[i];
        const struct child *consensus =
            &node->children[(uint32_t)CHILD_SERVICES + NODE_SERVICE_CONSENSUS];
        for (uint32_t j = CHILD_SERVICES; j < CHILDREN_N; j++)
            look_at(node, &node->children[j], now_ms, &sight);
        if (sight.status[0] == 0)
            sight.status = consensus->status;
    }
    return sight;
}

static bool is_amiss(const struct child *child, bool is_ending)
{
    return is_ending ? life_has_process(&child->life) : child->life.state != LIFE_UP;
}

void roster_list_amiss(const struct roster *roster, bool is_ending, struct buf *ret_text)
{
    for (uint32_t i = 0; i < roster->n; i++) {
        for (uint32_t j = is_ending ? CHILD_POSTGRES : CHILD_SERVICES; j < CHILDREN_N; j++) {
            const struct child *child = &roster->nodes[i].children[j];
            if (child_exists(child) && is_amiss(child, is_ending))
                (void)buf_printf(ret_text, "%s%s/%s %s", ret_text->size > 0 ? ", " : "",
                                 child->node, child->service, life_state_text(child->life.state));
        }
    }
}
