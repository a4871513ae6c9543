// SPDX-License-Identifier: GPL-2.0-only
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "arch.bpf.h"

#if defined(__TARGET_ARCH_x86)
#include <asm/unistd_32.h>

const unsigned char calls_compat[CALL_TABLE] = { CALLS_COMMON(CALL_ROW) CALLS_OLD(CALL_ROW)
							 CALLS_I386(CALL_ROW) CALL_ROWS_NEW };
#endif
