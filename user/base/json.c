// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

static void put(struct json *j, const char *s, size_t n)
{
	if (!j->err && fwrite(s, 1, n, j->out) != n)
		j->err = errno ? -errno : -EIO;
}

static void put_string(struct json *j, const char *s)
{
	put(j, s, strlen(s));
}

static void put_escape(struct json *j, uint32_t c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[8] = { '\\' };

	for (const char *p = shorts; *p; p += 2) {
		if ((unsigned char)p[0] == c) {
			text[1] = p[1];
			put_string(j, text);
			return;
		}
	}
	snprintf(text, sizeof(text), "\\u%04x", (unsigned int)c & 0xffff);
	put_string(j, text);
}

static void put_quoted(struct json *j, const char *s)
{
	uint32_t c;
	size_t n;

	put(j, "\"", 1);
	for (; *s; s += n) {
		n = utf8_decode(s, &c);
		if (!n) {
			put_string(j, "\xef\xbf\xbd");
			n = 1;
		} else if (c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0)) {
			put_escape(j, c);
		} else {
			put(j, s, n);
		}
	}
	put(j, "\"", 1);
}

static void new_line(struct json *j)
{
	put(j, "\n", 1);
	for (unsigned int i = 0; i < j->depth; i++)
		put(j, "  ", 2);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->depth) {
		bool line = j->level[j->depth - 1].line;

		if (j->level[j->depth - 1].used)
			put(j, line ? ", " : ",", line ? 2 : 1);
		if (!line)
			new_line(j);
		j->level[j->depth - 1].used = true;
	}
	if (key) {
		put_quoted(j, key);
		put(j, ": ", 2);
	}
}

static void begin_nest(struct json *j, const char *key, const char *brackets, bool line)
{
	if (j->depth == JSON_DEPTH) {
		j->err = j->err ? j->err : -EINVAL;
		return;
	}
	begin_value(j, key);
	put(j, brackets, 1);
	j->level[j->depth].close = brackets[1];
	j->level[j->depth].line = line || (j->depth && j->level[j->depth - 1].line);
	j->level[j->depth].used = false;
	j->depth++;
}

void json_init(struct json *j, FILE *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
}

void json_object(struct json *j, const char *key)
{
	begin_nest(j, key, "{}", false);
}

void json_array(struct json *j, const char *key)
{
	begin_nest(j, key, "[]", false);
}

void json_line_object(struct json *j, const char *key)
{
	begin_nest(j, key, "{}", true);
}

void json_line_array(struct json *j, const char *key)
{
	begin_nest(j, key, "[]", true);
}

void json_end(struct json *j)
{
	if (!j->depth) {
		j->err = j->err ? j->err : -EINVAL;
		return;
	}
	j->depth--;
	if (j->level[j->depth].used && !j->level[j->depth].line)
		new_line(j);
	put(j, &j->level[j->depth].close, 1);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	begin_value(j, key);
	put_string(j, text);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	begin_value(j, key);
	put_string(j, text);
}

void json_double(struct json *j, const char *key, double value)
{
	char text[32];

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	snprintf(text, sizeof(text), "%.6g", value);
	begin_value(j, key);
	put_string(j, strcmp(text, "-0") ? text : "0");
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin_value(j, key);
	put_string(j, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin_value(j, key);
	put_string(j, "null");
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin_value(j, key);
	if (value)
		put_quoted(j, value);
	else
		put_string(j, "null");
}

int json_finish(struct json *j)
{
	put(j, "\n", 1);
	if (j->depth && !j->err)
		j->err = -EINVAL;
	if (!j->err && (fflush(j->out) || ferror(j->out)))
		j->err = errno ? -errno : -EIO;
	return j->err;
}
