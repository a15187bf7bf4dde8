"""simulation.md rules 1 to 14: when, where and how much orders fill."""
from harness import MINUTE, T0, case, csv_of, fills, holds, put, run, same

FLAT = '100 100 100 100'


def simple(name, bars, do, want, *flags, **more):
    case(name)(lambda: fills(bars, do, want, *flags, **more) and None)


# 1, 2: delivery and market orders
@case('rule 01 a bar is delivered once, at its close')
def _():
    r = run('100 101 99 100; 100 102 98 101; 101 103 97 102', {'each': 'ctx:log("info", n, ctx.now - bar.time, bar.close)'})
    same(r.logs, ['0 60000 100.0', '1 60000 101.0', '2 60000 102.0'] if '.0' in r.logs[0] else
         ['0 60000 100', '1 60000 101', '2 60000 102'], 'logs')
    same([l['time'] for l in r.j['logs']], [T0 + MINUTE * k for k in (1, 2, 3)], 'log times')


simple('rule 01 a limit never meets the bar it was decided on', '100 101 90 100; 100 101 99.5 100',
       {0: 'ctx:buy{qty=1, type="limit", price=95}'}, '')
for side, half, slip, both, pct, spct in (('buy', '100.05', '100.03', '100.08', '101', '100.1'),
                                          ('sell', '99.95', '99.97', '99.92', '99', '99.9')):
    bars, act = '99 99 99 99; 100 105 95 104', {0: f'ctx:{side}{{qty=1}}'}
    simple(f'rule 02 market {side} fills at the next open', bars, act, f'1 {side} 1@100')
    simple(f'rule 02 market {side} pays half the spread', bars, act, f'1 {side} 1@{half}', '--spread', '0.1')
    simple(f'rule 02 market {side} pays slippage in ticks', bars, act, f'1 {side} 1@{slip}', '--slippage-ticks', '3')
    simple(f'rule 02 market {side} pays both', bars, act, f'1 {side} 1@{both}', '--slippage-ticks', '3', '--spread', '0.1')
    simple(f'rule 02 market {side} pays slippage in percent', bars, act, f'1 {side} 1@{pct}', '--slippage-pct', '1')
    simple(f'rule 02 market {side} pays half of a spread in percent', bars, act, f'1 {side} 1@{spct}', '--spread-pct', '0.2')
simple('rule 02 an order of the last bar fills nowhere', '100 101 99 100; 100 101 99 100', {1: 'ctx:buy{qty=1}'}, '')
simple('rule 02 after a gap the next bar there is', '100 101 99 100; -; -; 103 104 102 103', {0: 'ctx:buy{qty=1}'}, '3 buy 1@103')
LAT = '100 100 100 100; 101 101 101 101; 102 102 102 102; 103 103 103 103; 104 104 104 104'
for ms, want in ((0, '1 buy 1@101'), (1, '2 buy 1@102'), (60000, '2 buy 1@102'), (60001, '3 buy 1@103'), (120000, '3 buy 1@103')):
    simple(f'rule 02 latency {ms} ms: the first open at or after t1+L', LAT, {0: 'ctx:buy{qty=1}'}, want, '--latency', str(ms))


@case('rule 02 with detail data the fill is at the detail\'s next open')
def _():
    d = put('X_1m_d.csv', csv_of(';'.join(['100 100 100 100'] * 5 + ['107 107 107 107'] + ['108 109 107 108'] * 4)))
    r = run('100 100 100 100; 107 109 107 108', {0: 'ctx:buy{qty=1}'}, '--detail', d, tf='5m')
    same(r.fills, ['1 buy 1@107'], 'fills')


@case('rule 02 detail and latency: 90 s later is the third minute')
def _():
    d = put('X_1m_d.csv', csv_of(';'.join(['100 100 100 100'] * 5 + ['101 101 101 101', '102 102 102 102', '103 103 103 103',
                                                                    '104 104 104 104', '105 105 105 105'])))
    r = run('100 100 100 100; 101 105 101 105', {0: 'ctx:buy{qty=1}'}, '--detail', d, '--latency', '90000', tf='5m')
    same([(f['price'], f['time']) for f in r.j['fills']], [('103', T0 + 7 * MINUTE)], 'fill')


