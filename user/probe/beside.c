// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading takes long for the sake of the kernel's verifier, half of it for the program of the
 * switches, and libbpf loads one program after the other. So a thread loads that one, which comes
 * first (see the Makefile), beside the others. In its place libbpf gets a program that does
 * nothing, and the real one its descriptor when all are loaded.
 */
#include "probe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libbpf's handlers are for the whole process, and stay. */
static struct beside {
	int tracepoint; /* its number in the kernel's BTF */
	pthread_t thread;
	struct bpf_program *program; /* NULL: none is being loaded */
	struct bpf_prog_load_opts opts;
	struct bpf_insn *insns; /* the block that has all that is kept */
	size_t n;
	int fd;	   /* or -errno, */
	char *log; /* and then what the verifier says; NULL: nothing */
} beside;

#define LOG_SIZE (16u << 20) /* as libbpf's largest */

static int load_it(const struct beside *b)
{
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, bpf_program__name(b->program), "GPL", b->insns,
			     b->n, &b->opts);
}

/* Once more, with a log, which takes time and fails the load if it is full. */
static void ask_why(struct beside *b)
{
	static const unsigned levels[] = {
		1, /* each instruction that is looked at, too; before 6.4 only the first ones fit */
		4, /* BPF_LOG_STATS: without them */
	};
	int fd = -ENOSPC;

	b->log = calloc(1, LOG_SIZE);
	if (!b->log)
		return;
	b->opts.log_buf = b->log;
	b->opts.log_size = LOG_SIZE;
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels) && fd == -ENOSPC; i++) {
		b->log[0] = '\0';
		b->opts.log_level = levels[i];
		fd = load_it(b);
	}
	if (fd != -ENOSPC)
		b->fd = fd;
}

static void *load_program(void *ctx)
{
	struct beside *b = ctx;

	b->log = NULL;
	b->fd = load_it(b);
	if (b->fd < 0)
		ask_why(b);
	return NULL;
}

/* libbpf frees its own when another program fails. */
static bool keep(struct beside *b, const struct bpf_program *program,
		 const struct bpf_prog_load_opts *opts)
{
	size_t insns = bpf_program__insn_cnt(program) * sizeof(*b->insns),
	       functions = (size_t)opts->func_info_cnt * opts->func_info_rec_size,
	       lines = (size_t)opts->line_info_cnt * opts->line_info_rec_size;
	/* and it may be of another version */
	size_t known = opts->sz < sizeof(b->opts) ? opts->sz : sizeof(b->opts);
	char *block = malloc(insns + functions + lines);

	if (!block)
		return false;
	memset(&b->opts, 0, sizeof(b->opts));
	memcpy(&b->opts, opts, known);
	b->opts.sz = sizeof(b->opts);
	b->opts.fd_array = NULL; /* is for functions of modules */
	if (functions)
		b->opts.func_info = memcpy(block + insns, opts->func_info, functions);
	if (lines)
		b->opts.line_info = memcpy(block + insns + functions, opts->line_info, lines);
	b->insns = memcpy(block, bpf_program__insns(program), insns);
	b->n = bpf_program__insn_cnt(program);
	return true;
}

static bool start(struct beside *b, struct bpf_program *program,
		  const struct bpf_prog_load_opts *opts)
{
	if (!keep(b, program, opts))
		return false;
	b->program = program;
	if (!pthread_create(&b->thread, NULL, load_program, b))
		return true;
	b->program = NULL;
	free(b->insns);
	return false;
}

/* Before libbpf loads the program, all of whose addresses are known: libbpf_prog_prepare_load_fn_t. */
static int prepare(struct bpf_program *program, struct bpf_prog_load_opts *opts,
		   long cookie __attribute__((unused)))
{
	static struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	opts->attach_btf_id = beside.tracepoint;
	if (!start(&beside, program, opts))
		return 0; /* without a thread libbpf does it */
	opts->func_info_cnt = opts->line_info_cnt = 0;
	return bpf_program__set_insns(program, nothing, sizeof(nothing) / sizeof(*nothing));
}

static int attach(const struct bpf_program *program, long cookie __attribute__((unused)),
		  struct bpf_link **ret)
{
	*ret = bpf_program__attach_trace(program);
	return *ret ? 0 : -errno;
}

int beside_register(void)
{
	static int handler;
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare,
		    .prog_attach_fn = attach);

	if (handler <= 0)
		handler = libbpf_register_prog_handler("tp_btf/sched_switch", BPF_PROG_TYPE_TRACING,
						       BPF_TRACE_RAW_TP, &opts);
	return handler > 0 ? 0 : handler;
}

void beside_switches(int tracepoint)
{
	beside.tracepoint = tracepoint;
}

/* The descriptor that libbpf has becomes that of the real program. */
static int take_over(const struct beside *b)
{
	int error = 0;

	if (dup3(b->fd, bpf_program__fd(b->program), O_CLOEXEC) < 0)
		error = -errno;
	close(b->fd);
	return error;
}

int beside_end(int error)
{
	struct beside *b = &beside;

	if (!b->program)
		return error;
	pthread_join(b->thread, NULL);
	free(b->insns);
	if (b->fd >= 0 && error) {
		close(b->fd);
	} else if (b->fd >= 0) {
		error = take_over(b);
	} else if (!error) {
		error = b->fd;
		load_refused(bpf_program__name(b->program), error, b->log ? b->log : "");
	}
	free(b->log);
	b->program = NULL;
	return error;
}
