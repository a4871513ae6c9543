// SPDX-License-Identifier: BSD-2-Clause
#include "base/allow.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define AT(member) ((unsigned)offsetof(struct seccomp_data, member))
#define REFUSE	   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW	   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(at)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define EXCEPT(k)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0) /* skips one if it is k */
#define UNLESS(k)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1) /* skips one if it is not k */

#define HEAD_SIZE 4
#define CALL_SIZE 2
#define RULE_SIZE 6 /* skipped as a whole if it is another call */

static size_t put(struct sock_filter *to, const struct sock_filter *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = what[i];
	return n;
}

static size_t put_head(struct sock_filter *to)
{
	const struct sock_filter head[HEAD_SIZE] = { LOAD(AT(arch)), EXCEPT(ARCH), REFUSE,
						     LOAD(AT(nr)) };

	return put(to, head, HEAD_SIZE);
}

static size_t put_call(struct sock_filter *to, unsigned call)
{
	const struct sock_filter one[CALL_SIZE] = { UNLESS(call), ALLOW };

	return put(to, one, CALL_SIZE);
}

static size_t put_rule(struct sock_filter *to, const struct allow_rule *r)
{
	/* the low half comes first: both architectures are little-endian */
	const struct sock_filter one[RULE_SIZE] = {
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->call, 0, RULE_SIZE - 1),
		LOAD(AT(args) + r->arg * (unsigned)sizeof(uint64_t)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->bits),
		UNLESS(r->value),
		ALLOW,
		LOAD(AT(nr)), /* for the rules that follow */
	};

	return put(to, one, RULE_SIZE);
}

int allow_only(const unsigned *calls, size_t n_calls, const struct allow_rule *rules,
	       size_t n_rules)
{
	size_t size = HEAD_SIZE + n_calls * CALL_SIZE + n_rules * RULE_SIZE + 1, n;
	struct sock_filter *filter = calloc(size, sizeof(*filter));
	struct sock_fprog program = { (unsigned short)size, filter };
	int r = 0;

	if (!filter)
		return -ENOMEM;
	n = put_head(filter);
	for (size_t i = 0; i < n_calls; i++)
		n += put_call(filter + n, calls[i]);
	for (size_t i = 0; i < n_rules; i++)
		n += put_rule(filter + n, &rules[i]);
	filter[n] = (struct sock_filter)REFUSE;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) && errno != EINVAL)
		r = -errno;
	free(filter);
	return r;
}
