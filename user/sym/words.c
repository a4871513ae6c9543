// SPDX-License-Identifier: BSD-2-Clause
/* Words of memory that threads wait at: which variable each is. Where its object lies is
 * noted when a wait is looked at: later the process may have gone. */
#include "sym/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/vec.h"

#define WORDS_MAX 65536
#define TEXT_MAX  (SYM_NAME_SIZE + SYM_FILE_SIZE + EVENT_PATH_SIZE)

struct word {
	struct lock_key key;
	uint64_t address;
	uint64_t start; /* of the mapping of its object's code */
	struct place place;
	char *path; /* of a file's lock: that file's name; NULL: it is a word of memory */
};

struct words {
	struct intern keys; /* those that were noted, numbered as the words */
	VEC(struct word) list;
};

struct words *words_new(void)
{
	return calloc(1, sizeof(struct words));
}

void words_free(struct words *w)
{
	if (!w)
		return;
	intern_free(&w->keys);
	for (size_t i = 0; i < w->list.n; i++)
		free(w->list.items[i].path);
	free(w->list.items);
	free(w);
}

static bool locate(struct word *word, const struct spaces *spaces, const struct memory *memory,
		   const struct code_stack *raw)
{
	if ((raw->lock.space & LOCK_OF_SYSV) == LOCK_OF_SYSV)
		return false;
	if ((raw->lock.space & LOCK_OF_FILE) == LOCK_OF_FILE) {
		word->path = strndup(raw->file, sizeof(raw->file));
		return word->path && *word->path;
	}
	return memory_below(memory, spaces, raw->word, &word->start, &word->place);
}

void words_note(struct words *w, const struct spaces *spaces, const struct memory *memory,
		const struct code_stack *raw)
{
	struct word word = { .key = raw->lock, .address = raw->word };

	if (!raw->lock.space || w->list.n >= WORDS_MAX ||
	    intern_find(&w->keys, &raw->lock, sizeof(raw->lock)) != INTERN_NONE)
		return;
	if (!locate(&word, spaces, memory, raw)) {
		free(word.path);
		return;
	}
	intern(&w->keys, &raw->lock, sizeof(raw->lock));
	*vec_add(&w->list) = word;
}

static char *put(char *to, const char *text, size_t most)
{
	size_t n = strnlen(text, most);

	memcpy(to, text, n);
	to[n] = '\0';
	return to + n + 1;
}

static int tell(const struct word *w, const struct sym_data *data, const char *path, event_fn fn,
		void *ctx)
{
	_Alignas(struct ev_word) char room[sizeof(struct ev_word) + (TEXT_MAX + 7) / 8 * 8] = { 0 };
	struct ev_word *ev = (struct ev_word *)room;
	char *end;

	ev->key = w->key;
	end = put(ev->text, data->name, SYM_NAME_SIZE - 1);
	end = put(end, data->file, SYM_FILE_SIZE - 1);
	end = put(end, path, EVENT_PATH_SIZE - 1);
	ev->size = end - ev->text;
	ev->head.kind = EV_WORD;
	ev->head.size = sizeof(*ev) + (ev->size + 7) / 8 * 8;
	return fn(ctx, &ev->head);
}

/* Where a mapping's object lies in its image: asked once, as many words may lie behind one. */
struct image {
	struct place place; /* of the mapping */
	uint32_t object;
	uint64_t base, end; /* both 0: it is not known */
};

struct images {
	VEC(struct image) list;
};

static const struct image *image_of(struct images *known, const struct name_sources *from,
				    const struct place *place)
{
	struct image *i;

	for (size_t k = 0; k < known->list.n; k++) {
		i = &known->list.items[k];
		if (i->place.file == place->file && i->place.offset == place->offset)
			return i;
	}
	i = vec_add(&known->list);
	*i = (struct image){ .place = *place };
	if (code_object(from->code, place->file, &i->object) ||
	    sym_image(from->sym, i->object, place->offset, true, &i->base) ||
	    sym_image_end(from->sym, i->object, &i->end))
		i->end = 0;
	return i;
}

/* What has no name is nobody's variable: it lies on the heap, or on a stack. */
static bool name(struct images *known, const struct word *w, const struct name_sources *from,
		 struct sym_data *ret)
{
	const struct image *i = image_of(known, from, &w->place);
	uint64_t address = w->address - w->start + i->base;

	return address < i->end && !sym_data(from->sym, i->object, address, ret);
}

int words_tell(const struct words *w, const struct name_sources *sources, event_fn fn, void *ctx)
{
	struct images known = { 0 };
	int error = 0;

	for (size_t i = 0; i < w->list.n && !error; i++) {
		const struct word *word = &w->list.items[i];
		struct sym_data data = { "", "" };

		if (word->path)
			error = tell(word, &data, word->path, fn, ctx);
		else if (name(&known, word, sources, &data))
			error = tell(word, &data,
				     spaces_file(sources->spaces, word->place.file)->path, fn, ctx);
	}
	free(known.list.items);
	return error;
}
