# SPDX-License-Identifier: BSD-2-Clause
# Part of the Makefile: what is made for others to install.

.PHONY: setup-packages static static-arm64 dist deb deb-test release release-check

# Not the time of the build: that of the version.
SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell date -u -d '$(DATE)' +%s))
export SOURCE_DATE_EPOCH

setup-packages:
	@.ci/setup packages

# --- a program that needs no library ------------------------------------------
# Each is a build of its own; only its program is of interest.
in_static = $(MAKE) --no-print-directory $(jobs) STATIC=1 CFLAGS='-O2 -g'

static:
	@$(in_static) O=$(O)/static $(O)/static/concprof

# For Debian's cross compiler and its libraries of that architecture. See packaging/README.md.
static-arm64:
	@PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig $(in_static) O=$(O)/static-arm64 \
		CC=aarch64-linux-gnu-gcc $(O)/static-arm64/concprof

# --- sources --------------------------------------------------------------------
# Of the same files the same bytes, whoever packs them, when and where. As git knows them, so a
# clone is needed.
name := concprof-$(VERSION)
pack := tar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner \
	--mode=u+rwX,go+rX,go-w --format=gnu

dist: $(O)/dist/$(name).tar.gz
$(O)/dist/$(name).tar.gz: FORCE
	$(call say,PACK,$@)
	@mkdir -p $(@D)
	$(Q)git ls-files -z | $(pack) --null --verbatim-files-from -T - \
		--transform 's,^,$(name)/,S' -cf - | gzip -9n >$@
.PHONY: FORCE
FORCE:

# --- Debian -----------------------------------------------------------------------
# The package's folder lies where nothing takes the clone for a source package of Debian's.
deb: setup-packages $(O)/dist/$(name).tar.gz
	@packaging/make-deb $(O) $(VERSION)

deb-test: deb
	@packaging/test-deb $(O)/deb

# --- a release ------------------------------------------------------------------------
# RELEASE_FOR: of the architectures x86_64 and arm64 those to build for.
RELEASE_FOR ?= x86_64
release: $(O)/dist/$(name).tar.gz
	@packaging/make-release $(O) $(VERSION) $(RELEASE_FOR)

# Twice, from two folders and at two times: the same bytes.
release-check:
	@packaging/check-release $(O) $(VERSION) $(RELEASE_FOR)
