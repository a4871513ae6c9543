// SPDX-License-Identifier: GPL-2.0-only
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "arch.bpf.h"

#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_64.h>
#define CALLS_NATIVE(X) CALLS_OLD(X) CALLS_64(X) CALLS_X86_64(X)
#elif defined(__TARGET_ARCH_arm64)
#include <asm/unistd.h>
#define CALLS_NATIVE(X) CALLS_64(X)
#endif

const unsigned char calls_native[CALL_TABLE] = { CALLS_COMMON(CALL_ROW) CALLS_NATIVE(CALL_ROW)
							 CALL_ROWS_NEW };
