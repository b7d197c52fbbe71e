# Sourced by the scripts beside it: one aisexec of their own, in a scratch
# directory, gone when they end. Needs $aisexec and $conf.

scratch=$(mktemp -d)
export AIS_SOCKET="$scratch/libais.sock"
# Further lines of network.conf.
more=
executive=

# Waits until the command holds: if it does not within a minute it never will.
wait_until() {
    tries=1200
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "waited in vain for: $*" >&2
            return 1
        fi
        sleep 0.05
    done
}

start_executive() {
    sh "$(dirname "$0")/../ctests/alone" "$conf" "$scratch/conf" $more
    "$aisexec" --config-dir "$scratch/conf" --socket "$AIS_SOCKET" --state-dir "$scratch" --foreground \
        >"$scratch/members" 2>"$scratch/log" &
    executive=$!
    wait_until test -S "$AIS_SOCKET" || {
        cat "$scratch/log" >&2
        exit 1
    }
}

stop_executive() {
    [ -n "$executive" ] || return 0
    kill "$executive" 2>/dev/null
    wait "$executive"
    status=$?
    executive=
    return $status
}

finish() {
    [ -z "$executive" ] || kill -9 "$executive" 2>/dev/null
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM
