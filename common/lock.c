#include "common/lock.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static pid_t read_holder(int fd)
{
    char text[24] = {0};
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    return size > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* Only for people to read: the lock itself is the kernel's. */
static void write_holder(int fd)
{
    char text[24];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        return; /* a full disk: the holder stays unknown */
    }
}

enum apm_err lock_take(const char *path, struct lock *ret_lock, pid_t *ret_holder)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return file_err(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum apm_err err = errno == EWOULDBLOCK ? APM_ERR_FENCED : file_err(errno);
        if (err == APM_ERR_FENCED && ret_holder != NULL) {
            *ret_holder = read_holder(fd);
        }
        close(fd);
        return err;
    }
    write_holder(fd);
    ret_lock->fd = fd;
    return APM_OK;
}

void lock_release(struct lock *lock)
{
    /* Closing drops the lock. The file stays: removing it would let two processes
     * hold locks on two files of one name. */
    if (lock->fd >= 0) {
        close(lock->fd);
        lock->fd = -1;
    }
}
