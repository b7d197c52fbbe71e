# Sourced by the scripts beside it: daemons of their own, on 127.0.0.1 and up, in
# a scratch directory, gone when they end. Unprivileged. Needs $bin and $conf.

scratch=$(mktemp -d)
# A port of its own: they meet no cluster that runs here already.
port=$((10000 + $$ % 20000))
daemons=
# Other processes that are not to outlive the script.
programs=
# Further lines of network.conf.
more=
# The key file of the nodes, if they have one.
key=

finish() {
    # Those that have ended already are no error.
    kill -9 $programs $daemons 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Waits until the command holds: if it does not within a minute it never will.
wait_until() {
    tries=1200
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "waited in vain for: $*" >&2
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
        for line in $more; do echo "$line"; done
    } >"$scratch/node$1/network.conf"
    test -z "$key" || cp "$key" "$scratch/node$1/key"
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

# members N COUNT: whether so many are members, as node N has it.
members() { on "$1" "$bin/aisctl" members 2>/dev/null | grep -q " $2 members"; }

# Ends all daemons in order.
stop_nodes() {
    for daemon in $daemons; do
        kill "$daemon" 2>/dev/null || continue
        wait "$daemon"
        echo "  a daemon has stopped with status $?"
    done
    daemons=
}

# in_each_way MEASURE: calls it for 1 node and for 3, without busy polling and with.
in_each_way() {
    for nodes in 1 3; do
        more=busy-poll:0
        export AIS_BUSY_POLL=0
        "$1" "$nodes"
        more=
        unset AIS_BUSY_POLL
        "$1" "$nodes"
    done
}
