#!/bin/sh
# A private PostgreSQL instance on a unix socket: pg.sh VERB DIR
#   create DIR     makes and starts it; DIR must not exist, and becomes the socket's place
#   start DIR      starts it again
#   crash DIR      stops it at once, as a power cut would stop its processes
#   destroy DIR    stops it and removes DIR
# Root runs it as the user postgres, whom PostgreSQL insists on.
set -eu

verb=$1
dir=$2

bindir=$(pg_config --bindir)
as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
    else
        "$@"
    fi
}

start() {
    as_server "$bindir/pg_ctl" -s -w -D "$dir/data" -l "$dir/log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$dir'" start
}

case $verb in
create)
    mkdir -m 755 "$dir"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$dir"
    fi
    as_server "$bindir/initdb" -N -A trust -U apm2 -E UTF8 --locale=C -D "$dir/data" >"/dev/null"
    start
    ;;
start)
    start
    ;;
crash)
    as_server "$bindir/pg_ctl" -s -w -D "$dir/data" -m immediate stop
    ;;
destroy)
    as_server "$bindir/pg_ctl" -s -w -D "$dir/data" -m immediate stop || true
    rm -rf "$dir"
    ;;
*)
    echo "pg.sh: unknown verb $verb" >&2
    exit 64
    ;;
esac
