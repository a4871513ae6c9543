// SPDX-License-Identifier: BSD-2-Clause
#include "stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/wall.h"
#include "fields.h"

#define TEXT_ROOM 4096 /* of one string */

struct reader {
	struct report_opts *opts;
	event_fn fn;
	void *ctx;
	struct stream_error *error;
	uint64_t i; /* the repetition */
	union {
		struct event head;
		struct ev_thread thread;
		char bytes[sizeof(struct ev_thread) + sizeof(struct ev_exec) +
			   sizeof(struct ev_wall) + TEXT_ROOM];
	} event;
};

__attribute__((format(printf, 2, 3))) static int bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error->text, sizeof(r->error->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int read_term(struct reader *r, const char **s, int64_t *ret)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	int64_t factor = 1;
	char *end;

	if (**s == 'i') {
		factor = (int64_t)r->i;
		if (*++*s != '*') {
			*ret = factor;
			return 0;
		}
		++*s;
	}
	*ret = strtoll(*s, &end, 0) * factor;
	if (end == *s)
		return bad(r, "not a number: '%s'", *s);
	*s = end;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t n = strlen(units[u].name);

		if (!strncmp(*s, units[u].name, n)) {
			*ret *= units[u].ns;
			*s += n;
			break;
		}
	}
	return 0;
}

/* A sum of terms, up to `stop`. */
static int read_number(struct reader *r, const char **s, char stop, int64_t *ret)
{
	int64_t term;
	int err;

	*ret = 0;
	for (;;) {
		err = read_term(r, s, &term);
		if (err)
			return err;
		*ret += term;
		if (!**s || **s == stop)
			return 0;
		if (*(*s)++ != '+')
			return bad(r, "not a number: '%s'", *s - 1);
	}
}

static void store(void *at, size_t size, int64_t value)
{
	uint16_t narrower = (uint16_t)value;
	uint32_t narrow = (uint32_t)value;

	if (size == sizeof(narrower))
		memcpy(at, &narrower, size);
	else if (size == sizeof(narrow))
		memcpy(at, &narrow, size);
	else
		memcpy(at, &value, sizeof(value));
}

static int set_words(struct reader *r, const struct field *f, void *at, char *value)
{
	int64_t all = 0;

	for (char *word = strtok_r(value, "|", &value); word; word = strtok_r(NULL, "|", &value)) {
		int n = f->number_of(word);

		if (n < 0)
			return bad(r, "%s: no such word: '%s'", f->name, word);
		all |= n;
	}
	store(at, f->size, all);
	return 0;
}

static int set_wait(struct reader *r, struct ledger_cause *c, const char *value)
{
	int64_t numbers[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		int err = read_number(r, &value, ':', &numbers[i]);

		if (err)
			return err;
		if (i < 2 && *value++ != ':')
			return bad(r, "a wait is total:longest:count");
	}
	c->ns = (uint64_t)numbers[0];
	c->max_ns = (uint64_t)numbers[1];
	c->count = (uint32_t)numbers[2];
	return 0;
}

static int set_bytes(struct reader *r, const struct field *f, char *to, const char *value)
{
	size_t n = strlen(value);
	unsigned int byte;

	if (n % 2 || n / 2 > f->size || strspn(value, "0123456789abcdef") != n)
		return bad(r, "%s: up to %zu bytes in hex", f->name, f->size);
	for (; *value; value += 2) {
		sscanf(value, "%2x", &byte);
		*to++ = (char)byte;
	}
	return 0;
}

static int set_text(struct reader *r, const char *value)
{
	struct ev_text *t = (struct ev_text *)r->event.bytes;

	t->length = (uint32_t)strlen(value);
	memcpy(t->text, value, t->length + 1);
	t->head.size = (uint32_t)((sizeof(*t) + t->length + 1 + 7) / 8 * 8);
	return 0;
}

static int add_name(struct reader *r, const struct field *f, const char *value)
{
	struct event *ev = (struct event *)r->event.bytes;
	uint32_t *size = (uint32_t *)(r->event.bytes + f->size);
	size_t n = strlen(value) + 1;

	if (f->offset + *size + n + 8 > sizeof(r->event.bytes))
		return bad(r, "the names are too long");
	memcpy(r->event.bytes + f->offset + *size, value, n);
	*size += (uint32_t)n;
	ev->size = (uint32_t)((f->offset + *size + 7) / 8 * 8);
	return 0;
}

