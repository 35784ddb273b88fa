# ID Bellen. Programs, modules, tests and pages are found by wildcard: a new one
# needs no edit here. `make help` lists the targets.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
VERSION = 0.1.0

CC = gcc
CFLAGS ?= -O2 -g
PKGS = jansson sqlite3 libcrypto libcurl libqrencode libpng
WARN = -std=c17 -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes \
       -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
         -fcf-protection -fPIE -ftrivial-auto-var-init=zero
HARDEN_LINK = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

# SANITIZE=1 builds the same tree with ASan and UBSan into build/san.
ifdef SANITIZE
B = build/san
override CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
                   -fno-sanitize-recover=all
HARDEN = -fPIE
HARDEN_LINK = -pie -fsanitize=address,undefined -Wl,--as-needed
# LIBFUZZER=1, by clang and with libFuzzer in the targets of tests/fuzz, into build/fuzz.
else ifdef LIBFUZZER
B = build/fuzz
CC = clang
override CFLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
                   -fsanitize=fuzzer-no-link,address,undefined
HARDEN =
HARDEN_LINK = -fsanitize=fuzzer,address,undefined -Wl,--as-needed
# STATIC=1 builds the programs that ask OpenSSL for MACs alone with the libraries in them,
# into build/static: README.md says what for, and the price. The linker's warnings are of
# libc, which loads what looks users up when it is asked to.
else ifdef STATIC
B = build/static
HARDEN_LINK = -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,--no-warnings
else
B = build
endif

CPPFLAGS += -D_GNU_SOURCE -DIDB_VERSION='"$(VERSION)"' -Ilib $(shell pkg-config --cflags $(PKGS) jose)
# One archive and every library behind it: --as-needed drops what a program does not use.
LIBS = $(if $(STATIC),$(shell pkg-config --static --libs jansson sqlite3 libcrypto),\
       $(shell pkg-config --libs jose $(PKGS)))

