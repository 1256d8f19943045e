#!/bin/sh
# Writes C that holds the built-in schemas' text: embed.sh OUTPUT TYPE.json...
set -eu

output=$1
shift

{
    echo '/* Generated from schemas/kernel. */'
    echo '#include "common/kernel_schema.h"'
    echo
    echo 'const struct kernel_schema kernel_schemas[] = {'
    for file in "$@"; do
        printf '{"%s",\n' "$(basename "$file" .json)"
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
        echo '},'
    done
    echo '};'
    echo 'const uint32_t n_kernel_schemas = sizeof(kernel_schemas) / sizeof(kernel_schemas[0]);'
} >"$output.tmp"
mv "$output.tmp" "$output"
