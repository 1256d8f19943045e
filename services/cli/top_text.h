/*
 * top_text - the exporter's overview of a node, for a terminal.
 *
 * Pure: one answer in, one screen of text out. Without colour nothing is lost; without
 * UTF-8 the small curves are.
 */
#ifndef APM2_CLI_TOP_TEXT_H
#define APM2_CLI_TOP_TEXT_H

#include <jansson.h>

#include "common/buf.h"

struct top_style {
    bool has_colour;
    bool is_utf8;
    uint32_t columns; /* of the terminal; the vote strip is cut to fit */
};

void top_text(const json_t *overview, const struct top_style *style, struct buf *ret_text);

#endif
