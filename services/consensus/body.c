#include "services/consensus/body.h"

#include "common/limits.h"
#include "common/mem.h"
#include "common/must.h"

struct body *body_new(struct span bytes)
{
    MUST(bytes.size <= BUNDLE_BYTES_MAX);
    struct body *body = mem_new(1, sizeof(*body) + bytes.size);
    body->refs = 1;
    body->size = (uint32_t)bytes.size;
    if (bytes.size > 0)
        memcpy(body->data, bytes.data, bytes.size);
    return body;
}

struct body *body_ref(struct body *body)
{
    MUST(body->refs > 0 && body->refs < UINT32_MAX);
    body->refs++;
    return body;
}

void body_unref(struct body **body)
{
    struct body *it = *body;
    if (it == NULL)
        return;
    *body = NULL;
    MUST(it->refs > 0);
    if (--it->refs == 0)
        free(it);
}
