#include "services/cli/say.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum apm_err complain(struct complaint *complaint, enum apm_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(complaint->message, sizeof(complaint->message), format, args);
    va_end(args);
    complaint->err = err;
    complaint->hint[0] = 0;
    return err;
}

void complain_hint(struct complaint *complaint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(complaint->hint, sizeof(complaint->hint), format, args);
    va_end(args);
}

bool say_is_json(const struct invocation *invocation)
{
    return has_option(invocation, OPTION_json);
}

bool say_has_colour(const struct invocation *invocation)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (has_option(invocation, OPTION_no_color) || (no_color != NULL && no_color[0] != 0))
        return false;
    if (term == NULL || strcmp(term, "dumb") == 0)
        return false;
    return isatty(STDOUT_FILENO) == 1;
}

bool say_has_progress(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

static void say_json(const struct complaint *complaint)
{
    json_t *object = json_pack("{s:s, s:s}", "code", apm_err_name(complaint->err), "message",
                               complaint->message);
    if (object == NULL)
        return;
    if (complaint->hint[0] != 0)
        (void)json_object_set_new(object, "hint", json_string(complaint->hint));
    (void)json_dumpf(object, stderr, JSON_COMPACT);
    (void)fputc('\n', stderr);
    json_decref(object);
}

int say_complaint(const struct invocation *invocation, const struct complaint *complaint)
{
    if (complaint->err == APM_OK)
        return 0;
    struct complaint said = *complaint;
    if (said.err == APM_ERR_USAGE && said.hint[0] == 0)
        complain_hint(&said, "apm2 help%s%s", invocation->command != NULL ? " " : "",
                      invocation->command != NULL ? invocation->command->words : "");
    (void)fflush(stdout);
    if (say_is_json(invocation)) {
        say_json(&said);
        return apm_err_exit(said.err);
    }
    (void)fprintf(stderr, "apm2: %s\n", said.message);
    if (said.hint[0] != 0)
        (void)fprintf(stderr, "next: %s\n", said.hint);
    return apm_err_exit(complaint->err);
}

int say_usage(const struct invocation *invocation, const char *format, ...)
{
    struct complaint complaint = {.err = APM_ERR_USAGE};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(complaint.message, sizeof(complaint.message), format, args);
    va_end(args);
    return say_complaint(invocation, &complaint);
}

void say_progress(const char *format, ...)
{
    bool is_terminal = say_has_progress();
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (is_terminal)
        (void)fprintf(stderr, "\r%s\033[K", line);
    else
        (void)fprintf(stderr, "%s\n", line);
    (void)fflush(stderr);
}

void say_progress_end(void)
{
    if (say_has_progress())
        (void)fputc('\n', stderr);
}