# 3, 4: the path. A limit entry with a target: the target counts only when it comes after the entry on the path.
IN = {0: 'ctx:buy{qty=1, type="limit", price=99, tp=101.5}'}
OUT = {0: 'ctx:sell{qty=1, type="limit", price=101, tp=98.5}'}
simple('rule 03 nearer extreme first: low', FLAT + '; 100 103 98.9 101', IN, '1 buy 1@99 maker; 1 sell 1@101.5 maker tp')
simple('rule 03 nearer extreme first: high', FLAT + '; 100 102 97 98', IN, '1 buy 1@99 maker')
simple('rule 03 tie, up bar: low first', FLAT + '; 100 102 98 101', IN, '1 buy 1@99 maker; 1 sell 1@101.5 maker tp')
simple('rule 03 tie, down bar: high first', FLAT + '; 100 102 98 99.5', IN, '1 buy 1@99 maker')
simple('rule 03 short: nearer high first', FLAT + '; 100 101.1 97 99', OUT, '1 sell 1@101 maker; 1 buy 1@98.5 maker tp')
simple('rule 03 short: nearer low first', FLAT + '; 100 103 98 102', OUT, '1 sell 1@101 maker')
simple('rule 03 short: tie, down bar: high first', FLAT + '; 100 102 98 99', OUT, '1 sell 1@101 maker; 1 buy 1@98.5 maker tp')
simple('rule 03 short: tie, up bar: low first', FLAT + '; 100 102 98 100.5', OUT, '1 sell 1@101 maker')
TWO = FLAT + '; 100 100 100 100; 100 102 98 100'
simple('rule 03 tie, doji, long held: low first', TWO, {0: 'ctx:buy{qty=1}', 1: IN[0]},
       '1 buy 1@100; 2 buy 1@99 maker; 2 sell 1@101.5 maker tp')
simple('rule 03 tie, doji, short held: high first', TWO, {0: 'ctx:sell{qty=1}', 1: OUT[0]},
       '1 sell 1@100; 2 sell 1@101 maker; 2 buy 1@98.5 maker tp')
simple('rule 04 adverse, long held: low first though the high is nearer', FLAT + ';' + FLAT + '; 100 102 97 98',
       {0: 'ctx:buy{qty=1}', 1: IN[0]}, '1 buy 1@100; 2 buy 1@99 maker; 2 sell 1@101.5 maker tp', '--path', 'adverse')
simple('rule 04 favourable, long held: high first though the low is nearer', FLAT + ';' + FLAT + '; 100 103 98.5 100',
       {0: 'ctx:buy{qty=1}', 1: IN[0]}, '1 buy 1@100; 2 buy 1@99 maker', '--path', 'favourable')


@case('rule 03 detail data replace the path')
def _():
    d = put('X_1m_d.csv', csv_of(';'.join([FLAT] * 5 + ['100 102 100 102', '102 102 98 98', '98 100 98 100', FLAT, FLAT])))
    fills('100 100 100 100; 100 102 98 100', IN, '1 buy 1@99 maker', '--detail', d, tf='5m')
    d = put('X_1m_d.csv', csv_of(';'.join([FLAT] * 5 + ['100 100 98 98', '98 102 98 102', '102 102 100 100', FLAT, FLAT])))
    fills('100 100 100 100; 100 102 98 100', IN, '1 buy 1@99 maker; 1 sell 1@101.5 maker tp', '--detail', d, tf='5m')


@case('rule 04 the three paths in the result are the three runs')
def _():
    bars = ';'.join([FLAT] + ['100 102 97.5 100', '100 101 98 101', '101 104 99 100', '100 103 98 99', '99 101 97 100'] * 8)
    do = {'each': 'if ctx.pos.flat then ctx:buy{qty=10, sl=98.5, tp=101.2} end'}
    r = {p: run(bars, do, '--path', p).j for p in ('nearer', 'adverse', 'favourable')}
    for p in r:
        for q in r:
            same(r[p]['paths'][q], r[q]['stats'], f'paths.{q} of a run with --path {p}')
    holds(float(r['favourable']['stats']['equity_final']) > float(r['adverse']['stats']['equity_final']), 'favourable is better')


