#include "tests/crash/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct crash_control *crash_control_map(const char *path, bool is_driver)
{
    int flags = is_driver ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR;
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    struct crash_control *control = MAP_FAILED;
    if (!is_driver || ftruncate(fd, sizeof(*control)) == 0)
        control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return control == MAP_FAILED ? NULL : control;
}

uint32_t crash_site_find(struct crash_control *control, const char *name)
{
    uint32_t n = atomic_load(&control->n_sites);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(control->sites[i].name, name) == 0)
            return i;
    /* Two processes may add one name at once: the driver, who looks by name, then finds
     * the first of them, and the other's count is missed. */
    if (n >= CRASH_SITES_MAX)
        return CRASH_SITES_MAX;
    uint32_t at = atomic_fetch_add(&control->n_sites, 1);
    if (at >= CRASH_SITES_MAX)
        return CRASH_SITES_MAX;
    (void)snprintf(control->sites[at].name, CRASH_NAME_MAX, "%s", name);
    return at;
}

const char *crash_mode_text(enum crash_mode mode)
{
    static const char *const texts[] = {
        [CRASH_BEFORE] = "before",
        [CRASH_HALFWAY] = "halfway",
        [CRASH_AFTER] = "after",
    };
    return mode < CRASH_MODES ? texts[mode] : "pass";
}
