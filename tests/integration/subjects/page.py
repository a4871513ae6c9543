# SPDX-License-Identifier: BSD-2-Clause
"""The page of a run, in a real browser if there is one: that its policy lets its own style and
script through and nothing else, that it asks nobody for anything and complains about nothing, that it is as
wide as the screen, can be read, and that each control does what it says."""
import base64
import hashlib
import pathlib
import re
import shutil
import subprocess

import browser
from harness import Skip, equal, expect, without_bpf
from subjects.formats import check_html

CALM = True  # see run.py

GOLDEN = pathlib.Path(__file__).parents[2] / 'golden'
# Streams of the golden tests, as recordings.
PAGES = ('empty', 'hostile', 'deadlock', 'channels', 'processes', 'loops', 'why')
RICH = 'rich'  # a long table of threads, a course of time, flame graphs
THREADS = '''repeat 30 thread id=50+i creator_id=1 process_id=1 tid=500+i pid=10 comm="worker-%i" flags=ended \\
	start_at=1s end_at=3s switches=1 blocks=1 state.running=1ms+i*1us state.blocked=1999ms+i*-1us \\
	wait.timer.sleep=1999ms+i*-1us:1s:1 witness.run_ns=1ms+i*1us witness.voluntary=1
'''
SLOTS = 8
WIDTHS = (320, 360, 768, 1280, 1920)
CONTRAST = 4.5  # of text and what it stands on: WCAG 2, level AA

# Words whose colour is too much like that of what they stand on.
FAINT = '''(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgb = color => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    const light = color => {
        const [r, g, b] = Array.from(rgb(color)).map(v => v / 255)
            .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const behind = el => {
        for (; el; el = el.parentElement) {
            const color = getComputedStyle(el).backgroundColor;
            if (rgb(color)[3] > 250) return color;
        }
        return 'white';
    };
    return Array.from(document.querySelectorAll('body *')).filter(el => !el.closest('svg') &&
        !el.closest('script') && el.offsetWidth &&
        Array.from(el.childNodes).some(n => n.nodeType === 3 && n.data.trim())).map(el => {
        const [a, b] = [light(getComputedStyle(el).color), light(behind(el))].sort((x, y) => y - x);
        return [(a + .05) / (b + .05), el.tagName + ' ' + el.textContent.slice(0, 40)];
    }).filter(row => row[0] < LEAST).slice(0, 5);
})()'''.replace('LEAST', str(CONTRAST))

# What is named, or pointed at, and not there; what has no name.
BROKEN = '''(() => {
    const all = what => Array.from(document.querySelectorAll(what));
    const ids = all('[id]').map(el => el.id), bad = [];
    if (new Set(ids).size !== ids.length) bad.push('an id twice: ' + ids);
    all('[aria-labelledby]').forEach(el => ids.includes(el.getAttribute('aria-labelledby')) ||
        bad.push('no ' + el.getAttribute('aria-labelledby')));
    all('a[href]').forEach(el => ids.includes(el.hash.slice(1)) || bad.push('to nothing: ' + el.hash));
    all('[role=img], [role=group], [role=region], input, button, nav').forEach(el =>
        el.getAttribute('aria-label') || el.textContent.trim() || bad.push('no name: ' + el.outerHTML));
    all('table').forEach(el => el.querySelector('tbody th[scope=row]') || bad.push('no row heads'));
    all('thead th').forEach(el => el.scope === 'col' || bad.push('no scope'));
    if (all('h1').length > 1 || !document.title) bad.push('title');
    return bad;
})()'''

HIDDEN = '''Array.from(document.querySelectorAll('main p, main tr, main li, main svg'))
    .filter(el => !el.closest('details:not([open])') && !el.closest('svg svg') &&
        !el.getClientRects().length).map(el => el.outerHTML.slice(0, 200))'''


def rich_stream():
    """More threads than a golden test has, and more of a course."""
    text = (GOLDEN / 'sites' / 'in.evt').read_text(encoding='utf-8')
    walls = ''.join(f'wall start_at=1s at=1s+{250 * n}ms by_count.1={125 * n}ms '
                    f'by_count.2={125 * n}ms busy_ns={375 * n}ms\n' for n in range(1, SLOTS + 1))
    return re.sub('^wall .*\n', lambda _: THREADS + walls, text, flags=re.M)


