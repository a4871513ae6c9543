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

/* Which argument, counted from 1, has the flags MSG_*. */
const unsigned char calls_message_flags[CALL_TABLE] = {
	[__NR_recvfrom] = 4, [__NR_sendto] = 4,	  [__NR_recvmsg] = 3,
	[__NR_sendmsg] = 3,  [__NR_recvmmsg] = 4, [__NR_sendmmsg] = 4,
};

const unsigned char calls_native[CALL_TABLE] = { CALLS_COMMON(CALL_ROW) CALLS_NATIVE(CALL_ROW)
							 CALL_ROWS_NEW };
