#!/bin/sh
# Installs into a scratch root, as a root account without cargo, and builds the
# C programs there as a user does, through pkg-config alone, against the shared
# and the static library.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory build
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# make_ GOAL VARIABLE...: what needs no cargo does not get it.
make_() {
    make --no-print-directory CARGO=no-such-cargo "$@" >"$scratch/said" 2>&1 ||
        { cat "$scratch/said"; return 1; }
}

# Is nothing left there but the configuration?
only_configuration_in() {
    left=$(cd "$1" && find . -type f -o -type l | sort)
    [ "$left" = "$2/ais/groups.conf
$2/ais/network.conf" ] || { echo "left after uninstall: $left"; return 1; }
}

if make_ install RELEASE="$scratch/not-built" DESTDIR="$scratch/none" >/dev/null; then
    echo "make install installs what was not built"
    exit 1
fi
grep -q "libais.so is not there: run 'make' first" "$scratch/said"
[ ! -e "$scratch/none" ]
echo "ok: what is not built is not installed, and what to do is said"

prefix=$scratch/usr
make_ install PREFIX="$prefix" SYSCONFDIR="$scratch/etc"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion ais)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)" ]
echo "ok: pkg-config knows the library"

make --no-print-directory -s -C ctests BUILD="$scratch/shared" >/dev/null
readelf -d "$scratch/shared/testclm" | grep -q 'NEEDED.*libais.so.1\]'
LD_LIBRARY_PATH="$prefix/lib" "$scratch/shared/testclm" -h >/dev/null
echo "ok: programs link the shared library by its soname"

make --no-print-directory -s -C ctests BUILD="$scratch/static" STATIC=1 >/dev/null
if readelf -d "$scratch/static/testclm" | grep -q 'NEEDED.*libais'; then
    echo "the static programs need libais.so"
    exit 1
fi
"$scratch/static/testclm" -h >/dev/null
echo "ok: programs link the static library"

cat >"$scratch/program.c" <<'C'
#include <ais_clm.h>

int main(void)
{
	return saClmInitialize(0, 0, 0) == SA_ERR_INVALID_PARAM ? 0 : 1;
}
C
for static in -static -static-pie; do
    # shellcheck disable=SC2046 # a list of flags
    cc "$static" -o "$scratch/program" "$scratch/program.c" $(pkg-config --static --cflags --libs ais)
    if readelf -d "$scratch/program" | grep -q NEEDED; then
        echo "a program linked with $static needs a library"
        exit 1
    fi
    "$scratch/program"
done
echo "ok: programs link with -static and -static-pie, and run"

echo "# mine" >>"$scratch/etc/ais/network.conf"
make_ install PREFIX="$prefix" SYSCONFDIR="$scratch/etc"
grep -q '^# mine' "$scratch/etc/ais/network.conf"
mkdir "$scratch/all"
make_ uninstall PREFIX="$prefix" SYSCONFDIR="$scratch/etc"
mv "$scratch/usr" "$scratch/etc" "$scratch/all"
only_configuration_in "$scratch/all" ./etc
echo "ok: uninstall leaves the configuration and nothing else"

# Every place a place of its own, in a root whose name has a blank in it.
root="$scratch/a root"
elsewhere() {
    make_ "$1" DESTDIR="$root" PREFIX=/opt/ais SYSCONFDIR=/opt/ais/etc \
        LIBDIR=/opt/ais/lib/of-this-machine INCLUDEDIR=/opt/include BINDIR=/opt/bin \
        SBINDIR=/opt/sbin MANDIR=/opt/man UNITDIR=/opt/units SYSUSERSDIR=/opt/users \
        TMPFILESDIR=/opt/files
}
elsewhere install
if grep -rn '[^a-z]/etc/ais' "$root/opt/ais/etc/init.d" "$root/opt/units" "$root/opt/man" |
    grep -v /opt/ais/etc/ais; then
    echo "these look elsewhere"
    exit 1
fi
grep -q '^CONFIG_DIR=${CONFIG_DIR:-/opt/ais/etc/ais}$' "$root/opt/ais/etc/init.d/aisexec"
grep -q '^ExecStart=/opt/sbin/aisexec .*--config-dir /opt/ais/etc/ais$' "$root/opt/units/aisexec.service"
grep -q "note: .*--config-dir /opt/ais/etc/ais" "$scratch/said"
flags=$(PKG_CONFIG_PATH="$root/opt/ais/lib/of-this-machine/pkgconfig" pkg-config --cflags --libs ais)
[ "${flags% }" = "-I/opt/include -L/opt/ais/lib/of-this-machine -lais" ]
grep -q '^libdir=${prefix}/lib/of-this-machine$' "$root/opt/ais/lib/of-this-machine/pkgconfig/ais.pc"
elsewhere uninstall
only_configuration_in "$root" ./opt/ais/etc
echo "ok: everything is where it is told to be, and looks there"