def page_of(t, name, *options):
    """The page of its stream."""
    recording, page = t.dir / f'{name}.rec', t.dir / f'{name}.html'
    text = rich_stream() if name == RICH else (GOLDEN / name / 'in.evt').read_text(encoding='utf-8')
    made = subprocess.run([t.build / 'tests' / 'seeds_recording'], input=text.encode(),
                          stdout=subprocess.PIPE, check=True).stdout
    recording.write_bytes(made[1:])  # the first byte is for the fuzzer
    outcome = t.spawn([str(t.build / 'concprof'), 'report', str(recording), '--format', 'html', '-o',
                       str(page), *options])
    equal((outcome.code, outcome.stderr), (0, ''), name)
    return page


@without_bpf
def test_policy(t):
    """Its policy names its own style and script by what they hash to, and nothing else."""
    for name in (RICH, *PAGES):
        data = page_of(t, name).read_bytes()
        check_html(data)
        policy, = re.findall(rb'Content-Security-Policy" content="([^"]*)"', data)
        wanted = "default-src 'none'; "
        for tag in ('style', 'script'):
            content, = re.findall(rb'<%s>(.*?)</%s>' % (tag.encode(), tag.encode()), data, re.S)
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            wanted += f"{tag}-src 'sha256-{digest}'; "
        equal(policy.decode(), wanted + "base-uri 'none'; form-action 'none'", name)
        expect(b'http:' not in data.replace(b'http://www.w3.org/2000/svg', b''), 'an address', name)


def check_looks(chrome, page):
    """On screens of all widths, in both schemes."""
    chrome.open(page)
    for width in WIDTHS:
        chrome.look(width)
        expect(chrome.js('document.documentElement.scrollWidth') <= width, 'wider than', width,
               page.name)
    for scheme in ('light', 'dark'):
        chrome.look(WIDTHS[-1], scheme)
        equal(chrome.js(FAINT), [], 'hard to read', page.name, scheme)
    equal(chrome.js(BROKEN), [], page.name)
    equal(chrome.problems(), [], page.name)


def check_without_scripts(chrome, page):
    """All of it is there."""
    chrome.scripts(False)
    chrome.open(page)
    equal(chrome.js(HIDDEN), [], page.name)
    equal(chrome.js("document.querySelectorAll('main button, main input').length"), 0, 'of scripts')
    equal(chrome.problems(), [], page.name, 'without scripts')
    chrome.scripts(True)


def check_tables(chrome):
    """A column sorts up and down, rows are found, and all can be seen."""
    chrome.js("window.box = document.querySelector('#threads .scroll'); "
              "window.texts = () => Array.from(box.querySelectorAll('tbody tr'))"
              ".filter(r => !r.hidden).map(r => r.cells[0].textContent); 0")
    few = len(chrome.js('texts()'))
    chrome.js("box.nextElementSibling.click()")
    all_rows = chrome.js('texts()')
    expect(len(all_rows) > few > 5, 'rows', few, len(all_rows))
    button = "Array.from(box.querySelectorAll('thead button'))[0]"
    chrome.js(f'{button}.focus()')
    chrome.key('Enter')
    equal(chrome.js(f'{button}.parentElement.ariaSort'), 'ascending')
    up = chrome.js('texts()')
    chrome.key('Enter')
    equal(chrome.js(f'{button}.parentElement.ariaSort'), 'descending')
    down = chrome.js('texts()')
    expect(sorted(up) == sorted(down) == sorted(all_rows) and up != down, up, down)
    chrome.js("window.find = box.previousElementSibling.querySelector('input'); "
              f"find.value = {all_rows[0]!r}; find.dispatchEvent(new Event('input'))")
    found = chrome.js('texts()')
    expect(found and len(found) < len(all_rows), 'found', found)


def check_flames(chrome):
    """A graph can be walked, zoomed and searched by keys alone."""
    chrome.js("window.graph = document.querySelector('figure.flame'); "
              "window.said = () => graph.previousElementSibling.textContent; "
              "window.out = () => graph.querySelectorAll('.f.out').length; "
              "graph.querySelector('.f').focus()")
    whole = chrome.js("document.activeElement.getAttribute('aria-label')")
    chrome.key('ArrowDown')
    chrome.key('ArrowDown')
    at = chrome.js("document.activeElement.getAttribute('aria-label')")
    expect(at != whole and chrome.js('said()') == at, at, whole)
    chrome.key('ArrowRight')
    chrome.key('ArrowUp')
    chrome.key('Enter')
    expect(chrome.js('out()') > 0, 'nothing is zoomed out of sight')
    equal(chrome.js("document.activeElement.getAttribute('width')"), '100%', 'zoomed')
    chrome.key('Escape')
    equal(chrome.js('out()'), 0, 'all is there again')
    chrome.js("window.find = graph.previousElementSibling.previousElementSibling"
              ".querySelector('input'); find.value = 'a'; find.dispatchEvent(new Event('input'))")
    hits = chrome.js("graph.querySelectorAll('.f.hit').length")
    expect(hits > 0 and chrome.js('said()').startswith(f'{hits} frames, '), hits)


