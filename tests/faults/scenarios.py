# SPDX-License-Identifier: BSD-2-Clause
"""Ways to call concprof, and what is to be there if it says that all went well."""
import subprocess

import runs

REMEDIES = (';', 'use ', 'try ', 'see ', 'look ')


class Lacks(str):
    """A problem: facts that are missing, without a word; they may be by chance."""

    def __new__(cls, missing):
        self = super().__new__(cls, f'lacks, and does not say so: {missing[:4]}')
        self.missing = set(missing)
        return self


class Scenario:
    """One way: its words, which file it makes, and whose report that is."""

    says_on_stdout = False  # what it lacks: then no line on standard error follows

    def __init__(self, name, words, output=None, status=0, runs_workload=False, attaches=False):
        self.name, self.words, self.output, self.status = name, words, output, status
        self.runs_workload, self.attaches = runs_workload, attaches
        self.stable = self.said = None  # facts of every run without a fault, and what those lack

    def command(self, runner, prey):
        """The words, with what they stand for."""
        stands = {'WORKLOAD': [runner.workload, str(runner.mark)], 'PID': [str(prey and prey.pid)],
                  'RECORDING': [str(runner.folder / 'kept.rec')]}
        return [runner.concprof] + [word for one in self.words for word in stands.get(one, [one])]

    def report_of(self, runner, ended):
        """The JSON report; None: there is none."""
        data = ended.files.get(self.output)
        if data is None or self.output.endswith('.json'):
            return data
        made = subprocess.run([runner.concprof, 'report', self.output, '--json', '-'],
                              cwd=runner.work, capture_output=True, check=False)
        return made.stdout if not made.returncode and not made.stderr else None

    def learn(self, runner, times):
        """What every run without a fault says."""
        for _ in range(times):
            ended = runner.run(self, mode=runs.shared.COUNT)
            problems = self.problems_around(ended)
            if ended.code != self.status or problems or ended.lines:
                raise SystemExit(f'{self.name}: without a fault: status {ended.code}, '
                                 f'{problems}, {ended.lines}')
            if self.output:
                data = self.report_of(runner, ended)
                found, said = runs.facts(data), runs.said_lacks(runs.json.loads(data))
                self.stable = found if self.stable is None else self.stable & found
                self.said = said if self.said is None else self.said | said

    def problems_around(self, ended):
        """What holds whatever concprof says of itself."""
        found = list(ended.problems)
        if ended.begun != ended.done:
            found.append('the workload did not come to its end')
        if ended.workload_code not in (None, STATUS_OF_WORKLOAD):
            found.append(f'the workload ended with {ended.workload_code}')
        if (self.runs_workload or self.attaches) and ended.code == self.status and not ended.done:
            found.append('the workload did not run, and concprof has its status')
        return found

    def judge(self, runner, ended):
        """('error', problems), ('lacking', ...), ('whole', ...) or ('untouched', ...)."""
        found = self.problems_around(ended)
        if ended.code == 125 or (ended.code == 126 and not ended.begun):
            return 'error', found + self.problems_of_error(ended)
        if ended.code != self.status:
            return 'error', found + [f'status {ended.code}: {ended.lines[-2:]}']
        kind, more = self.judge_report(runner, ended)
        if not ended.failed:
            kind = 'untouched'
        return kind, found + more

    def problems_of_error(self, ended):
        """One line that says what to do, and no file."""
        found = []
        if not ended.lines and self.says_on_stdout and b'\nNO ' in ended.said:
            return found
        if len(ended.lines) != 1:
            found.append(f'{len(ended.lines)} lines: {ended.lines[:3]}')
        elif not ended.lines[0].startswith('concprof: '):
            found.append(f'not from concprof: {ended.lines}')
        elif not any(word in ended.lines[0] for word in REMEDIES):
            found.append(f'no remedy: {ended.lines[0]}')
        left = {name for name in ended.files
                if not ended.may_leave and not (self.keeps_part() and name.endswith('.part'))}
        if left:
            found.append(f'left behind: {sorted(left)}')
        return found

    def keeps_part(self):
        """A recording that is cut short is kept under this name."""
        return self.output and self.output.endswith('.rec')

    def judge_report(self, runner, ended):
        """Is all there that is without a fault, or is it said what is not?"""
        if not self.output:
            lacks = ended.lines or (self.says_on_stdout and b'\nno ' in ended.said)
            return ('lacking' if lacks else 'whole'), []
        if set(ended.files) != {self.output}:
            return 'whole', [f'files: {sorted(ended.files)}, {ended.lines}']
        data = self.report_of(runner, ended)
        try:
            missing = self.stable - runs.facts(data)
            found, missing = runs.split_absent(missing, runs.json.loads(data))
        except (TypeError, ValueError) as broken:
            return 'whole', [f'the report is broken: {broken}']
        said = (runs.said_lacks(runs.json.loads(data)) - self.said) | found
        if missing and not said and not ended.lines:
            return 'whole', [Lacks(sorted(missing))]
        return ('lacking' if said or ended.lines else 'whole'), []


STATUS_OF_WORKLOAD = runs.STATUS
RUN = Scenario('run', ['-q', '--json', 'report.json', '--', 'WORKLOAD'], 'report.json',
               STATUS_OF_WORKLOAD, runs_workload=True)
RECORD = Scenario('record', ['record', '-o', 'run.rec', '--timeline', '--', 'WORKLOAD'], 'run.rec',
                  STATUS_OF_WORKLOAD, runs_workload=True)
REPORT = Scenario('report', ['report', 'RECORDING', '--json', 'report.json'], 'report.json')
DIFF = Scenario('diff', ['diff', 'RECORDING', '--vs', 'RECORDING'])
ATTACH = Scenario('attach', ['attach', '-q', '-d', '0.1', '--json', 'report.json', '-p', 'PID'],
                  'report.json', attaches=True)
WHY = Scenario('why', ['why', 'PID'], attaches=True)
CHECK = Scenario('check', ['check'])
CHECK.says_on_stdout = True
ALL = (RUN, RECORD, ATTACH, REPORT, DIFF, WHY, CHECK)