# 5, 6: limits
for side, touch, through, gap, price in (('buy', '100 100.5 99 100', '100 100.5 98.99 100', '97 98 96 97', 99),
                                         ('sell', '100 101 99.5 100', '100 101.01 99.5 100', '103 104 102 103', 101)):
    do = {0: f'ctx:{side}{{qty=1, type="limit", price={price}}}'}
    simple(f'rule 05 limit {side}: touched is not filled', f'{FLAT}; {touch}', do, '')
    simple(f'rule 05 limit {side}: through by a tick fills at the limit', f'{FLAT}; {through}', do, f'1 {side} 1@{price} maker')
    simple(f'rule 05 limit {side}: a gap beyond a resting limit is no gift', f'{FLAT}; {FLAT}; {gap}', do, f'2 {side} 1@{price} maker')
    simple(f'rule 06 classic {side}: touching is enough', f'{FLAT}; {touch}', do, f'1 {side} 1@{price} maker', '--fill-model', 'classic')
    simple(f'rule 06 classic {side}: a gap through the limit fills at the better open', f'{FLAT}; {FLAT}; {gap}', do,
           f'2 {side} 1@{gap.split()[0]} maker', '--fill-model', 'classic')
    simple(f'rule 06 classic {side}: not reached is not filled', f'{FLAT}; 100 100.99 99.01 100', do, '', '--fill-model', 'classic')
simple('rule 05 limit marketable on arrival is a taker at market (buy)', f'{FLAT}; 100 101 99 100',
       {0: 'ctx:buy{qty=1, type="limit", price=105}'}, '1 buy 1@100')
simple('rule 05 limit marketable on arrival is a taker at market (sell)', f'{FLAT}; 100 101 99 100',
       {0: 'ctx:sell{qty=1, type="limit", price=95}'}, '1 sell 1@100')
simple('rule 05 the limit price bounds what a marketable limit pays: slippage does not go beyond', f'{FLAT}; 100 101 99 100',
       {0: 'ctx:buy{qty=1, type="limit", price=100.02}'}, '1 buy 1@100.02', '--slippage-ticks', '10')

# 7: stops
for side, inside, gap, far in (('buy', '100 103 100 103', '104 105 103 104', '105'), ('sell', '100 100 97 97', '96 97 95 96', '95')):
    level = 102 if side == 'buy' else 98
    do = {0: f'ctx:{side}{{qty=1, type="stop", trigger={level}}}'}
    simple(f'rule 07 stop {side} reached inside the bar: the trigger', f'{FLAT}; {inside}', do, f'1 {side} 1@{level}')
    simple(f'rule 07 stop {side} gap: the open', f'{FLAT}; {gap}', do, f'1 {side} 1@{gap.split()[0]}')
    simple(f'rule 07 stop {side}: touching triggers', f'{FLAT}; 100 102 98 100', do, f'1 {side} 1@{level}')
    simple(f'rule 07 stop {side}: not reached', f'{FLAT}; 100 101.99 98.01 100', do, '')
    sign = 1 if side == 'buy' else -1
    simple(f'rule 07 stop {side}: slippage is not capped at the extreme', f'{FLAT}; {inside}', do,
           f'1 {side} 1@{level + sign * 5}', '--slippage-ticks', '500')
    simple(f'rule 07 stop {side}: slippage on a gap too', f'{FLAT}; {gap}', do,
           f'1 {side} 1@{int(gap.split()[0]) + sign * 5}', '--slippage-ticks', '500')

# 8: stop-limits
SL_BUY = {0: 'ctx:buy{qty=1, type="stop_limit", trigger=101, price=100.5}'}
simple('rule 08 stop_limit: the limit counts only after the trigger', f'{FLAT}; 100 101.5 99.5 101.2', SL_BUY, '')
simple('rule 08 stop_limit: filled when the path comes back', f'{FLAT}; 100 101.5 99.5 100.2', SL_BUY, '1 buy 1@100.5 maker')
simple('rule 08 stop_limit: rests into the next bar', f'{FLAT}; 100 101.5 99.5 101.2; 101 101.2 100 100.8', SL_BUY, '2 buy 1@100.5 maker')
simple('rule 08 stop_limit: limit beyond the trigger fills at the trigger', f'{FLAT}; 100 103 99.5 103',
       {0: 'ctx:buy{qty=1, type="stop_limit", trigger=101, price=102}'}, '1 buy 1@101')