def check_course(chrome):
    """It tells each slot."""
    chrome.js("document.getElementById('course').focus()")
    chrome.key('ArrowRight')
    first = chrome.js("document.querySelector('#course + output').textContent")
    chrome.key('End')
    last = chrome.js("document.querySelector('#course + output').textContent")
    expect(first != last and ' threads running' in last, first, last)
    equal(chrome.js("document.querySelectorAll('#course .cursor').length"), 1, 'cursors')


@without_bpf
def test_browser(t):
    """All of it."""
    path = browser.find()
    if not path:
        raise Skip('no chromium here')
    folder = t.dir / 'profile'
    with browser.Browser(path, folder) as chrome:
        for name in (RICH, *PAGES):
            check_looks(chrome, page_of(t, name))
        for name in (RICH, 'deadlock'):
            check_without_scripts(chrome, t.dir / f'{name}.html')
        chrome.look(1280)
        chrome.open(t.dir / f'{RICH}.html')
        check_tables(chrome)
        check_course(chrome)
        check_flames(chrome)
        expect(chrome.printed().startswith(b'%PDF'), 'on paper')
        equal(chrome.problems(), [], 'after all that')
    shutil.rmtree(folder, ignore_errors=True)


TURNS = ('import threading, time\n'
         'def work():\n for _ in range(20): time.sleep(0.005); sum(range(20000))\n'
         'threads = [threading.Thread(target=work) for _ in range(3)]\n'
         '[one.start() for one in threads]\n[one.join() for one in threads]')


def test_timeline(t):
    """Threads over time are there with a timeline, can be walked and zoomed by keys, and tell what was when."""
    path, page = browser.find(), t.dir / 'timeline.html'
    if not path:
        raise Skip('no chromium here')
    report = t.run(*t.python(TURNS), options=['-q', '--timeline', '--format', 'html', '-o', page]).report
    check_html(page.read_bytes())
    folder = t.dir / 'profile'
    with browser.Browser(path, folder) as chrome:
        check_looks(chrome, page)
        check_without_scripts(chrome, page)
        chrome.look(1280)
        chrome.open(page)
        chrome.js("window.lanes = document.getElementById('timeline'); "
                  "window.said = () => lanes.nextElementSibling.textContent; "
                  "window.view = () => lanes.querySelector('.lane').getAttribute('viewBox').split(' ').map(Number); "
                  "window.tid = n => n + ', '; lanes.focus()")
        equal(chrome.js("lanes.querySelectorAll('.lane').length"), len(report['threads']))
        whole = chrome.js('view()')
        chrome.key('Home')
        expect(chrome.js('said()').startswith('0.0 µs: '), chrome.js('said()'))
        expect(f" {report['threads'][0]['tid']}, " in chrome.js('said()'), chrome.js('said()'))
        chrome.key('ArrowDown')
        expect(f" {report['threads'][1]['tid']}, " in chrome.js('said()'), chrome.js('said()'))
        for _ in range(3):
            chrome.key('+')
        equal(chrome.js('view()')[2], whole[2] / 8, 'zoomed')
        chrome.key('End')
        expect(chrome.js('view()')[0] > 0, 'moved')
        chrome.key('Escape')
        equal(chrome.js('view()'), whole, 'all of it')
        chrome.js("document.querySelector('.timeline button').click()")
        equal(chrome.js('view()')[2], whole[2] / 2, 'by the button')
        said = chrome.js("Array.from(lanes.querySelectorAll('.lane title')).map(one => one.textContent)")
        for thread, text in zip(report['threads'], said):
            expect(f"{thread['comm']} {thread['tid']}: " in text, text)
            share = thread['states']['running_ns'] / thread['lifetime_ns']
            told = re.search(r'running (<?[\d.]+) %', text)
            expect(share < 0.012 or abs(float(told[1].lstrip('<')) - 100 * share) < 1, text, share)
        equal(chrome.problems(), [], 'after all that')
    shutil.rmtree(folder, ignore_errors=True)
