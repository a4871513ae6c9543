/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * One character of a NUL-terminated string. Sets *c to its code point and
 * returns its bytes (1 to 4); 0 if what stands at s is not valid UTF-8
 * (overlong forms, surrogates and cut sequences included). At the end of the
 * string *c is 0 and the result 1.
 */
size_t utf8_decode(const char *s, uint32_t *c);