simple('rule 08 stop_limit: a gap over both waits for the limit', f'{FLAT}; 103 104 102.5 103.5; 103 103 101 101',
       {0: 'ctx:buy{qty=1, type="stop_limit", trigger=101, price=102}'}, '2 buy 1@102 maker')
simple('rule 08 stop_limit sell: only after the trigger', f'{FLAT}; 100 100.5 98.5 98.8',
       {0: 'ctx:sell{qty=1, type="stop_limit", trigger=99, price=99.5}'}, '')
simple('rule 08 stop_limit sell: filled when the path comes back', f'{FLAT}; 100 100.5 98.5 99.8',
       {0: 'ctx:sell{qty=1, type="stop_limit", trigger=99, price=99.5}'}, '1 sell 1@99.5 maker')

# 9: children
BR = {0: 'ctx:buy{qty=1, sl=98, tp=102}'}
SH = {0: 'ctx:sell{qty=1, sl=102, tp=98}'}
simple('rule 09 sl on the entry bar', f'{FLAT}; 100 101 97 98', BR, '1 buy 1@100; 1 sell 1@98 sl')
simple('rule 09 tp on the entry bar', f'{FLAT}; 100 103 99 102', BR, '1 buy 1@100; 1 sell 1@102 maker tp')
simple('rule 09 short: sl on the entry bar', f'{FLAT}; 100 103 99 102', SH, '1 sell 1@100; 1 buy 1@102 sl')
simple('rule 09 short: tp on the entry bar', f'{FLAT}; 100 101 97 98', SH, '1 sell 1@100; 1 buy 1@98 maker tp')
simple('rule 09 what the path did before the fill does not touch the sl', f'{FLAT}; 100 102 98.5 101.5',
       {0: 'ctx:buy{qty=1, type="stop", trigger=101, sl=99}'}, '1 buy 1@101')
simple('rule 09 what it does after does', f'{FLAT}; 100 101.2 98.5 99.5',
       {0: 'ctx:buy{qty=1, type="stop", trigger=101, sl=99}'}, '1 buy 1@101; 1 sell 1@99 sl')
simple('rule 09 sl gap on a later bar: the open', f'{FLAT}; {FLAT}; 95 96 94 95', BR, '1 buy 1@100; 2 sell 1@95 sl')
simple('rule 09 tp gap on a later bar: the limit, no gift', f'{FLAT}; {FLAT}; 105 106 104 105', BR, '1 buy 1@100; 2 sell 1@102 maker tp')
simple('rule 09 classic: tp gap fills at the better open', f'{FLAT}; {FLAT}; 105 106 104 105', BR, '1 buy 1@100; 2 sell 1@105 maker tp',
       '--fill-model', 'classic')
simple('rule 09 entry gap below its own sl: out at once', f'{FLAT}; 95 96 94 95', BR, '1 buy 1@95; 1 sell 1@95 sl')

# 10: one cancels the other
simple('rule 10 the sibling dies with the first', f'{FLAT}; {FLAT}; 100 103 100 103; 100 100 90 90', BR, '1 buy 1@100; 2 sell 1@102 maker tp')
simple('rule 10 short: the sibling dies with the first', f'{FLAT}; {FLAT}; 100 103 100 103; 100 100 90 90', SH, '1 sell 1@100; 2 buy 1@102 sl')
simple('rule 10 a partial target shrinks the stop as much', '100 100 100 100 1000; 100 100 100 100 1000; 100 103 100 103 40; 100 100 90 90 1000',
       {0: 'ctx:buy{qty=10, sl=98, tp=102}'}, '1 buy 10@100; 2 sell 4@102 maker tp; 3 sell 6@98 sl', '--participation', '0.1')
simple('rule 10 a partial stop shrinks the target as much', '100 100 100 100 1000; 100 100 100 100 1000; 100 100 97 98.5 40; 103 104 103 103 1000',
       {0: 'ctx:buy{qty=10, sl=98, tp=102}'}, '1 buy 10@100; 2 sell 4@98 sl; 3 sell 6@103 sl', '--participation', '0.1')
