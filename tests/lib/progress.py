"""Shows on standard error how far a build or a test run is, from what ninja or meson print on standard input.

On a terminal one line that changes in place, gone at the end; elsewhere (CI) a line every half minute. Ctrl-C reaches whoever
prints; this one reads on until the end. progress.py WORD"""
import re
import signal
import sys
import time

LINE = re.compile(r'^\s*\[?(\d+)/(\d+)\]?\s+(.*)')  # "[12/340] Compiling …" of ninja, "12/140 perigee:unit / base/text OK 0.01s" of meson
EVERY_S = 30


def main(word):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminal = sys.stderr.isatty()
    said = time.monotonic()
    shown = False
    for line in sys.stdin:
        found = LINE.match(line)
        if not found:
            continue
        done, of, what = found.groups()
        what = re.sub(r'^\S+:\S+ / ', '', what)
        what = re.sub(r'\s{2,}', ' ', what).strip()
        if terminal:
            sys.stderr.write(f'\r{word}: {done} of {of} {what[:60]}\033[K')
            shown = True
        elif time.monotonic() - said >= EVERY_S:
            said = time.monotonic()
            sys.stderr.write(f'{word}: {done} of {of}\n')
        sys.stderr.flush()
    if shown:
        sys.stderr.write('\r\033[K')


if __name__ == '__main__':
    main(sys.argv[1])
