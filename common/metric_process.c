#include "common/metric_family.h"
#include "common/must.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The second number of statm: resident pages. */
static uint64_t resident_bytes(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm == NULL) {
        return 0;
    }
    unsigned long long total = 0;
    unsigned long long resident = 0;
    int n = fscanf(statm, "%llu %llu", &total, &resident);
    (void)fclose(statm);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return 0;
    }
    uint64_t n = 0;
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

struct metric_process metric_process_of(const struct metrics *metrics)
{
    struct metric_process process = metrics->process;
    if (!metrics->is_loaded) {
        (void)snprintf(process.version, sizeof(process.version), "%s", APM2_VERSION);
        process.cpu_seconds = cpu_seconds();
        process.resident_bytes = resident_bytes();
        process.open_fds = open_descriptors();
    }
    return process;
}

/* A row of what is printed of each process. */
struct process_row {
    const char *family; /* OpenMetrics names a counter without its _total */
    const char *sample;
    const char *type;
    const char *help;
    double (*value)(const struct metric_process *process);
};

static double value_cpu(const struct metric_process *process)
{
    return process->cpu_seconds;
}

static double value_resident(const struct metric_process *process)
{
    return (double)process->resident_bytes;
}

static double value_fds(const struct metric_process *process)
{
    return (double)process->open_fds;
}

static double value_start(const struct metric_process *process)
{
    return process->start_time_seconds;
}

static const struct process_row process_rows[] = {
    {"process_cpu_seconds", "process_cpu_seconds_total", "counter",
     "User and system time of a process.", value_cpu},
    {"process_resident_memory_bytes", "process_resident_memory_bytes", "gauge", "Memory in use.",
     value_resident},
    {"process_open_fds", "process_open_fds", "gauge", "Open descriptors.", value_fds},
    {"process_start_time_seconds", "process_start_time_seconds", "gauge",
     "When the process began, since 1970.", value_start},
};

static void print_head(const char *name, const char *type, const char *help, struct buf *ret_text)
{
    buf_printf(ret_text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static bool is_shown(const struct metrics *metrics)
{
    return (metrics->shown & CONF_SET_ALL) != 0;
}

static void print_build(const struct metrics *const *parts, const struct metric_process *processes,
                        size_t n, struct buf *ret_text)
{
    print_head("apm2_build_info", "gauge", "1; the labels say what is running.", ret_text);
    for (size_t i = 0; i < n; i++) {
        if (is_shown(parts[i])) {
            buf_printf(ret_text,
                       "apm2_build_info{node_id=\"%s\",service=\"%s\",version=\"%s\"} 1\n",
                       parts[i]->node, parts[i]->service, processes[i].version);
        }
    }
}

void metric_print_processes(const struct metrics *const *parts, size_t n, enum metric_format format,
                            struct buf *ret_text)
{
    struct metric_process processes[METRIC_PARTS_MAX];
    MUST(n <= METRIC_PARTS_MAX);
    for (size_t i = 0; i < n; i++) {
        processes[i] = metric_process_of(parts[i]);
    }
    print_build(parts, processes, n, ret_text);
    for (size_t row = 0; row < N_ELEMENTS(process_rows); row++) {
        const struct process_row *r = &process_rows[row];
        bool is_open = format == METRIC_FORMAT_OPENMETRICS;
        print_head(is_open ? r->family : r->sample, r->type, r->help, ret_text);
        for (size_t i = 0; i < n; i++) {
            if (is_shown(parts[i])) {
                buf_printf(ret_text, "%s{node_id=\"%s\",service=\"%s\"} %.15g\n", r->sample,
                           parts[i]->node, parts[i]->service, r->value(&processes[i]));
            }
        }
    }
}
