#include "common/metric_family.h"

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

static void print_row(struct buf *text, const char *name, const char *type, const char *help)
{
    buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_print_process(const char *node, enum metric_format format, struct buf *ret_text)
{
    print_row(ret_text, "apm2_build_info", "gauge", "1; the labels say what is running.");
    buf_printf(ret_text, "apm2_build_info{node_id=\"%s\",version=\"%s\"} 1\n", node, APM2_VERSION);

    bool is_open = format == METRIC_FORMAT_OPENMETRICS;
    print_row(ret_text, is_open ? "process_cpu_seconds" : "process_cpu_seconds_total", "counter",
              "User and system time of this process.");
    buf_printf(ret_text, "process_cpu_seconds_total{node_id=\"%s\"} %.6f\n", node, cpu_seconds());

    print_row(ret_text, "process_resident_memory_bytes", "gauge", "Memory in use.");
    buf_printf(ret_text, "process_resident_memory_bytes{node_id=\"%s\"} %" PRIu64 "\n", node,
               resident_bytes());

    print_row(ret_text, "process_open_fds", "gauge", "Open descriptors.");
    buf_printf(ret_text, "process_open_fds{node_id=\"%s\"} %" PRIu64 "\n", node,
               open_descriptors());
}
