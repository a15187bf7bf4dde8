"""simulation.md rules 15 to 24: costs, liquidation, the order of events, gaps, dated terms, the end, the hash."""
from harness import D, MINUTE, T0, case, csv_of, fills, holds, near, put, run, same
from rules_match import FLAT, simple

UP = f'{FLAT}; {FLAT}; 100 103 100 103; {FLAT}'


# 15: fees
def fees(name, bars, do, want, *flags):
    @case(name)
    def _():
        r = run(bars, do, *flags)
        same(r.fees, want, 'fees')
        same(D(r.stats['fees']), sum(D(w) for w in want), 'stats.fees')
        same(D(r.stats['equity_closed']) - D(r.stats['equity_start']) if not r.j['open'] else None,
             sum(D(t['pnl']) for t in r.trades) if not r.j['open'] else None, 'pnl is net of fees')


BR = {0: 'ctx:buy{qty=1, sl=98, tp=102}'}
fees('rule 15 taker in, maker out (target)', UP, BR, ['0.1', '0.0204'], '--fee-taker', '0.001', '--fee-maker', '0.0002')
fees('rule 15 taker in, taker out (stop)', f'{FLAT}; {FLAT}; 100 100 97 97', BR, ['0.1', '0.098'], '--fee-taker', '0.001', '--fee-maker', '0.0002')
fees('rule 15 --fee is both', UP, BR, ['0.1', '0.102'], '--fee', '0.001')
fees('rule 15 a rebate is negative', UP, BR, ['0.1', '-0.0204'], '--fee-taker', '0.001', '--fee-maker', '-0.0002')
fees('rule 15 fixed, per order', UP, BR, ['1.5', '1.5'], '--fee-fixed', '1.5')
fees('rule 15 per unit', UP, {0: 'ctx:buy{qty=3, tp=102}'}, ['0.06', '0.06'], '--fee-per-unit', '0.02')
fees('rule 15 all together', UP, {0: 'ctx:buy{qty=3, tp=102}'}, ['1.86', '1.866'], '--fee-per-unit', '0.02', '--fee-fixed', '1.5', '--fee', '0.001')
fees('rule 15 on notional with the multiplier', UP, BR, ['1', '1.02'], '--fee', '0.001', '--multiplier', '10')


@case('rule 15 rounded against the customer: a fee up, a rebate down, by less than a unit of the currency')
def _():
    for rate in ('0.00000001', '-0.00000001'):
        r = run(UP, {0: 'ctx:buy{qty=0.333, tp=102}'}, '--fee-taker', rate, '--fee-maker', rate)
        for f in r.j['fills']:
            exact = D(f['qty']) * D(f['price']) * D(rate)
            holds(D(f['fee']) > exact and D(f['fee']) - exact < D('0.01'), f'fee {f["fee"]} for exactly {exact}')


@case('rule 15 a fixed fee is charged once per order, not per partial fill')
def _():
    r = run(';'.join(['100 101 99 100 50'] * 5), {0: 'ctx:buy{qty=12}'}, '--participation', '0.1', '--fee-fixed', '3')
    same(sum(D(f) for f in r.fees), D(3), 'fees')


# 16: bid data and swap
B = ('--market', 'bid', '--spread', '0.10')
simple('rule 16 bid data: a buy pays the ask, its exit the bid', UP.replace('103', '101'), {0: 'ctx:buy{qty=1}', 1: 'ctx:close{}'},
       '1 buy 1@100.1; 2 sell 1@100', *B)
simple('rule 16 bid data: a short sells the bid, its exit pays the ask', UP.replace('103', '101'), {0: 'ctx:sell{qty=1}', 1: 'ctx:close{}'},
       '1 sell 1@100; 2 buy 1@100.1', *B)
LIM = {0: 'ctx:buy{qty=1, type="limit", price=99}'}
simple('rule 16 bid data: a buy limit needs the ask', f'{FLAT}; 100 100 98.9 100', LIM, '', *B)
simple('rule 16 bid data: a buy limit, ask through by a tick', f'{FLAT}; 100 100 98.89 100', LIM, '1 buy 1@99 maker', *B)
simple('rule 16 bid data: a sell limit needs the bid only', f'{FLAT}; 100 101.01 100 100',
       {0: 'ctx:sell{qty=1, type="limit", price=101}'}, '1 sell 1@101 maker', *B)
simple('rule 16 bid data: a buy stop triggers on the ask', f'{FLAT}; 100 101.9 100 101', {0: 'ctx:buy{qty=1, type="stop", trigger=102}'},
       '1 buy 1@102', *B)
