#!/bin/sh
# Writes C that holds the page's stylesheet: embed_style.sh OUTPUT page.css
set -eu

output=$1
{
    echo '/* Generated from page.css. */'
    echo '#include "services/metrics-exporter/page_parts.h"'
    echo
    echo 'const char page_style[] ='
    sed -e 's/^ *//' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$2"
    echo '    "";'
} >"$output.tmp"
mv "$output.tmp" "$output"
