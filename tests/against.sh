#!/bin/sh
# How fast this build is beside an older one:
# tests/against.sh CTESTS BIN CONF OLD [ROUNDS]
#
# OLD is the tree of the older build, with its target/ctests and target/release.
# Clusters of both stand side by side, each used by the programs of its own
# build. Bursts of 0.1 s alternate between them, ROUNDS of each (default 40),
# for what else the machine does changes its speed within seconds. Printed are
# the medians, and of the ratios of bursts that follow each other the median and
# the quartiles: above 1.00 this build is the faster one. With KEY=yes the nodes of
# this build have a key, and those of OLD, which may be the same, have none.
set -eu
ctests=$1 bin=$2 conf=$3 old=$4 rounds=${5:-40}
new=$bin
. "$(dirname "$0")/nodes.sh"
window=0.1

# start_both COUNT: nodes 1 to COUNT are of this build, as many more of the older one.
start_both() {
    [ "${KEY:-no}" = no ] || key=$scratch/key
    [ -z "$key" ] || [ -e "$key" ] || "$new/aisctl" keygen "$key" >/dev/null
    for node in $(seq $((2 * $1))); do
        [ "$node" -ne $(($1 + 1)) ] || { bin=$old/target/release && port=$((port + 2)) && key=; }
        start_node "$node"
    done
    bin=$new
    wait_until members 1 "$1"
    wait_until members $(($1 + 1)) "$1"
}

# burst NEW|OLD PROGRAM...: "name|speed" of each row of what the program prints.
burst() {
    case $1 in
    new) node=1 programs_of=$ctests ;;
    old) node=$((nodes + 1)) programs_of=$old/target/ctests ;;
    esac
    program=$2
    shift 2
    on "$node" "$programs_of/$program" "$@" >"$scratch/output" || {
        cat "$scratch/output"
        exit 1
    }
    awk -v name="$program $*" '
        /^sa[A-Z].* +[0-9]+ +[0-9.]+ +[0-9.]+ / {
            row = substr($0, 1, 36)
            sub(/ +$/, "", row)
            print row "|" 1e6 / substr($0, 45, 10)
        }
        /writes\/s,/ { print name "|" $11 }
        /^ *[0-9]+ +[0-9]+ +[0-9.]+ *$/ { print name "|" $2 }' "$scratch/output"
}

# compare PROGRAM...: a line for each row of it.
compare() {
    : >"$scratch/new" && : >"$scratch/old"
    for round in $(seq "$rounds"); do
        order="new old"
        [ $((round % 2)) -eq 0 ] || order="old new"
        for build in $order; do burst "$build" "$@" >>"$scratch/$build"; done
    done
    paste -d '|' "$scratch/old" "$scratch/new" |
        awk -F '|' '$1 == $3 { print $1 "|" $2 "|" $4 "|" $4 / $2 }' >"$scratch/pairs"
    cut -d '|' -f 1 "$scratch/pairs" | awk '!seen[$0]++' >"$scratch/rows"
    while read -r row; do
        awk -F '|' -v row="$row" '$1 == row' "$scratch/pairs" >"$scratch/row"
        printf '%-38s %9.0f %9.0f %7.2f %7.2f %7.2f\n' "$row" "$(rank 2 2)" "$(rank 3 2)" \
            "$(rank 4 2)" "$(rank 4 1)" "$(rank 4 3)"
    done <"$scratch/rows"
}

# rank COLUMN QUARTER: of a column of the row, the value below which so many quarters are.
rank() {
    cut -d '|' -f "$1" "$scratch/row" | sort -g | sed -n "$(($2 * $(wc -l <"$scratch/row") / 4 + 1))p"
}

# measure COUNT: all of it, on so many nodes of each build.
measure() {
    nodes=$1
    echo
    echo "== $nodes node(s) of each, busy-poll ${AIS_BUSY_POLL:-as in $conf/network.conf}"
    printf '%-38s %9s %9s %7s %7s %7s\n' '' old/s new/s ratio q1 q3
    start_both "$nodes"
    compare apibench -c 500
    for bytes in 1 1001 10001 30001 49001; do compare ckptbench -w "$window" -s "$bytes"; done
    for bytes in 1000 49001; do
        for threads in 4 40; do compare ckptbenchth -w "$window" -t "$threads" -s "$bytes"; done
    done
    compare ckptstress -t 40 -n 4
    stop_nodes
}

echo "$(nproc) cores; $rounds rounds; the older build is $old"
in_each_way measure
