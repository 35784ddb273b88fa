# Helpers for tests/http: `load ../lib`, `load ../site`, then `load lib`.
# shellcheck shell=bash

NODE=$IDB_ROOT/build/provider/node_modules/.bin/node
export NODE

# token: a new one of the line kcc, in $TOKEN; a curl file for it in $BEARER, so that
# it stands in no argument.
token() {
    export TOKEN BEARER
    BEARER=$SITE/bearer-$RANDOM
    TOKEN=$(idb-keys token kcc | jq -r .token) || return
    printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" >"$BEARER"
}

# free_port: a port of 127.0.0.1 on which nobody listens.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    printf '%s\n' "$port"
}

# served ADDRESS PID: waits until it answers.
served() {
    local try
    for ((try = 0; try < 250; try++)); do
        kill -0 "$2" 2>/dev/null || return
        curl -s -o /dev/null --noproxy '*' --cacert "$SITE/cert.pem" "$1" && return
        sleep 0.02
    done
    return 1
}

# nginx_up: nginx and fcgiwrap on the tree of SITE, or with idb-serve at the socket SCGI
# where that is set; sets NGINX.
nginx_up() {
    local dir=$SITE/nginx port
    port=$(free_port)
    mkdir -p "$dir"
    setsid /usr/sbin/fcgiwrap -c 4 -s "unix:$dir/fcgi" </dev/null >"$dir/fcgiwrap.log" 2>&1 3>&- &
    echo $! >"$dir/fcgiwrap.group"
    cat >"$dir/idb-phone.server" <<END
listen 127.0.0.1:$port ssl;
ssl_certificate $SITE/tls.pem;
ssl_certificate_key $SITE/tls.pem;
access_log $SITE/log/nginx-access.log idb;
error_log $SITE/log/nginx-error.log;
${SCGI:+include $IDB_ROOT/scripts/phone/nginx-scgi.conf;}
END
    cat >"$dir/nginx.conf" <<END
daemon off;
worker_processes 1;
user $(id -un) $(id -gn);
pid $dir/nginx.pid;
error_log $SITE/log/nginx-error.log;
events { worker_connections 256; }
http {
    client_body_temp_path $dir/body;
    fastcgi_temp_path $dir/fastcgi;
    proxy_temp_path $dir/proxy;
    scgi_temp_path $dir/scgi;
    uwsgi_temp_path $dir/uwsgi;
    map "" \$idb_libexec { default $SITE/libexec; }
    map "" \$idb_config { default $IDB_CONFIG; }
    map "" \$idb_socket { default unix:$dir/fcgi; }
    map "" \$idb_users { default $SITE/users; }
    map "" \$idb_scgi { default unix:${SCGI-}; }
    include $IDB_ROOT/scripts/phone/nginx.conf;
}
END
    setsid /usr/sbin/nginx -p "$dir" -c "$dir/nginx.conf" </dev/null >"$dir/nginx.log" 2>&1 3>&- &
    echo $! >"$dir/nginx.group"
    export NGINX=https://localhost:$port
    served "$NGINX/" $! || { cat "$dir/nginx.log" "$SITE"/log/nginx-error.log; return 1; }
}

# apache_up: the same of Apache; sets APACHE.
apache_up() {
    local dir=$SITE/apache port
    port=$(free_port)
    mkdir -p "$dir"
    cat >"$dir/apache.conf" <<END
Define IDB_LIBEXEC $SITE/libexec
Define IDB_CONFIG $IDB_CONFIG
Define IDB_BIND 127.0.0.1
Define IDB_PORT $port
Define IDB_PEM $SITE/tls.pem
Define IDB_LOG $SITE/log
Define IDB_RUN $dir
Define IDB_USERS $SITE/users
Define IDB_MODULES /usr/lib/apache2/modules
Include $IDB_ROOT/scripts/phone/apache.conf
${SCGI:+Define IDB_SCGI $SCGI
Include $IDB_ROOT/scripts/phone/apache-scgi.conf}
END
    setsid /usr/sbin/apache2 -f "$dir/apache.conf" -DFOREGROUND </dev/null >"$dir/apache.log" 2>&1 3>&- &
    echo $! >"$dir/apache.group"
    export APACHE=https://localhost:$port
    served "$APACHE/" $! || { cat "$dir/apache.log" "$SITE"/log/phone-error.log; return 1; }
}

# lighttpd_up: once more the one of the site, with idb-serve at the socket SCGI; sets
# LIGHTTPD.
lighttpd_up() {
    local dir=$SITE/lighttpd port
    port=$(free_port)
    mkdir -p "$dir"
    cat - "$SITE/conf/phone.conf" <<<"var.idb_scgi = \"$SCGI\"" |
        sed "s/^var.idb_port = .*/var.idb_port = $port/" >"$dir/phone.conf"
    printf 'include "%s"\n' "$IDB_ROOT/scripts/phone/lighttpd-scgi.conf" >>"$dir/phone.conf"
    setsid lighttpd -D -f "$dir/phone.conf" </dev/null >"$dir/lighttpd.log" 2>&1 3>&- &
    echo $! >"$dir/lighttpd.group"
    export LIGHTTPD=https://localhost:$port
    served "$LIGHTTPD/" $! || { cat "$dir/lighttpd.log" "$SITE"/log/phone-error.log; return 1; }
}

# serve_up: idb-serve at the socket SCGI, begun by the first connection, as from systemd;
# its pid in $SITE/serve.pid. serve_down [SIGNAL]: ends it.
serve_up() {
    local try
    PATH=$PATH:/usr/sbin:/sbin setsid systemd-socket-activate -l "$SCGI" --fdname=scgi \
        -E IDB_CONFIG -E ASAN_OPTIONS idb-serve </dev/null >>"$SITE/log/serve.log" 2>&1 3>&- &
    echo $! >"$SITE/serve.pid"
    disown
    for ((try = 0; try < 250; try++)); do
        grep -qF "Listening on $SCGI" "$SITE/log/serve.log" && return
        sleep 0.02
    done
    return 1
}

serve_down() {
    local pid try
    pid=$(cat "$SITE/serve.pid")
    kill "-${1-TERM}" "$pid"
    for ((try = 0; try < 250; try++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.02
    done
    rm -f "$SITE/serve.pid" "$SCGI"
}

# servers_down: what these began, and waits for it.
servers_down() {
    local file group try
    for file in "$SITE"/*/*.group; do
        [ -e "$file" ] || continue
        group=$(cat "$file")
        kill -- "-$group" 2>/dev/null || true
        for ((try = 0; try < 250; try++)); do
            kill -0 -- "-$group" 2>/dev/null || break
            sleep 0.02
        done
        kill -9 -- "-$group" 2>/dev/null || true
        rm -f "$file"
    done
}

# post PATH JSON [curl option…]: to $SERVER, by the password.
post() {
    local path=$1 json=$2
    shift 2
    fetch "$SERVER$path" -u pbx:secret -H 'Content-Type: application/json' --data-raw "$json" "$@"
}

# is STATUS [WORD]: the answer in $status_code and $body has that status, and that
# result or error.
is() {
    [ "$status_code" = "$1" ] || { printf '%s\n' "$output"; return 1; }
    [ "$(header Cache-Control)" = no-store ] || { printf '%s\n' "$output"; return 1; }
    [ "$#" = 1 ] || [ "$(jq -r '.result // .error' <<<"$body")" = "$2" ] || { printf '%s\n' "$output"; return 1; }
}
