'use strict';
/* What is on the page is there without this: here it becomes sortable, searchable, and tells more. */
(() => {
	const SVG = 'http://www.w3.org/2000/svg', SHOWN = 15;
	const all = (what, from = document) => Array.from(from.querySelectorAll(what));
	const make = (name, props = {}, ...inside) => {
		const it = Object.assign(document.createElement(name), props);
		it.append(...inside);
		return it;
	};

	/* --- numbers as they are written: "1.23 s", "12 min 5 s", "≤ 56.7 ms", "1,234", "98 %" --- */
	const UNITS = { ns: 1, 'µs': 1e3, ms: 1e6, s: 1e9, min: 6e10, h: 3.6e12, d: 8.64e13,
		'%': 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824 };
	const value = text => {
		let sum = 0, any = false;
		for (const [, number, unit] of text.matchAll(/(-?[\d.,]+) ?([a-zA-Zµ%]*)/g)) {
			sum += parseFloat(number.replace(/,/g, '')) * (UNITS[unit] || 1);
			any = true;
		}
		return any ? sum : -1;
	};

	/* --- tables --------------------------------------------------------------------------- */
	const cellText = (row, i) => row.cells[i] ? row.cells[i].textContent : '';
	const sortBy = (table, th, i) => {
		const body = table.tBodies[0], rows = Array.from(body.rows);
		const words = th.classList.contains('l');
		const up = th.getAttribute('aria-sort') === 'descending' ||
			(words && !th.hasAttribute('aria-sort'));
		rows.sort((a, b) => {
			const x = cellText(a, i), y = cellText(b, i);
			return (words ? x.localeCompare(y) : value(x) - value(y)) * (up ? 1 : -1);
		});
		all('th', table.tHead).forEach(other => other.removeAttribute('aria-sort'));
		th.setAttribute('aria-sort', up ? 'ascending' : 'descending');
		body.append(...rows);
	};
	const makeSortable = (table, refresh) => {
		if (!table.tHead || table.tBodies[0].rows.length < 2) return;
		/* Deeper ones stand below what they belong to. */
		const isTree = all('tbody th', table).some(th => th.textContent.startsWith('\u2003'));
		if (isTree) return;
		Array.from(table.tHead.rows[0].cells).forEach((th, i) => {
			if (th.classList.contains('b') || !th.textContent) return;
			const button = make('button', { type: 'button' }, th.textContent);
			th.replaceChildren(button);
			button.addEventListener('click', () => { sortBy(table, th, i); refresh(); });
		});
	};
	const makeShort = (table, box) => {
		const rows = () => Array.from(table.tBodies[0].rows);
		if (rows().length <= SHOWN + 3) return () => {};
		let isLong = false;
		const find = make('input', { type: 'search', placeholder: 'Filter the rows' });
		find.setAttribute('aria-label', 'Filter the rows of ' + box.getAttribute('aria-label'));
		const said = make('output'), more = make('button', { type: 'button', className: 'more' });
		const refresh = () => {
			const wanted = find.value.toLowerCase();
			let fit = 0;
			for (const row of rows()) {
				const fits = !wanted || row.textContent.toLowerCase().includes(wanted);
				fit += fits;
				row.hidden = !fits || (!isLong && !wanted && fit > SHOWN);
			}
			said.textContent = wanted ? fit + ' of ' + rows().length + ' rows' : '';
			more.hidden = Boolean(wanted);
			more.textContent = isLong ? 'Show ' + SHOWN + ' rows' : 'Show all ' + rows().length + ' rows';
		};
		more.addEventListener('click', () => { isLong = !isLong; refresh(); });
		find.addEventListener('input', refresh);
		window.addEventListener('beforeprint', () => { isLong = true; find.value = ''; refresh(); });
		box.before(make('div', { className: 'tools' }, find, said));
		box.after(more);
		refresh();
		return refresh;
	};
	all('.scroll').forEach(box => {
		const table = box.querySelector('table');
		makeSortable(table, makeShort(table, box));
	});

	/* --- flame graphs ----------------------------------------------------------------------- */
	const percent = (frame, name) => parseFloat(frame.getAttribute(name)) || 0;
	const flame = figure => {
		const frames = all('.f', figure).map((el, i) => {
			el.setAttribute('tabindex', i ? -1 : 0);
			el.setAttribute('role', 'button');
			const title = el.querySelector('title').textContent;
			el.setAttribute('aria-label', title);
			return { el, title, name: title.slice(0, title.lastIndexOf(': ')), x: percent(el, 'x'),
				width: percent(el, 'width'), y: percent(el, 'y'), text: el.querySelector('text') };
		});
		const of = new Map(frames.map(f => [f.el, f]));
		const find = make('input', { type: 'search', placeholder: 'Search functions' });
		find.setAttribute('aria-label', 'Search functions in this flame graph');
		const reset = make('button', { type: 'button', hidden: true }, 'Show all');
		const said = make('output');
		const HINT = 'Click a frame to zoom in, or use the arrow keys and Enter; Escape shows all.';
		said.textContent = HINT;
		const inside = (f, g) => f.x >= g.x - 1e-4 && f.x + f.width <= g.x + g.width + 1e-4;
		const zoom = to => {
			for (const f of frames) {
				const above = f.y < to.y && inside(to, f);
				const shown = above || (f.y >= to.y && inside(f, to));
				f.el.classList.toggle('out', !shown);
				f.el.classList.toggle('above', above && to !== frames[0]);
				if (!shown) continue;
				const from = Math.max(0, (f.x - to.x) / to.width * 100);
				f.el.setAttribute('x', (above ? 0 : from) + '%');
				f.el.setAttribute('width', (above ? 100 : f.width / to.width * 100) + '%');
			}
			reset.hidden = to === frames[0];
			hideTexts();
			said.textContent = to === frames[0] ? HINT : to.title;
		};
		/* A few pixels of a name are noise. */
		const hideTexts = () => {
			const pixels = figure.clientWidth;
			for (const f of frames)
				f.text.toggleAttribute('hidden', percent(f.el, 'width') / 100 * pixels < 22);
		};
		const search = () => {
			const wanted = find.value.toLowerCase();
			let sum = 0, hits = 0, end = -1;
			const sorted = frames.slice().sort((a, b) => a.x - b.x || a.y - b.y);
			for (const f of sorted) {
				const hit = Boolean(wanted) && f.name.toLowerCase().includes(wanted);
				f.el.classList.toggle('hit', hit);
				hits += hit;
				if (hit && f.x >= end - 1e-4) {
					sum += f.width;
					end = f.x + f.width;
				}
			}
			said.textContent = wanted ? hits + ' frames, ' + sum.toFixed(1) + ' % of the whole' : HINT;
		};
		const focus = f => {
			if (!f) return;
			frames.forEach(g => g.el.setAttribute('tabindex', g === f ? 0 : -1));
			f.el.focus();
			said.textContent = f.title;
		};
		const shown = f => !f.el.classList.contains('out');
		const near = (f, key) => {
			const row = frames.filter(g => shown(g) && g.y === f.y).sort((a, b) => a.x - b.x);
			const at = row.indexOf(f);
			return {
				ArrowLeft: () => row[at - 1],
				ArrowRight: () => row[at + 1],
				ArrowUp: () => frames.filter(g => shown(g) && g.y < f.y && inside(f, g)).pop(),
				ArrowDown: () => frames.find(g => shown(g) && g.y > f.y && inside(g, f)),
				Home: () => frames[0],
			}[key];
		};
		figure.addEventListener('click', event => {
			const f = of.get(event.target.closest('.f'));
			if (f) { zoom(f); focus(f); }
		});
		figure.addEventListener('mouseover', event => {
			const f = of.get(event.target.closest('.f'));
			if (f) said.textContent = f.title;
		});
		figure.addEventListener('keydown', event => {
			const f = of.get(event.target.closest('.f'));
			if (!f) return;
			const go = near(f, event.key);
			if (go) focus(go());
			else if (event.key === 'Enter' || event.key === ' ') zoom(f);
			else if (event.key === 'Escape') { zoom(frames[0]); focus(frames[0]); }
			else return;
			event.preventDefault();
		});
		find.addEventListener('input', search);
		reset.addEventListener('click', () => { zoom(frames[0]); focus(frames[0]); });
		window.addEventListener('resize', hideTexts);
		figure.before(make('div', { className: 'tools' }, find, reset), said);
		said.setAttribute('aria-live', 'polite');
		hideTexts();
	};
	all('figure.flame').forEach(flame);

	/* --- the course of time ------------------------------------------------------------------- */
	const time = ns => ns >= 3.6e12 ? (ns / 3.6e12).toFixed(2) + ' h' : ns >= 6e10 ? (ns / 6e10).toFixed(2) + ' min' : ns >= 1e9 ? (ns / 1e9).toFixed(3) + ' s'
		: ns >= 1e6 ? (ns / 1e6).toFixed(2) + ' ms' : (ns / 1e3).toFixed(1) + ' µs';
	const course = svg => {
		const data = JSON.parse(document.getElementById('course-data').textContent);
		const said = make('output', { textContent: 'Point at the picture, or use the arrow keys in it.' });
		const line = document.createElementNS(SVG, 'line');
		let at = -1;
		line.setAttribute('class', 'cursor');
		line.setAttribute('y1', 0);
		line.setAttribute('y2', svg.getAttribute('height') - 20);
		const tell = i => {
			at = Math.max(0, Math.min(data.slots.length - 1, i));
			const [start, end, threads, ...parts] = data.slots[at];
			const x = (start + end) / 2 / data.wall * 100 + '%';
			const words = [];
			line.setAttribute('x1', x);
			line.setAttribute('x2', x);
			svg.append(line);
			for (let k = 0; k < parts.length; k += 2)
				words.push([parts[k + 1], data.names[parts[k]] + ' ' + (100 * parts[k + 1]).toFixed(0) + ' %']);
			words.sort((a, b) => b[0] - a[0]);
			const text = time(start) + ' to ' + time(end) + ': ' + words.map(w => w[1]).join(', ') +
				'; ' + threads + ' threads running';
			said.textContent = text;
			svg.setAttribute('aria-valuenow', at);
			svg.setAttribute('aria-valuetext', text);
		};
		const find = ns => data.slots.findIndex(s => ns < s[1]);
		svg.setAttribute('tabindex', 0);
		svg.setAttribute('role', 'slider');
		svg.setAttribute('aria-valuemin', 0);
		svg.setAttribute('aria-valuemax', data.slots.length - 1);
		svg.setAttribute('aria-valuenow', 0);
		svg.addEventListener('mousemove', event => {
			const box = svg.getBoundingClientRect();
			tell(find((event.clientX - box.left) / box.width * data.wall));
		});
		svg.addEventListener('keydown', event => {
			const to = { ArrowRight: at + 1, ArrowLeft: at - 1, PageDown: at + 16, PageUp: at - 16,
				Home: 0, End: data.slots.length - 1 }[event.key];
			if (to === undefined) return;
			tell(to);
			event.preventDefault();
		});
		said.setAttribute('aria-live', 'off'); /* the slider says it */
		svg.after(said);
	};
	all('#course').forEach(course);

	/* --- threads over time ---------------------------------------------------------------------- */
	const timeline = svg => {
		const data = JSON.parse(document.getElementById('timeline-data').textContent);
		const lanes = all('.lane', svg).map(el => ({ el, title: el.querySelector('title').textContent,
			runs: all('path', el).flatMap(path => Array.from(path.getAttribute('d').matchAll(/M(\d+) 0h(\d+)/g),
				([, from, n]) => ({ from: +from, to: +from + +n, tone: +path.dataset.tone })))
				.sort((a, b) => a.from - b.from) }));
		const ends = ['timeline-from', 'timeline-to'].map(id => document.getElementById(id));
		const HINT = 'Point at a thread; drag, or press + and -, to zoom. Arrow keys move, Home and End go to the ends, Escape shows all.';
		const said = make('output', { textContent: HINT });
		const put = (name, kind) => {
			const el = document.createElementNS(SVG, name);
			el.setAttribute('class', kind);
			return svg.appendChild(el);
		};
		const line = put('line', 'cursor'), pick = put('rect', 'pick'), frame = put('rect', 'here-lane');
		const bottom = lanes.length * data.height;
		let from = 0, to = data.slots, at = 0, lane = 0, grabbed = -1;
		const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
		const share = slot => clamp((slot - from) / (to - from), 0, 1) * 100 + '%';
		const move = (el, x, width, y, height) => Object.entries({ x, width, y, height })
			.forEach(([name, is]) => el.setAttribute(name, is));
		const draw = () => {
			lanes.forEach(one => one.el.setAttribute('viewBox', from + ' 0 ' + (to - from) + ' 1'));
			ends[0].textContent = from ? time(from * data.slot) : '0';
			ends[1].textContent = time(to * data.slot);
			whole.hidden = from === 0 && to === data.slots;
		};
		const zoom = (a, b) => {
			const width = clamp(b - a, Math.min(16, data.slots), data.slots);
			from = clamp(Math.round(a), 0, data.slots - width);
			to = from + width;
			at = clamp(at, from, to);
			draw();
		};
		const closer = factor => zoom(at - (at - from) * factor, at + (to - at) * factor);
		const tell = (slot, which) => {
			at = clamp(slot, from, to);
			lane = clamp(which, 0, lanes.length - 1);
			const run = lanes[lane].runs.find(r => at >= r.from && at < r.to);
			line.setAttribute('x1', share(at));
			line.setAttribute('x2', share(at));
			line.setAttribute('y1', 0);
			line.setAttribute('y2', bottom);
			move(frame, 0, '100%', lane * data.height + 13, 12);
			const name = lanes[lane].title;
			const what = run ? data.names[run.tone] + ' from ' + time(run.from * data.slot) + ' for ' + time((run.to - run.from) * data.slot) : 'not there';
			said.textContent = time(at * data.slot) + ': ' + name.slice(0, name.lastIndexOf(': ')) + ', ' + what;
		};
		const slotOf = event => {
			const box = svg.getBoundingClientRect();
			return from + clamp((event.clientX - box.left) / box.width, 0, 1) * (to - from);
		};
		const laneOf = event => Math.floor((event.clientY - svg.getBoundingClientRect().top) / data.height);
		const drop = () => { grabbed = -1; move(pick, 0, 0, 0, 0); };
		svg.addEventListener('pointerdown', event => { if (event.button === 0) grabbed = slotOf(event); });
		svg.addEventListener('pointermove', event => {
			const slot = slotOf(event);
			if (grabbed >= 0) {
				const [a, b] = [Math.min(grabbed, slot), Math.max(grabbed, slot)];
				move(pick, share(a), (b - a) / (to - from) * 100 + '%', 0, bottom);
			}
			tell(slot, laneOf(event));
		});
		svg.addEventListener('pointerup', event => {
			const slot = slotOf(event), start = grabbed;
			drop();
			if (start >= 0 && Math.abs(slot - start) > (to - from) / 200) zoom(Math.min(start, slot), Math.max(start, slot));
		});
		svg.addEventListener('pointerleave', drop);
		svg.addEventListener('keydown', event => {
			const step = (to - from) / 50;
			const go = {
				ArrowRight: () => at + step > to ? zoom(from + step * 10, to + step * 10) || tell(at + step, lane) : tell(at + step, lane),
				ArrowLeft: () => at - step < from ? zoom(from - step * 10, to - step * 10) || tell(at - step, lane) : tell(at - step, lane),
				ArrowDown: () => tell(at, lane + 1),
				ArrowUp: () => tell(at, lane - 1),
				Home: () => { zoom(0, to - from); tell(from, lane); },
				End: () => { zoom(data.slots - (to - from), data.slots); tell(to - step / 2, lane); },
				Escape: () => { zoom(0, data.slots); tell(at, lane); },
				'+': () => { closer(.5); tell(at, lane); },
				'-': () => { closer(2); tell(at, lane); },
			}[event.key];
			if (!go) return;
			go();
			event.preventDefault();
		});
		const button = (text, what, go) => {
			const it = make('button', { type: 'button' }, text);
			it.setAttribute('aria-label', what);
			it.addEventListener('click', () => { go(); tell(at, lane); });
			return it;
		};
		const whole = button('Show all', 'Show the whole time', () => zoom(0, data.slots));
		svg.closest('figure').prepend(make('div', { className: 'tools' },
			button('+', 'Zoom in', () => closer(.5)), button('−', 'Zoom out', () => closer(2)), whole));
		svg.setAttribute('tabindex', 0);
		svg.setAttribute('role', 'application');
		said.setAttribute('aria-live', 'polite');
		svg.after(said);
		at = data.slots / 2;
		draw();
	};
	all('#timeline').forEach(timeline);

	/* --- the list of sections, and paper --------------------------------------------------------- */
	const links = new Map(all('nav a').map(a => [a.hash.slice(1), a]));
	if (window.IntersectionObserver) {
		const watch = new IntersectionObserver(seen => {
			for (const one of seen)
				links.get(one.target.id)?.classList.toggle('here', one.isIntersecting);
		}, { rootMargin: '-20% 0px -60% 0px' });
		all('main section').forEach(section => watch.observe(section));
	}
	window.addEventListener('beforeprint', () => all('details').forEach(d => { d.open = true; }));
})();
