#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "services/cli/ask.h"
#include "services/cli/output_json.h"
#include "services/cli/output_text.h"
#include "services/cli/top_text.h"

#define SCREEN_BYTES_MAX (256u * KIB)
#define COLUMNS_DEFAULT 110u
#define PAUSE_S 2

static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != 0)
            return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
    }
    return false;
}

static uint32_t columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

/* Home, the screen, and nothing of the last one below it. */
static void draw(const struct invocation *invocation, const json_t *overview, bool is_live)
{
    const struct top_style style = {say_has_colour(invocation), is_utf8(), columns()};
    struct buf text;

    buf_init(&text, SCREEN_BYTES_MAX);
    if (is_live)
        buf_text(&text, "\033[H\033[2J");
    top_text(overview, &style, &text);
    (void)fwrite(text.data, 1, text.size, stdout);
    (void)fflush(stdout);
    buf_release(&text);
}

static enum apm_err look(const struct invocation *invocation, json_t **ret_overview,
                         struct complaint *ret_complaint)
{
    enum apm_err err = ask_service(
        invocation, &(struct request){.service = "metrics-exporter", .verb = "overview"},
        ret_overview, ret_complaint);
    if (err == APM_ERR_UNREACHABLE)
        complain_hint(ret_complaint, "apm2 consensus status asks consensus itself");
    return err;
}

/* Goes on while nobody answers: that is when it is looked at. */
static void watch(const struct invocation *invocation)
{
    const struct timespec pause = {PAUSE_S, 0};

    for (;;) {
        struct complaint complaint = {0};
        json_t *overview = NULL;
        if (look(invocation, &overview, &complaint) == APM_OK)
            draw(invocation, overview, true);
        else
            (void)say_complaint(invocation, &complaint);
        json_decref(overview);
        (void)nanosleep(&pause, NULL);
    }
}

int cmd_top(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    json_t *overview = NULL;
    bool is_json = say_is_json(invocation);

    if (!is_json && !has_option(invocation, OPTION_once) && isatty(STDOUT_FILENO) == 1)
        watch(invocation);
    if (look(invocation, &overview, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);
    if (is_json)
        output_json(overview);
    else
        draw(invocation, overview, false);
    bool is_healthy = strcmp(json_text(overview, "health"), "healthy") == 0;
    json_decref(overview);
    return is_healthy ? 0 : apm_err_exit(APM_ERR_UNHEALTHY);
}
