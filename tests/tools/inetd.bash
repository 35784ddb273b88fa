# inetd(8) of Debian's openbsd-inetd, for a test or a bench: sourced.
# shellcheck shell=bash

# listening PORT: on 127.0.0.1.
listening() { grep -q "0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

# free_ports N: N ports in a row that nobody listens on; prints the first.
free_ports() {
    local try port first
    for ((try = 0; try < 20; try++)); do
        first=$((20000 + RANDOM % 12000))
        for ((port = first; port < first + $1; port++)); do
            ! listening "$port" || continue 2
        done
        echo "$first"
        return 0
    done
    return 1
}

# inetd_start CONF USER [OPTION…]: starts it; the lines of CONF run as USER. Sets INETD;
# what it says goes to a file beside CONF that ends in .out. root's inetd writes
# /run/inetd.pid, which is the machine's own, so it gets a /run for itself; where a
# chroot does not allow that it runs as USER from the start.
inetd_start() {
    local inetd start=()
    inetd=$(PATH=$PATH:/usr/sbin:/sbin command -v inetd)
    if [ "$(id -u)" -eq 0 ]; then
        start=(setpriv --reuid="$2" --regid="$(id -g "$2")" --init-groups)
        # shellcheck disable=SC2016  # the inner shell's
        ! unshare -m --propagation private true 2>/dev/null || start=(unshare -m
            --propagation private sh -c 'mount -t tmpfs tmpfs /run && exec "$@"' sh)
    fi
    "${start[@]}" "$inetd" -i "${@:3}" "$1" >"${1%.conf}.out" 2>&1 3>&- &
    # shellcheck disable=SC2034  # for who sources this
    INETD=$!
}
