#include "services/metrics-exporter/html.h"

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? " " : NULL;
    }
}

void html_text(struct buf *html, const char *text)
{
    for (const char *at = text; *at != 0; at++) {
        const char *escaped = entity(*at);
        if (escaped != NULL)
            buf_text(html, escaped);
        else
            buf_char(html, *at);
    }
}
