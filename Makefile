# One door to everything: see README.md.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR ?= $(PREFIX)/lib
# Where Debian and its kin look for 32-bit libraries, at run time and for
# gcc -m32; it is never the directory of the others. Fedora and SUSE want
# /usr/lib beside LIBDIR=/usr/lib64, a Debian with libc6-i386 alone /usr/lib32.
LIBDIR32 ?= $(PREFIX)/lib/i386-linux-gnu
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
INSTALL ?= install
CARGO ?= cargo

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
PAGES := $(notdir $(wildcard docs/man/*))
HEADERS := ais_types.h ais_clm.h ais_amf.h ais_ckpt.h ais_msg.h
RELEASE := target/release
# i586 has no SSE, which wants the stack aligned to 16 bytes: programs of 2004
# may call with the 4 that the i386 ABI asks for.
TARGET32 := i586-unknown-linux-gnu
RELEASE32 := target/$(TARGET32)/release
# An installation inside the tree: what make check, demo and bench work on.
STAGE := $(CURDIR)/target/stage
STAGED := PKG_CONFIG_PATH=$(STAGE)/lib/pkgconfig LD_LIBRARY_PATH=$(STAGE)/lib
CTESTS := target/ctests

all: build

# A SYSCONFDIR of its own is where this aisexec looks for its configuration.
build:
	$(if $(filter-out /etc,$(SYSCONFDIR)),AIS_CONFIG_DIR='$(SYSCONFDIR)/ais') \
		$(CARGO) build --release --workspace --locked

# The library for 32-bit programs (x86). The executive for 32-bit hosts is built with
# TARGET32=i686-unknown-linux-gnu WHAT32="-p aisexec": its ciphers want SSE2.
WHAT32 ?= -p libais
build-32:
	CARGO='$(CARGO)' sh libais/build-32 $(TARGET32) --release --locked $(WHAT32)

# All tests. Closes with the sum of all parts.
check:
	sh tests/check.sh

# A part of the tests: make check-rust, check-c, check-memory, check-init.
check-%:
	sh tests/check.sh $*

# Builds, then shows a cluster of three nodes at work.
demo: stage
	sh tests/demo.sh $(CTESTS) $(RELEASE) conf

# Benchmarks on one node and on three, each beside its floor in the same run.
bench: stage
	sh tests/bench.sh $(CTESTS) $(RELEASE) conf

# By hand: how fast this build is beside an older one, in the same run:
# How fast nodes with a key are beside nodes without.
bench-key: stage
	KEY=yes sh tests/against.sh $(CTESTS) $(RELEASE) conf .

# make bench-against OLD=DIR, a tree of the older version where make stage was run.
bench-against: old-build stage
	sh tests/against.sh $(CTESTS) $(RELEASE) conf "$(OLD)"

old-build:
	@test -x "$(OLD)/target/release/aisexec" || { \
		echo "make bench-against OLD=DIR: no make stage was run in OLD=$(OLD)"; exit 1; }

# What the hot parts of the crates cost; make micro-bench BENCH=ring for one crate.
BENCH ?= *
micro-bench:
	$(CARGO) bench --workspace --locked --bench '$(BENCH)'

# make sim SEEDS=1000, or make sim SEED=7 for one, with TRACE=1 step by step.
SEEDS ?= 1000
sim:
	$(CARGO) run --profile sim --locked -p ais-sim -- \
		$(if $(SEED),1 $(SEED) $(if $(TRACE),trace),$(SEEDS))

# By hand: faults at random on five real daemons for SECONDS, then three idle
# ones with a short token while all processors are busy.
SECONDS ?= 600
soak: stage
	$(RELEASE)/ais-cluster soak $(SECONDS) $(SEED)
	$(RELEASE)/ais-cluster idle 300 --token 300 --busy

# By hand: faults of every kind at random for MINUTES on five real daemons with a key, with
# quorum and then without.
MINUTES ?= 30
chaos: stage
	$(RELEASE)/ais-cluster chaos $(MINUTES) $(SEED) --quorum
	$(RELEASE)/ais-cluster chaos $(MINUTES) $(SEED)

# By hand: what checkpoints have to survive: 100 kills under 40 writers, and a
# node that joins with 1 GiB to be sent.
proof: stage
	$(RELEASE)/ais-cluster kills 100
	$(RELEASE)/ais-cluster join 1024

# By hand: how long membership changes take, and takeovers.
figures: stage
	$(RELEASE)/ais-cluster figures
	$(RELEASE)/ais-cluster failover
	$(RELEASE)/ais-cluster idle 20

# By hand: what a cluster does on bad networks of every kind, and what a write
# costs where links take long or lose packets.
conditions: stage
	$(RELEASE)/ais-cluster conditions
	$(RELEASE)/ais-cluster latency

# By hand: one daemon of three is flooded in each way that programs can, beside
# a program that writes. make floods FLOOD=iteration for those with this in their
# name; as root, other users flood than the one who writes, and root looks in.
floods: stage
	$(RELEASE)/ais-cluster floods "$(FLOOD)"

# The library installed inside the tree, and the C programs built against it.
stage: build
	@$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) SYSCONFDIR=$(STAGE)/etc \
		LIBDIR=$(STAGE)/lib >/dev/null
	@$(MAKE) --no-print-directory -s -C ctests BUILD=$(CURDIR)/$(CTESTS) \
		AIS_CFLAGS=-I$(STAGE)/include \
		AIS_LIBS="-L$(STAGE)/lib -Wl,-rpath,$(STAGE)/lib -lais"

# $(call built,FILES,COMMAND): each of them is there. Installing builds nothing,
# as root may have no cargo.
built = @for file in $(1); do test -e $$file || { \
	echo "$$file is not there: run '$(2)' first, as the user who builds" >&2; exit 1; }; done

# $(call install-library,FROM,LIBDIR): the library, and what pkg-config tells.
define install-library
	$(INSTALL) -d "$(DESTDIR)$(2)/pkgconfig"
	$(INSTALL) -m 755 $(1)/libais.so "$(DESTDIR)$(2)/libais.so.1.0"
	ln -sf libais.so.1.0 "$(DESTDIR)$(2)/libais.so.1"
	ln -sf libais.so.1 "$(DESTDIR)$(2)/libais.so"
	$(INSTALL) -m 644 $(1)/libais.a "$(DESTDIR)$(2)/libais.a"
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(2:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@VERSION@|$(VERSION)|' libais/ais.pc.in >"$(DESTDIR)$(2)/pkgconfig/ais.pc"
endef

# $(call uninstall-library,LIBDIR)
uninstall-library = for file in libais.so.1.0 libais.so.1 libais.so libais.a pkgconfig/ais.pc; do \
	rm -f "$(DESTDIR)$(1)/$$file"; done

# Where things are, into what names it.
places := sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'

install:
	$(call built,$(addprefix $(RELEASE)/,libais.so libais.a aisexec aisctl),make)
	$(call install-library,$(RELEASE),$(LIBDIR))
	$(INSTALL) -d "$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(SBINDIR)" \
		"$(DESTDIR)$(MANDIR)/man5" "$(DESTDIR)$(MANDIR)/man8" \
		"$(DESTDIR)$(SYSCONFDIR)/ais" "$(DESTDIR)$(SYSCONFDIR)/init.d" \
		"$(DESTDIR)$(UNITDIR)" "$(DESTDIR)$(SYSUSERSDIR)" "$(DESTDIR)$(TMPFILESDIR)"
	$(INSTALL) -m 644 $(addprefix include/,$(HEADERS)) "$(DESTDIR)$(INCLUDEDIR)"
	$(INSTALL) -m 755 $(RELEASE)/aisexec "$(DESTDIR)$(SBINDIR)/aisexec"
	$(INSTALL) -m 755 $(RELEASE)/aisctl "$(DESTDIR)$(BINDIR)/aisctl"
	for page in $(PAGES); do \
		sed 's|/etc/ais|$(SYSCONFDIR)/ais|g' docs/man/$$page \
			>"$(DESTDIR)$(MANDIR)/man$${page##*.}/$$page" || exit; done
	$(places) init/aisexec.init >"$(DESTDIR)$(SYSCONFDIR)/init.d/aisexec"
	chmod 755 "$(DESTDIR)$(SYSCONFDIR)/init.d/aisexec"
	$(places) init/aisexec.service >"$(DESTDIR)$(UNITDIR)/aisexec.service"
	$(INSTALL) -m 644 init/ais.conf.sysusers "$(DESTDIR)$(SYSUSERSDIR)/ais.conf"
	$(INSTALL) -m 644 init/ais.conf.tmpfiles "$(DESTDIR)$(TMPFILESDIR)/ais.conf"
	@# The operator's own configuration stays.
	for file in network.conf groups.conf; do \
		test -e "$(DESTDIR)$(SYSCONFDIR)/ais/$$file" || \
		$(INSTALL) -m 644 conf/$$file "$(DESTDIR)$(SYSCONFDIR)/ais/$$file" || exit; done
	@grep -qaF '($(SYSCONFDIR)/ais)' $(RELEASE)/aisexec || \
		echo "note: started by hand this aisexec needs --config-dir $(SYSCONFDIR)/ais;" \
			"build it with 'make SYSCONFDIR=$(SYSCONFDIR)' and it looks there by itself"

# The library for 32-bit programs, beside the rest.
install-32:
	$(call built,$(addprefix $(RELEASE32)/,libais.so libais.a),make build-32)
	$(call install-library,$(RELEASE32),$(LIBDIR32))

# Takes away what install put there, but for the configuration.
uninstall:
	$(call uninstall-library,$(LIBDIR))
	for file in $(HEADERS); do rm -f "$(DESTDIR)$(INCLUDEDIR)/$$file"; done
	for page in $(PAGES); do rm -f "$(DESTDIR)$(MANDIR)/man$${page##*.}/$$page"; done
	rm -f "$(DESTDIR)$(SBINDIR)/aisexec" "$(DESTDIR)$(BINDIR)/aisctl" \
		"$(DESTDIR)$(SYSCONFDIR)/init.d/aisexec" "$(DESTDIR)$(UNITDIR)/aisexec.service" \
		"$(DESTDIR)$(SYSUSERSDIR)/ais.conf" "$(DESTDIR)$(TMPFILESDIR)/ais.conf"

uninstall-32:
	$(call uninstall-library,$(LIBDIR32))

clean:
	$(CARGO) clean
	rm -rf ctests/build

.PHONY: all bench bench-against bench-key build build-32 chaos check conditions demo figures \
	floods micro-bench old-build proof sim soak stage install install-32 uninstall \
	uninstall-32 clean
