/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Recordings, read. */
#include "base/err.h"
#include "model/model.h"

/* The caller frees the model. One that is cut gives what comes before the cut. */
int recorded_model(struct model **ret, const char *path, struct err *err);
