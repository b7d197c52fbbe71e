#!/bin/sh
# The figures of one node, and of three that share this machine:
# tests/bench.sh CTESTS BIN CONF [RUNS]
#
# Each figure is the middle one of RUNS runs (default 3), beside its floor,
# which is measured in the same run. Each part twice: with busy polling as
# configured, and without.
set -eu
ctests=$1 bin=$2 conf=$3 runs=${4:-3}
. "$(dirname "$0")/nodes.sh"
window=0.3

resident() { for daemon in $daemons; do sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$daemon/status"; done; }
cpu_ticks() { for daemon in $daemons; do cat "/proc/$daemon/stat"; done | awk '{ sum += $14 + $15 } END { print sum }'; }

# The line in the middle of those in the file, by their first field.
middle() { sort -g "$1" | sed -n "$(((runs + 1) / 2))p"; }

# How often the token has come to node 1.
rotations() { on 1 "$bin/aisctl" ring --json | sed 's/.*"tokens": *\([0-9]*\).*/\1/'; }

# figure NAME WRITERS BYTES PROGRAM...: one line, of a program in which so many
# write so much at the same time.
figure() {
    name=$1 writers=$2 bytes=$3
    shift 3
    : >"$scratch/runs"
    for run in $(seq "$runs"); do
        floor=$("$ctests/apibench" -c 2000 -f "$bytes" $others)
        before=$(rotations)
        on 1 "$@" >"$scratch/output" || {
            cat "$scratch/output"
            exit 1
        }
        awk -v writers="$writers" -v bytes="$bytes" -v window="$window" -v floor="$floor" \
            -v tokens="$(($(rotations) - before))" '
            /^ *[0-9]+ +[0-9]+ / { rate = $2; seconds = window }
            /writes\/s,/ { rate = $11; seconds = $1 * $3 / $11 }
            END {
                printf "%.0f %.1f %.1f %.2f", rate, rate * bytes / 1e6, floor,
                    writers * 1e6 / rate / floor
                if (tokens > 0)
                    printf " %.1f", rate * seconds / tokens
                print ""
            }' "$scratch/output" >>"$scratch/runs"
    done
    printf '%-24s %9s %8s %9s %8s %10s\n' "$name" $(middle "$scratch/runs")
}

heading() {
    echo "The floor is what a write takes bare sockets with as many bytes, in us: a ping-pong between"
    if [ "$nodes" -eq 1 ]; then
        echo "the program and another process, polling."
        rotation=
    else
        echo "the program, polling, and another process, which before it answers has $((nodes - 1)) more say that"
        echo "they have the bytes, over UDP on 127.0.0.1, all sleeping while they wait. The last column"
        echo "tells how many writes the token went round for once."
        rotation=w/rotation
    fi
    printf '%-24s %9s %8s %9s %8s %10s\n' '' writes/s MB/s floor 'x floor' "$rotation"
}

# The table of apibench, each row as in the middle one of the runs.
calls() {
    for run in $(seq "$runs"); do
        on 1 "$ctests/apibench" -c 5000 >"$scratch/output" || {
            cat "$scratch/output"
            exit 1
        }
        sed '/^The last columns/,$d' "$scratch/output" >"$scratch/calls$run"
    done
    sed -n 1p "$scratch/calls1"
    for row in $(seq 2 "$(wc -l <"$scratch/calls1")"); do
        for run in $(seq "$runs"); do
            # By the median time.
            sed -n "${row}s/^.\{44\}\(.\{9\}\)/\1|&/p" "$scratch/calls$run"
        done >"$scratch/runs"
        middle "$scratch/runs" | cut -d '|' -f 2
    done
}

# measure COUNT: all of it, on so many nodes.
measure() {
    nodes=$1
    others=
    [ "$nodes" -eq 1 ] || others="-n $((nodes - 1))"
    echo
    echo "== $nodes node(s), busy-poll ${AIS_BUSY_POLL:-as in $conf/network.conf}"
    for node in $(seq "$nodes"); do start_node "$node"; done
    for node in $(seq "$nodes"); do wait_until members "$node" "$nodes"; done
    echo "RSS idle:" $(resident)
    before=$(cpu_ticks)
    sleep 5
    echo "CPU idle: $(($(cpu_ticks) - before)) ticks of 10 ms in 5 s, all nodes together"
    calls
    heading
    for bytes in 1 1001 2001 3001 4001 5001 7001 10001 15001 20001 25001 30001 35001 40001 45001 49001; do
        figure "ckptbench $bytes" 1 "$bytes" "$ctests/ckptbench" -w "$window" -s "$bytes"
    done
    for bytes in 1000 49001; do
        for threads in 1 4 16 40; do
            figure "ckptbenchth $threads x $bytes" "$threads" "$bytes" \
                "$ctests/ckptbenchth" -w "$window" -t "$threads" -s "$bytes"
        done
    done
    figure "ckptstress 40 x 250000" 40 250000 "$ctests/ckptstress" -t 40 -n 20
    echo "RSS afterwards:" $(resident)
    stop_nodes
}

echo "$(nproc) cores; each figure is the middle one of $runs runs, the window is $window s"
in_each_way measure
