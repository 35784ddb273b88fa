# Helpers for the pages behind three web servers: `load ../lib`, `load ../site`,
# `load lib`, then `load pages`.
# shellcheck shell=bash

# pages_tree: for setup_file, after site_up: what an installation has, as links in SITE;
# each script first leaves the names of its environment's variables in SITE/seen.
pages_tree() {
    local zone
    for zone in web desk; do
        rm -f "$SITE/libexec/$zone"
        mkdir "$SITE/libexec/$zone"
        ln -s "$IDB_ROOT/scripts/$zone"/* "$SITE/libexec/$zone/"
    done
    rm "$SITE/libexec/page.sh"
    cat >"$SITE/libexec/page.sh" <<END
awk 'BEGIN { for (name in ENVIRON) print name }' >>"$SITE/seen"
. "$IDB_ROOT/scripts/page.sh"
END
    for file in idb.css theme.css idb.js; do
        [ -e "$SITE/share/web/$file" ] || rm -f "$SITE/share/web/$file"
        [ -e "$SITE/share/web/$file" ] || printf '/* %s */\n' "$file" >"$SITE/share/web/$file"
    done
}

# nginx_pages NAME ZONE [LINE…]: nginx and fcgiwrap for a zone, with these lines in
# idb-ZONE.server; sets the variable NAME to its address.
nginx_pages() {
    local name=$1 zone=$2 dir=$SITE/nginx-$1 port
    shift 2
    port=$(free_port)
    mkdir -p "$dir"
    setsid /usr/sbin/fcgiwrap -c 4 -s "unix:$dir/fcgi" </dev/null >"$dir/fcgiwrap.log" 2>&1 3>&- &
    echo $! >"$dir/fcgiwrap.group"
    {
        printf '%s;\n' "listen 127.0.0.1:$port ssl" \
            "ssl_certificate $SITE/tls.pem" "ssl_certificate_key $SITE/tls.pem" \
            "set \$idb_libexec $SITE/libexec" "set \$idb_share $SITE/share" \
            "set \$idb_config $IDB_CONFIG" "set \$idb_path $IDB_BUILD" \
            "set \$idb_socket unix:$dir/fcgi" \
            "access_log $SITE/log/$name-access.log idb_$zone" \
            "error_log $SITE/log/$name-error.log alert" "$@"
    } >"$dir/idb-$zone.server"
    cat >"$dir/nginx.conf" <<END
daemon off;
worker_processes 1;
user $(id -un) $(id -gn);
pid $dir/nginx.pid;
error_log $SITE/log/$name-error.log alert;
events { worker_connections 256; }
http {
    client_body_temp_path $dir/body;
    fastcgi_temp_path $dir/fastcgi;
    proxy_temp_path $dir/proxy;
    scgi_temp_path $dir/scgi;
    uwsgi_temp_path $dir/uwsgi;
    include $IDB_ROOT/scripts/$zone/nginx.conf;
}
END
    setsid /usr/sbin/nginx -p "$dir" -c "$dir/nginx.conf" </dev/null >"$dir/nginx.log" 2>&1 3>&- &
    echo $! >"$dir/nginx.group"
    export "$name=https://localhost:$port"
    served "${!name}/" $! || { cat "$dir/nginx.log" "$SITE/log/$name-error.log"; return 1; }
}

