#include "common/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/explain.h"

static int write_all(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes = span_of(bytes.data + n, bytes.size - (size_t)n);
    }
    return 0;
}

static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    if (directory == NULL)
        return ENOMEM;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0)
        return errno;
    int error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return error;
}

static int fill(int fd, struct span bytes, int mode)
{
    /* open() applied the umask; the mode asked for is part of the contract. */
    if (fchmod(fd, (mode_t)mode) != 0)
        return errno;
    int error = write_all(fd, bytes);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    return error;
}

enum apm_err new_file_write(const char *path, struct span bytes, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno == EEXIST ? APM_ERR_BUSY : err_of_errno(errno);

    int error = fill(fd, bytes, mode);
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0)
        error = sync_directory_of(path);
    if (error == 0)
        return APM_OK;
    new_file_undo(path);
    return err_of_errno(error);
}

void new_file_undo(const char *path)
{
    (void)unlink(path);
}
