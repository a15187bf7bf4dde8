"""What the rule tests share: tiny CSVs and Lua scripts, one run of the command, its result in a compact form.

Everything is told from the contracts, not from the engine: bars are numbered from 0, a fill reads
"BAR SIDE QTY@PRICE[ maker][ TAG]", numbers are exact decimals as the engine printed them."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal as D

T0 = 1704067200000  # 2024-01-01T00:00Z, a Monday
MINUTE = 60000
FINE = ('--tick', '0.01', '--lot', '0.001')
engine = None
folder = None
shared = None  # folder of shared data, may be absent
cases = []


class Wrong(Exception):
    """An expectation that did not hold; the text says which."""


def case(name):
    def keep(function):
        cases.append((name, function))
        return function
    return keep


def same(got, want, what='value'):
    if got != want:
        raise Wrong(f'{what}: got {got!r}, expected {want!r}')


def near(got, want, what='value', rel=1e-9):
    if got is None or want is None:
        return same(got, want, what)
    if abs(float(got) - float(want)) > rel * max(1.0, abs(float(want))):
        raise Wrong(f'{what}: got {got!r}, expected {want!r}')


def holds(condition, what):
    if not condition:
        raise Wrong(what)


def tf_ms(tf):
    return int(tf[:-1]) * {'m': MINUTE, 'h': 60 * MINUTE, 'd': 1440 * MINUTE}[tf[-1]]


def csv_of(bars, tf='1m', t0=T0):
    """bars: "open high low close [volume]" each, separated by ; or newlines; "-" is a missing bar."""
    lines, t = ['time,open,high,low,close,volume'], t0
    for bar in bars.replace('\n', ';').split(';') if isinstance(bars, str) else bars:
        f = bar.split()
        if not f:
            continue
        if f != ['-']:
            f += ['1000'] * (5 - len(f))
            lines.append(','.join([str(t)] + f))
        t += tf_ms(tf)
    return '\n'.join(lines) + '\n'


def put(name, text):
    path = os.path.join(folder, name)
    with open(path, 'wb' if isinstance(text, bytes) else 'w') as f:
        f.write(text)
    return path


def script_of(do, header='', more=''):
    """do: {bar number: Lua, run at the close of that bar}."""
    lines = [f'strategy{{ name="t", api=1 {"," if header else ""} {header} }}', 'local n = -1', 'local O = {}', more,
             'function on_bar(ctx, bar)', '  n = n + 1']
    lines += [f'  if n == {n} then {lua} end' if n != 'each' else '  ' + lua for n, lua in do.items()]
    return '\n'.join(lines + ['end', ''])


def command(*args, timeout=60):
    return subprocess.run([engine, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          cwd=folder, universal_newlines=True, errors='replace')


class Result:
    def __init__(self, j, tf, t0, err):
        self.j, self.tf, self.t0, self.err = j, tf_ms(tf), t0, err

    @property
    def fills(self):
        return [f"{(f['time'] - self.t0) // self.tf} {f['side']} {f['qty']}@{f['price']}"
                + (' maker' if f['maker'] else '') + (f" {f['tag']}" if f['tag'] else '') for f in self.j['fills']]

    @property
    def logs(self):
        return [l['text'] for l in self.j['logs']]

    @property
    def fees(self):
        return [f['fee'] for f in self.j['fills']]

    @property
    def stats(self):
        return self.j['stats']

    @property
    def trades(self):
        return self.j['trades']

    @property
    def denied(self):
        return {d['code']: d['count'] for d in self.j['denied']}


def run(bars, do, *flags, header='', more='', tf='1m', t0=T0, fine=True, script=None, name=None, expect=0):
    """One backtest. flags may hold --detail etc. with paths made by put(). expect: the exit code."""
    data = put(name or f'X_{tf}.csv', csv_of(bars, tf, t0) if not isinstance(bars, bytes) else bars)
    lua = put('s.lua', script if script is not None else script_of(do, header, more))
    r = command('backtest', lua, '--data', data, *(FINE if fine else ()), *flags, '--json', '-')
    if r.returncode != expect:
        raise Wrong(f'exit code {r.returncode}, expected {expect}: {r.stderr.strip()[:400]}')
    return Result(json.loads(r.stdout), tf, t0, r.stderr) if expect == 0 else r.stderr


def fills(bars, do, want, *flags, **more):
    """Runs and compares all fills; want is one string, fills separated by ;"""
    r = run(bars, do, *flags, **more)
    want = [w.strip() for w in want.split(';') if w.strip()]
    if r.fills != want:
        raise Wrong(f'fills: got {r.fills}, expected {want}; denied {r.denied}; logs {r.logs[:3]}')
    return r


def main():
    """Runs every case in a folder of its own that is gone afterwards; prints TAP."""
    global engine, folder, shared
    if len(sys.argv) < 3:
        sys.exit('usage: rules.py ENGINE SHARED [WORD]')
    engine, shared = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    chosen = [c for c in cases if len(sys.argv) < 4 or sys.argv[3] in c[0]]
    print(f'1..{len(chosen)}')
    bad = 0
    for i, (name, function) in enumerate(chosen, 1):
        folder = tempfile.mkdtemp(prefix='perigee-rules-')
        try:
            skip = function()
            print(f'ok {i} - {name}' + (f' # SKIP {skip}' if skip else ''), flush=True)
        except Exception as e:  # a case that dies must not hide those after it
            bad += 1
            print(f'not ok {i} - {name}', flush=True)
            for line in f'{type(e).__name__}: {e}'.splitlines():
                print(f'# {line}', flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bad > 0)
