#!/bin/sh
# All tests, part by part: `tests/check.sh [PART...]`, default all parts. Each
# part is a function below; one that fails does not keep the others from
# running. Closes with one line of the sum. Among all parts those that start
# daemons, which wait most of the time, run side by side.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$(pwd)
conf=$root/conf
aisexec=$root/target/release/aisexec
ctests=$root/target/ctests

have() { command -v "$1" >/dev/null 2>&1; }

# The library installed and the C programs built, once: what a part uses is not
# made anew under another one.
staged=
stage() {
    [ -n "$staged" ] || make --no-print-directory stage && staged=yes
}

# Style and lints. A toolchain without the two components cannot check them.
check_lint() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
        cargo fmt --all -- --check &&
            cargo clippy --workspace --all-targets --locked -q -- -D warnings &&
            RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --lib --no-deps --locked -q
    else
        echo "SKIPPED lint: this Rust has no rustfmt or clippy (rustup component add rustfmt clippy)"
    fi
}

# By hand: licences, bans and sources of what the crates depend on.
check_deny() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --locked check bans licenses sources
    else
        echo "SKIPPED deny: there is no cargo-deny (cargo install cargo-deny)"
    fi
}

# The oldest Rust that is served, rust-version in Cargo.toml: no dependency asks for a newer one,
# and where rustup has it, it builds everything. Without it nothing but a lint of check_lint
# (incompatible_msrv) sees what is too new for it, and that knows the standard library alone.
check_msrv() {
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    asked=$(cargo metadata --format-version 1 --locked | grep -o '"rust_version":"[0-9.]*"' |
        cut -d '"' -f 4 | sed 's/\.0$//' | sort -V | tail -n 1)
    if [ "$asked" != "$oldest" ]; then
        echo "Cargo.toml says that Rust $oldest is enough, and a dependency asks for '$asked'"
        return 1
    fi
    if cargo "+$oldest" --version >/dev/null 2>&1; then
        cargo "+$oldest" check --workspace --all-targets --locked -q --target-dir target/msrv
    else
        echo "Rust $oldest is not here (rustup toolchain install $oldest): nothing was built with it"
    fi
}

# Unit and integration tests, the daemon's included, and each micro-bench once.
check_rust() {
    cargo test --workspace --locked -q 2>&1 &&
        cargo test --workspace --locked -q --bench '*' 2>&1
}

# A run of the simulator.
check_sim() {
    make --no-print-directory sim SEEDS=200
}

# The C programs and the conformance programs on a running executive.
check_c() {
    stage && sh ctests/run "$ctests" "$aisexec" "$conf"
}

# The original guide's parts, played by our programs.
check_programs() {
    stage && sh tests/programs.sh "$ctests" "$aisexec" "$conf"
}

# Several real daemons in network namespaces: joins, deaths, pauses, partitions.
# Their token is one that a machine with much else to do can hold.
check_cluster() {
    stage && "$root/target/release/ais-cluster" suite --token 3000
}

# The same conformance with the library under valgrind.
check_memory() {
    if have valgrind; then
        stage &&
            sh ctests/run "$ctests" "$aisexec" "$conf" valgrind -q --error-exitcode=99 \
                --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
                --num-callers=20
    else
        echo "SKIPPED memory: there is no valgrind"
    fi
}

# The same with the C side under AddressSanitizer.
check_sanitizer() {
    stage &&
        make --no-print-directory -s -C ctests BUILD="$ctests-asan" SAN=address \
            AIS_CFLAGS="-I$root/target/stage/include" \
            AIS_LIBS="-L$root/target/stage/lib -Wl,-rpath,$root/target/stage/lib -lais" &&
        sh ctests/run "$ctests-asan" "$aisexec" "$conf"
}

# The same with 32-bit programs, whose stack is aligned as loosely as the i386
# ABI lets it be, beside the executive of 64 bits; then a part of it with the
# executive as one of 32 bits.
check_ilp32() {
    # The ciphers of the executive want SSE2.
    executive_32=i686-unknown-linux-gnu
    if ! said=$({ make --no-print-directory build-32 && make --no-print-directory build-32 \
        TARGET32="$executive_32" WHAT32="-p aisexec"; } 2>&1); then
        missing=$(echo "$said" | sed -n 's/^build-32: //p')
        [ -z "$missing" ] || { echo "SKIPPED ilp32: $missing"; return 0; }
        echo "$said"
        return 1
    fi
    staging=$root/target/stage
    stage &&
        make --no-print-directory -s install-32 DESTDIR= PREFIX="$staging" \
            LIBDIR32="$staging/lib32" &&
        make --no-print-directory -s -C ctests BUILD="$ctests-32" \
            CFLAGS="-O2 -g -m32 -mpreferred-stack-boundary=2" AIS_CFLAGS="-I$staging/include" \
            AIS_LIBS="-L$staging/lib32 -Wl,-rpath,$staging/lib32 -lais" &&
        sh ctests/run "$ctests-32" "$aisexec" "$conf" &&
        CONFORMANCE_ONLY='ckpt_checkpoint_*' sh ctests/run "$ctests-32" \
            "$root/target/$executive_32/release/aisexec" "$conf"
}

# Install, use through pkg-config alone, dynamic and static, uninstall.
check_install() {
    if have pkg-config; then
        sh tests/install.sh
    else
        echo "SKIPPED install: there is no pkg-config"
    fi
}

check_init() {
    make --no-print-directory build && sh tests/init.sh "$aisexec"
}

work=$(mktemp -d) || exit 1
verdicts=$work/verdicts
output=$work/output
mkdir "$verdicts" "$output"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

run() {
    echo "== $1"
    begin=$(date +%s)
    "check_$1"
    status=$?
    [ $status -eq 0 ] || echo "FAILED $1"
    echo "$1 took $(($(date +%s) - begin)) s"
    echo $status >"$verdicts/$1"
}

lane() {
    for part; do run "$part"; done
}

# A lane beside others: what it says is shown by `show` when it has ended.
beside() {
    lane "$@" >"$output/$1" 2>&1 &
}

show() {
    wait
    cat "$output"/*
}

if [ $# -gt 0 ]; then
    lane "$@"
else
    lane lint msrv rust sim
    stage
    beside cluster
    beside c programs sanitizer install
    lane memory ilp32 init
    show
fi
failed=$(cat "$verdicts"/* | grep -vc '^0$')
echo "check: $(cat "$verdicts"/* | grep -c '^0$') passed, $failed failed"
[ "$failed" -eq 0 ]
