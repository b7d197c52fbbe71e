#!/bin/sh
# Shows a cluster of three nodes at work on this machine, unprivileged:
# membership, a checkpoint that is everywhere, and two takeovers.
# tests/demo.sh CTESTS BIN CONF
set -eu
ctests=$1 bin=$2 conf=$3
scratch=$(mktemp -d)
: >"$scratch/shown"
# A port of its own: the demo meets no cluster that runs here already.
port=$((10000 + $$ % 20000))
daemons=
programs=

finish() {
    # Those that have ended already are no error.
    kill -9 $programs $daemons 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

title() { printf '\n\033[1m== %s\033[0m\n' "$1"; }

# Waits until the command holds, at most 20 seconds.
wait_until() {
    tries=400
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "waited 20 s in vain for: $*" >&2
            cat "$scratch"/log* >&2
            exit 1
        fi
        sleep 0.05
    done
}

# start_node N: a daemon on 127.0.0.N; its process is $pid.
start_node() {
    mkdir -p "$scratch/node$1"
    cp "$conf/groups.conf" "$scratch/node$1"
    {
        grep -v -e '^bindnetaddr' -e '^mcastport' "$conf/network.conf"
        echo "bindnetaddr:127.0.0.$1"
        echo "mcastport:$port"
    } >"$scratch/node$1/network.conf"
    "$bin/aisexec" --config-dir "$scratch/node$1" --socket "$scratch/node$1/socket" \
        --state-dir "$scratch/node$1" >"$scratch/members$1" 2>>"$scratch/log$1" &
    pid=$!
    daemons="$daemons $pid"
    wait_until test -S "$scratch/node$1/socket"
}

# on N PROGRAM...: runs it as a program of that node.
on() {
    node=$1
    shift
    AIS_SOCKET="$scratch/node$node/socket" "$@"
}

# show N TITLE PROGRAM...: the same in the background, with the title in front
# of every line; its process is $pid.
show() {
    node=$1 name=$2
    shift 2
    mkfifo "$scratch/$name.pipe"
    sed -u "s/^/  [$name] /" <"$scratch/$name.pipe" | tee -a "$scratch/shown" &
    AIS_SOCKET="$scratch/node$node/socket" "$@" >"$scratch/$name.pipe" 2>&1 &
    pid=$!
    programs="$programs $pid"
}
said() { grep -q "\[$1\].*$2" "$scratch/shown"; }
members() { on "$1" "$bin/aisctl" members 2>/dev/null | grep -q " $2 members"; }
# Lines that were said since the last call have been waited for.
forget() { : >"$scratch/shown"; }

title "aisexec starts on 127.0.0.1; testclm watches the membership there"
start_node 1
show 1 testclm "$ctests/testclm" -t 60
wait_until said testclm 127.0.0.1

title "two more nodes join, on 127.0.0.2 and 127.0.0.3"
start_node 2
second=$pid
start_node 3
wait_until said testclm 'joined.*127.0.0.3'
wait_until members 2 3
on 2 "$bin/aisctl" members | sed 's/^/  /'

title "a checkpoint is written on node 1 and read on node 3"
on 1 "$ctests/ledger" -w -s demo -t 1 | sed 's/^/  [node 1] /'
on 3 "$ctests/ledger" -s demo | sed -n 's/^\([0-9]*\)$/  [node 3] reads \1/p'

title "AMF: unit raidA (testamf1, testamf2) becomes active on node 1"
show 1 testamf1 "$ctests/testamf1" -q -t 60
doomed=$pid
show 1 testamf2 "$ctests/testamf2" -q -t 60
beside=$pid
wait_until said testamf1 ACTIVE
wait_until said testamf2 ACTIVE

title "unit raidB (testamf3, testamf4) becomes its standby on node 2"
show 2 testamf3 "$ctests/testamf3" -q -t 60
third=$pid
show 2 testamf4 "$ctests/testamf4" -q -t 60
fourth=$pid
wait_until said testamf3 STANDBY
wait_until said testamf4 STANDBY

title "testamf1 is killed: raidB takes over"
kill -9 "$doomed"
wait_until said testamf3 ACTIVE
wait_until said testamf4 ACTIVE

title "testamf1 is back: raidA becomes the standby of raidB"
kill "$beside"
show 1 testamf1-again "$ctests/testamf1" -q -t 60
show 1 testamf2-again "$ctests/testamf2" -q -t 60
wait_until said testamf1-again STANDBY
wait_until said testamf2-again STANDBY

title "node 2 dies (kill -9 of all that runs there): raidA takes over on node 1"
forget
kill -9 "$second" "$third" "$fourth"
wait_until said testamf1-again ACTIVE
wait_until said testamf2-again ACTIVE
wait_until said testclm 'left.*127.0.0.2'

title "node 2 is back; what was written before it started is there"
start_node 2
wait_until members 2 3
on 2 "$ctests/ledger" -s demo | sed -n 's/^\([0-9]*\)$/  [node 2] reads \1/p'

title "everything ends in order"
kill $programs 2>/dev/null || true
for program in $programs; do
    wait "$program" 2>/dev/null || true
done
for daemon in $daemons; do
    kill "$daemon" 2>/dev/null || continue
    wait "$daemon"
    echo "  a daemon has stopped with status $?"
done
