#!/bin/sh
# The figures of one node: tests/bench.sh CTESTS AISEXEC CONF [RUNS]
#
# Each part runs RUNS times (default 3) and prints every run; compare with the
# floors that apibench measures in the same run, not with another machine.
# Twice: with busy polling as configured, and without.
set -eu
ctests=$1 aisexec=$2 conf=$3 runs=${4:-3}
. "$(dirname "$0")/executive.sh"

resident() { sed -n 's/^VmRSS:[[:space:]]*//p' "/proc/$executive/status"; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$executive/stat"; }

measure() {
    start_executive
    echo "RSS idle: $(resident)"
    before=$(cpu_ticks)
    sleep 5
    echo "CPU idle: $(($(cpu_ticks) - before)) ticks of 10 ms in 5 s"
    for run in $(seq "$runs"); do
        echo "-- apibench, run $run"
        "$ctests/apibench"
    done
    for run in $(seq "$runs"); do
        echo "-- ckptbench, run $run"
        "$ctests/ckptbench" -w 0.5
    done
    for run in $(seq "$runs"); do
        echo "-- ckptbenchth, 1000 bytes, run $run"
        "$ctests/ckptbenchth" -t 1,2,4,16,40 -s 1000 -w 1
    done
    echo "RSS afterwards: $(resident)"
    stop_executive
}

echo "== with busy polling (busy-poll as in $conf/network.conf), $(nproc) cores"
measure
echo "== without busy polling (busy-poll: 0)"
more=busy-poll:0
export AIS_BUSY_POLL=0
measure
