#include "services/cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int become(const char *user)
{
    if (user == NULL || user[0] == 0)
        return 0;
    struct passwd *entry = getpwnam(user);
    if (entry == NULL || initgroups(user, entry->pw_gid) != 0)
        return -1;
    return setgid(entry->pw_gid) != 0 ? -1 : setuid(entry->pw_uid);
}

_Noreturn static void run(const struct process *process, int input)
{
    int log = open(process->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    if (become(process->user) != 0) {
        (void)dprintf(STDERR_FILENO, "cannot become user %s\n", process->user);
        _exit(126);
    }
    /* initdb and postgres insist on a working directory they may enter. */
    (void)!chdir("/");
    (void)execv(process->argv[0], (char *const *)(uintptr_t)process->argv);
    (void)dprintf(STDERR_FILENO, "cannot run %s: errno %d\n", process->argv[0], errno);
    _exit(127);
}

pid_t process_start(const struct process *process)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    size_t n = process->input != NULL ? strlen(process->input) : 0;
    bool ok = n == 0 || write(ends[1], process->input, n) == (ssize_t)n;
    (void)close(ends[1]);
    (void)fflush(NULL);
    pid_t pid = ok ? fork() : -1;
    if (pid == 0)
        run(process, ends[0]);
    (void)close(ends[0]);
    return pid;
}

bool process_wait(pid_t pid)
{
    int status = 0;
    if (pid <= 0)
        return false;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void process_log_tail(const char *path, uint32_t n_lines, char *out, size_t capacity)
{
    out[0] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > (off_t)capacity - 1 ? end - (off_t)capacity + 1 : 0;
    ssize_t n = pread(fd, out, capacity - 1, from);
    (void)close(fd);
    out[n > 0 ? n : 0] = 0;

    char *start = out + (n > 0 ? n : 0);
    while (start > out && n_lines > 0) {
        start--;
        if (start > out && start[-1] == '\n')
            n_lines--;
    }
    memmove(out, start, strlen(start) + 1);
}
