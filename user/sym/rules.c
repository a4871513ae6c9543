// SPDX-License-Identifier: BSD-2-Clause
/* Asking for rules, which must not hold up who asks: an answer may come when it is asked for again. */
#include "sym/client.h"

#include <errno.h>
#include <string.h>

static bool is_valid_from(const struct unwind_from *from)
{
	return from->kind <= UNWIND_PLT && from->reg < UNWIND_REGS;
}

static bool is_valid_rule(const struct unwind_rule *rule)
{
	uint8_t is_signal;

	memcpy(&is_signal, &rule->is_signal, 1);
	if (is_signal > 1 || !is_valid_from(&rule->cfa))
		return false;
	for (unsigned i = 0; i < UNWIND_REGS; i++) {
		if (!is_valid_from(&rule->regs[i]) || rule->regs[i].kind == UNWIND_PLT)
			return false;
	}
	return true;
}

static struct cached *cache_of(struct sym *s, uint32_t object, uint64_t offset)
{
	uint64_t hash = (offset ^ (uint64_t)object << 40) * 0x9e3779b97f4a7c15;

	return &s->cache[hash >> 52 & (CACHE_SIZE - 1)];
}

int client_settle(struct sym *s, int64_t until)
{
	struct late *l = &s->late;
	bool is_there;
	int r;

	if (!l->is)
		return 0;
	if (until < l->until) {
		struct pollfd p[] = { { .fd = s->worker, .events = POLLIN },
				      { .fd = s->cancel, .events = POLLIN } };
		int64_t left = until - client_now_ms();

		if (!wire_wait(p, 2, left > 0 ? (int)left : 0) && client_now_ms() < l->until)
			return -EAGAIN;
	}
	s->request.object = l->object;
	r = client_take_one(s, sizeof(s->answer.rule), l->until, &is_there);
	l->is = false;
	if (!is_there)
		return s->over;
	if (!r && !is_valid_rule(&s->answer.rule))
		r = -EIO;
	*cache_of(s, l->object, l->offset) =
		(struct cached){ l->offset, l->object + 1, r, s->answer.rule };
	return 0;
}

static int begin_rule(struct sym *s, uint32_t object, uint64_t offset)
{
	int r;

	s->request.kind = REQUEST_RULE;
	s->request.object = object;
	s->request.offsets[0] = offset;
	r = client_send_number(s);
	s->late = (struct late){ !r, object, offset, client_deadline(s) };
	return r;
}

static int rule_until(struct sym *s, uint32_t object, uint64_t offset, int64_t until,
		      struct unwind_rule *ret)
{
	const struct cached *c = cache_of(s, object, offset);
	int r = client_refused(s, object);

	while (!r && (c->object != object + 1 || c->offset != offset)) {
		r = s->late.is ? client_settle(s, until) : begin_rule(s, object, offset);
		if (!r)
			r = client_refused(s, object);
	}
	if (!r && !c->error)
		*ret = c->rule;
	return r ? r : c->error;
}

int sym_rule(struct sym *s, uint32_t object, uint64_t offset, struct unwind_rule *ret)
{
	return rule_until(s, object, offset, INT64_MAX, ret);
}

int sym_rule_within(struct sym *s, uint32_t object, uint64_t offset, unsigned ms,
		    struct unwind_rule *ret)
{
	return rule_until(s, object, offset, client_now_ms() + ms, ret);
}
