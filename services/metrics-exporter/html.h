/*
 * html - text into a document, so that it stays text.
 *
 * Pure. Whatever did not come from this program's own source goes through html_text,
 * in content and in quoted attributes alike.
 */
#ifndef APM2_HTML_H
#define APM2_HTML_H

#include "common/buf.h"

/* & < > " ' as entities, control characters as spaces. Other bytes are the
 * document's own encoding, UTF-8, and cannot end what they stand in. */
void html_text(struct buf *html, const char *text);

#endif
