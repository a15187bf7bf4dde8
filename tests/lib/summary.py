"""Turns meson's testlog.json into what tests/run prints: failures with their output, skips with their reason, and as the
last line "N passed, N failed[, N skipped]". Exit 1 when anything failed.

    summary.py LOG STATUS [AGAIN]   AGAIN: the log of those that were run a second time
    summary.py --again LOG          names of those that may be, a line each

A test of a whole service has limits in seconds and shares two processors with others. If up to three of them fail they are run once more,
alone; what passes then counts as passed, is printed with what it said when it failed, and is named before the last line. Tests of
units, of what the disk and the simulation found, and those that look for lost or doubled orders never get a second run.

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


AGAIN_MAX = 3
NEVER_AGAIN = {'service/crash', 'service/venue_live', 'service/venue_spot', 'service/ea', 'service/hooks', 'service/rescue'}


def name_of(test):
    return re.sub(r'^.* / ', '', test['name'])


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as lines:
            return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []


def again(path):
    """Names of the failed tests of path that a second run is worth; none when too many failed or one whose verdict stands did."""
    failed = [t for t in read(path) if count(t)[1]]
    if len(failed) > AGAIN_MAX or any(':service / ' not in t['name'] or name_of(t) in NEVER_AGAIN for t in failed):
        return []
    return [name_of(t) for t in failed]


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


def main(path, meson_status, again_path=None):
    total = [0, 0, 0]
    skips, shaky = [], []
    tests = read(path)
    second = {name_of(test): test for test in read(again_path)} if again_path else {}
    for test in tests:
        name = name_of(test)
        first, passed_first = test, count(test)
        test = second.get(name, test)
        passed, failed, skipped, reasons = count(test)
        total[0] += passed
        total[1] += failed
        total[2] += skipped
        state = 'FAILED' if failed else 'again' if passed_first[1] else 'ok' if passed else 'skipped'
        print(f'{state:8}{name:40}{passed:5} passed  {test.get("duration", 0):6.2f} s')
        if passed_first[1]:
            output = (first.get('stdout', '') + first.get('stderr', '')).rstrip().splitlines()
            for line in output[-60:]:
                print('    | ' + line)
            print(f'    = {first["result"]}, exit {first.get("returncode")}; again: tests/run {name}')
        if state == 'again':
            shaky.append(name)
        skips += [f'skipped: {name}: {reason}' for reason in reasons[:skipped]]
    if not tests:
        print('no test was run')
        total[1] += 1
    if meson_status and not total[1] and not shaky:
        print(f'meson test ended with {meson_status} although no test failed')
        total[1] += 1
    for line in skips:
        print(line)
    for name in shaky:
        print(f'passed only when run again, alone: {name}')
    tail = f', {total[2]} skipped' if total[2] else ''
    print(f'{total[0]} passed, {total[1]} failed{tail}')
    return 1 if total[1] else 0


if __name__ == '__main__':
    if sys.argv[1] == '--again':
        print(*again(sys.argv[2]), sep='\n')
        sys.exit(0)
    sys.exit(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
