"""Tests the test runner's arithmetic (tests/lib/summary.py): a runner that cannot see a failure is worse than none."""
import contextlib
import io
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import summary  # noqa: E402
import tap  # noqa: E402


def run(tests, meson_status=0):
    """(exit code, last line, everything printed) for a log of (result, stdout, stderr)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'testlog.json')
        if tests is not None:
            with open(path, 'w', encoding='utf-8') as log:
                for i, (result, out, err) in enumerate(tests):
                    log.write(json.dumps({'name': f'perigee:unit / t/{i}', 'result': result, 'stdout': out,
                                          'stderr': err, 'duration': 0.1, 'returncode': 0}) + '\n')
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            code = summary.main(path, meson_status)
        return code, text.getvalue().splitlines()[-1], text.getvalue()


COUNT = '[==========] {} test(s) run.\n'
GOOD = COUNT.format(4)
PASSED4 = '[  PASSED  ] 4 test(s).\n'
CASES = [
    ('cases of cmocka', [('OK', GOOD, PASSED4)], 0, 0, '4 passed, 0 failed'),
    ('plain programs', [('OK', 'hello', ''), ('OK', '', '')], 0, 0, '2 passed, 0 failed'),
    ('a failed case', [('FAIL', COUNT.format(3), '[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n')],
     1, 1, '2 passed, 1 failed'),
    ('a crash after all cases passed', [('FAIL', GOOD, PASSED4 + 'ERROR: AddressSanitizer')], 1, 1, '4 passed, 1 failed'),
    ('a crash without output', [('FAIL', '', '')], 1, 1, '0 passed, 1 failed'),
    ('too slow', [('TIMEOUT', '', ''), ('OK', '', '')], 1, 1, '1 passed, 1 failed'),
    ('failed cases and exit code 0', [('OK', COUNT.format(1), '[  FAILED  ] 1 test(s), listed below:\n')], 0, 1,
     '0 passed, 1 failed'),
    ('a skipped case', [('OK', 'skipped: no data\n' + COUNT.format(2),
                         '[  PASSED  ] 1 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n')], 0, 0,
     '1 passed, 0 failed, 1 skipped'),
    ('a skipped program', [('SKIP', 'skipped: no tool\n', '')], 0, 0, '0 passed, 0 failed, 1 skipped'),
    ('TAP', [('OK', '1..3\nok 1 - a\nok 2 - b # SKIP no c\nok 3\n', '')], 0, 0, '2 passed, 0 failed, 1 skipped'),
    ('TAP with a failure', [('FAIL', '1..2\nok 1 - a\nnot ok 2 - b\n', '')], 1, 1, '1 passed, 1 failed'),
    ('meson failed by itself', [('OK', '', '')], 3, 1, '1 passed, 1 failed'),
    ('nothing ran', None, 0, 1, '0 passed, 1 failed'),
]


def cases_of_a_service_test():
    """A case that cannot run says so itself; what run_cases prints is counted like any other TAP."""
    def cannot():
        raise tap.Skip('no tool')

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        failed = tap.run_cases([('a', lambda: None), ('b', cannot)])
    return ('OK' if failed == 0 else 'FAIL', text.getvalue(), '')


CASES.append(('a case of a service test that cannot run here', [cases_of_a_service_test()], 0, 0, '1 passed, 0 failed, 1 skipped'))
print(f'1..{len(CASES)}')
bad = 0
for number, (what, tests, meson_status, want_code, want_line) in enumerate(CASES, 1):
    code, line, text = run(tests, meson_status)
    good = code == want_code and line == want_line and (', 1 skipped' not in line or 'skipped: t/0: ' in text)
    bad += not good
    print(f'{"ok" if good else "not ok"} {number} - {what}')
    if not good:
        print(f'# wanted {want_code} "{want_line}", got {code} "{line}"')
sys.exit(1 if bad else 0)
