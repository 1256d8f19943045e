#include "common/err.h"

#include "common/must.h"

struct err_row {
    const char *name;
    const char *text;
    int exit_code;
};

#define ERR_ROW(name, exit_code, text) [APM_ERR_##name] = {#name, text, exit_code},
static const struct err_row rows[] = {APM_ERRORS(ERR_ROW)};

static const struct err_row *row_of(enum apm_err err)
{
    MUST((unsigned)err < APM_ERR_END);
    return &rows[err];
}

const char *apm_err_name(enum apm_err err)
{
    return row_of(err)->name;
}

const char *apm_err_text(enum apm_err err)
{
    return row_of(err)->text;
}

int apm_err_exit(enum apm_err err)
{
    return row_of(err)->exit_code;
}