static int set_frames(struct reader *r, const char *value)
{
	struct ev_stack *s = (struct ev_stack *)r->event.bytes;
	int64_t id;
	int err;

	while (*value) {
		err = read_number(r, &value, ',', &id);
		if (err)
			return err;
		if (s->n == STACK_MAX)
			return bad(r, "too many frames");
		s->frames[s->n++] = (uint32_t)id;
		value += *value == ',';
	}
	s->head.size = (uint32_t)((sizeof(*s) + s->n * sizeof(*s->frames) + 7) / 8 * 8);
	return 0;
}

static int add_arg(struct reader *r, const char *value)
{
	struct ev_exec *e = (struct ev_exec *)r->event.bytes;
	size_t n = strlen(value) + 1;

	if (e->args_size + n > sizeof(e->args))
		return bad(r, "too many args");
	memcpy(e->args + e->args_size, value, n);
	e->args_size += (uint32_t)n;
	return 0;
}

static int set_field(struct reader *r, const struct kind *kind, const char *key, char *value)
{
	const struct field *f = field_by_key(kind, key);
	char *at = r->event.bytes + (f ? f->offset : 0);
	const char *rest = value;
	int64_t number;
	int index = 0, err;

	if (!f)
		return bad(r, "%s has no field '%s'", kind->name, key);
	if (f->type == FIELD_INDEXED || f->type == FIELD_WAIT)
		index = f->number_of(key + strlen(f->name));
	if (index < 0)
		return bad(r, "no such index: '%s'", key);
	switch (f->type) {
	case FIELD_STRING:
		if (strlen(value) >= f->size)
			return bad(r, "%s: too long", key);
		strcpy(at, value);
		return 0;
	case FIELD_WORDS:
		return set_words(r, f, at, value);
	case FIELD_WAIT:
		return set_wait(r, (struct ledger_cause *)at + index, value);
	case FIELD_BYTES:
		return set_bytes(r, f, at, value);
	case FIELD_ARGS:
		return add_arg(r, value);
	case FIELD_TEXT:
		return set_text(r, value);
	case FIELD_NAME:
		return add_name(r, f, value);
	case FIELD_FRAMES:
		return set_frames(r, value);
	default:
		err = read_number(r, &rest, '\0', &number);
		if (!err)
			store(at + index * 8, f->type == FIELD_INDEXED ? 8 : f->size, number);
		return err;
	}
}

static int set_option(struct reader *r, const char *key, const char *value)
{
	struct report_opts *o = r->opts;
	unsigned int n = (unsigned int)strtoul(value, NULL, 10);

	if (!strcmp(key, "width"))
		o->width = n;
	else if (!strcmp(key, "top"))
		o->top = n;
	else if (!strcmp(key, "utf8"))
		o->utf8 = n;
	else if (!strcmp(key, "color"))
		o->color = n;
	else if (!strcmp(key, "verbose"))
		o->verbose = n;
	else
		return bad(r, "no such option: '%s'", key);
	return 0;
}

/* One character of a string, as C would read it; returns what follows. */
static const char *unescape(struct reader *r, const char *s, char *to, size_t *n)
{
	unsigned int byte;

	if (s[0] == '%' && s[1] == 'i') {
		*n += (size_t)sprintf(to + *n, "%llu", (unsigned long long)r->i);
		return s + 2;
	}
	if (s[0] != '\\') {
		to[(*n)++] = s[0];
		return s + 1;
	}
	if (s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
		to[(*n)++] = (char)byte;
		return s + 4;
	}
	to[(*n)++] = s[1] == 'n' ? '\n' : s[1] == 't' ? '\t' : s[1];
	return s + 2;
}

/* Takes one value off *s: a word, or a string in quotes. */
static int take_value(struct reader *r, const char **s, char value[TEXT_ROOM])
{
	bool quoted = **s == '"';
	const char *p = *s + quoted;
	size_t n = 0;

	while (*p && (quoted ? *p != '"' : *p != ' ' && *p != '\t')) {
		if (n + 24 > TEXT_ROOM)
			return bad(r, "a value is too long");
		if (quoted)
			p = unescape(r, p, value, &n);
		else
			value[n++] = *p++;
	}
	if (quoted && *p++ != '"')
		return bad(r, "a string does not end");
	value[n] = '\0';
	*s = p;
	return 0;
}

