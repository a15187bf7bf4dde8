"""Turns meson's testlog.json into what tests/run prints: failures with their output, skips with their reason, and as the
last line "N passed, N failed[, N skipped]". Exit 1 when anything failed.

Counted are cmocka cases and TAP lines; any other program counts as one. A test prints "skipped: REASON" on a line of its
own when it skips (see tests/lib/shared.h)."""
import json
import re
import sys

CMOCKA = re.compile(r'^\[  (PASSED |FAILED |SKIPPED) \] (\d+) test\(s\)', re.M)
CMOCKA_END = re.compile(r'^\[==========\] (?:.*: )?(\d+) test\(s\) run\.', re.M)
TAP_PLAN = re.compile(r'^1\.\.\d+', re.M)
TAP_LINE = re.compile(r'^(ok|not ok)\b(.*)$', re.M)
REASON = re.compile(r'^(?:# )?skipped: *(.+)$', re.M | re.I)


def count(test):
    """(passed, failed, skipped, reasons) of one entry of the log."""
    text = test.get('stdout', '') + '\n' + test.get('stderr', '')
    reasons = REASON.findall(text)
    if test['result'] == 'SKIP':
        last = [line for line in text.splitlines() if line.strip()]
        return 0, 0, 1, reasons[:1] or last[-1:] or ['no reason given']
    passed = failed = skipped = 0
    if CMOCKA_END.search(text):
        for kind, n in CMOCKA.findall(text):
            n = int(n)
            if kind == 'PASSED ':
                passed += n
            elif kind == 'FAILED ':
                failed += n
            else:
                skipped += n
    elif TAP_PLAN.search(text):
        for verdict, rest in TAP_LINE.findall(text):
            skip = re.search(r'# SKIP\s*(.*)', rest, re.I)
            if skip:
                skipped += 1
                reasons.append(skip.group(1) or rest.strip())
            elif verdict == 'ok':
                passed += 1
            else:
                failed += 1
    good = test['result'] in ('OK', 'EXPECTEDFAIL')
    if good and not passed and not failed and not skipped:
        passed = 1
    if not good and not failed:
        failed = 1
    if good and failed:
        # Cases failed, yet the program says that all is well: its exit code is wrong, which must not go unseen.
        reasons.append('exit code 0 in spite of failed cases')
    while skipped > len(reasons):
        reasons.append('no reason given')
    return passed, failed, skipped, reasons


def main(path, meson_status):
    total = [0, 0, 0]
    skips = []
    try:
        with open(path, encoding='utf-8', errors='replace') as lines:
            tests = [json.loads(line) for line in lines]
    except FileNotFoundError:
        tests = []
    for test in tests:
        name = re.sub(r'^.* / ', '', test['name'])
        passed, failed, skipped, reasons = count(test)
        total[0] += passed
        total[1] += failed
        total[2] += skipped
        state = 'FAILED' if failed else 'ok' if passed else 'skipped'
        print(f'{state:8}{name:40}{passed:5} passed  {test.get("duration", 0):6.2f} s')
        if failed:
            output = (test.get('stdout', '') + test.get('stderr', '')).rstrip().splitlines()
            for line in output[-60:]:
                print('    | ' + line)
            print(f'    = {test["result"]}, exit {test.get("returncode")}; again: tests/run {name}')
        skips += [f'skipped: {name}: {reason}' for reason in reasons[:skipped]]
    if not tests:
        print('no test was run')
        total[1] += 1
    if meson_status and not total[1]:
        print(f'meson test ended with {meson_status} although no test failed')
        total[1] += 1
    for line in skips:
        print(line)
    tail = f', {total[2]} skipped' if total[2] else ''
    print(f'{total[0]} passed, {total[1]} failed{tail}')
    return 1 if total[1] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
