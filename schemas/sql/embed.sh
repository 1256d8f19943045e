#!/bin/sh
# Writes C that holds the migrations' text: embed.sh OUTPUT GRANTS.sql NNNN_NAME.sql...
set -eu

output=$1
grants=$2
shift 2

literal() {
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
}

{
    echo '/* Generated from schemas/sql. */'
    echo '#include "common/migrate.h"'
    echo
    echo 'const struct migration migrations[] = {'
    for file in "$@"; do
        name=$(basename "$file" .sql)
        version=$(echo "${name%%_*}" | sed 's/^0*//')
        printf '{%s, "%s",\n' "$version" "$name"
        literal "$file"
        echo '},'
    done
    echo '};'
    echo 'const uint32_t n_migrations = sizeof(migrations) / sizeof(migrations[0]);'
    echo 'const char migrate_grants[] ='
    literal "$grants"
    echo ';'
} >"$output.tmp"
mv "$output.tmp" "$output"
