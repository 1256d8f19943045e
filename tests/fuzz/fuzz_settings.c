/* apm2.yaml. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf.h"
#include "tests/fuzz/fuzz.h"

static void check_file(const char *path)
{
    const struct conf_sources sources = {.file = path};
    struct conf *conf = NULL;
    struct buf text;

    buf_init(&text, 4 * MIB);
    if (conf_read(&sources, &conf, &text) == APM_OK)
        conf_print(conf, UINT32_MAX, CONF_FORMAT_JSON, &text);
    else
        MUST(text.size > 0);
    conf_destroy(&conf);
    buf_release(&text);
}

static void run(struct span input)
{
    char path[64];
    int fd = memfd_create("apm2.yaml", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, input.data, input.size) == (ssize_t)input.size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    check_file(path);
    (void)close(fd);
}

const struct fuzz_target fuzz_target = {.run = run, .heap_base = 512 * KIB, .heap_per_byte = 128};