static int take_pairs(struct reader *r, const struct kind *kind, const char *s)
{
	char key[64], value[TEXT_ROOM];
	int n, err = 0;

	for (s += strspn(s, " \t"); !err && *s; s += strspn(s, " \t")) {
		n = 0;
		if (sscanf(s, "%63[^= ]=%n", key, &n) != 1 || !n)
			return bad(r, "not key=value: '%.40s'", s);
		s += n;
		err = take_value(r, &s, value);
		if (!err)
			err = kind ? set_field(r, kind, key, value) : set_option(r, key, value);
	}
	return err;
}

/* Waits without rows, and an open one, are for what their causes tell. */
static void derive_rows(struct ev_thread *t)
{
	struct ledger *l = &t->ledger;
	uint64_t given = 0;

	if (t->open_row == ROW_COUNT)
		t->open_row = row_of_cause(t->open_cause);
	for (int r = 0; r < ROW_COUNT; r++)
		given += l->row_ns[r];
	for (uint32_t c = 0; c < CAUSE_COUNT && !given; c++)
		l->row_ns[row_of_cause(c)] += l->cause[c].ns;
}

static int send_event(struct reader *r, const char *name, const char *pairs)
{
	const struct kind *kind = kind_by_name(name);
	int err;

	if (!kind)
		return bad(r, "no such kind of event: '%s'", name);
	memset(&r->event, 0, sizeof(r->event));
	r->event.head.kind = kind->kind;
	r->event.head.size = (uint32_t)kind->size;
	if (kind->kind == EV_THREAD)
		r->event.thread.open_row = ROW_COUNT; /* not given */
	err = take_pairs(r, kind, pairs);
	if (err)
		return err;
	if (kind->kind == EV_THREAD)
		derive_rows(&r->event.thread);
	if (!event_is_valid(&r->event.head, sizeof(r->event)))
		return bad(r, "the event is not valid");
	return r->fn(r->ctx, &r->event.head);
}

static int read_line(struct reader *r, const char *line)
{
	char word[32];
	unsigned int times = 1;
	int n = 0, err = 0;

	if (sscanf(line, "%31s%n", word, &n) != 1 || word[0] == '#')
		return 0;
	if (!strcmp(word, "options"))
		return take_pairs(r, NULL, line + n);
	if (!strcmp(word, "repeat")) {
		line += n;
		if (sscanf(line, "%u %31s%n", &times, word, &n) != 2)
			return bad(r, "repeat what, how often?");
	}
	for (r->i = 0; !err && r->i < times; r->i++)
		err = send_event(r, word, line + n);
	r->i = 0;
	return err;
}

/* Joins continued lines in place; *line counts those that were read. */
static ssize_t next_line(FILE *in, char **text, size_t *size, unsigned int *line)
{
	char *more = NULL;
	size_t room = 0;
	ssize_t n = getline(text, size, in), m;

	*line += n >= 0;
	while (n >= 2 && !strcmp(*text + n - 2, "\\\n")) {
		m = getline(&more, &room, in);
		if (m < 0)
			break;
		++*line;
		*text = realloc(*text, (size_t)(n + m) + 1);
		if (!*text)
			abort();
		*size = (size_t)(n + m) + 1;
		memcpy(*text + n - 2, more, (size_t)m + 1);
		n += m - 2;
	}
	free(more);
	if (n > 0 && (*text)[n - 1] == '\n')
		(*text)[n - 1] = '\0';
	return n;
}

int stream_read(FILE *in, struct report_opts *opts, event_fn fn, void *ctx,
		struct stream_error *error)
{
	struct reader *r = calloc(1, sizeof(*r));
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!r)
		abort();
	r->opts = opts;
	r->fn = fn;
	r->ctx = ctx;
	r->error = error;
	memset(error, 0, sizeof(*error));
	while (!err && next_line(in, &line, &size, &error->line) >= 0)
		err = read_line(r, line);
	if (err && !error->text[0])
		snprintf(error->text, sizeof(error->text), "the sink refused it: %s",
			 strerror(-err));
	free(line);
	free(r);
	return err;
}