simple('rule 10 a partly filled entry is protected for what it has', '100 100 100 100 40; 100 100 100 100 40; 100 100 97 97 1000; 97 97 97 97 1000',
       {0: 'O.o = ctx:buy{qty=10, sl=98}', 1: 'ctx:cancel(O.o)'}, '1 buy 4@100; 2 sell 4@98 sl', '--participation', '0.1')


# 11: ambiguity
def ambiguous(name, bars, do, want, marked, *flags):
    @case(name)
    def _():
        r = fills(bars, do, want, *flags)
        same([t['ambiguous'] for t in r.trades], [marked], 'trade marked')
        same(r.stats['ambiguous_pct'], 100 if marked else 0, 'ambiguous_pct')


for nm, do, entry, sl, tp in (('long', BR, '1 buy 1@100', '2 sell 1@98 sl', '2 sell 1@102 maker tp'),
                              ('short', SH, '1 sell 1@100', '2 buy 1@102 sl', '2 buy 1@98 maker tp')):
    for first in ('100 102.5 97 100', '100 103 97.5 100'):
        ambiguous(f'rule 11 {nm}: both in the bar {first}: the stop', f'{FLAT}; {FLAT}; {first}', do, f'{entry}; {sl}', True)
        ambiguous(f'rule 11 {nm}: both in the bar {first}, favourable: the target', f'{FLAT}; {FLAT}; {first}', do, f'{entry}; {tp}', True,
                  '--path', 'favourable')
        ambiguous(f'rule 11 {nm}: both in the bar {first}, adverse: the stop', f'{FLAT}; {FLAT}; {first}', do, f'{entry}; {sl}', True,
                  '--path', 'adverse')
        ambiguous(f'rule 11 {nm}: both in the bar {first}, classic too', f'{FLAT}; {FLAT}; {first}', do, f'{entry}; {sl}', True,
                  '--fill-model', 'classic')
ambiguous('rule 11 an open beyond the stop is no guess', f'{FLAT}; {FLAT}; 97 103 96 100', BR, '1 buy 1@100; 2 sell 1@97 sl', False)
ambiguous('rule 11 an open beyond the target is no guess', f'{FLAT}; {FLAT}; 103 104 97 100', BR, '1 buy 1@100; 2 sell 1@102 maker tp', False)
ambiguous('rule 11 only the stop in the bar: not marked', f'{FLAT}; {FLAT}; 100 101.9 97 98', BR, '1 buy 1@100; 2 sell 1@98 sl', False)
ambiguous('rule 11 on the entry bar too', f'{FLAT}; 100 103 97 100', BR, '1 buy 1@100; 1 sell 1@98 sl', True)


@case('rule 11 detail data decide: the target came first, unmarked')
def _():
    d = put('X_1m_d.csv', csv_of(';'.join([FLAT] * 10 + ['100 103 100 103', '103 103 97 97', '97 100 97 100', FLAT, FLAT])))
    r = fills(f'{FLAT}; {FLAT}; 100 103 97 100', BR, '1 buy 1@100; 2 sell 1@102 maker tp', '--detail', d, tf='5m')
    same(r.trades[0]['ambiguous'], False, 'ambiguous')


# 12: trailing
TR = {0: 'ctx:buy{qty=1}', 1: 'ctx:sell{qty=1, type="trailing", trail=2, reduce=true}'}
simple('rule 12 a later high never touches an earlier low', f'{FLAT}; {FLAT}; 100 104 99 103', TR, '1 buy 1@100')
simple('rule 12 ratcheted, then hit on the next bar', f'{FLAT}; {FLAT}; 100 104 99 103; 103 103.5 101 101', TR, '1 buy 1@100; 3 sell 1@102')
simple('rule 12 high first, then the low is tested against the new level', f'{FLAT}; {FLAT}; 100 101 98.5 100', TR, '1 buy 1@100; 2 sell 1@99')
simple('rule 12 never moves back', f'{FLAT}; {FLAT}; 100 104 99.5 104; 104 104 102.5 102.5; 103 103 101 101', TR, '1 buy 1@100; 4 sell 1@102')
simple('rule 12 gap: the open', f'{FLAT}; {FLAT}; 100 104 99.5 104; 95 96 94 95', TR, '1 buy 1@100; 3 sell 1@95')
simple('rule 12 short: ratchets down', f'{FLAT}; {FLAT}; 100 101 96 97; 97 99 96.5 99',
       {0: 'ctx:sell{qty=1}', 1: 'ctx:buy{qty=1, type="trailing", trail=2, reduce=true}'}, '1 sell 1@100; 3 buy 1@98')
