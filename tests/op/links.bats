#!/usr/bin/env bats
# What the programs are linked with, and how they are hardened.
# The plain build only: sanitizers link and harden in their own way.

setup() {
    load ../lib
    cd "$IDB_BUILD" || return
    mapfile -t names < <(programs)
    [ "${#names[@]}" -ge 12 ]
}

# each CHECK: runs CHECK PROGRAM for every program; says for which it fails.
each() {
    local name bad=0
    for name in "${names[@]}"; do
        "$1" "$name" || { echo "$1: $name"; bad=1; }
    done
    return "$bad"
}

# links PROGRAM LIBRARY: whether the program loads that library, by whatever way.
links() {
    local libraries
    libraries=$(ldd "$1") || return 2
    [[ $libraries == *libc.so.* ]] || return 2
    [[ $libraries == *"$2"* ]]
}

# lacks PROGRAM LIBRARY
lacks() {
    local status=0
    links "$1" "$2" || status=$?
    [ "$status" -eq 1 ]
}

lacks_libpq() { lacks "$1" libpq; }
lacks_libcurl() { [[ $1 == idb-oidc-* ]] || lacks "$1" libcurl; }
complete() { lacks "$1" 'not found'; }

is_pie() {
    local header
    header=$(readelf -hW "$1") && [[ $header =~ Type:\ +DYN ]] || return
    header=$(readelf -dW "$1") && [[ $header =~ FLAGS_1.*\ PIE ]]
}

is_read_only_at_once() {
    local text
    text=$(readelf -lW "$1") && [[ $text == *GNU_RELRO* ]] || return
    text=$(readelf -dW "$1") && [[ $text == *BIND_NOW* && $text =~ FLAGS_1.*\ NOW ]]
}

has_no_path() {
    local text
    text=$(readelf -dW "$1") && [[ $text != *RPATH* && $text != *RUNPATH* && $text != *TEXTREL* ]]
}

has_stack_protector() {
    local text
    text=$(readelf --dyn-syms -W "$1") && [[ $text == *__stack_chk_fail* ]]
}

has_checked_functions() {
    local text
    text=$(readelf --dyn-syms -W "$1") && [[ $text =~ __[a-z]+_chk@ ]]
}

# The stack is there, and neither it nor any other segment is both written and run.
has_no_executable_stack() {
    local text
    text=$(readelf -lW "$1") || return
    [[ $text =~ GNU_STACK[^$'\n']*\ RW\ + ]] || return
    [[ ! $text =~ \ RWE\ + ]]
}

@test "links: every library is found" {
    each complete
}

@test "links: no program links libpq" {
    each lacks_libpq
}

@test "links: libcurl is linked by none but idb-oidc-*" {
    each lacks_libcurl
}

@test "links: libjose is not in the programs that neither seal nor open" {
    lacks idb-verify libjose
    lacks idb-agi libjose
    lacks idb-end libjose
    lacks idb-transfer libjose
    lacks idb-purge libjose
    lacks idb-stats libjose
    # It is found where it is.
    links idb-issue libjose
    links idb-lookup libjose
}

@test "links: every program is position-independent" {
    each is_pie
}

@test "links: relocations are read-only, and bound before the start" {
    each is_read_only_at_once
}

@test "links: no program looks for libraries in a place of its own, or has text relocations" {
    each has_no_path
}

@test "links: every program has the stack protector and checked functions" {
    each has_stack_protector
    each has_checked_functions
}

@test "links: no stack is executable, and nothing is both written and run" {
    each has_no_executable_stack
}
