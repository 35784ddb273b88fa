# A PostgreSQL server of the tests' own, on a socket in a folder: `load tools/postgresql`.
# It runs as the user postgres where root runs the tests; whoever runs them is its
# superuser.
# shellcheck shell=bash

# pg_bin: where the server's programs are.
pg_bin() {
    local bin
    for bin in /usr/lib/postgresql/*/bin; do
        [ ! -x "$bin/postgres" ] || PG_BIN=$bin
    done
    [ -n "${PG_BIN-}" ]
}

# pg_as COMMAND…: as the user whose server it is, without our descriptors.
pg_as() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@" 3>&- 4>&-
    else
        "$@" 3>&- 4>&-
    fi
}

# pg_make DIR: a server that has never run, in DIR (a short path, for its socket stands in it).
pg_make() {
    pg_bin
    mkdir -m 755 "$1"
    [ "$(id -u)" != 0 ] || chown postgres "$1"
    pg_as "$PG_BIN/initdb" --pgdata="$1/data" --auth=trust --username="$(id -un)" \
        --encoding=UTF8 --locale=C.UTF-8 >"$1.log" 2>&1
    mv "$1.log" "$1/initdb.log"
}

# pg_start DIR [NAME=VALUE…]: starts it, with settings for this time, and waits.
pg_start() {
    local dir=$1 setting options="-c listen_addresses='' -c unix_socket_directories='$1'"
    shift
    for setting in "$@"; do
        options+=" -c $setting"
    done
    pg_as "$PG_BIN/pg_ctl" --pgdata="$dir/data" --log="$dir/log" -w -o "$options" start >/dev/null
}

# pg_stop DIR [fast|immediate]: stops it; harmless where it does not run.
pg_stop() {
    [ ! -e "$1/data/postmaster.pid" ] ||
        pg_as "$PG_BIN/pg_ctl" --pgdata="$1/data" -w -m "${2-fast}" stop >/dev/null 2>&1 || true
}

# pg_of_tests DIR: makes and starts one for many tests at once, where everybody is who they
# are to the machine, with those functions of SQLite that tests use in statements.
pg_of_tests() {
    pg_make "$1" || return
    echo 'local all all peer' >"$1/data/pg_hba.conf"
    pg_start "$1" max_connections=400 || return
    psql -Xq -v ON_ERROR_STOP=1 -h "$1" -d postgres <<'END'
CREATE SCHEMA like_sqlite;
SET search_path TO like_sqlite;
CREATE FUNCTION zeroblob(n integer) RETURNS bytea LANGUAGE sql AS
    $$ SELECT decode(repeat('00', n), 'hex') $$;
CREATE FUNCTION randomblob(n integer) RETURNS bytea LANGUAGE sql VOLATILE AS
    $$ SELECT substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, n) $$;
CREATE FUNCTION hex(b bytea) RETURNS text LANGUAGE sql AS $$ SELECT upper(encode(b, 'hex')) $$;
CREATE FUNCTION quote(t text) RETURNS text LANGUAGE sql AS $$ SELECT quote_nullable(t) $$;
CREATE FUNCTION quote(b bytea) RETURNS text LANGUAGE sql AS
    $$ SELECT COALESCE('x''' || encode(b, 'hex') || '''', 'NULL') $$;
CREATE FUNCTION joined(a text, b text) RETURNS text LANGUAGE sql AS
    $$ SELECT CASE WHEN b IS NULL THEN a ELSE COALESCE(a || ',', '') || b END $$;
CREATE AGGREGATE group_concat(text) (SFUNC = joined, STYPE = text);
END
}

# pg_ends_with PID DIR [FILE…]: once that process is gone, however it went, the server is
# stopped and its folder removed, and whatever else is named.
pg_ends_with() {
    # shellcheck disable=SC2016 # for the shell that is begun here
    setsid bash -c 'tail --pid="$2" -s 0.2 -f /dev/null
        source "$1" && pg_bin && pg_stop "$3" immediate
        rm -rf "${@:3}"' \
        bash "$(readlink -f "${BASH_SOURCE[0]}")" "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- &
}