simple('rule 16 bid data: a sell stop triggers on the bid', f'{FLAT}; 100 100 98.05 99', {0: 'ctx:sell{qty=1, type="stop", trigger=98}'}, '', *B)
simple('rule 16 bid data: a short\'s stop triggers on the ask', f'{FLAT}; {FLAT}; 100 101.95 100 100', {0: 'ctx:sell{qty=1, sl=102}'},
       '1 sell 1@100; 2 buy 1@102 sl', *B)
simple('rule 16 bid data: a short\'s target needs the ask through it', f'{FLAT}; {FLAT}; 100 100 97.95 100', {0: 'ctx:sell{qty=1, tp=98}'},
       '1 sell 1@100', *B)


HOUR = 60 * MINUTE


def swap(name, start, hours, want, *flags, side='buy'):
    @case(name)
    def _():
        r = run(';'.join([FLAT] * hours), {0: f'ctx:{side}{{qty=2}}'}, '--swap-long', '-0.5', '--swap-short', '0.2', *flags, tf='1h', t0=start)
        same(D(r.stats['swap']), D(want), 'stats.swap')
        same(D(r.stats['equity_final']), 10000 + D(want), 'equity_final')


MON = 1704067200000  # 2024-01-01, Monday
swap('rule 16 swap at 17:00 New York, winter: not yet at 21:59Z', MON, 21, '0')
swap('rule 16 swap at 17:00 New York, winter: 22:00Z', MON, 24, '-1')
swap('rule 16 swap of shorts', MON, 24, '0.4', side='sell')
swap('rule 16 swap: triple on Wednesday', MON + 48 * HOUR, 24, '-3')
swap('rule 16 swap: triple day as told', MON, 24, '-3', '--swap-triple', 'mon')
swap('rule 16 swap: an ordinary Wednesday when Monday is triple', MON + 48 * HOUR, 24, '-1', '--swap-triple', 'mon')
swap('rule 16 swap: four days', MON, 95, '-6')
SUMMER = 1719792000000  # 2024-07-01, Monday
swap('rule 16 swap, New York summer: not yet at 20:59Z', SUMMER, 20, '0')
swap('rule 16 swap, New York summer: 21:00Z', SUMMER, 23, '-1')
MARCH = 1710115200000  # 2024-03-11, Monday after New York's clock change, three weeks before Europe's
swap('rule 16 swap: New York\'s clock, not Europe\'s', MARCH, 23, '-1')
NOVEMBER = 1730678400000  # 2024-11-04, Monday after the change back
swap('rule 16 swap: back to winter, not yet at 21:59Z', NOVEMBER, 21, '0')
swap('rule 16 swap: back to winter, 22:00Z', NOVEMBER, 24, '-1')


# 17: funding
def funding(name, rows, want, do={0: 'ctx:buy{qty=10}'}, *flags, bars=';'.join([FLAT] * 6)):
    @case(name)
    def _():
        f = put('funding.csv', 'time,rate\n' + ''.join(f'{T0 + m * MINUTE},{rate}\n' for m, rate in rows))
        r = run(bars, do, '--funding', f, *flags)
        same(D(r.stats['funding']), D(want), 'stats.funding')
        if not r.j['open'] or bars == ';'.join([FLAT] * 6):
            same(D(r.stats['equity_final']), 10000 + D(want), 'equity_final')


funding('rule 17 longs pay a positive rate', [(3, '0.001')], '-1')
funding('rule 17 longs receive a negative rate', [(3, '-0.001')], '1')
funding('rule 17 shorts receive a positive rate', [(3, '0.001')], '1', {0: 'ctx:sell{qty=10}'})
funding('rule 17 shorts pay a negative rate', [(3, '-0.001')], '-1', {0: 'ctx:sell{qty=10}'})
funding('rule 17 the position before events at ts: an entry at ts pays nothing', [(1, '0.001')], '0')
funding('rule 17 the position before events at ts: an exit at ts still pays', [(3, '0.001')], '-1', {0: 'ctx:buy{qty=10}', 2: 'ctx:close{}'})
funding('rule 17 nothing after the exit', [(4, '0.001')], '0', {0: 'ctx:buy{qty=10}', 2: 'ctx:close{}'})
funding('rule 17 several times', [(0, '0.001'), (2, '0.001'), (3, '0.0005'), (4, '-0.0001')], '-1.4')
funding('rule 17 with the multiplier', [(3, '0.001')], '-10', {0: 'ctx:buy{qty=10}'}, '--multiplier', '10', '--leverage', '10')


@case('rule 17 the mark price counts where it is given')
def _():
    f = put('funding.csv', f'time,rate\n{T0 + 3 * MINUTE},0.001\n')
    m = put('X_1m_mark.csv', csv_of(';'.join(['110 110 110 110'] * 6)))
    r = run(';'.join([FLAT] * 6), {0: 'ctx:buy{qty=10}'}, '--funding', f, '--mark', m)
    same(D(r.stats['funding']), D('-1.1'), 'stats.funding')


