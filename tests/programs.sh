#!/bin/sh
# The parts of the original guide, played by the C programs on one executive:
# tests/programs.sh CTESTS AISEXEC CONF
set -u
ctests=$1 aisexec=$2 conf=$3
. "$(dirname "$0")/executive.sh"
passed=0
failed=0

# run NAME COMMAND...: a program that has to end with success.
run() {
    name=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $name"
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
        cat "$scratch/output"
    fi
}

# said FILE TEXT: whether a program in the background has printed it.
said() { grep -q "$2" "$scratch/$1"; }

# Two components of a unit; their output goes to files named after them, which
# have nothing of an earlier one when this returns.
unit() {
    : >"$scratch/$1"
    : >"$scratch/$2"
    "$ctests/$1" -q -t 600 >"$scratch/$1" 2>&1 &
    first=$!
    "$ctests/$2" -q -t 600 >"$scratch/$2" 2>&1 &
    second=$!
}

takeover() {
    unit testamf1 testamf2
    active_first=$first active_second=$second
    wait_until said testamf1 'ACTIVE' && wait_until said testamf2 'ACTIVE' || return 1
    unit testamf3 testamf4
    wait_until said testamf3 'STANDBY' && wait_until said testamf4 'STANDBY' || return 1
    kill "-$1" "$active_first"
    wait_until said testamf3 'ACTIVE' && wait_until said testamf4 'ACTIVE' || return 1
    said testamf2 'QUIESCED' && said testamf2 'OUT_OF_SERVICE'
    result=$?
    kill -CONT "$active_first" 2>/dev/null
    kill "$active_first" 2>/dev/null
    kill "$active_second" "$first" "$second"
    wait "$active_first" "$active_second" "$first" "$second" 2>/dev/null
    return $result
}

# testamf2 unregisters, comes back, reports an error and cancels it, beside a
# testamf1 that follows.
sequence() {
    "$ctests/testamf1" -q -t 600 >"$scratch/testamf1" 2>&1 &
    beside=$!
    "$ctests/testamf2" -q -s -t 300
    result=$?
    kill "$beside"
    wait "$beside" && return "$result"
}

start_executive
run testclm "$ctests/testclm"
run testckpt "$ctests/testckpt"
run ckptstress "$ctests/ckptstress" -t 8 -n 20
run ckptbench "$ctests/ckptbench" -w 0.1 -m 4
run ckptbenchth "$ctests/ckptbenchth" -t 1,8 -w 0.1
run apibench "$ctests/apibench" -c 500
run testamf "$ctests/testamf"
run testamfth "$ctests/testamfth"
run "takeover by process death" takeover KILL
run "takeover by hang" takeover STOP
run "unregister, register, report, cancel" sequence
run "executive stops with status 0" stop_executive
echo "programs: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