simple('rule 12 trail_pct is percent', f'{FLAT}; {FLAT}; 100 110 99 110; 110 110 106 106',
       {0: 'ctx:buy{qty=1}', 1: 'ctx:sell{qty=1, type="trailing", trail_pct=3, reduce=true}'}, '1 buy 1@100; 3 sell 1@106.7')

# 13: participation
VOL = ';'.join(['100 101 99 100 50'] * 5)
simple('rule 13 market: a share of each bar', VOL, {0: 'ctx:buy{qty=12}'}, '1 buy 5@100; 2 buy 5@100; 3 buy 2@100', '--participation', '0.1')
simple('rule 13 off without the flag', VOL, {0: 'ctx:buy{qty=120}'}, '1 buy 120@100', '--leverage', '5')
simple('rule 13 IOC: the rest dies', VOL, {0: 'ctx:buy{qty=12, tif="ioc"}'}, '1 buy 5@100', '--participation', '0.1')
simple('rule 13 FOK: all or nothing, nothing', VOL, {0: 'ctx:buy{qty=12, tif="fok"}'}, '', '--participation', '0.1')
simple('rule 13 FOK: all or nothing, all', VOL, {0: 'ctx:buy{qty=5, tif="fok"}'}, '1 buy 5@100', '--participation', '0.1')
simple('rule 13 limit: the rest rests', '100 100 100 100 50;' * 1 + ';'.join(['100 100 98 99.5 50'] * 3), {0: 'ctx:buy{qty=12, type="limit", price=99}'},
       '1 buy 5@99 maker; 2 buy 5@99 maker; 3 buy 2@99 maker', '--participation', '0.1')
simple('rule 13 two orders share one bar\'s volume', VOL, {0: 'ctx:buy{qty=3} ctx:buy{qty=4}'}, '1 buy 3@100; 1 buy 2@100; 2 buy 2@100',
       '--participation', '0.1')
simple('rule 13 IOC limit not marketable: gone', f'{FLAT}; 100 101 90 100', {0: 'ctx:buy{qty=1, type="limit", price=95, tif="ioc"}'}, '')


# 14: post-only and reduce-only
@case('rule 14 POST_ONLY that would cross is rejected')
def _():
    r = run(f'{FLAT}; 100 101 99 100; {FLAT}', {0: 'local o, e = ctx:buy{qty=1, type="limit", price=101, post=true}  ctx:log("info", o == nil, e and e.code)'})
    same(r.fills, [], 'fills')
    holds('POST_ONLY' in r.denied or any('POST_ONLY' in l for l in r.logs), f'POST_ONLY told: {r.denied} {r.logs}')


simple('rule 14 POST_ONLY that rests fills as maker', f'{FLAT}; 100 101 98 100', {0: 'ctx:buy{qty=1, type="limit", price=99, post=true}'}, '1 buy 1@99 maker')
simple('rule 14 reduce is clipped to the position', ';'.join([FLAT] * 4), {0: 'ctx:buy{qty=2}', 1: 'ctx:sell{qty=5, reduce=true}'}, '1 buy 2@100; 2 sell 2@100')
simple('rule 14 two reduces never flip', ';'.join([FLAT] * 4), {0: 'ctx:sell{qty=2}', 1: 'ctx:buy{qty=2, reduce=true} ctx:buy{qty=2, reduce=true}'},
       '1 sell 2@100; 2 buy 2@100')


@case('rule 14 reduce without a position does not trade')
def _():
    r = run(';'.join([FLAT] * 3), {0: 'local o, e = ctx:sell{qty=1, reduce=true} ctx:log("info", o == nil, e and e.code)'})
    same(r.fills, [], 'fills')
    same(r.logs, ['true REDUCE_ONLY'], 'told')
    same(r.denied, {'REDUCE_ONLY': 1}, 'denied')
