#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks reports and comparisons of concprof against its published JSON Schemas.

usage: validate.py REPORT.json...      ('-' is standard input)

Beyond the schema: numbers are numbers to JSON (no NaN), and no key occurs twice in an object.
Prints one line for each problem; status 1 if there is any.
"""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

FOLDER = pathlib.Path(__file__).parents[2] / 'user' / 'report'
SCHEMA = FOLDER / 'concprof.schema.json'
MORE_SCHEMAS = {mode: FOLDER / f'{mode}.schema.json' for mode in ('diff', 'why')}


def refuse_constant(name):
    """NaN and Infinity are not JSON, although Python reads them."""
    raise ValueError(f'{name} is not JSON')


def refuse_twice(pairs):
    """An object, unless it has a key twice."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the key '{key}' occurs twice")
    return dict(pairs)


def validator_of(schema):
    """What checks documents against the schema in a file."""
    schema = json.loads(schema.read_text(encoding='utf-8'))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def validators_of_modes():
    """... of documents that are no reports of a measurement, by their mode."""
    return {mode: validator_of(schema) for mode, schema in MORE_SCHEMAS.items()}


def problems_of(data, validator, by_mode=None):
    """The problems of one document (bytes), as a list of lines."""
    try:
        report = json.loads(data.decode('utf-8'), parse_constant=refuse_constant,
                            object_pairs_hook=refuse_twice)
    except ValueError as error:
        return [f'not JSON: {error}']
    if by_mode and isinstance(report, dict):
        validator = by_mode.get(report.get('mode'), validator)
    return [f'{problem.json_path}: {problem.message}'[:400]
            for problem in validator.iter_errors(report)]


def main(names):
    """Checks all reports; the exit status."""
    if not names:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    validators = validator_of(SCHEMA), validators_of_modes()
    failed = False
    for name in names:
        data = sys.stdin.buffer.read() if name == '-' else pathlib.Path(name).read_bytes()
        for problem in problems_of(data, *validators):
            print(f'{name}: {problem}')
            failed = True
    return int(failed)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
