#!/bin/sh
# Installs into a scratch root and builds the C programs there as a user does,
# through pkg-config alone, against the shared and the static library.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

prefix=$scratch/usr
make --no-print-directory install PREFIX="$prefix" SYSCONFDIR="$scratch/etc" >/dev/null
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

echo "# mine" >>"$scratch/etc/ais/network.conf"
make --no-print-directory install PREFIX="$prefix" SYSCONFDIR="$scratch/etc" >/dev/null
grep -q '^# mine' "$scratch/etc/ais/network.conf"
make --no-print-directory uninstall PREFIX="$prefix" SYSCONFDIR="$scratch/etc" >/dev/null
left=$(find "$scratch/usr" "$scratch/etc" -type f -o -type l | sort)
[ "$left" = "$scratch/etc/ais/groups.conf
$scratch/etc/ais/network.conf" ]
echo "ok: uninstall leaves the configuration and nothing else"
