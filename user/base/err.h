/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One error on its way up to the command that prints it: what was wrong, the
 * value, and what to do about it, in one line without a newline at its end.
 * Only user/cmd prints; everything below it fills one of these.
 */
struct err {
	char text[512];
};

/* Fills err (which may be NULL) and returns code, so that a caller can write
 * `return err_set(err, -EINVAL, "bad duration '%s'", arg);`. Control characters
 * in the result, and bytes that are not UTF-8, are replaced by '?': its parts may
 * come from hostile input. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a call of the system that failed with code, a negative errno: what the words say
 * could not be done is followed by why, and by what is to be done about such an error. */
int err_failed(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
