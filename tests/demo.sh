#!/bin/sh
# Shows a cluster of three nodes at work on this machine, unprivileged:
# membership, a checkpoint that is everywhere, and two takeovers.
# tests/demo.sh CTESTS BIN CONF
set -eu
ctests=$1 bin=$2 conf=$3
. "$(dirname "$0")/nodes.sh"
: >"$scratch/shown"

title() { printf '\n\033[1m== %s\033[0m\n' "$1"; }

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
# Lines that were said since the last call have been waited for.
forget() { : >"$scratch/shown"; }

title "a key for the cluster: strangers can neither read nor join"
key="$scratch/key"
"$bin/aisctl" keygen "$key" | sed 's/^/  /'

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
stop_nodes
