/* The file half of canonical_json.h. */
#include "common/canonical_json.h"

#include <errno.h>

#include "common/json_read.h"
#include "common/must.h"
#include "common/new_file.h"

static enum apm_err read_text(const char *path, size_t size_max, char **ret_text, size_t *ret_size)
{
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return err_of_errno(errno);
    char *text = malloc(size_max + 1);
    MUST(text != NULL);
    errno = 0;
    size_t size = fread(text, 1, size_max + 1, in);
    int error = ferror(in) != 0 ? errno : 0;
    (void)fclose(in);
    if (error == 0 && size <= size_max) {
        *ret_text = text;
        *ret_size = size;
        return APM_OK;
    }
    free(text);
    return error != 0 ? APM_ERR_IO : APM_ERR_TOO_LARGE;
}

enum apm_err json_read_file(const char *path, size_t size_max, json_t **ret_value,
                            struct why *ret_why)
{
    char *text = NULL;
    size_t size = 0;
    enum apm_err err = read_text(path, size_max, &text, &size);
    if (err == APM_ERR_TOO_LARGE)
        return explain(ret_why, err, "%s: larger than %zu bytes", path, size_max);
    if (err != APM_OK)
        return explain(ret_why, err, "%s: %s", path, apm_err_text(err));

    struct why why = {""};
    err = json_read(span_of(text, size), ret_value, &why);
    free(text);
    return err == APM_OK ? APM_OK : explain(ret_why, err, "%s: %s", path, why.text);
}

enum apm_err json_write_file(const char *path, const json_t *value, int mode, struct why *ret_why)
{
    char *text = NULL;
    size_t size = 0;
    enum apm_err err = canonical_json(value, &text, &size);
    if (err != APM_OK)
        return explain(ret_why, err, "%s: holds what canonical JSON cannot", path);

    /* The final zero gives its place to the newline. */
    text[size] = '\n';
    err = new_file_write(path, span_of(text, size + 1), mode);
    free(text);
    if (err == APM_ERR_BUSY)
        return explain(ret_why, err, "%s: exists already; it was left as it is", path);
    if (err != APM_OK)
        return explain(ret_why, err, "%s: %s", path, apm_err_text(err));
    return APM_OK;
}
