"""The result's JSON, the CSV files and the statistics, recomputed here from the equity and the trades."""
import csv
import gzip
import json
import math
import os
from datetime import datetime, timezone

import harness
from harness import D, FINE, MINUTE, T0, case, command, csv_of, holds, near, put, run, same, script_of
from rules_match import FLAT

DAY = 1440 * MINUTE
MONEY = {'stats': 'equity_final equity_peak expectancy fees', 'fills': 'qty price fee', 'trades': 'qty entry_price exit_price pnl fees mae mfe'}
KEYS = {
    '': 'engine script params data config stats paths fills trades open denied logs plots hash timing',
    'data': 'stream symbol timeframe bars from to gaps',
    'config': 'cash fee_maker fee_taker fill_model path seed',
    'stats': 'equity_final equity_peak return_pct buy_hold_return_pct cagr_pct volatility_pct sharpe sortino calmar max_drawdown_pct '
             'max_drawdown_ms trades win_rate_pct profit_factor expectancy sqn exposure_pct fees ambiguous_pct',
    'fills': 'time order symbol side qty price fee maker tag',
    'trades': 'symbol side qty entry_time entry_price exit_time exit_price pnl fees tag exit_tag bars mae mfe ambiguous position_id',
    'timing': 'seconds bars_per_second script_seconds'}


