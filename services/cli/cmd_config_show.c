#include <stdio.h>

#include "services/cli/node_conf.h"

int cmd_config_show(const struct invocation *invocation)
{
    struct complaint complaint = {0};
    struct conf *conf = NULL;
    if (node_conf_read(invocation, &conf, &complaint) != APM_OK)
        return say_complaint(invocation, &complaint);

    struct buf text;
    buf_init(&text, MIB);
    enum conf_format format = say_is_json(invocation) ? CONF_FORMAT_JSON : CONF_FORMAT_TEXT;
    conf_print(conf, UINT32_MAX, format, &text);
    (void)fputs(buf_str(&text), stdout);
    buf_release(&text);
    conf_destroy(&conf);
    return 0;
}