# apache_pages NAME ZONE [LINE…]: the same of Apache, with these lines before the
# configuration; a line that is a file's name comes behind it.
apache_pages() {
    local name=$1 zone=$2 dir=$SITE/apache-$1 port line
    shift 2
    port=${PORT-$(free_port)}
    mkdir -p "$dir"
    {
        printf 'Define %s\n' "IDB_LIBEXEC $SITE/libexec" "IDB_SHARE $SITE/share" \
            "IDB_CONFIG $IDB_CONFIG" "IDB_PATH $IDB_BUILD" "IDB_BIND 127.0.0.1" "IDB_PORT $port" \
            "IDB_PEM $SITE/tls.pem" "IDB_LOG $SITE/log" "IDB_RUN $dir" \
            "IDB_MODULES /usr/lib/apache2/modules"
        for line in "$@"; do [[ $line == /* ]] || printf '%s\n' "$line"; done
        printf 'Include %s\n' "$IDB_ROOT/scripts/$zone/apache.conf"
        for line in "$@"; do [[ $line != /* ]] || printf 'Include %s\n' "$line"; done
        # Fewer than an installation has: here nobody waits for another.
        printf '%s\n' 'StartServers 2' 'MinSpareServers 1'
    } >"$dir/apache.conf"
    setsid /usr/sbin/apache2 -f "$dir/apache.conf" -DFOREGROUND </dev/null >"$dir/apache.log" 2>&1 3>&- &
    echo $! >"$dir/apache.group"
    export "$name=https://localhost:$port"
    served "${!name}/" $! || { cat "$dir/apache.log" "$SITE"/log/*-error.log; return 1; }
}

# bytes N: a text of that length.
bytes() { head -c "$1" /dev/zero | tr '\0' a; }

# answered STATUS [TEXT…]: the answer has that status and these texts, is HTML that is
# well formed, and says what each answer of these servers must.
answered() {
    local text
    [ "$status_code" = "$1" ] || { printf '%s\n' "$output"; return 1; }
    [ "$(header Cache-Control)" = no-store ] || { printf '%s\n' "$output"; return 1; }
    [ "$(header X-Content-Type-Options)" = nosniff ] || { printf '%s\n' "$output"; return 1; }
    [[ $(header Strict-Transport-Security) == max-age=* ]] || { printf '%s\n' "$output"; return 1; }
    [[ $(header Server) != *[0-9]* ]] || { printf '%s\n' "$output"; return 1; }
    [[ $body != '<'* ]] || xmllint --noout - <<<"$body" || { printf '%s\n' "$output"; return 1; }
    shift
    for text in "$@"; do
        [[ $body == *"$text"* ]] || { printf 'missing: %s\n%s\n' "$text" "$output"; return 1; }
    done
}

# The page that a server shows by itself, in both languages.
own_page() { answered "$1" 'lang="nl"' 'lang="en"'; }

# refused STATUS…: one of these, with that page; lighttpd has no headers for what it does
# not read to its end.
refused() {
    [[ " $* " == *" $status_code "* && $body == *'lang="nl"'*'lang="en"'* ]] || { printf '%s\n' "$output"; return 1; }
}

# assets [curl option…]: style and script have their types, may be kept, and come
# compressed to who asks; a page never does.
assets() {
    local file type
    for file in idb.css theme.css idb.js; do
        type=text/css
        [ "$file" != idb.js ] || type=text/javascript
        fetch "$SERVER/$file" "$@"
        [ "$status_code" = 200 ] || { printf '%s\n' "$output"; return 1; }
        [ "$(header Content-Type)" = "$type; charset=utf-8" ] || { printf '%s\n' "$output"; return 1; }
        [[ $(header Cache-Control) =~ ^(public, max-age=3600|private, no-cache)$ ]] || { printf '%s\n' "$output"; return 1; }
        [ "$(header X-Content-Type-Options)" = nosniff ] || { printf '%s\n' "$output"; return 1; }
        cmp -s - "$SITE/share/web/$file" <<<"$body" || return
    done
    fetch "$SERVER/idb.css" "$@" -H 'Accept-Encoding: gzip' -o "$BATS_TEST_TMPDIR/css" -D -
    [ "$(header Content-Encoding)" = gzip ] || { printf '%s\n' "$output"; return 1; }
}

# uncompressed PATH [curl option…]: what holds somebody's data, whatever a browser takes.
uncompressed() {
    fetch "$SERVER/$1" "${@:2}" -H 'Accept-Encoding: gzip, deflate, br'
    [[ -z $(header Content-Encoding) && $body == '<!DOCTYPE html>'* ]] || { printf '%s\n' "$output"; return 1; }
}

# environment ALLOWED…: the scripts of this server got no variables but these.
environment() {
    local extra
    extra=$(comm -23 <(sort -u "$SITE/seen") <(printf '%s\n' "$@" | sort -u) | paste -sd ' ')
    [ -z "$extra" ] || { echo "not to be seen by a script: $extra"; return 1; }
    grep -qx REQUEST_METHOD "$SITE/seen"
}
# sees_no_claims: nor did they get what a header says of whom it is from. (lighttpd's
# desk hands the password on too, as CGI does.)
sees_no_claims() {
    grep -qx REQUEST_METHOD "$SITE/seen"
    run -1 grep -E "^HTTP_(PROXY|${1-AUTHORIZATION}|AUTH_TYPE|FORWARDED|X_.*|REMOTE_USER)\$" "$SITE/seen"
}

# in_no_log GREP…: nothing that was logged matches.
in_no_log() {
    run -1 grep -rHiF "$@" "$SITE/log" || { printf '%s\n' "$output"; return 1; }
}

# Headers by which a client could say that it is somebody, or somewhere.
# shellcheck disable=SC2034 # for the tests
forged=(-H 'Remote-User: alice' -H 'REMOTE_USER: alice' -H 'X-Remote-User: alice'
    -H 'X-Forwarded-User: alice' -H 'Auth-Type: Basic' -H 'AUTH_TYPE: Basic'
    -H 'X-Forwarded-For: 192.0.2.77' -H 'Forwarded: for=192.0.2.77' -H 'Remote-Addr: 192.0.2.77'
    -H 'Proxy: http://127.0.0.1:1' -H 'SSL-Client-S-DN-CN: alice' -H 'SSL_CLIENT_VERIFY: SUCCESS'
    -H 'OIDC_CLAIM_sub: alice' -H 'OIDC-CLAIM-sub: alice')
