// SPDX-License-Identifier: BSD-2-Clause
/* The models of input and output. */
#include "report/json_parts.h"

void json_model(struct json *j, const struct findings *f)
{
	json_line_object(j, "model");
	json_kind_names(j, f);
	json_line_array(j, "io");
	for (size_t i = 0; i < f->n_named_io_models; i++)
		json_string(j, NULL, io_model_name(f->io_model_order[i]));
	json_end(j);
	json_end(j);
}

static void put_calls(struct json *j, const bool *calls)
{
	json_line_array(j, "calls");
	for (int call = 1; call < IO_CALL_COUNT; call++) {
		if (calls[call])
			json_string(j, NULL, io_call_name(call));
	}
	json_end(j);
}

static void put_model(struct json *j, enum io_model model, const struct io_model_sum *sum)
{
	json_object(j, NULL);
	json_string(j, "model", io_model_name(model));
	json_bool(j, "synchronous", io_model_is_synchronous(model));
	json_bool(j, "blocking", io_model_blocks(model));
	json_double(j, "share", sum->share);
	json_u64(j, "waits", sum->waits);
	json_u64(j, "wait_ns", sum->wait_ns);
	json_u64(j, "samples", sum->samples);
	json_u64(j, "running_ns_estimated", sum->running_ns);
	if (model == IO_MODEL_SIGNAL)
		json_u64(j, "signals", sum->signals);
	put_calls(j, sum->calls);
	json_u64(j, "threads", sum->threads);
	json_u64(j, "targets", sum->targets);
	json_end(j);
}

void json_io_models(struct json *j, const struct findings *f)
{
	json_array(j, "io_models");
	for (size_t i = 0; i < f->n_io_models; i++)
		put_model(j, f->io_model_order[i], &f->io_models[f->io_model_order[i]]);
	json_end(j);
}
