#!/bin/sh
# Writes C that holds the built-in schemas' text: embed_schemas.sh OUTPUT TYPE.json...
set -eu

output=$1
shift

{
    echo '/* Generated from schemas/kernel. */'
    echo '#include "services/cli/genesis_plan.h"'
    echo
    echo 'const struct builtin_schema builtin_schemas[] = {'
    for file in "$@"; do
        printf '{"%s",\n' "$(basename "$file" .json)"
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
        echo '},'
    done
    echo '};'
    echo 'const uint32_t n_builtin_schemas = sizeof(builtin_schemas) / sizeof(builtin_schemas[0]);'
} >"$output.tmp"
mv "$output.tmp" "$output"
