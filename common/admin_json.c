#include "common/admin_json.h"

#include <stdlib.h>

#include "common/json_read.h"

json_t *admin_args(struct span args)
{
    json_t *json = NULL;
    struct why why;

    return args.size > 0 && json_read(args, &json, &why) == APM_OK ? json : NULL;
}

enum apm_err admin_body(json_t *body, struct buf *ret_body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER);
    bool fits = text != NULL && buf_text(ret_body, text);

    free(text);
    json_decref(body);
    return fits ? APM_OK : APM_ERR_TOO_LARGE;
}
