// SPDX-License-Identifier: BSD-2-Clause
/*
 * One page of a run, or of a comparison, that needs nothing else: no network, no other file. It all is
 * there as text, tables and pictures without scripts; these sort, search, zoom and tell numbers
 * below the pointer.
 */
#include "report/html.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "report/words.h"
#include "html_files.h" /* made by the Makefile: page.css, page.js and their hashes */

#define LIMIT	   (1 << 20)
#define ROWS_MOST  240 /* of a table, with fewer if the page would be too long */
#define ROWS_LEAST 10
#define TITLE	   96 /* columns */

/* The header stands before the list of sections, and that before them. */
struct document {
	char *header, *body;
	size_t header_size, body_size;
	struct html html;
};

static void put_head(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'sha256-" PAGE_css_HASH "'; script-src 'sha256-" PAGE_js_HASH "'; "
	      "base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"generator\" content=\"concprof\">\n<title>",
	      out);
	escape_html(out, title);
	fprintf(out, "</title>\n<style>%s</style>\n</head>\n", page_css);
}

static void put_nav(FILE *out, const struct html *h)
{
	fputs("<nav aria-label=\"Sections\">\n<ol>\n", out);
	for (size_t i = 0; i < h->parts.n; i++) {
		fprintf(out, "<li><a href=\"#%s\">", h->parts.items[i].id);
		escape_html(out, h->parts.items[i].title);
		fputs("</a></li>\n", out);
	}
	fputs("</ol>\n</nav>\n", out);
}

static void put_footer(FILE *out, const struct report_opts *opts, const struct model *m)
{
	fputs("<footer><p>Measured by concprof ", out);
	escape_html(out, opts->version ?: "of unknown version");
	if (m && m->texts[TEXT_KERNEL]) {
		fputs(" on Linux ", out);
		escape_html(out, m->texts[TEXT_KERNEL]);
	}
	if (m && m->texts[TEXT_ARCH]) {
		fputs(", ", out);
		escape_html(out, m->texts[TEXT_ARCH]);
	}
	fputs(".</p></footer>\n", out);
}

static void put_document(FILE *out, const struct document *d, const char *title,
			 const struct report_opts *opts, const struct model *m)
{
	put_head(out, title);
	fputs("<body>\n<a class=\"skip\" href=\"#main\">To the report</a>\n<header>\n"
	      "<p class=\"brand\">concprof</p>\n",
	      out);
	fwrite(d->header, 1, d->header_size, out);
	fputs("</header>\n", out);
	put_nav(out, &d->html);
	fputs("<main id=\"main\">\n", out);
	fwrite(d->body, 1, d->body_size, out);
	put_footer(out, opts, m);
	fprintf(out, "</main>\n<script>%s</script>\n</body>\n</html>\n", page_js);
}

/* --- a run ----------------------------------------------------------------------------------- */

static void put_findings(struct page *p, const struct findings *f)
{
	if (f->n_list > 1)
		page_heading(p, "Findings",
			     "what stands out beside that, the most important first");
	text_findings(p, f);
}

static void put_trust(struct page *p, const struct findings *f)
{
	page_heading(p, "Trust",
		     "what was not measured, how far the numbers agree, what they cost");
	text_trust(p, f);
}

typedef void (*put_fn)(struct page *p, const struct findings *f);

/* Pictures and details stand in the section before them. */
static const put_fn parts[] = {
	text_deadlocks, text_stands,	text_course,	text_timeline, text_path,   text_kinds,
	put_findings,	text_threads,	text_sites,	text_waits,    text_locks,  html_locks,
	text_channels,	html_links,	text_io,	html_targets,  text_loops,  html_loops,
	text_peers,	text_processes, html_processes, text_cgroups,  text_takers, text_wakings,
	text_signals,	text_calls,	text_left_over, put_trust,
};

static int put_run(struct document *d, const void *what, FILE *header, FILE *body)
{
	const struct findings *f = what;
	struct page *p = &d->html.page;
	int err;

	p->out = header;
	err = text_header(p, f);
	text_gates(p, f->gates, f->n_gates, true);
	html_flow(p);
	p->out = body;
	text_title(p, f);
	text_verdict(p, f);
	for (size_t i = 0; !err && i < sizeof(parts) / sizeof(*parts); i++)
		parts[i](p, f);
	return err;
}

static int put_look(struct document *d, const void *what, FILE *header, FILE *body)
{
	struct page *p = &d->html.page;

	p->out = header;
	text_gates(p, ((const struct findings *)what)->gates,
		   ((const struct findings *)what)->n_gates, true);
	p->out = body;
	text_why_parts(p, what);
	return 0;
}

static int put_diff(struct document *d, const void *what, FILE *header, FILE *body)
{
	struct page *p = &d->html.page;

	(void)header;
	p->out = body;
	text_diff_title(p, what);
	text_diff(p, what);
	return 0;
}

typedef int (*body_fn)(struct document *d, const void *what, FILE *header, FILE *body);

static int make(struct document *d, body_fn put, const void *what, const struct report_opts *opts)
{
	FILE *header = open_memstream(&d->header, &d->header_size);
	FILE *body = open_memstream(&d->body, &d->body_size);
	int err = header && body ? 0 : -errno;

	if (!err) {
		html_begin(&d->html, opts, body);
		err = put(d, what, header, body);
		html_end(&d->html);
	}
	if (header && fclose(header) && !err)
		err = -ENOMEM;
	if (body && fclose(body) && !err)
		err = -ENOMEM;
	return err;
}

static void drop(struct document *d)
{
	html_free(&d->html);
	free(d->header);
	free(d->body);
	memset(d, 0, sizeof(*d));
}

static size_t length(const struct document *d)
{
	return d->header_size + d->body_size + sizeof(page_css) + sizeof(page_js) + 8192;
}

/* With as many rows as there is room for. */
static int write_page(body_fn put, const void *what, const char *title, const struct model *m,
		      const struct report_opts *opts, FILE *out)
{
	struct report_opts o = { .utf8 = true, .verbose = true, .version = opts->version };
	bool is_endless = opts->top == REPORT_ALL;
	struct document d = { 0 };
	int err;

	o.top = is_endless ? REPORT_ALL : opts->top > ROWS_MOST ? opts->top : ROWS_MOST;
	for (;; o.top /= 2) {
		err = make(&d, put, what, &o);
		if (err || is_endless || length(&d) <= LIMIT || o.top < 2 * ROWS_LEAST)
			break;
		drop(&d);
	}
	if (!err)
		put_document(out, &d, title, opts, m);
	drop(&d);
	if (!err && (fflush(out) || ferror(out)))
		err = errno ? -errno : -EIO;
	return err;
}

int report_html_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	bool is_look = f->model->run.mode == MODE_WHY;
	char name[512], title[700], *line;
	int err = command_line(&line, f->model);

	if (err)
		return err;
	escape_text(name, sizeof(name), line, TITLE, true);
	free(line);
	snprintf(title, sizeof(title), "concprof: %s%s%s",
		 is_look ? "why" : class_name(f->verdict.class), *name ? " · " : "", name);
	return write_page(is_look ? put_look : put_run, f, title, f->model, opts, out);
}

int diff_html_write(const struct diff *d, const struct report_opts *opts, FILE *out)
{
	return write_page(put_diff, d, "concprof: a comparison", NULL, opts, out);
}