# 18: liquidation. 1000 cash, 100 long at 100: broke at 90; equity meets 0.5 % maintenance at 9000/99.5 = 90.45.
LEV = ('--cash', '1000', '--leverage', '10')


def liquidated(name, bars, do, want, *flags, equity=None):
    @case(name)
    def _():
        r = run(bars, do, *LEV, *flags)
        got = [f.split(' ')[0] + ' ' + f.split(' ')[1] + ' ' + f.split(' ')[2] for f in r.fills]
        same(got, want, 'fills')
        if equity is not None:
            same(D(r.stats['equity_final']), D(equity), 'equity_final')


LONG, SHORT = {0: 'ctx:buy{qty=100}'}, {0: 'ctx:sell{qty=100}'}
liquidated('rule 18 long: settles at the bankruptcy price', f'{FLAT}; {FLAT}; 100 100 89 95; 95 120 95 120', LONG, ['1 buy 100@100', '2 sell 100@90'], equity='0')
liquidated('rule 18 short: settles at the bankruptcy price', f'{FLAT}; {FLAT}; 100 111 100 105; 105 105 80 80', SHORT, ['1 sell 100@100', '2 buy 100@110'], equity='0')
liquidated('rule 18 long: the maintenance price, not the bankruptcy price, decides', f'{FLAT}; {FLAT}; 100 100 90.4 95', LONG,
           ['1 buy 100@100', '2 sell 100@90'])
liquidated('rule 18 long: a tick above the maintenance price lives', f'{FLAT}; {FLAT}; 100 100 90.46 95', LONG, ['1 buy 100@100'], equity='500')
liquidated('rule 18 short: below the maintenance price lives', f'{FLAT}; {FLAT}; 100 109.4 100 105', SHORT, ['1 sell 100@100'], equity='500')
liquidated('rule 18 short: above the maintenance price dies', f'{FLAT}; {FLAT}; 100 109.5 100 105', SHORT, ['1 sell 100@100', '2 buy 100@110'])
liquidated('rule 18 the stop comes first on the path', f'{FLAT}; {FLAT}; 100 100 85 95', {0: 'ctx:buy{qty=100, sl=92}'}, ['1 buy 100@100', '2 sell 100@92'], equity='200')
liquidated('rule 18 the liquidation comes first on the path', f'{FLAT}; {FLAT}; 100 100 85 95', {0: 'ctx:buy{qty=100, sl=90.2}'},
           ['1 buy 100@100', '2 sell 100@90'])
liquidated('rule 18 a target met before on the path', f'{FLAT}; {FLAT}; 100 102 85 95', {0: 'ctx:buy{qty=100, tp=101}'},
           ['1 buy 100@100', '2 sell 100@101'], equity='1100')


@case('rule 18 runs on the mark path, not on the trade path')
def _():
    m = put('X_1m_mark.csv', csv_of(';'.join([FLAT] * 4)))
    r = run(f'{FLAT}; {FLAT}; 100 100 89 95; {FLAT}', LONG, *LEV, '--mark', m)
    same(len(r.fills), 1, 'no liquidation while the mark stands')
    m = put('X_1m_mark.csv', csv_of(f'{FLAT}; {FLAT}; 100 100 89 100; {FLAT}'))
    r = run(';'.join([FLAT] * 4), LONG, *LEV, '--mark', m)
    same(r.fills[1].split(' ')[:3], ['2', 'sell', '100@90'], 'liquidation by the mark')


@case('rule 18 plus fee: the settlement charges the taker fee')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 100 80 95', {0: 'ctx:buy{qty=90}'}, *LEV, '--fee', '0.001')
    same(len(r.fills), 2, 'two fills')
    f = r.j['fills'][1]
    holds(D(f['fee']) > 0, f'fee {f["fee"]}')
    holds(D('-10') <= D(r.stats['equity_final']) <= D('10'), f'about nothing left: {r.stats["equity_final"]}')


@case('rule 18 on_position hears "liquidated"')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 100 89 95; {FLAT}', LONG, *LEV,
            more='function on_position(ctx, e) for k, v in pairs(e) do if v == "liquidated" then ctx:log("info", "liquidated") end end end')
    same(r.logs, ['liquidated'], 'logs')


# 19: order of events
@case('rule 19 higher timeframe, main bar, timer, signal')
def _():
    s = put('signals.csv', f'time,action,key\n{T0 + 10 * MINUTE},buy,k\n')
    r = run(';'.join([FLAT] * 12), {'each': 'if ctx.now == %d then ctx:log("info", "bar") end' % (T0 + 10 * MINUTE)},
            '--signals', s, header='data={ main={tf="1m"}, h={tf="5m"} }',
            more='''function on_init(ctx) ctx:timer{every="5m", name="t"} end
function on_data(ctx, stream, bar) ctx:log("info", "data " .. stream) end
function on_timer(ctx, name) ctx:log("info", "timer " .. name) end
function on_signal(ctx, s) ctx:log("info", "signal") end''')
    same([l['text'] for l in r.j['logs'] if l['time'] == T0 + 10 * MINUTE], ['data h', 'bar', 'timer t', 'signal'], 'order')


