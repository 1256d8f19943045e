#include "services/apm2d/notify.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WORDS_BYTES_MAX 2048u
#define BUDGET 64u

static pid_t sender_of(struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        struct ucred sender;
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_CREDENTIALS)
            continue;
        memcpy(&sender, CMSG_DATA(at), sizeof(sender));
        return sender.pid;
    }
    return 0;
}

/* False: nothing more waits. */
static bool receive_one(struct notify *notify)
{
    char words[WORDS_BYTES_MAX];
    /* Room for the credentials only: descriptors sent along are closed by the kernel. */
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {.iov_base = words, .iov_len = sizeof(words) - 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(notify->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return false;
    words[n] = 0;
    pid_t sender = sender_of(&message);
    if (sender > 0)
        notify->heard(notify->arg, sender, words);
    return true;
}

static bool receive(void *arg, short revents)
{
    (void)revents;
    uint32_t n = 0;
    while (n < BUDGET && receive_one(arg))
        n++;
    return n == BUDGET;
}

/* Only under the lock: the old path is nobody's. */
static int bind_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int on = 1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)unlink(path);
    mode_t mask = umask(0177);
    bool ok = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)umask(mask);
    if (ok && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

enum apm_err notify_start(struct notify *notify, struct loop *loop, const char *path,
                          struct why *ret_why)
{
    notify->loop = loop;
    notify->fd = -1;
    if (snprintf(notify->path, sizeof(notify->path), "%s", path) >= (int)sizeof(notify->path))
        return explain(ret_why, APM_ERR_CONFIG, "%s: path too long for a socket", path);
    notify->fd = bind_at(path);
    if (notify->fd < 0)
        return explain(ret_why, APM_ERR_IO, "cannot listen at %s: %m", path);
    loop_add_fd(loop, notify->fd, POLLIN, (struct loop_fn){receive, notify});
    return APM_OK;
}

void notify_stop(struct notify *notify)
{
    if (notify->fd < 0)
        return;
    loop_remove_fd(notify->loop, notify->fd);
    (void)close(notify->fd);
    (void)unlink(notify->path);
    notify->fd = -1;
}
