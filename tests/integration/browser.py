# SPDX-License-Identifier: BSD-2-Clause
"""A real browser without a window, if there is one: Chromium, driven by its own protocol through
two pipes, so that nothing but Python's own library is needed."""
import base64
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
PATIENCE = 30  # seconds for one answer
WORTH_A_LOOK = ('Log.entryAdded', 'Runtime.exceptionThrown', 'Runtime.consoleAPICalled')


def find():
    """Its path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page at a time."""

    def __init__(self, path, folder):
        to_read, self.to = os.pipe()
        self.since, to_write = os.pipe()

        def wire():
            # It reads from descriptor 3 and writes to 4, which may be among those above.
            for number, wanted in ((os.dup(to_read), 3), (os.dup(to_write), 4)):
                os.dup2(number, wanted)
                os.set_inheritable(wanted, True)

        self.process = subprocess.Popen(
            [path, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
             '--no-first-run', '--remote-debugging-pipe', f'--user-data-dir={folder}', 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=wire, close_fds=False, start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self.rest, self.numbers, self.events, self.session = b'', itertools.count(1), [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target,
                                 flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)  # of a session that is its own
        self.process.wait()
        os.close(self.to)
        os.close(self.since)

    def _message(self):
        end = time.monotonic() + PATIENCE
        while b'\0' not in self.rest:
            ready, _, _ = select.select([self.since], [], [], max(0, end - time.monotonic()))
            data = os.read(self.since, 1 << 20) if ready else b''
            if not data:
                raise AssertionError('the browser does not answer')
            self.rest += data
        message, self.rest = self.rest.split(b'\0', 1)
        return json.loads(message)

    def call(self, method, **params):
        """What it answers."""
        message = {'id': next(self.numbers), 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.to, json.dumps(message).encode() + b'\0')
        while True:
            answer = self._message()
            if answer.get('id') == message['id']:
                if 'error' in answer:
                    raise AssertionError(f'{method}: {answer["error"]}')
                return answer['result']
            self.events.append(answer)

    def open(self, path):
        """Loads a file, and waits until it is there; how many seconds that took."""
        self.events.clear()
        start = time.monotonic()
        self.call('Page.navigate', url=pathlib.Path(path).resolve().as_uri())
        while not any(event.get('method') == 'Page.loadEventFired' for event in self.events):
            self.events.append(self._message())
        return time.monotonic() - start

    def js(self, expression):
        """The value of an expression in the page."""
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise AssertionError(f'{expression[:200]}: {answer["exceptionDetails"]}')
        return answer['result'].get('value')

    def key(self, name):
        """Presses a key."""
        extra = {'text': '\r', 'windowsVirtualKeyCode': 13} if name == 'Enter' else {}
        self.call('Input.dispatchKeyEvent', type='keyDown', key=name, code=name, **extra)
        self.call('Input.dispatchKeyEvent', type='keyUp', key=name, code=name)

    def scripts(self, are_on):
        """From the next page on."""
        self.call('Emulation.setScriptExecutionDisabled', value=not are_on)

    def look(self, width, scheme='light', height=900):
        """As on such a screen, for somebody who prefers it so."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 500)
        self.call('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def printed(self):
        """The page on paper."""
        return base64.b64decode(self.call('Page.printToPDF', printBackground=True)['data'])

    def problems(self):
        """All that it has to complain about, and all that it asked the network for."""
        self.js('0')  # what came before that has been said
        said = [json.dumps(event['params'])[:500] for event in self.events
                if event.get('method') in WORTH_A_LOOK]
        asked = [event['params']['request']['url'] for event in self.events
                 if event.get('method') == 'Network.requestWillBeSent']
        return said + [url[:200] for url in asked[1:]]
