#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/program.h"
#include "services/cli/parse_value.h"
#include "services/cli/process.h"
#include "services/cli/cluster.h"

#define FOLLOW_PAUSE_NS 200000000L
#define CHUNK_BYTES (64u * KIB)
#define LOGS_MAX ((NODE_SERVICE_END + 2u) * VALIDATORS_MAX)

struct log_file {
    char path[CLUSTER_PATH_MAX + 32];
    const char *node;
    const char *service;
    off_t at; /* what is before it was printed */
};

static void print_lines(const struct log_file *log, const char *text, bool has_colour)
{
    static const char *const colours[] = {"\033[36m", "\033[33m", "\033[32m", "\033[35m"};
    unsigned node = (unsigned)(log->node[1] - '1') % N_ELEMENTS(colours);
    while (*text != 0) {
        size_t n = strcspn(text, "\n");
        (void)printf("%s%-3s %-17s |%s %.*s\n", has_colour ? colours[node] : "", log->node,
                     log->service, has_colour ? "\033[0m" : "", (int)n, text);
        text += n;
        text += *text == '\n';
    }
}

static void print_tail(struct log_file *log, uint32_t n_lines, char *chunk, bool has_colour)
{
    struct stat info;
    log->at = stat(log->path, &info) == 0 ? info.st_size : 0;
    process_log_tail(log->path, n_lines, chunk, CHUNK_BYTES);
    print_lines(log, chunk, has_colour);
}

/* Whole lines only; the rest waits for its end. */
static void print_new(struct log_file *log, char *chunk, bool has_colour)
{
    int fd = open(log->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < log->at)
        log->at = 0; /* a new file after rotation */
    ssize_t n = pread(fd, chunk, CHUNK_BYTES - 1, log->at);
    (void)close(fd);
    while (n > 0 && chunk[n - 1] != '\n' && n < (ssize_t)CHUNK_BYTES - 1)
        n--;
    if (n <= 0)
        return;
    chunk[n] = 0;
    log->at += n;
    print_lines(log, chunk, has_colour);
}

/* What the words on the line may name beside nodes: a file <node>/log/<name>.log each. */
static const char *log_name(uint32_t i)
{
    if (i < NODE_SERVICE_END)
        return node_service_name(i);
    return i == NODE_SERVICE_END ? "migrate" : "postgresql";
}

#define LOG_NAMES (NODE_SERVICE_END + 2u)

static bool is_log_name(const char *word)
{
    uint32_t i = 0;
    while (i < LOG_NAMES && strcmp(log_name(i), word) != 0)
        i++;
    return i < LOG_NAMES;
}

/* Words of one kind choose among it; without any of that kind all are meant. */
static bool is_chosen(const struct invocation *words, const char *name, bool is_log)
{
    bool has_kind = false;
    for (uint32_t i = 0; i < words->n_args; i++) {
        if (strcmp(words->args[i], name) == 0)
            return true;
        has_kind |= is_log_name(words->args[i]) == is_log;
    }
    return !has_kind;
}

static uint32_t list_logs(const struct invocation *invocation, const struct cluster *cluster,
                          struct log_file *logs)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < cluster->n; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        for (uint32_t j = 0; j < LOG_NAMES && is_chosen(invocation, node->name, false); j++) {
            if (!is_chosen(invocation, log_name(j), true))
                continue;
            logs[n] = (struct log_file){.node = node->name, .service = log_name(j)};
            (void)snprintf(logs[n].path, sizeof(logs[n].path), "%s/log/%s.log", node->dir,
                           log_name(j));
            n++;
        }
    }
    return n;
}

/* Until Ctrl-C or a closed pipe. */
_Noreturn static void follow(struct log_file *logs, uint32_t n, char *chunk, bool has_colour)
{
    const struct timespec pause = {0, FOLLOW_PAUSE_NS};
    for (;;) {
        for (uint32_t i = 0; i < n; i++)
            print_new(&logs[i], chunk, has_colour);
        if (fflush(stdout) != 0)
            exit(0);
        (void)nanosleep(&pause, NULL);
    }
}

int cmd_dev_logs(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct cluster cluster;
    char dir[CLUSTER_PATH_MAX];
    uint64_t n_lines = 20;

    enum apm_err err = cluster_dev_dir(invocation, dir, &complaint);
    if (err == APM_OK)
        err = parse_u64(invocation, OPTION_lines, (struct bounds){0, 10000}, &n_lines, &complaint);
    if (err == APM_OK)
        err = cluster_read(dir, &cluster, &complaint);
    for (uint32_t i = 0; err == APM_OK && i < invocation->n_args; i++) {
        const char *word = invocation->args[i];
        if (!is_log_name(word) && cluster_index_of(&cluster, word) == cluster.n) {
            err = cluster_no_node(&cluster, word, &complaint);
            complain_hint(&complaint, "or name a service: apm2 dev logs n1 consensus");
        }
    }
    if (err != APM_OK)
        return say_complaint(invocation, &complaint);

    struct log_file *logs = mem_new(LOGS_MAX, sizeof(*logs));
    char *chunk = mem_new(1, CHUNK_BYTES);
    uint32_t n = list_logs(invocation, &cluster, logs);
    bool has_colour = say_has_colour(invocation);
    for (uint32_t i = 0; i < n; i++)
        print_tail(&logs[i], (uint32_t)n_lines, chunk, has_colour);
    if (has_option(invocation, OPTION_follow))
        follow(logs, n, chunk, has_colour);
    free(chunk);
    free(logs);
    return 0;
}
