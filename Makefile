# SPDX-License-Identifier: BSD-2-Clause
# make            build build/concprof
# make demo       install what is missing, build, profile a bundled workload
# make test       install what is missing, build, run all tests
# make help       the rest
O ?= build
VERSION := 0.1.0
# That of the version, in its manual pages.
DATE := 2026-11-23
PREFIX ?= /usr/local

ifneq ($(words $(O)),1)
$(error O=$(O): make has no targets with spaces in their names)
endif

CC ?= gcc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool) \
	$(wildcard /usr/lib/linux-tools/*/bpftool))
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
LIBS := libbpf libdw libelf liblzma zlib libcap ncursesw

# That of what is built, which may be for another kind of machine: CC=aarch64-linux-gnu-gcc.
arch := $(shell $(CC) -dumpmachine | sed 's/-.*//; s/x86_64/x86/; s/aarch64/arm64/')
triplet := $(shell $(CC) -print-multiarch 2>/dev/null)
common := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Iuser -I. -MMD -MP \
	-ffile-prefix-map="$(CURDIR)=." -ffile-prefix-map="$(CURDIR)/=" -DCONCPROF_VERSION='"$(VERSION)"' \
	$(if $(STATIC),-DCONCPROF_STATIC)

# thread.bpf.o defines what the others declare: libbpf 1.1 links maps wrongly unless it comes first.
# The first program is that of the switches: see user/probe/beside.c.
bpf_first := bpf/thread.bpf.c bpf/sched.bpf.c
bpf_objects := $(patsubst bpf/%.c,$(O)/bpf/%.o,$(bpf_first) \
	$(filter-out $(bpf_first) bpf/look.bpf.c,$(wildcard bpf/*.bpf.c)))
# ... and what looks without probes, which is loaded by itself.
look_objects := $(patsubst %,$(O)/bpf/%.bpf.o,look load calls_native calls_compat)
skeletons := $(O)/gen/concprof.skel.h $(O)/gen/look.skel.h
pure_stages := base event waitfor model analysis report
pure_sources := $(foreach s,$(pure_stages),$(wildcard user/$(s)/*.c))
sources := $(wildcard user/*/*.c)
objects := $(patsubst %.c,$(O)/%.o,$(sources))
workloads := $(patsubst workloads/%.c,$(O)/workloads/%,\
	$(filter-out workloads/truth%.c workloads/awkward_%.c workloads/lives_%.c workloads/locks_%.c \
	workloads/deadlocks_%.c workloads/stands_%.c workloads/targets_%.c workloads/loops_%.c \
	workloads/habits_%.c workloads/channels_%.c workloads/echo_%.c,\
	$(wildcard workloads/*.c)))
unit_tests := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all install uninstall demo tour tour-test test soak faults kernels bench clean help format workloads setup-build setup-tour setup-test setup-bench setup-kernels

pages := $(patsubst packaging/man/%.man,$(O)/man/%.1,$(wildcard packaging/man/concprof*.man))
completions := $(patsubst %,$(O)/completion/concprof.%,bash zsh fish)

all: $(O)/concprof $(pages) $(completions)

help:
	@sed -n '2,5s/^# //p' Makefile
	@echo 'make install    into DESTDIR (none) and PREFIX ($(PREFIX)); make uninstall'
	@echo 'make static     build/static/concprof, which needs no library; static-arm64: for arm64'
	@echo 'make deb        a Debian package, in build/deb; deb-test: lintian, and try it in an empty root'
	@echo 'make release    source and static programs with their checksums, in build/release'
	@echo 'make workloads  build the bundled workloads'
	@echo 'make tour       the concepts of the textbook, each with its workload and what concprof says of'
	@echo '                it (ONLY=deadlock: one lesson); make tour-test: all lessons, as a test'
	@echo 'make soak       a thousand runs of what looks like a deadlock, and is none (RUNS=N)'
	@echo 'make faults     its calls fail in turn, and it is killed at many of them (MOST=N of a function)'
	@echo 'make kernels    on other kernels, in virtual machines (ONLY=6.12: one); fetches them, takes an hour'
	@echo 'make bench      cost, as ratios to the unprofiled run and beside rivals (installs them)'
	@echo 'make format     clang-format'
	@echo 'make clean      remove $(O)'

# --- what building needs ----------------------------------------------------
# One line for each missing thing, with the package that has it; nothing is installed.
$(O)/needs: Makefile .ci/needs
	@mkdir -p $(@D)
	@BPFTOOL='$(BPFTOOL)' PKG_CONFIG='$(PKG_CONFIG)' CC='$(CC)' CLANG='$(CLANG)' LLVM_STRIP='$(LLVM_STRIP)' .ci/needs $(LIBS)
	@touch $@

# --- kernel half ------------------------------------------------------------
$(O)/bpf/%.bpf.o: bpf/%.bpf.c | $(O)/needs
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -Wall -Wextra -Wno-unused-parameter -target bpf -mcpu=v3 \
		-D__TARGET_ARCH_$(arch) -Ivmlinux -Ibpf -idirafter /usr/include/$(triplet) \
		-ffile-prefix-map="$(CURDIR)/=" -fdebug-compilation-dir=. -MMD -MP -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(O)/bpf/concprof.o: $(bpf_objects)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/bpf/look.o: $(look_objects)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/gen/%.skel.h: $(O)/bpf/%.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# --- user half --------------------------------------------------------------
probe_objects := $(filter $(O)/user/probe/%,$(objects))
$(probe_objects): common += -I$(O)/gen
$(probe_objects): $(skeletons)

# What the HTML page brings along, as strings without their indents, and the hashes by which its policy
# knows them.
page_files := css js
page_objects := $(addsuffix /user/report/html.o,$(O) $(O)/san $(O)/fuzz)
$(page_objects): common += -I$(O)/gen
$(page_objects): $(O)/gen/html_files.h
$(O)/gen/html_files.h: $(addprefix user/report/page.,$(page_files)) Makefile
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)for kind in $(page_files); do \
		sed 's/^\t*//' user/report/page.$$kind >$(@D)/page.$$kind && \
		hash=$$(sha256sum <$(@D)/page.$$kind | cut -c1-64 | tr a-f A-F | \
			basenc -d --base16 | base64) && \
		echo "#define PAGE_$$kind"_HASH "\"$$hash\"" && \
		echo "static const char page_$$kind[] =" && \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $(@D)/page.$$kind && \
		echo ';' || exit 1; done >$@

$(O)/user/%.o: user/%.c | $(O)/needs
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

# libiberty has obstacks as well, which must not come before those of the C library.
link := $(if $(STATIC),--static )--libs $(LIBS)
$(O)/concprof: $(objects)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(if $(STATIC),-static-pie) $(LDFLAGS) $^ -o $@ $$($(PKG_CONFIG) $(link)) \
		$(if $(STATIC),-lc) -liberty -lm $(LDLIBS)

# --- manual pages, completions of shells -------------------------------------
# Both are made of the tables of the options, by a program that runs here: to build for another kind
# of machine give one that was built for this.
GEN ?= $(O)/packaging/gen/gen
gen_objects := $(patsubst %.c,$(O)/%.o,$(wildcard packaging/gen/*.c))
gen_tables := $(foreach s,$(pure_stages) opts,$(filter $(O)/user/$(s)/%,$(objects)))

$(gen_objects): common += -DCONCPROF_DATE='"$(DATE)"'
$(gen_objects): Makefile

$(O)/packaging/%.o: packaging/%.c | $(O)/needs
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(O)/packaging/gen/gen: $(gen_objects) $(gen_tables)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ -lz -lm $(LDLIBS)

$(O)/man/%.1: packaging/man/%.man packaging/man/options $(GEN)
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(GEN) man $< packaging/man/options > $@

$(O)/completion/concprof.%: packaging/completion/concprof.% $(GEN)
	$(call say,SHELL,$@)
	@mkdir -p $(@D)
	$(Q)$(GEN) shell $< > $@

# --- installing -------------------------------------------------------------
# Through the environment: a name may have spaces and quotes in it.
install uninstall: export to := $(DESTDIR)$(PREFIX)
in_bash := share/bash-completion/completions/concprof
in_zsh := share/zsh/site-functions/_concprof
in_fish := share/fish/vendor_completions.d/concprof.fish
docs := $(sort $(wildcard docs/*.md))

install: all
	@printf '  %-8s %s\n' INSTALL "$$to"
	@install -D -m 755 $(O)/concprof "$$to/bin/concprof"
	@install -D -m 644 -t "$$to/share/man/man1" $(pages)
	@install -D -m 644 -t "$$to/share/doc/concprof" LICENSE README.md
	@install -D -m 644 -t "$$to/share/doc/concprof/docs" $(docs)
	@install -D -m 644 $(O)/completion/concprof.bash "$$to/$(in_bash)"
	@install -D -m 644 $(O)/completion/concprof.zsh "$$to/$(in_zsh)"
	@install -D -m 644 $(O)/completion/concprof.fish "$$to/$(in_fish)"

# Folders are left, but for the one that has nothing else in it.
uninstall:
	@cd "$$to" && rm -f bin/concprof $(patsubst $(O)/man/%,share/man/man1/%,$(pages)) \
		share/doc/concprof/LICENSE share/doc/concprof/README.md $(docs:%=share/doc/concprof/%) \
		$(in_bash) $(in_zsh) $(in_fish)
	@for one in share/doc/concprof/docs share/doc/concprof; do \
		! [ -d "$$to/$$one" ] || rmdir --ignore-fail-on-non-empty "$$to/$$one"; done

include packaging/packages.mk

# --- workloads --------------------------------------------------------------
workloads: $(workloads)

truth_objects := $(patsubst workloads/%.c,$(O)/workloads/%.o,$(wildcard workloads/truth*.c))

$(truth_objects): $(O)/workloads/%.o: workloads/%.c | $(O)/needs
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) -Iworkloads -O2 -g -pthread -c $< -o $@

$(O)/workloads/%: workloads/%.c $(truth_objects) | $(O)/needs
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) -Iworkloads -O2 -g -pthread -MF $@.d $(filter-out workloads/truth%.c,$(filter %.c %.o,$^)) -o $@ -lm

$(O)/workloads/echo: $(wildcard workloads/echo_*.c)
$(O)/workloads/awkward: $(wildcard workloads/awkward_*.c)
$(O)/workloads/lives: $(wildcard workloads/lives_*.c)
$(O)/workloads/locks: $(wildcard workloads/locks_*.c)
$(O)/workloads/deadlocks: $(wildcard workloads/deadlocks_*.c)
$(O)/workloads/stands: $(wildcard workloads/stands_*.c)
$(O)/workloads/habits: $(wildcard workloads/habits_*.c)
$(O)/workloads/targets: $(wildcard workloads/targets_*.c) workloads/locks_record.c \
	workloads/locks_expect.c
$(O)/workloads/loops: $(wildcard workloads/loops_*.c) workloads/locks_record.c \
	workloads/locks_expect.c
$(O)/workloads/channels: $(wildcard workloads/channels_*.c) workloads/locks_record.c \
	workloads/locks_expect.c

# --- tests ------------------------------------------------------------------
# The pure stages, the launcher, the reader of objects and the options once more, with sanitizers.
san := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g
san_sources := $(pure_sources) $(wildcard user/launch/*.c user/sym/*.c user/opts/*.c user/look/*.c) \
	$(filter-out user/live/screen.c,$(wildcard user/live/*.c))
san_libs := -ldw -lelf -llzma -liberty -lcap -lz -lm
san_objects := $(patsubst %.c,$(O)/san/%.o,$(san_sources))

$(O)/san/%.o: %.c | $(O)/needs
	$(call say,SAN,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(san) -c $< -o $@

$(O)/san/pure.a: $(san_objects) Makefile
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

# The tests' own code runs once, and is not worth optimising; the compiler then cannot tell how long numbers are.
$(O)/tests/%: tests/unit/%.c $(O)/san/pure.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(san) -O0 -g1 -Wno-format-truncation -Itests/unit -MF $@.d $(filter %.c %.a,$^) -o $@ -lcriterion $(san_libs)

$(O)/tests/replay: tests/replay/replay.c $(O)/san/pure.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(san) -MF $@.d $(filter %.c %.a,$^) -o $@ -lz -lm

$(O)/tests/golden: $(wildcard tests/golden/*.c) $(O)/san/pure.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(san) -Itests/golden -MF $@.d $(filter %.c %.a,$^) -o $@ -lz -lm

# libFuzzer wants clang for what it instruments; clang finds fault with glibc's obstack macros,
# which subtract a null pointer to align.
fuzz := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-sanitize=pointer-overflow
fuzz_objects := $(patsubst %.c,$(O)/fuzz/%.o,$(pure_sources) $(wildcard user/sym/*.c))

$(O)/fuzz/%.o: %.c | $(O)/needs
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(common) $(fuzz) -fsanitize=fuzzer-no-link -c $< -o $@

$(O)/fuzz/pure.a: $(fuzz_objects) Makefile
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(O)/tests/fuzz_%: tests/fuzz/fuzz_%.c $(O)/fuzz/pure.a $(wildcard tests/fuzz/*.h)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out -MMD -MP,$(common)) $(fuzz) -fsanitize=fuzzer $(filter %.c %.a,$^) \
		-o $@ $(san_libs)

# Small objects of several kinds: with debug information as it is now and as it was, in an old style
# of compression, with symbols only.
seed_elf := $(CC) -w -O2 -shared -nostdlib -fPIC -Wl,--hash-style=sysv,-z,noseparate-code
$(O)/tests/corpus_elf: tests/fuzz/seed_elf.c
	$(call say,TEST,$@)
	@rm -rf $@ && mkdir -p $@
	$(Q)$(seed_elf) -g $< -o $@/dwarf5
	$(Q)$(seed_elf) -gdwarf-4 -fno-asynchronous-unwind-tables $< -o $@/dwarf4
	$(Q)$(seed_elf) -g -gz $< -o $@/compressed
	$(Q)$(seed_elf) $< -o $@/symbols

# Recordings and blocks of events, made here: they change with every layout of the events.
$(O)/tests/seeds_recording: tests/fuzz/seeds_recording.c tests/golden/stream.c \
		tests/golden/fields.c $(O)/san/pure.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(common) $(san) -Itests/golden -MF $@.d $(filter %.c %.a,$^) -o $@ -lz -lm

golden_streams := $(wildcard tests/golden/*/in.evt)
$(O)/tests/corpus_recording: $(O)/tests/seeds_recording $(golden_streams)
	@rm -rf $@ && mkdir -p $@
	$(Q)for stream in $(golden_streams); do \
		name=$$(basename $$(dirname $$stream)) && \
		$< <$$stream >$@/$$name && $< events <$$stream >$@/$${name}_events || exit 1; done
	@find $@ -size +16k -delete # more than tests/run lets it read

# Preloaded into concprof, to make its calls fail; and what is measured meanwhile.
$(O)/tests/faults.so: tests/faults/shim.c tests/faults/calls.def
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(common)) -O2 -g -fPIC -shared -fvisibility=hidden $< -o $@ -lgcc_s

$(O)/tests/faults_workload: tests/faults/workload.c
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(common)) -O2 -g -pthread $< -o $@

fuzzers := $(patsubst tests/fuzz/%.c,$(O)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
test_programs := $(unit_tests) $(if $(wildcard tests/golden/*.c),$(O)/tests/golden) $(fuzzers) \
	$(O)/tests/corpus_recording $(O)/tests/corpus_elf $(O)/tests/replay \
	$(O)/tests/faults.so $(O)/tests/faults_workload

setup-build:
	@.ci/setup build
setup-tour:
	@.ci/setup tour
setup-test:
	@.ci/setup test
setup-bench:
	@.ci/setup bench
setup-kernels:
	@.ci/setup kernels

# As many at a time as there are CPUs, unless -j says.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# Set-up comes first even with -j: the rest is a make of its own.
test: setup-test
	@$(MAKE) --no-print-directory $(jobs) all workloads test-programs
	@tests/run $(O)

.PHONY: test-programs
test-programs: $(test_programs)

demo: setup-build
	@$(MAKE) --no-print-directory $(jobs) all $(O)/workloads/mixed
	@tests/demo $(O)

# ONLY: names of lessons, numbers or concepts, with commas between them.
tour: export ONLY := $(ONLY)
tour: setup-tour
	@$(MAKE) --no-print-directory -s $(jobs) all workloads >&2
	@python3 tests/tour/tour.py $(O) "$$ONLY"

# The same, but only those are printed that did not show what they say.
tour-test: export ONLY := $(ONLY)
tour-test: setup-test
	@$(MAKE) --no-print-directory $(jobs) all workloads
	@python3 tests/tour/tour.py --test $(O) "$$ONLY"

soak: setup-test
	@$(MAKE) --no-print-directory all workloads
	@python3 tests/integration/soak.py $(O) $(or $(RUNS),1000)

faults: setup-test
	@$(MAKE) --no-print-directory all $(O)/tests/faults.so $(O)/tests/faults_workload
	@python3 tests/faults/faults.py $(O) --most $(or $(MOST),2)
# ONLY: beginnings of rows' names, with commas between them.
kernels: export ONLY := $(ONLY)
kernels: setup-kernels
	@$(MAKE) --no-print-directory $(jobs) all workloads
	@python3 tests/kernels/kernels.py $(O) "$$ONLY"

bench: setup-bench
	@$(MAKE) --no-print-directory all workloads
	@tests/bench/bench $(O)

format:
	clang-format -i bpf/*.[ch] user/*/*.[ch] workloads/*.[ch] tests/*/*.[ch] packaging/gen/*.[ch]

clean:
	rm -rf $(O)

-include $(bpf_objects:.o=.d) $(look_objects:.o=.d) $(objects:.o=.d) $(gen_objects:.o=.d) $(san_objects:.o=.d) $(fuzz_objects:.o=.d)
-include $(wildcard $(O)/tests/*.d $(O)/workloads/*.d)