# POSTGRESQL=0 leaves out what a store of PostgreSQL takes: libpq's headers at build, and
# libpq itself where the configuration asks for it.
ifeq ($(POSTGRESQL),0)
MODULES = $(patsubst %.c,$(B)/%.o,$(filter-out %pgsql.c,$(wildcard lib/*.c)))
else
CPPFLAGS += -DIDB_POSTGRESQL -I/usr/include/postgresql
MODULES = $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
endif
MAINS = $(if $(STATIC),$(shell grep -l mac_only cmd/*.c),$(wildcard cmd/*.c))
PROGRAMS = $(patsubst cmd/%.c,$(B)/%,$(MAINS))
UNITS = $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*.c))
BENCHES = $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))
# The fuzz targets. Without libFuzzer they replay what it found before.
FUZZERS = $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
REPLAY = $(if $(LIBFUZZER),,$(B)/tests/fuzz/replay.o)
PAGES = $(wildcard man/*.[1-8])
# Programs that may be called as CGI have a handler; they get a second name.
CGI = $(notdir $(patsubst %.c,%,$(shell grep -l idb_app_main $(MAINS))))
# Units stand where systemd looks, but are not enabled; the lines for cron and inetd
# are to be copied. All are written for /usr/local and installed with PREFIX.
UNITFILES = $(patsubst scripts/systemd/%,%,$(wildcard $(addprefix scripts/systemd/, \
           *.service *.socket *.timer *.d/*.conf)))
# Pages: the CGI scripts of a zone, and the statuses that lighttpd answers by itself.
GLUE = web desk
# Examples for telephone platforms, with what they share beside them.
PLATFORMS = $(addprefix scripts/phone/http/, webhook gather voicexml)
STATUSES = 400 401 403 404 405 411 413 414 417 431 500 501 503
# Where the spoken prompts are made; RECORDINGS=DIR holds a studio's, and HOURS=FILE is an
# idb.json whose lines say when they are open.
PROMPTS = build/prompts
# What the pages look like, made from npm; THEME=FILE has an organisation's own theme.
LOOK = build/look/web

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check lint fuzz bench bench-pictures prompts look screenshots install uninstall clean help units replays benches nopg

all: $(PROGRAMS) $(addprefix $(B)/,$(addsuffix .cgi,$(CGI)))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libidb.a: $(MODULES)
	@rm -f $@
	ar rcs $@ $^

$(PROGRAMS): $(B)/%: $(B)/cmd/%.o $(B)/libidb.a
	$(CC) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.cgi: $(B)/%
	ln -sf $(notdir $<) $@

# A test may name the calls it breaks: `/* wrap: write fsync */`.
wrapped = $(addprefix -Wl$(comma)--wrap=,$(shell sed -n 's:^/\* wrap\: \(.*\) \*/$$:\1:p' $(1)))

$(UNITS): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libidb.a
	$(CC) $(HARDEN_LINK) $(LDFLAGS) $(call wrapped,tests/unit/$*.c) -o $@ $^ $(LIBS) -lcmocka

$(FUZZERS): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(REPLAY) $(B)/libidb.a
	$(CC) $(HARDEN_LINK) $(LDFLAGS) $(call wrapped,tests/fuzz/fuzz.h tests/fuzz/$*.c) -o $@ $^ $(LIBS)

$(BENCHES): $(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libidb.a
	$(CC) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/tools/behind: $(B)/tests/tools/behind.o $(B)/libidb.a
	$(CC) $(HARDEN_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

comma = ,

# The clock that tests move (tests/clock.c); preloaded, so never with sanitizers.
build/tests/clock.so: tests/clock.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $<

units: $(UNITS) $(B)/tests/tools/behind build/tests/clock.so
replays: $(FUZZERS)
benches: $(BENCHES) nopg

# What the bench holds the programs against that have the driver.
nopg:
	$(MAKE) --no-print-directory POSTGRESQL=0 B=build/nopg build/nopg/idb-verify

check: ## the whole test suite: scripts/check
	scripts/check

lint: ## shellcheck, mandoc, cppcheck, clang-format
	scripts/lint

fuzz: ## libFuzzer on each target of tests/fuzz; FUZZ=NAME for one, FUZZ_SECONDS=N
	$(MAKE) --no-print-directory LIBFUZZER=1 replays
	tests/fuzz/run

bench: all benches ## every figure beside its floor, and plots; scripts/packages bench; LARGE=1
	tests/bench/run

bench-pictures: all benches ## the plots and the table of the README anew, with large stores
	LARGE=1 OUT=build/bench tests/bench/run
	tests/bench/pictures build/bench

prompts: ## what the telephone line says, spoken; RECORDINGS=DIR of a studio, HOURS=idb.json
	scripts/phone/prompts/speak $(PROMPTS) '$(RECORDINGS)' '$(HOURS)'

look: ## what the pages look like, by npm; THEME=FILE, an organisation's own theme
	scripts/look/build $(if $(THEME),'$(THEME)')

screenshots: all ## the pictures of the README anew, by a real browser; scripts/packages long
	tests/browser/screenshots

install: all ## DESTDIR, PREFIX and SYSCONFDIR are honoured
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/idb \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/idb \
		$(DESTDIR)$(SYSCONFDIR)/idb
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	for p in $(CGI); do ln -sf ../../bin/$$p $(DESTDIR)$(PREFIX)/libexec/idb/$$p.cgi || exit 1; done
	for p in $(PAGES); do \
		d=$(DESTDIR)$(PREFIX)/share/man/man$${p##*.}; \
		install -d $$d && install -m 644 $$p $$d || exit 1; done
	for d in $(GLUE); do \
		install -d $(DESTDIR)$(PREFIX)/libexec/idb/$$d && \
		install -m 755 $$(find scripts/$$d -type f ! -name '*.conf') \
			$(DESTDIR)$(PREFIX)/libexec/idb/$$d || exit 1; done
	install -m 644 scripts/page.sh $(DESTDIR)$(PREFIX)/libexec/idb
	install -d $(DESTDIR)$(PREFIX)/libexec/idb/phone
	install -m 755 $(PLATFORMS) scripts/phone/sip-line $(DESTDIR)$(PREFIX)/libexec/idb/phone
	install -m 644 $(filter-out $(PLATFORMS) %.conf,$(wildcard scripts/phone/http/*)) \
		$(DESTDIR)$(PREFIX)/libexec/idb/phone
	for d in pages text web lighttpd nginx apache; do install -d $(DESTDIR)$(PREFIX)/share/idb/$$d || exit 1; done
	install -m 644 scripts/pages/*.jq $(DESTDIR)$(PREFIX)/share/idb/pages
	install -m 644 scripts/text/*.json $(DESTDIR)$(PREFIX)/share/idb/text
	for f in $(LOOK)/*.css $(LOOK)/*.js; do \
		[ ! -e $$f ] || install -m 644 $$f $(DESTDIR)$(PREFIX)/share/idb/web || exit 1; done
	for s in $(STATUSES); do \
		install -m 644 scripts/pages/error.html \
			$(DESTDIR)$(PREFIX)/share/idb/web/status-$$s.html || exit 1; done
	for z in web desk phone; do \
		install -m 644 scripts/$$z/lighttpd.conf \
			$(DESTDIR)$(PREFIX)/share/idb/lighttpd/$$z.conf || exit 1; done
	install -m 644 scripts/desk/lighttpd-certificates.conf \
		$(DESTDIR)$(PREFIX)/share/idb/lighttpd/desk-certificates.conf
	for z in web desk; do for s in nginx apache; do \
		install -m 644 scripts/$$z/$$s.conf \
			$(DESTDIR)$(PREFIX)/share/idb/$$s/$$z.conf || exit 1; done; done
	install -m 644 scripts/desk/apache-oidc.conf $(DESTDIR)$(PREFIX)/share/idb/apache/desk-oidc.conf
	install -m 644 scripts/phone/http/lighttpd.conf \
		$(DESTDIR)$(PREFIX)/share/idb/lighttpd/phone-platforms.conf
	install -m 644 scripts/phone/lighttpd-scgi.conf $(DESTDIR)$(PREFIX)/share/idb/lighttpd/phone-scgi.conf
	install -m 644 scripts/idb.json.example $(DESTDIR)$(PREFIX)/share/idb
	install -d $(DESTDIR)$(PREFIX)/share/idb/letter
	install -m 644 scripts/letter/*.jq scripts/letter/*.json $(DESTDIR)$(PREFIX)/share/idb/letter
	install -m 755 scripts/letter/letter $(DESTDIR)$(PREFIX)/share/idb/letter
	install -d $(DESTDIR)$(PREFIX)/share/idb/stats
	install -m 644 scripts/stats/rules.yaml scripts/stats/dashboard.json $(DESTDIR)$(PREFIX)/share/idb/stats
	install -m 755 scripts/stats/textfile $(DESTDIR)$(PREFIX)/share/idb/stats
	install -d $(DESTDIR)$(PREFIX)/share/idb/phone $(DESTDIR)$(PREFIX)/share/idb/prompts
	install -m 644 scripts/phone/extensions.conf scripts/phone/nginx.conf scripts/phone/apache.conf \
		scripts/phone/nginx-scgi.conf scripts/phone/apache-scgi.conf \
		scripts/phone/openapi.json $(DESTDIR)$(PREFIX)/share/idb/phone
	install -m 644 scripts/phone/prompts/*.txt $(DESTDIR)$(PREFIX)/share/idb/prompts
	install -d $(DESTDIR)$(PREFIX)/share/idb/cron $(DESTDIR)$(PREFIX)/share/idb/inetd \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/idb-.service.d
	for f in cron/idb inetd/idb.conf; do \
		sed 's:/usr/local:$(PREFIX):g' scripts/$$f >$(DESTDIR)$(PREFIX)/share/idb/$$f && \
		chmod 644 $(DESTDIR)$(PREFIX)/share/idb/$$f || exit 1; done
	for f in $(UNITFILES); do t=$(DESTDIR)$(PREFIX)/lib/systemd/system/$$f; \
		sed 's:/usr/local:$(PREFIX):g' scripts/systemd/$$f >$$t && chmod 644 $$t || exit 1; done
	for w in $(PROMPTS)/*/*.wav; do \
		d=$(DESTDIR)$(PREFIX)/share/idb/prompts/$$(basename $$(dirname $$w)); \
		[ ! -e $$w ] || { install -d $$d && install -m 644 $$w $$d; } || exit 1; done
	install -m 644 scripts/completion/idb.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/idb
	for p in $(notdir $(PROGRAMS)); do \
		ln -sf idb $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p || exit 1; done

uninstall: ## removes what install wrote; keys, configuration and store stay
	for p in $(notdir $(PROGRAMS)); do \
		rm -f $(DESTDIR)$(PREFIX)/bin/$$p $(DESTDIR)$(PREFIX)/libexec/idb/$$p.cgi \
			$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p; done
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/idb
	for p in $(notdir $(PAGES)); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$$p; done
	rm -rf $(DESTDIR)$(PREFIX)/share/idb
	for f in $(UNITFILES); do rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/$$f; done
	-rmdir $(DESTDIR)$(PREFIX)/lib/systemd/system/idb-.service.d 2>/dev/null
	cd $(DESTDIR)$(PREFIX)/libexec/idb 2>/dev/null && rm -rf $(GLUE) phone page.sh || true
	-rmdir $(DESTDIR)$(PREFIX)/libexec/idb 2>/dev/null

clean: ## removes build/
	rm -rf build

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1	/'

-include $(shell find build -name '*.d' 2>/dev/null)