@case('rule 19 the fill is heard before the bar in which it happened')
def _():
    r = run(f'{FLAT}; {FLAT}; {FLAT}', {0: 'ctx:buy{qty=1}', 'each': 'ctx:log("info", "bar " .. n .. " qty " .. ctx.pos.qty)'},
            more='function on_fill(ctx, f) ctx:log("info", "fill") end')
    same([l.replace('.0', '') for l in r.logs], ['bar 0 qty 0', 'fill', 'bar 1 qty 1', 'bar 2 qty 1'], 'order')


@case('rule 19 a fill is heard at the close of its bar (rule 1), so an answer to it meets the next bar')
def _():
    fills(f'{FLAT}; 100 101 97 98; 99 99 96 96', {0: 'ctx:buy{qty=1}'}, '1 buy 1@100; 2 sell 1@98',
          more='function on_fill(ctx, f) if f.side == "buy" then ctx:sell{qty=1, type="stop", trigger=98, reduce=true} end end')


@case('rule 19 a script that answers each fill with an order ends (100 rounds)')
def _():
    r = run(f'{FLAT}; {FLAT}; {FLAT}', {0: 'ctx:buy{qty=1}'},
            more='function on_fill(ctx, f) if f.side == "buy" then ctx:sell{qty=1} else ctx:buy{qty=1} end end')
    holds(2 <= len(r.fills) <= 300, f'{len(r.fills)} fills')


# 20: gaps; 22: the end
@case('rule 20 gaps stay gaps')
def _():
    r = run(f'{FLAT}; {FLAT}; -; -; -; {FLAT}; {FLAT}', {'each': 'ctx:log("info", (bar.time - %d) // 60000)' % T0})
    same([l.replace('.0', '') for l in r.logs], ['0', '1', '5', '6'], 'bars delivered')
    same((r.j['data'][0]['bars'], r.j['data'][0]['gaps'] > 0), (4, True), 'bars, gaps')
    same(run(f'{FLAT}; {FLAT}', {}).j['data'][0]['gaps'], 0, 'no gap')


simple('rule 20 a resting order meets the first bar after the gap', f'{FLAT}; {FLAT}; -; -; 95 96 94 95', {0: 'ctx:buy{qty=1, sl=98}'},
       '1 buy 1@100; 4 sell 1@95 sl')


@case('rule 21 lot, notional and leverage of the day')
def _():
    terms = put('terms.csv', f'from,tick,lot,min_qty,min_notional,leverage,maintenance_pct\n'
                f'{T0},0.01,0.1,0.1,1,1,0.5\n{T0 + 3 * MINUTE},0.01,1,1,1,1,0.5\n')
    r = run(';'.join([FLAT] * 7), {0: 'ctx:buy{notional=155}', 4: 'ctx:buy{notional=155}'}, '--terms', terms)
    same(r.fills, ['1 buy 1.5@100', '5 buy 1@100'], 'fills')


@case('rule 22 an open position is marked, not closed; both figures')
def _():
    r = run(f'{FLAT}; {FLAT}; 110 110 110 110', {0: 'ctx:buy{qty=2}'})
    same((r.trades, len(r.j['open'])), ([], 1), 'trades, open')
    o = r.j['open'][0]
    same((o['side'], o['qty'], o['avg_price'], o['mark_price'], o['pnl'], o['entry_time']), ('long', '2', '100', '110', '20', T0 + MINUTE), 'open')
    same((r.stats['equity_final'], r.stats['equity_closed']), ('10020', '10000'), 'both figures')


@case('rule 24 the same hash again, another one when a fill differs')
def _():
    bars = ';'.join([FLAT, '100 103 98 101', '101 102 97 98', '98 101 96 100'] * 10)
    do = {'each': 'if ctx:rand() < 0.5 then ctx:buy{qty=1} else ctx:sell{qty=1} end'}
    a, b, c = (run(bars, do, '--seed', s) for s in ('1', '1', '2'))
    same(a.j['hash'], b.j['hash'], 'hash')
    holds(len(a.j['hash']) == 64 and a.j['hash'] != c.j['hash'], 'another seed, another hash')
    same(a.fills, b.fills, 'fills')
    other = run(bars.replace('96 100', '96 99.99'), do, '--seed', '1')
    holds(other.j['hash'] != a.j['hash'], 'an equity mark differs, so does the hash')
