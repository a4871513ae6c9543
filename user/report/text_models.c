// SPDX-License-Identifier: BSD-2-Clause
/* The models of input and output, in a line. */
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define SMALL	   0.005 /* share that is not worth a word */
#define CALLS_MOST 3

static const char *const words[IO_MODEL_COUNT] = {
	[IO_MODEL_BLOCKING] = "blocking",
	[IO_MODEL_POLLING] = "non-blocking, asking again and again",
	[IO_MODEL_SELECT] = "multiplexed by select",
	[IO_MODEL_POLL] = "multiplexed by poll",
	[IO_MODEL_EPOLL] = "multiplexed by epoll",
	[IO_MODEL_SIGNAL] = "signal-driven",
	[IO_MODEL_AIO] = "asynchronous by aio",
	[IO_MODEL_URING] = "asynchronous by io_uring",
};

static void add_text(char *to, size_t size, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s", text);
}

static void add_calls(char *to, size_t size, const struct io_model_sum *sum)
{
	size_t n = 0;

	for (int call = 1; call < IO_CALL_COUNT && n < CALLS_MOST; call++) {
		if (!sum->calls[call])
			continue;
		add_text(to, size, n++ ? ", " : ": ");
		add_text(to, size, io_call_name(call));
	}
}

static void add_model(char *to, size_t size, enum io_model model, const struct io_model_sum *sum)
{
	char part[UNITS_SIZE], signals[64];

	add_text(to, size, *to ? "; " : "");
	add_text(to, size, words[model]);
	add_text(to, size, " (");
	add_text(to, size, units_percent(part, sum->share));
	if (model == IO_MODEL_SIGNAL && sum->signals) {
		add_text(to, size, ", ");
		add_text(to, size,
			 page_counted(signals, sizeof(signals), sum->signals, "signal", "signals"));
	}
	add_calls(to, size, sum);
	add_text(to, size, ")");
}

void text_io_model(struct page *p, const struct findings *f)
{
	char line[600] = "", also[600] = "";

	for (size_t i = 0; i < f->n_io_models; i++) {
		enum io_model model = f->io_model_order[i];
		const struct io_model_sum *sum = &f->io_models[model];

		if (sum->is_named)
			add_model(line, sizeof(line), model, sum);
		else if (sum->share >= SMALL)
			add_model(also, sizeof(also), model, sum);
	}
	page_text(p, 2, NULL, STYLE_PLAIN, "model: %s%s%s", line, *also ? "; besides: " : "", also);
}