def noise(n, seed=7):
    """Bars of a deterministic random walk, prices in cents."""
    bars, p, x = [], 10000, seed
    for _ in range(n):
        step = []
        for _ in range(3):
            x = (x * 1103515245 + 12345) % 2147483648
            step.append(x // 65536 % 301 - 150)
        o, c = p, max(5000, p + step[0])
        h, l = max(o, c) + abs(step[1]), min(o, c) - abs(step[2])
        bars.append(f'{o / 100:.2f} {h / 100:.2f} {l / 100:.2f} {c / 100:.2f}')
        p = c
    return ';'.join(bars)


ACTIVE = {'each': 'if n % 3 == 0 then ctx:target{qty=(n % 9 == 0) and -5 or 5, tag="t"} elseif n % 7 == 0 then ctx:close{} end'}


def active(days=80, *flags, tf='1d'):
    e, t = os.path.join(harness.folder, 'e.csv'), os.path.join(harness.folder, 't.csv')
    r = run(noise(days), ACTIVE, '--fee', '0.001', '--equity', e, '--trades', t, *flags, tf=tf)
    with open(e) as f:
        r.equity = [(int(x['time']), D(x['equity'])) for x in csv.DictReader(f)]
    with open(t) as f:
        r.trade_rows = list(csv.DictReader(f))
    return r


@case('json: every key of the contract, with its type')
def _():
    r = active(80)
    for part, keys in KEYS.items():
        o = r.j[part] if part else r.j
        for x in (o if isinstance(o, list) else [o]):
            for k in keys.split():
                holds(k in x, f'{part}.{k} is there')
    for part, keys in MONEY.items():
        for x in (r.j[part] if isinstance(r.j[part], list) else [r.j[part]]):
            for k in keys.split():
                holds(isinstance(x[k], str), f'{part}.{k} is a string: {x[k]!r}')
                D(x[k])
    for k in KEYS['stats'].split():
        if k not in MONEY['stats'].split():
            holds(isinstance(r.stats[k], (int, float)) and not isinstance(r.stats[k], bool), f'stats.{k} is a number: {r.stats[k]!r}')
    for f in r.j['fills']:
        holds(isinstance(f['time'], int) and isinstance(f['maker'], bool) and f['side'] in ('buy', 'sell') and isinstance(f['order'], str), f'{f}')
    for t in r.trades:
        holds(isinstance(t['bars'], int) and isinstance(t['ambiguous'], bool) and isinstance(t['position_id'], int), f'{t}')
        holds(t['side'] in ('long', 'short'), 'side')
    same(sorted(r.j['paths']), ['adverse', 'favourable', 'nearer'], 'paths')
    same((r.j['engine']['version'] != '', len(r.j['script']['sha256']), r.j['script']['name']), (True, 64, 't'), 'engine, script')


@case('json: script sha256 is that of the file')
def _():
    import hashlib
    r = run(f'{FLAT}; {FLAT}', {0: 'ctx:buy{qty=1}'})
    same(r.j['script']['sha256'], hashlib.sha256(script_of({0: 'ctx:buy{qty=1}'}).encode()).hexdigest(), 'sha256')


@case('json: data tells symbol, timeframe, bars, first and last time')
def _():
    r = run(f'{FLAT}; {FLAT}; {FLAT}', {}, tf='1h', name='ETHUSDT_1h.csv')
    d = r.j['data'][0]
    same((d['stream'], d['symbol'], d['timeframe'], d['bars'], d['from'], d['to']), ('main', 'ETHUSDT', '1h', 3, T0, T0 + 120 * MINUTE), 'data')


@case('json: config tells what was asked')
def _():
    r = run(f'{FLAT}; {FLAT}', {}, '--cash', '500.5', '--fee-maker', '-0.0001', '--fee-taker', '0.0004', '--fill-model', 'classic', '--path', 'adverse',
            '--seed', '9')
    c = r.j['config']
    same([c[k] for k in ('cash', 'fee_maker', 'fee_taker', 'fill_model', 'path', 'seed')], ['500.5', '-0.0001', '0.0004', 'classic', 'adverse', 9], 'config')


@case('json: undefined ratios are null, nothing is NaN')
def _():
    for bars in (FLAT, f'{FLAT}; {FLAT}', ';'.join([FLAT] * 40)):
        r = run(bars, {}, tf='1d')
        for k in ('sharpe', 'sortino', 'profit_factor', 'sqn', 'win_rate_pct', 'calmar', 'ambiguous_pct'):
            holds(r.stats[k] is None or k == 'ambiguous_pct', f'{k} is null: {r.stats[k]}')
        holds('NaN' not in json.dumps(r.j) and 'Infinity' not in json.dumps(r.j), 'no NaN')
    same(run(';'.join([FLAT] * 29), {}, tf='1d').stats['cagr_pct'], None, 'CAGR below 30 days')


@case('json: trades are first in, first out, position_id from flat to flat, pnl net of fees')
def _():
    r = run('100 100 100 100; 100 100 100 100; 110 110 110 110; 120 120 120 120; 130 130 130 130; 140 140 140 140; 150 150 150 150; 160 160 160 160',
            {0: 'ctx:buy{qty=2, tag="a"}', 1: 'ctx:buy{qty=3, tag="b"}', 2: 'ctx:sell{qty=4, tag="x"}', 3: 'ctx:sell{qty=1, tag="y"}', 4: 'ctx:sell{qty=1}',
             5: 'ctx:buy{qty=1, tag="z"}'}, '--fee', '0.001')
    got = [(t['side'], t['qty'], t['entry_price'], t['exit_price'], t['tag'], t['exit_tag'], t['position_id']) for t in r.trades]
    same(got, [('long', '2', '100', '120', 'a', 'x', 1), ('long', '2', '110', '120', 'b', 'x', 1), ('long', '1', '110', '130', 'b', 'y', 1),
               ('short', '1', '140', '150', '', 'z', 2)], 'trades')
    same([t['fees'] for t in r.trades], ['0.44', '0.46', '0.24', '0.29'], 'fees')
    same([t['pnl'] for t in r.trades], ['39.56', '19.54', '19.76', '-10.29'], 'pnl')
    same([(t['entry_time'] - T0, t['exit_time'] - T0) for t in r.trades], [(60000, 180000), (120000, 180000), (120000, 240000), (300000, 360000)], 'times')


@case('json: a reversal is two trades and two positions')
def _():
    r = run(';'.join([FLAT] * 5), {0: 'ctx:buy{qty=2}', 1: 'ctx:sell{qty=5}', 2: 'ctx:buy{qty=3}'})
    same([(t['side'], t['qty'], t['position_id']) for t in r.trades], [('long', '2', 1), ('short', '3', 2)], 'trades')


@case('json: mae and mfe in money')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 106 97 104; 104 104 104 104; 105 105 105 105', {0: 'ctx:buy{qty=2}', 3: 'ctx:close{}'})
    t = r.trades[0]
    same((abs(D(t['mae'])), D(t['mfe']), t['pnl']), (D(6), D(12), '10'), 'mae, mfe, pnl')


@case('json: plots are series, logs have time and level')
def _():
    r = run(f'{FLAT}; {FLAT}', {'each': 'ctx:plot("p", n * 2) ctx:log("warn", "w", n)'})
    same([v for _, v in r.j['plots']['p']], [0, 2], 'plot')
    same([(l['level'], l['text'], l['time']) for l in r.j['logs']], [('warn', 'w 0', T0 + MINUTE), ('warn', 'w 1', T0 + 2 * MINUTE)], 'logs')


@case('json: denied counts by code')
def _():
    r = run(f'{FLAT}; {FLAT}; {FLAT}', {'each': 'ctx:buy{qty=0.0001} ctx:buy{qty=0.0001}'})
    same(sum(d['count'] for d in r.j['denied'] if d['code'] == 'MIN_QTY'), 6, 'count')
    holds(all(isinstance(d['time'], int) for d in r.j['denied']), 'time')


@case('csv: the trade file has the same trades')
def _():
    r = active(80)
    holds(len(r.trades) > 10, 'enough trades')
    same(len(r.trade_rows), len(r.trades), 'count')
    for row, t in zip(r.trade_rows, r.trades):
        for k in ('symbol', 'side', 'qty', 'entry_price', 'exit_price', 'pnl', 'fees', 'tag', 'exit_tag'):
            same(row[k], t[k], k)
        same((int(row['entry_time']), int(row['exit_time'])), (t['entry_time'], t['exit_time']), 'times')


@case('ledger: equity is cash, fills, fees and the open position, to the last digit')
def _():
    r = active(80)
    closes = [D(b.split()[3]) for b in noise(80).split(';')]
    cash, qty, k = D(10000), D(0), 0
    for i, close in enumerate(closes):
        while k < len(r.j['fills']) and r.j['fills'][k]['time'] <= T0 + i * DAY:
            f, k = r.j['fills'][k], k + 1
            q = D(f['qty']) * (1 if f['side'] == 'buy' else -1)
            cash, qty = cash - q * D(f['price']) - D(f['fee']), qty + q
        same(r.equity[i][1], cash + qty * close, f'equity of bar {i}')
    same(D(r.stats['equity_final']), cash + qty * closes[-1], 'equity_final')
    realised = sum(D(t['pnl']) for t in r.trades) + sum(D(o['pnl']) for o in r.j['open'])
    unpaid = sum(D(o['qty']) * D(o['avg_price']) * D('0.001') for o in r.j['open'])
    same(D(10000) + realised - unpaid, D(r.stats['equity_final']), 'trades, the open position and its entry fee')


def recomputed(name, function):
    @case('stats: ' + name)
    def _():
        for n in (80, 200):
            function(active(n))


def daily(r):
    """Equity at the end of each UTC day, returns, days a year."""
    e = [10000.0] + [float(x) for _, x in r.equity]
    return e, [b / a - 1 for a, b in zip(e, e[1:])]


def cagr(r):
    e, _ = daily(r)
    ok = [(e[-1] / e[0]) ** (a / (len(e) - 1)) - 1 for a in (365, 365.25)]
    holds(any(abs(r.stats['cagr_pct'] / 100 - x) < 1e-9 for x in ok), f'CAGR {r.stats["cagr_pct"]}, expected one of {[100 * x for x in ok]}')


def either(r, key, formula, scale=1.0):
    """Whether the first day's return (from the initial cash) counts is not told: both readings are tried."""
    _, x = daily(r)
    ok = [formula(x) * scale, formula(x[1:]) * scale]
    holds(any(abs(r.stats[key] - v) < 1e-7 * max(1, abs(v)) for v in ok), f'{key}: {r.stats[key]}, expected one of {ok}')


def mean(x):
    return sum(x) / len(x)


def sd(x):
    return math.sqrt(sum((v - mean(x)) ** 2 for v in x) / (len(x) - 1))


def drawdown(r):
    peak, worst = D(10000), D(0)
    for _, e in r.equity:
        if e >= peak:
            peak = e
        elif (peak - e) / peak > worst:
            worst = (peak - e) / peak
    near(r.stats['max_drawdown_pct'], float(worst * 100), 'max_drawdown_pct')
    near(r.stats['return_pct'], float((r.equity[-1][1] / 10000 - 1) * 100), 'return_pct')
    same(D(r.stats['equity_peak']), max(D(10000), max(e for _, e in r.equity)), 'equity_peak')
    if r.stats['cagr_pct'] is not None:
        near(r.stats['calmar'], r.stats['cagr_pct'] / r.stats['max_drawdown_pct'], 'calmar')


def trade_stats(r):
    p = [D(t['pnl']) for t in r.trades]
    win, loss = [x for x in p if x > 0], [x for x in p if x < 0]
    near(r.stats['win_rate_pct'], 100 * len(win) / len(p), 'win_rate_pct')
    near(r.stats['profit_factor'], float(sum(win) / -sum(loss)), 'profit_factor')
    near(r.stats['expectancy'], float(sum(p) / len(p)), 'expectancy', 1e-7)
    near(r.stats['payoff'], float((sum(win) / len(win)) / (-sum(loss) / len(loss))), 'payoff')
    same(r.stats['trades'], len(p), 'trades')
    same(D(r.stats['fees']), sum(D(f) for f in r.fees), 'fees')
    streak = longest = 0
    for x in p:
        streak = streak + 1 if x < 0 else 0
        longest = max(longest, streak)
    same(r.stats['longest_losing_streak'], longest, 'longest_losing_streak')


recomputed('CAGR over the time from the first open to the last close (a year of 365 or 365.25 days)', cagr)
recomputed('volatility, n-1, root of 365', lambda r: either(r, 'volatility_pct', lambda x: sd(x) * math.sqrt(365), 100))
recomputed('Sharpe', lambda r: either(r, 'sharpe', lambda x: mean(x) / sd(x) * math.sqrt(365)))
recomputed('Sortino, root of the mean square of what is below rf', lambda r: either(
    r, 'sortino', lambda x: mean(x) / math.sqrt(sum(min(v, 0) ** 2 for v in x) / len(x)) * math.sqrt(365)))
recomputed('drawdown, return, peak, Calmar', drawdown)
recomputed('win rate, profit factor, expectancy, payoff, streak, fees', trade_stats)


@case('stats: drawdown on full resolution with its duration')
def _():
    r = run('100 100 100 100; 100 100 100 100; 110 110 110 110; 99 99 99 99; 104 104 104 104; 112 112 112 112; 113 113 113 113', {0: 'ctx:buy{qty=100}'})
    near(r.stats['max_drawdown_pct'], 10.0, 'max_drawdown_pct')  # 11000 to 9900, back above at bar 5
    holds(r.stats['max_drawdown_ms'] in (MINUTE, 3 * MINUTE), f'duration: peak to trough or to recovery: {r.stats["max_drawdown_ms"]}')


@case('stats: SQN and expectancy in R with known risks')
def _():
    bars = ';'.join([FLAT] + [FLAT, '100 103 100 100', FLAT, '100 100 97 100', FLAT, '100 103 100 100'] * 3)
    r = run(bars, {'each': 'if ctx.pos.flat and n % 2 == 0 then ctx:buy{qty=1, sl=98, tp=102} end'})
    rs = [float(D(t['pnl'])) / 2 for t in r.trades]
    holds(len(rs) >= 6, f'trades: {len(rs)}')
    near(r.stats['sqn'], math.sqrt(len(rs)) * mean(rs) / sd(rs), 'sqn')
    near(r.stats['expectancy_r'], mean(rs), 'expectancy_r')


@case('stats: exposure and buy and hold')
def _():
    r = run(';'.join([FLAT] * 5 + ['150 150 150 150'] * 5), {0: 'ctx:buy{qty=1}', 5: 'ctx:close{}'})
    near(r.stats['exposure_pct'], 50.0, 'exposure_pct: bars 1 to 5 of 10')
    near(r.stats['buy_hold_return_pct'], 50.0, 'buy_hold_return_pct')


# files and flags
@case('data: gzip gives the same result')
def _():
    text = csv_of(noise(30))
    a = run(text.encode(), ACTIVE, name='X_1m.csv')
    b = run(gzip.compress(text.encode()), ACTIVE, name='X_1m.csv.gz')
    same(a.j['hash'], b.j['hash'], 'hash')


@case('data: seconds, microseconds, nanoseconds, ISO 8601, column order and case: the same bars')
def _():
    rows = [l.split(',') for l in csv_of(noise(30)).split()][1:]
    want = run(noise(30), ACTIVE).j['hash']
    iso = lambda t: datetime.fromtimestamp(int(t) / 1000, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')  # noqa: E731
    for what, f in (('s', lambda t: t[:-3]), ('us', lambda t: t + '000'), ('ns', lambda t: t + '000000'), ('ISO', iso)):
        text = 'Close,VOLUME,extra,low,High,open,Timestamp\n' + ''.join(f'{c},{v},x,{l},{h},{o},{f(t)}\n' for t, o, h, l, c, v in rows)
        same(run(text.encode(), ACTIVE).j['hash'], want, what)


@case('data: --from and --to; earlier bars warm up')
def _():
    r = run(noise(30), {'each': 'ctx:log("info", (bar.time - %d) // 60000)' % T0}, '--from', T0 // 1000 + 600, '--to', T0 // 1000 + 900)
    same([l.replace('.0', '') for l in r.logs], ['10', '11', '12', '13', '14'], 'bars')
    r = run(noise(30), {'each': 'ctx:log("info", ctx.ind.s[0] ~= nil)'}, '--from', T0 // 1000 + 600, '--to', T0 // 1000 + 720, header='ind={s={"sma",10}}')
    same(r.logs, ['true', 'true'], 'warm at the first bar')


@case('data: several symbols; the order at equal times is by name, main last')
def _():
    b = put('BBB_1m.csv', csv_of(';'.join(['50 50 50 50'] * 3)))
    c = put('CCC_1m.csv', csv_of(';'.join(['20 20 20 20'] * 3)))
    r = run(';'.join([FLAT] * 3), {0: 'ctx:buy{qty=2, symbol="BBB"} ctx:sell{qty=3, symbol="CCC"}', 'each': 'ctx:log("info", "main")',
                                   2: 'ctx:log("info", ctx:position("BBB").qty, ctx:position("CCC").qty)'},
            '--data', f'c={c}', '--data', f'b={b}', header='data={main={tf="1m"}, b={symbol="BBB", tf="1m"}, c={symbol="CCC", tf="1m"}}',
            more='function on_data(ctx, s, bar) ctx:log("info", s) end', name='AAA_1m.csv')
    same([(f['symbol'], f['side'], f['qty'], f['price']) for f in r.j['fills']], [('BBB', 'buy', '2', '50'), ('CCC', 'sell', '3', '20')], 'fills')
    same(r.logs[:4], ['b', 'c', 'main', 'b'], 'order')
    same(r.logs[-1].replace('.0', ''), '2 -3', 'positions')


DIRTY_OK = {'clean.csv', 'dup_identical.csv', 'gap_60.csv', 'zero_volume.csv', 'columns_reordered.csv', 'crlf.csv', 'bom.csv', 'bom_crlf_no_final_newline.csv',
            'blank_lines.csv', 'seconds.csv', 'micros.csv', 'sci_notation.csv', 'one_bar.csv', 'flat.csv'}
EITHER = {'spaces.csv', 'quoted.csv', 'float_time.csv', 'plus_sign.csv', 'huge_line.csv', 'hex_float.csv', 'no_header.csv'}


@case('data: the verdict on each dirty file')
def _():
    where = os.path.join(harness.shared, 'data', 'dirty')
    if not os.path.isdir(where):
        return 'shared data are absent'
    expected = json.load(open(os.path.join(where, 'expected.json')))
    lua, clean, wrong = put('s.lua', script_of({'each': 'ctx:log("info", bar.time, bar.close)', 3: 'ctx:buy{qty=1}'})), None, []
    for name in ['clean.csv'] + sorted(k for k in expected if k.endswith(('.csv', '.gz')) and k != 'clean.csv'):
        r = command('backtest', lua, '--data', os.path.join(where, name), '--symbol', 'BTCUSDT', '--timeframe', '1m', *FINE, '--json', '-')
        e = expected[name]
        if r.returncode == 0:
            j = json.loads(r.stdout)
            clean = clean or j
            if name not in DIRTY_OK | EITHER:
                wrong.append(f'{name}: loaded, expected: {e["expect"]}')
            elif 'same 240 bars' in e['expect'] or name in EITHER or name == 'seconds.csv':
                if (j['hash'], j['data'][0]['bars']) != (clean['hash'], 240):
                    wrong.append(f'{name}: other bars than clean.csv')
            if name == 'dup_identical.csv' and (j['data'][0]['bars'] != 240 or 'dup' not in (r.stderr + str(j['warnings'])).lower()
                                                and 'twice' not in (r.stderr + str(j['warnings'])).lower()):
                wrong.append(f'{name}: a duplicate is dropped with a warning: {r.stderr[:200]}')
            if name == 'gap_60.csv' and (j['data'][0]['bars'] != 180 or not j['data'][0]['gaps']):
                wrong.append(f'{name}: the gap is reported')
            if 'NaN' in r.stdout or 'nan' in r.stdout.replace('nanos', ''):
                wrong.append(f'{name}: NaN in the result')
        elif r.returncode != 1 or name in DIRTY_OK:
            wrong.append(f'{name}: exit {r.returncode}: {r.stderr.strip()[:200]}')
        elif e['line'] and f'{name}:{e["line"]}' not in r.stderr:
            wrong.append(f'{name}: the message does not tell line {e["line"]}: {r.stderr.strip()[:200]}')
        elif name not in r.stderr:
            wrong.append(f'{name}: the message does not name the file: {r.stderr.strip()[:200]}')
    holds(not wrong, '; '.join(wrong))


@case('data: --repair sorts and drops and lists what it did')
def _():
    rows = csv_of(noise(10)).split()
    rows[4], rows[5] = rows[5], rows[4]
    rows[8] = rows[8].rsplit(',', 2)[0] + ',nan,1'
    text = '\n'.join(rows) + '\n'
    holds('X_1m.csv:' in run(text.encode(), {}, expect=1), 'refused with file and line')
    r = run(text.encode(), {'each': 'ctx:log("info", (bar.time - %d) // 60000)' % T0}, '--repair')
    same([l.replace('.0', '') for l in r.logs], ['0', '1', '2', '3', '4', '5', '6', '8', '9'], 'bars')
    holds(r.err.strip() or r.j['warnings'], 'told')


def refused(name, code, *args, word=None):
    @case(f'exit {code}: {name}')
    def _():
        put('s.lua', script_of({0: 'ctx:buy{qty=1}'}))
        put('X_1m.csv', csv_of(f'{FLAT}; {FLAT}'))
        out = os.path.join(harness.folder, 'out.json')
        r = command(*args, '--json', out)
        same(r.returncode, code, 'exit code: ' + r.stderr[:200])
        holds(r.stderr.strip() and (word is None or word in r.stderr), f'message: {r.stderr[:300]}')
        holds(not os.path.exists(out), 'no output file is left')


BT = ('backtest', 's.lua', '--data', 'X_1m.csv')
refused('no script', 2, 'backtest')
refused('no data', 2, 'backtest', 's.lua')
refused('unknown option', 2, *BT, '--colour', word='--colour')
refused('unknown command', 2, 'backtset', word='backtset')
refused('not a number', 2, *BT, '--cash', 'much', word='much')
refused('negative cash', 2, *BT, '--cash', '-5')
refused('unknown fill model', 2, *BT, '--fill-model', 'nice', word='nice')
refused('unknown path', 2, *BT, '--path', 'nice', word='nice')
refused('a parameter the script has not', 2, *BT, '--param', 'x=1', word='x')
refused('no such script', 1, 'backtest', 'none.lua', '--data', 'X_1m.csv', word='none.lua')
refused('no such data', 1, 'backtest', 's.lua', '--data', 'none_1m.csv', word='none_1m.csv')
refused('data is a folder', 1, 'backtest', 's.lua', '--data', '/', '--symbol', 'X', '--timeframe', '1m')
refused('json into a missing folder', 1, *BT, '--trades', 'no/such/folder/t.csv', word='no/such/folder')


@case('exit 1: a script error tells file, line and a suggestion')
def _():
    for text, line, word in (('strategy{name="t",api=1}\nfunction on_bra(ctx, bar) end\n', 2, 'on_bar'),
                             ('strategy{name="t",api=1}\nfunction on_bar(ctx, bar)\n  ctx:buy{qtty=1}\nend\n', 3, 'qty'),
                             ('strategy{name="t",api=1}\nfunction on_bar(ctx, bar)\n  local x = nil\n  x.y = 1\nend\n', 4, 'nil'),
                             ('strategy{name="t",api=1,\n  parms={}}\nfunction on_bar(ctx, bar) end\n', None, 'params'),
                             ('strategy{name="t",api=1}\nfunction on_bar(ctx, bar)\n  x = = 1\nend\n', 3, '=')):
        err = run(f'{FLAT}; {FLAT}', {}, script=text, expect=1)
        holds(('s.lua' + (f':{line}' if line else '')) in err and word in err, f'{err.strip()[:300]} (wanted line {line} and {word})')


@case('exit 0: version, help, check')
def _():
    for args in (('version',), ('help',), ('help', 'backtest'), ('backtest', '--help')):
        r = command(*args)
        same((r.returncode, bool(r.stdout.strip())), (0, True), ' '.join(args))
    put('s.lua', script_of({}, header='params={a=int{3,min=1,max=9}}'))
    r = command('check', 's.lua', '--json', '-')
    same(r.returncode, 0, r.stderr)
    same(json.loads(r.stdout)['name'], 't', 'name')


@case('params: given, defaulted, out of range refused and never clamped')
def _():
    header, do = 'params={a=int{3,min=1,max=9}, b=num{0.5}}', {0: 'ctx:log("info", ctx.p.a, ctx.p.b)'}
    same(run(f'{FLAT}; {FLAT}', do, header=header).logs, ['3 0.5'], 'defaults')
    r = run(f'{FLAT}; {FLAT}', do, '--param', 'a=7', header=header)
    same((r.logs, r.j['params']), (['7 0.5'], {'a': 7, 'b': 0.5}), 'given')
    for bad in ('a=10', 'a=0', 'a=2.5', 'a=x', 'c=1'):
        r = command('backtest', put('s.lua', script_of(do, header)), '--data', put('X_1m.csv', csv_of(f'{FLAT}; {FLAT}')), '--param', bad)
        holds(r.returncode in (1, 2) and bad.split('=')[0] in r.stderr, f'{bad}: {r.returncode} {r.stderr[:200]}')


@case('no look-ahead: cutting the future off changes nothing before the cut')
def _():
    bars = noise(300).split(';')
    header = 'data={main={tf="1m"}, h={tf="15m"}}, ind={f={"ema",5}, s={"sma",3,on="h",source="hl2"}, a={"atr",4,on="h"}}'
    do = {'each': 'ctx:plot("s", ctx.ind.s[0]) ctx:plot("a", ctx.ind.a[0]) if ctx.ind.f[0] > ctx.ind.s[0] then ctx:target{qty=3} else ctx:target{qty=-3} end'}
    whole = run(';'.join(bars), do, header=header)
    for cut in (103, 150, 151, 218):
        part = run(';'.join(bars[:cut]), do, header=header)
        end = T0 + cut * MINUTE
        same(part.j['fills'], [f for f in whole.j['fills'] if f['time'] < end], f'fills up to {cut}')
        for p in ('s', 'a'):
            same(part.j['plots'][p], [x for x in whole.j['plots'][p] if x[0] < end], f'plot {p} up to {cut}')


@case('no look-ahead: a higher timeframe\'s value is of bars that have closed')
def _():
    bars = noise(60).split(';')
    r = run(';'.join(bars), {'each': 'ctx:plot("s", ctx.ind.s[0])'}, header='data={main={tf="1m"}, h={tf="5m"}}, ind={s={"sma",2,on="h",source="hl2"}}')
    got = {(t - T0) // MINUTE: v for t, v in r.j['plots']['s']}
    hl2 = [(max(float(b.split()[1]) for b in bars[i:i + 5]) + min(float(b.split()[2]) for b in bars[i:i + 5])) / 2 for i in range(0, 60, 5)]
    same(min(got), 9, 'first bar delivered: the close of the second 5m bar')
    for i, v in got.items():
        k = (i + 1) // 5
        near(v, (hl2[k - 1] + hl2[k - 2]) / 2, f'value at bar {i}')


@case('mini-simulation: 2,000 bars with gaps, brackets both ways, three paths and classic: the same trades as an independent loop')
def _():
    bars, shift, x = [], 0, 99
    for b in noise(2000, 3).split(';'):
        x = (x * 1103515245 + 12345) % 2147483648
        shift += (x // 65536 % 121 - 60) if x // 65536 % 4 == 0 else 0
        bars.append([int(D(p) * 100) + shift for p in b.split()])
    text = ';'.join(' '.join(f'{p / 100:.2f}' for p in b) for b in bars)
    do = {'each': '''if ctx.pos.flat then local d = (n % 2 == 0) and 1 or -1
    ctx:enter(d, {qty=1, sl=bar.close - d * 1.2, tp=bar.close + d * 1.5}) end'''}
    for flags in ((), ('--path', 'favourable'), ('--path', 'adverse'), ('--fill-model', 'classic')):
        classic, favourable, want, pos, todo = 'classic' in flags, 'favourable' in flags, [], None, None
        for n, (o, h, l, c) in enumerate(bars):
            if todo:
                pos, todo = (todo[0], o, n, todo[1], todo[2]), None
            if pos:
                d, entry, at, sl, tp = pos
                ahead = 0 if classic else 1  # ticks a target must be traded through
                hit_sl = l <= sl if d > 0 else h >= sl
                hit_tp = h >= tp + ahead if d > 0 else l <= tp - ahead
                out = None
                if d * (o - sl) <= 0:
                    out = (o, 'sl', False)
                elif d * (o - tp) >= ahead and at < n:
                    out = (o if classic else tp, 'tp', False)
                elif hit_sl and hit_tp:
                    out = (tp, 'tp', True) if favourable else (sl, 'sl', True)
                elif hit_sl or hit_tp:
                    out = (sl, 'sl', False) if hit_sl else (tp, 'tp', False)
                if out:
                    want.append(('long' if d > 0 else 'short', at, entry, n, *out))
                    pos = None
            if not pos:
                d = 1 if n % 2 == 0 else -1
                todo = (d, c - d * 120, c + d * 150)
        r = run(text, do, '--cash', '100000', *flags)
        got = [(t['side'], (t['entry_time'] - T0) // MINUTE, int(D(t['entry_price']) * 100), (t['exit_time'] - T0) // MINUTE,
                int(D(t['exit_price']) * 100), t['exit_tag'], t['ambiguous']) for t in r.trades]
        for a, b in zip(got, want):
            same(a, b, f'trade under {flags}')
        same(len(got), len(want), f'trades under {flags}')
        holds(len(got) > 200 and any(t[6] for t in got), f'{len(got)} trades, some of them ambiguous')
