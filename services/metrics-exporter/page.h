/*
 * page - the status page: one document, readable without scripts, in any light.
 *
 * Pure. Nothing outside the document is loaded and PAGE_POLICY forbids it; everything a
 * service said is escaped. Below 60 kB at VALIDATORS_MAX.
 */
#ifndef APM2_PAGE_H
#define APM2_PAGE_H

#include "common/buf.h"
#include "services/metrics-exporter/verdict.h"

#define PAGE_BYTES_MAX (60u * 1000u)

#define PAGE_POLICY                                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "         \
    "frame-ancestors 'none'"

void page_print(const struct snapshot *snapshot, const struct verdict *verdict,
                const struct history *history, struct buf *ret_html);

#endif
