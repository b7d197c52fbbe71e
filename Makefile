# One door to everything: see README.md.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBDIR ?= $(PREFIX)/lib
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
HEADERS := ais_types.h ais_clm.h ais_amf.h ais_ckpt.h ais_msg.h
RELEASE := target/release
# An installation inside the tree: what make check, demo and bench work on.
STAGE := $(CURDIR)/target/stage
STAGED := PKG_CONFIG_PATH=$(STAGE)/lib/pkgconfig LD_LIBRARY_PATH=$(STAGE)/lib
CTESTS := target/ctests

all: build

build:
	$(CARGO) build --release --workspace --locked

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

# The library installed inside the tree, and the C programs built against it.
stage: build
	@$(MAKE) --no-print-directory install DESTDIR= PREFIX=$(STAGE) SYSCONFDIR=$(STAGE)/etc \
		LIBDIR=$(STAGE)/lib SKIP_BUILD=1 >/dev/null
	@$(MAKE) --no-print-directory -s -C ctests BUILD=$(CURDIR)/$(CTESTS) \
		AIS_CFLAGS=-I$(STAGE)/include \
		AIS_LIBS="-L$(STAGE)/lib -Wl,-rpath,$(STAGE)/lib -lais"

install: $(if $(SKIP_BUILD),,build)
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(BINDIR) \
		$(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 \
		$(DESTDIR)$(SYSCONFDIR)/ais $(DESTDIR)$(SYSCONFDIR)/init.d $(DESTDIR)$(UNITDIR) \
		$(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(TMPFILESDIR)
	$(INSTALL) -m 755 $(RELEASE)/libais.so $(DESTDIR)$(LIBDIR)/libais.so.1.0
	ln -sf libais.so.1.0 $(DESTDIR)$(LIBDIR)/libais.so.1
	ln -sf libais.so.1 $(DESTDIR)$(LIBDIR)/libais.so
	$(INSTALL) -m 644 $(RELEASE)/libais.a $(DESTDIR)$(LIBDIR)/libais.a
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(VERSION)|' \
		libais/ais.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/ais.pc
	$(INSTALL) -m 644 $(addprefix include/,$(HEADERS)) $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 755 $(RELEASE)/aisexec $(DESTDIR)$(SBINDIR)/aisexec
	$(INSTALL) -m 755 $(RELEASE)/aisctl $(DESTDIR)$(BINDIR)/aisctl
	$(INSTALL) -m 644 docs/man/*.5 $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -m 644 docs/man/*.8 $(DESTDIR)$(MANDIR)/man8
	sed 's|@SBINDIR@|$(SBINDIR)|' init/aisexec.init >$(DESTDIR)$(SYSCONFDIR)/init.d/aisexec
	chmod 755 $(DESTDIR)$(SYSCONFDIR)/init.d/aisexec
	sed 's|@SBINDIR@|$(SBINDIR)|' init/aisexec.service >$(DESTDIR)$(UNITDIR)/aisexec.service
	$(INSTALL) -m 644 init/ais.conf.sysusers $(DESTDIR)$(SYSUSERSDIR)/ais.conf
	$(INSTALL) -m 644 init/ais.conf.tmpfiles $(DESTDIR)$(TMPFILESDIR)/ais.conf
	@# The operator's own configuration stays.
	for file in network.conf groups.conf; do \
		test -e $(DESTDIR)$(SYSCONFDIR)/ais/$$file || \
		$(INSTALL) -m 644 conf/$$file $(DESTDIR)$(SYSCONFDIR)/ais/$$file; done

# Takes away what install put there, but for the configuration.
uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libais.so.1.0 libais.so.1 libais.so libais.a \
		pkgconfig/ais.pc) $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(HEADERS)) \
		$(DESTDIR)$(SBINDIR)/aisexec $(DESTDIR)$(BINDIR)/aisctl \
		$(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(wildcard docs/man/*.5))) \
		$(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(wildcard docs/man/*.8))) \
		$(DESTDIR)$(SYSCONFDIR)/init.d/aisexec $(DESTDIR)$(UNITDIR)/aisexec.service \
		$(DESTDIR)$(SYSUSERSDIR)/ais.conf $(DESTDIR)$(TMPFILESDIR)/ais.conf

clean:
	$(CARGO) clean
	rm -rf ctests/build

.PHONY: all build check demo bench figures proof sim soak stage install uninstall clean
