#include "common/file.h"
#include "common/explain.h"
#include "common/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

enum apm_err file_err(int error_number)
{
    return error_number == EFBIG ? APM_ERR_TOO_LARGE : err_of_errno(error_number);
}

static enum apm_err read_all(int fd, size_t max, struct buf *content)
{
    for (;;) {
        /* One byte more than allowed shows a file that is too large, or grew. */
        size_t room = max + 1 - content->size;
        size_t chunk = room < 65536 ? room : 65536;
        uint8_t *at = buf_reserve(content, chunk);
        ssize_t got = read(fd, at, chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return file_err(errno);
        }
        if (got == 0) {
            return APM_OK;
        }
        buf_grow(content, (size_t)got);
        if (content->size > max) {
            return APM_ERR_TOO_LARGE;
        }
    }
}

enum apm_err file_read(const char *path, size_t max, struct buf *ret_content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return file_err(errno);
    }
    struct buf content;
    buf_init(&content, max + 1);
    enum apm_err err = read_all(fd, max, &content);
    close(fd);
    if (err != APM_OK) {
        buf_release(&content);
        return err;
    }
    *ret_content = content;
    return APM_OK;
}

static enum apm_err write_all(int fd, struct span content)
{
    for (size_t done = 0; done < content.size;) {
        ssize_t put = write(fd, content.data + done, content.size - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return file_err(errno);
        }
        done += (size_t)put;
    }
    return fsync(fd) == 0 ? APM_OK : file_err(errno);
}

static enum apm_err write_new(const char *path, struct span content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return file_err(errno);
    }
    enum apm_err err = write_all(fd, content);
    if (close(fd) != 0 && err == APM_OK) {
        err = file_err(errno);
    }
    return err;
}

/* A rename or link is durable when its directory is. */
static enum apm_err sync_dir_of(const char *path)
{
    char *copy = mem_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0) {
        return file_err(errno);
    }
    enum apm_err err = fsync(fd) == 0 ? APM_OK : file_err(errno);
    close(fd);
    return err;
}

/* link(2) fails where the name exists; rename(2) replaces it. */
static enum apm_err put_in_place(const char *from, const char *path, bool may_replace)
{
    if (may_replace) {
        return rename(from, path) == 0 ? APM_OK : file_err(errno);
    }
    if (link(from, path) != 0) {
        return errno == EEXIST ? APM_ERR_BAD_INPUT : file_err(errno);
    }
    return unlink(from) == 0 ? APM_OK : file_err(errno);
}

static enum apm_err write_atomically(const char *path, struct span content, bool may_replace)
{
    char *temporary = mem_printf("%s.tmp", path);
    (void)unlink(temporary); /* a crash may have left one */
    enum apm_err err = write_new(temporary, content);
    if (err == APM_OK) {
        err = put_in_place(temporary, path, may_replace);
    }
    if (err != APM_OK) {
        (void)unlink(temporary);
    }
    free(temporary);
    return err != APM_OK ? err : sync_dir_of(path);
}

enum apm_err file_replace(const char *path, struct span content)
{
    return write_atomically(path, content, true);
}

enum apm_err file_create(const char *path, struct span content)
{
    return write_atomically(path, content, false);
}

enum apm_err file_make_dirs(const char *path)
{
    char *copy = mem_strdup(path);
    enum apm_err err = APM_OK;
    for (char *at = copy + 1; err == APM_OK; at++) {
        char here = *at;
        if (here != '/' && here != 0) {
            continue;
        }
        *at = 0;
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            err = file_err(errno);
        }
        *at = here;
        if (here == 0) {
            break;
        }
    }
    free(copy);

    struct stat info;
    if (err == APM_OK && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))) {
        err = APM_ERR_IO;
    }
    return err;
}
