#!/bin/sh
# Shows one node at work: membership, checkpoints, and a takeover.
# tests/demo.sh CTESTS AISEXEC CONF
set -eu
ctests=$1 aisexec=$2 conf=$3
. "$(dirname "$0")/executive.sh"

title() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
# Runs a program to its end and shows the lines that match.
run() {
    lines=$1
    name=$2
    shift 2
    if ! "$ctests/$name" "$@" >"$scratch/$name"; then
        cat "$scratch/$name"
        exit 1
    fi
    grep -E "$lines" "$scratch/$name" | sed 's/^/  /'
}

# Starts a program in the background, its name in front of every line; $pid is
# its process.
show() {
    name=$1
    shift
    mkfifo "$scratch/$name.pipe"
    sed -u "s/^/  [$name] /" <"$scratch/$name.pipe" | tee -a "$scratch/shown" &
    "$ctests/$name" "$@" >"$scratch/$name.pipe" 2>&1 &
    pid=$!
}
said() { grep -q "\[$1\].*$2" "$scratch/shown"; }

title "aisexec starts, unprivileged, on $(sed -n 's/^bindnetaddr: *//p' "$conf/network.conf")"
start_executive
sed 's/^/  /' "$scratch/members"

title "CLM: who is in the cluster (testclm)"
run 'no change:|members|passed' testclm

title "CKPT: named state in memory (testckpt, in short: each part makes a dozen checks)"
run '^--|expired|passed' testckpt

title "CKPT: how fast it is written (ckptbench)"
run 'bytes|^ *[0-9]' ckptbench -w 0.3 -m 5

title "AMF: unit raidA (testamf1, testamf2) becomes active"
: >"$scratch/shown"
show testamf1 -q -t 20
doomed=$pid
show testamf2 -q -t 20
programs=$pid
wait_until said testamf1 ACTIVE
wait_until said testamf2 ACTIVE

title "AMF: unit raidB (testamf3, testamf4) becomes its standby"
show testamf3 -q -t 20
programs="$programs $pid"
show testamf4 -q -t 20
programs="$programs $pid"
wait_until said testamf3 STANDBY
wait_until said testamf4 STANDBY

title "testamf1 is killed: raidB takes over"
kill -9 "$doomed"
wait_until said testamf3 ACTIVE
wait_until said testamf4 ACTIVE

title "everything ends in order"
kill $programs
wait $programs
stop_executive
echo "  aisexec has stopped with status 0"
