#include "services/apm2d/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LOG_BYTES_MAX (64 * 1024 * 1024)

#define EXIT_NOT_PREPARED 126
#define EXIT_NOT_RUN 127

/* One generation is kept: enough to see what led to the present one. */
static void rotate_log(const char *path)
{
    struct stat info;
    char old[1024];
    if (stat(path, &info) != 0 || info.st_size < LOG_BYTES_MAX)
        return;
    if (snprintf(old, sizeof(old), "%s.1", path) < (int)sizeof(old))
        (void)rename(path, old);
}

static int become(const char *user)
{
    if (user == NULL)
        return 0;
    struct passwd *entry = getpwnam(user);
    if (entry == NULL || initgroups(user, entry->pw_gid) != 0)
        return -1;
    return setgid(entry->pw_gid) != 0 ? -1 : setuid(entry->pw_uid);
}

/* systemd sets JOURNAL_STREAM when our own output goes to the journal. There each child
 * has a stream of its own, so that `journalctl -t apm2-consensus` is its log. */
static int open_output(const struct child *child)
{
    char identifier[64];
    if (child->log_path != NULL)
        return open(child->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (getenv("JOURNAL_STREAM") == NULL)
        return dup(STDERR_FILENO);
    (void)snprintf(identifier, sizeof(identifier), "apm2-%s", child->service);
    int fd = sd_journal_stream_fd(identifier, LOG_INFO, 0);
    return fd >= 0 ? fd : dup(STDERR_FILENO);
}

static bool redirect(const struct child *child)
{
    int output = open_output(child);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return output >= 0 && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
           dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
}

/* Our own supervisor's socket and watchdog are not the child's. */
static bool set_environment(const struct child *child)
{
    (void)unsetenv("WATCHDOG_PID");
    (void)unsetenv("WATCHDOG_USEC");
    if (child->notify_path == NULL)
        return unsetenv("NOTIFY_SOCKET") == 0;
    return setenv("NOTIFY_SOCKET", child->notify_path, 1) == 0;
}

static void reset_signals(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD};
    sigset_t none;
    for (size_t i = 0; i < N_ELEMENTS(signals); i++)
        (void)signal(signals[i], SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void run(const struct child *child, pid_t parent)
{
    reset_signals();
    if (!redirect(child) || !set_environment(child))
        _exit(EXIT_NOT_PREPARED);
    if (become(child->user) != 0) {
        (void)dprintf(STDERR_FILENO, "cannot become user %s\n", child->user);
        _exit(EXIT_NOT_PREPARED);
    }
    /* After the change of user, which clears it; the parent may already be gone. */
    (void)prctl(PR_SET_PDEATHSIG, child->orphan_signal);
    if (getppid() != parent)
        _exit(EXIT_NOT_PREPARED);
    (void)execv(child->argv[0], (char *const *)(uintptr_t)child->argv);
    (void)dprintf(STDERR_FILENO, "cannot run %s: errno %d\n", child->argv[0], errno);
    _exit(EXIT_NOT_RUN);
}

pid_t spawn(const struct child *child)
{
    if (child->log_path != NULL)
        rotate_log(child->log_path);
    /* A signal between fork and exec must not meet this process's handlers. */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        run(child, parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}
