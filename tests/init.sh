#!/bin/sh
#
# Drives init/aisexec.init with the daemon given as argument, in a scratch root
# and without privileges: tests/init.sh target/release/aisexec

set -u

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
	echo "Usage: $0 PATH-OF-AISEXEC" >&2
	exit 2
fi
DAEMON=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
TREE=$(cd "$(dirname "$0")/.." && pwd)
SCRIPT=$TREE/init/aisexec.init
ROOT=$(mktemp -d "${TMPDIR:-/tmp}/ais-init.XXXXXX") || exit 1
CONFIG_DIR=$ROOT/etc/ais
SOCKET=$ROOT/run/ais/libais.sock
STATE_DIR=$ROOT/var/lib/ais
PIDFILE=$ROOT/run/aisexec.pid
LOGFILE=$ROOT/aisexec.log
AISEXEC_DEFAULTS=$ROOT/default
# As long as it takes on a machine that does much else.
START_WAIT=60
STOP_WAIT=60
export DAEMON CONFIG_DIR SOCKET STATE_DIR PIDFILE LOGFILE AISEXEC_DEFAULTS START_WAIT STOP_WAIT

passed=0
failed=0

# Ends what is left of the daemons seen, told by their socket from a process
# that has one of their numbers by now.
cleanup() {
	for file in "$ROOT"/seen/* "$PIDFILE"; do
		pid=
		[ -r "$file" ] && read -r pid <"$file"
		if grep -q -- "$SOCKET" "/proc/${pid:-none}/cmdline" 2>/dev/null; then
			kill -KILL "$pid"
		fi
	done
	rm -rf "$ROOT"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() {
	passed=$((passed + 1))
	echo "ok $mode: $1"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok $mode: $1"
	sed 's/^/# /' "$ROOT/out"
	[ -r "$LOGFILE" ] && tail -n 20 "$LOGFILE" | sed 's/^/# log: /'
}

# check TITLE COMMAND...: the command succeeds.
check() {
	title=$1
	shift
	if "$@"; then ok "$title"; else not_ok "$title"; fi
}

# run ACTION STATUS TITLE: the script's action exits with this status.
run() {
	PATH=$script_path /bin/sh "$SCRIPT" "$1" >"$ROOT/out" 2>&1
	code=$?
	if [ "$code" -eq "$2" ]; then
		ok "$3"
	else
		not_ok "$3 (exit status $code, expected $2)"
	fi
}

# The process that the pid file names; remembered for the cleanup.
daemon_pid() {
	pid=$(cat "$PIDFILE" 2>/dev/null) || pid=
	[ -n "$pid" ] && echo "$pid" >"$ROOT/seen/$pid"
	echo "$pid"
}

dead() {
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '* | *') X '*) return 0 ;;
	esac
	return 1
}

# Waits until the command succeeds: if it does not within a minute it never will.
eventually() {
	tries=1200
	until "$@"; do
		[ "$tries" -gt 0 ] || return 1
		tries=$((tries - 1))
		sleep 0.05
	done
}

says() {
	grep -q -- "$1" "$ROOT/out"
}

configure() {
	mkdir -p "$ROOT/seen"
	sh "$TREE/ctests/alone" "$TREE/conf" "$CONFIG_DIR" realtime:no
	: >"$AISEXEC_DEFAULTS"
}

life_cycle() {
	configure
	run status 3 "status before the first start is 3"
	run start 0 "start"
	check "the socket is there after start" test -S "$SOCKET"
	first=$(daemon_pid)
	run status 0 "status while it runs is 0"
	run start 0 "a second start is fine"
	check "the second start says so" says "already running (pid $first)"
	check "the second start changes nothing" test "$(daemon_pid)" = "$first"

	run restart 0 "restart"
	second=$(daemon_pid)
	check "the old process is gone after restart" dead "$first"
	check "restart made another process" test "$second" != "$first"
	run status 0 "status after restart is 0"

	echo 'mcastport:x' >>"$CONFIG_DIR/network.conf"
	run restart 6 "restart with a wrong configuration is 6"
	check "it names file and line" says "network.conf:$(grep -c '' "$CONFIG_DIR/network.conf"): "
	check "it leaves the daemon alone" test "$(daemon_pid)" = "$second"
	run status 0 "status after that is 0"

	run stop 0 "stop"
	check "the process is gone after stop" dead "$second"
	run status 3 "status after stop is 3"
	run stop 0 "a second stop is fine"
	run start 6 "start with a wrong configuration is 6"
	run status 3 "status after that is 3"
}

accidents() {
	configure
	run try-restart 0 "try-restart of nothing is fine"
	run status 3 "try-restart of nothing starts nothing"
	run start 0 "start again"
	victim=$(daemon_pid)
	kill -KILL "$victim"
	check "the killed daemon is gone" eventually dead "$victim"
	run status 1 "status after a kill is 1"
	run start 0 "start after a kill replaces what is left"
	run stop 0 "stop after that"

	echo $$ >"$PIDFILE"
	run status 1 "a pid file that names another process is not the daemon"
	run stop 0 "stop of that is fine"
	check "and lets the other process live" kill -0 $$
	echo garbage >"$PIDFILE"
	run status 1 "a pid file with garbage is not the daemon"
	run start 0 "start with such a pid file"
	daemon_pid >/dev/null
	run force-reload 0 "force-reload"
	daemon_pid >/dev/null
	run stop 0 "stop after force-reload"

	run start 0 "start once more"
	victim=$(daemon_pid)
	kill -STOP "$victim"
	echo STOP_WAIT=1 >"$AISEXEC_DEFAULTS"
	run stop 0 "stop of a daemon that hangs"
	check "it is killed" dead "$victim"

	echo "LOGFILE=$ROOT" >"$AISEXEC_DEFAULTS"
	run start 1 "start of a daemon that ends at once is 1"
	run status 3 "status after that is 3"
	echo "DAEMON=$ROOT/none" >"$AISEXEC_DEFAULTS"
	run start 5 "the defaults file counts: start without a daemon is 5"
	echo 'OPTIONS=--nonsense' >"$AISEXEC_DEFAULTS"
	run start 6 "start with a wrong flag in OPTIONS fails"
	: >"$AISEXEC_DEFAULTS"
	run reload 3 "reload is not there: 3"
	run nonsense 2 "an unknown action is 2"
	run '' 2 "no action is 2"
}

# A directory with the tools the script needs, start-stop-daemon not among them.
bare_path() {
	mkdir "$ROOT/bin"
	for tool in cat mkdir rm setsid sh sleep touch; do
		ln -s "$(command -v "$tool")" "$ROOT/bin/$tool" || return
	done
}

everything() {
	life_cycle
	accidents
}

mode=with
PATH=$PATH:/usr/sbin:/sbin
script_path=$PATH
: >"$ROOT/out"
if command -v start-stop-daemon >/dev/null 2>&1; then
	everything
else
	echo "ok with: skipped, there is no start-stop-daemon here"
fi

mode=without
if bare_path; then
	script_path=$ROOT/bin
	everything
else
	not_ok "the tools for a run without start-stop-daemon"
fi

echo "init: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
