"""What planted bugs showed to be untested, and where two rules meet: terms of the day, orders of the day, ladders of shorts, gaps over a
stop and a liquidation, mark with detail, roundings."""
from harness import MINUTE, T0, case, csv_of, holds, put, run, same
from rules_match import FLAT, simple

HOUR = 60 * MINUTE
F = lambda n: '; '.join([FLAT] * n)  # noqa: E731
LOW = '100 100 96 100'

# tif day: until the end of the UTC day of the decision
DAY = 'ctx:buy{qty=1, type="limit", price=97, tif="day"}'
simple('tif day: fills in the day\'s last bar', f'{F(23)}; {LOW}; {F(3)}', {2: DAY}, '23 buy 1@97 maker', tf='1h')
simple('tif day: decided at midnight it belongs to the day that begins', f'{F(47)}; {LOW}; {F(2)}', {23: DAY}, '47 buy 1@97 maker', tf='1h')
simple('tif day: decided at midnight it is gone at the next', f'{F(48)}; {LOW}; {F(2)}', {23: DAY}, '', tf='1h')


@case('tif day and gtd: expired, each with its reason')
def _():
    until = T0 + 22 * HOUR
    r = run(F(30), {20: f'ctx:buy{{qty=1, type="limit", price=97, tif="day"}} ctx:buy{{qty=1, type="limit", price=96, tif="gtd", ["until"]={until}}}'},
            more='function on_order(ctx, e) ctx:log("info", (ctx.now - %d) // 3600000, e.status, e.reason) end' % T0, tf='1h')
    said = [' '.join(l.replace('.0', '').split()) for l in r.logs if 'expired' in l.lower()]
    same([s.split()[0] for s in said], ['22', '24'], f'hours of {r.logs}')
    holds('GTD' in said[0].upper() and 'DAY' in said[1].upper(), f'reasons: {said}')


simple('tif gtd: dead in the bar that opens at its time', f'{F(4)}; {LOW}', {0: f'ctx:buy{{qty=1, type="limit", price=97, tif="gtd", ["until"]={T0 + 4 * MINUTE}}}'}, '')
simple('tif gtd: alive in the bar before', f'{F(3)}; {LOW}; {FLAT}', {0: f'ctx:buy{{qty=1, type="limit", price=97, tif="gtd", ["until"]={T0 + 4 * MINUTE}}}'},
       '3 buy 1@97 maker')

# ladders of shorts: everything mirrored
LADDER = {0: 'ctx:ladder{n=2, step=1, step_k=2, base=100, vol_k=2, tp=1, dir=-1}'}

@case('ladder short: rungs above and larger, one target below the average, the rest gone with it')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 101.5 100 101; 101 104 101 103; 103 103 99 100; 100 110 100 110; 110 110 110 110', LADDER, '--lot', '0.01', '--tick', '0.01', fine=False)
    same([f.replace(' maker', '') for f in r.fills], ['1 sell 1@100', '2 sell 1.98@101', '3 sell 3.88@103', '4 buy 6.86@100.96 tp'], 'fills')
    same(r.j['open'], [], 'flat')


@case('ladder short: its target alone ends it, no rung fills afterwards')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 100 98.5 99; 99 110 99 110; 110 110 110 110', LADDER, '--lot', '0.01', '--tick', '0.01', fine=False)
    same([f.replace(' maker', '') for f in r.fills], ['1 sell 1@100', '2 buy 1@99 tp'], 'fills')


@case('ladder short: its stop lies above the average')
def _():
    r = run(f'{FLAT}; {FLAT}; 100 106 100 105; 105 105 105 105', {0: 'ctx:ladder{n=1, step=1, base=100, tp=1, sl=3, dir=-1}'}, '--lot', '0.01', '--tick', '0.01', fine=False)
    said = [f.replace(' maker', '') for f in r.fills]
    same(said[0], '1 sell 1@100', 'base')
    holds(said[-1].endswith(' sl') and said[-1].split()[1] == 'buy' and r.j['open'] == [], f'stopped out: {said}')


# rule 21: every column of the terms, before and after its day
def terms(column, before, after, at=3):
    return put('terms.csv', f'from,{column}\n{T0},{before}\n{T0 + at * MINUTE},{after}\n')


@case('rule 21 tick of the day: prices of orders are rounded to it, away from a worse price')
def _():
    r = run(f'{F(5)}; 100 100 98 100; {FLAT}', {1: 'ctx:buy{qty=1, type="limit", price=99.37, tag="a"} ctx:log("info", ctx.sym.tick)',
                                                 3: 'ctx:buy{qty=1, type="limit", price=99.37, tag="b"} ctx:log("info", ctx.sym.tick)'},
            '--terms', terms('tick', '0.01', '0.25'))
    same(sorted(r.fills), ['5 buy 1@99.25 maker b', '5 buy 1@99.37 maker a'], 'fills')
    same(r.logs, ['0.01', '0.25'], 'ctx.sym.tick')


@case('rule 21 min_notional of the day')
def _():
    r = run(F(7), {1: 'ctx:buy{qty=1}', 4: 'ctx:buy{qty=1} ctx:buy{qty=2}'}, '--terms', terms('min_notional', '50', '150'))
    same((r.fills, r.denied), (['2 buy 1@100', '5 buy 2@100'], {'MIN_NOTIONAL': 1}), 'fills, denied')


@case('rule 21 min_qty of the day')
def _():
    r = run(F(7), {1: 'ctx:buy{qty=1}', 4: 'ctx:buy{qty=1} ctx:buy{qty=2}'}, '--terms', terms('min_qty', '1', '2'))
    same((r.fills, r.denied), (['2 buy 1@100', '5 buy 2@100'], {'MIN_QTY': 1}), 'fills, denied')


@case('rule 21 leverage of the day')
def _():
    r = run(F(7), {1: 'ctx:buy{qty=150}', 4: 'ctx:buy{qty=150}'}, '--terms', terms('leverage', '1', '2'))
    same((r.fills, r.denied), (['5 buy 150@100'], {'MARGIN': 1}), 'fills, denied')


@case('rule 21 maintenance margin of the day')
def _():
    bars = f'{F(5)}; 100 100 93 100; {FLAT}'
    calm = run(bars, {0: 'ctx:buy{qty=100}'}, '--cash', '1000', '--leverage', '10', '--terms', terms('maintenance_pct', '0.5', '0.5'))
    same(calm.fills, ['1 buy 100@100'], 'half a percent: alive at 93')
    r = run(bars, {0: 'ctx:buy{qty=100}'}, '--cash', '1000', '--leverage', '10', '--terms', terms('maintenance_pct', '0.5', '5'))
    same([' '.join(f.split()[:3]) for f in r.fills], ['1 buy 100@100', '5 sell 100@90'], 'five percent: liquidated above 93')


# 18: one open beyond the stop and beyond the liquidation price: both are reached at the same point, and the order was there first
GAP = ('--cash', '1000', '--leverage', '10')


@case('rule 18 a gap over the stop and over the liquidation price at one open: once, at the open, whatever was first')
def _():
    for side, sl, gap, back in (('buy', 92, '85 86 84 85', 'sell'), ('sell', 108, '115 116 114 115', 'buy')):
        r = run(f'{FLAT}; {FLAT}; {gap}; {FLAT}', {0: f'ctx:{side}{{qty=100, sl={sl}}}'}, *GAP)
        same(r.fills, [f'1 {side} 100@100', f'2 {back} 100@{gap.split()[0]} sl'], f'{side}: the stop takes the open')
        same(r.stats['equity_final'], '-500', f'{side}: the loss beyond the cash is shown, not hidden')
        same(len(r.trades), 1, 'one trade')


@case('rule 18 a gap over the liquidation price without a stop settles at the bankruptcy price')
def _():
    r = run(f'{FLAT}; {FLAT}; 85 86 84 85; {FLAT}', {0: 'ctx:buy{qty=100}'}, *GAP)
    same([' '.join(f.split()[:3]) for f in r.fills], ['1 buy 100@100', '2 sell 100@90'], 'fills')
    same(r.stats['equity_final'], '0', 'equity')


# 3, 18: detail and mark
@case('rule 18 mark bars count with detail data too')
def _():
    detail = put('X_1m_d.csv', csv_of('; '.join([FLAT] * 10 + [FLAT, '100 100 89 95', '95 100 95 100', FLAT, FLAT] + [FLAT] * 5)))
    calm = put('X_5m_mark.csv', csv_of(F(4), tf='5m'))
    bars = f'{FLAT}; {FLAT}; 100 100 89 100; {FLAT}'
    r = run(bars, {0: 'ctx:buy{qty=100}'}, *GAP, '--detail', detail, '--mark', calm, tf='5m')
    same(r.fills, ['1 buy 100@100'], 'the mark stands, so nobody is liquidated')
    detail = put('X_1m_d.csv', csv_of(F(20)))
    fallen = put('X_5m_mark.csv', csv_of(bars, tf='5m'))
    r = run(F(4), {0: 'ctx:buy{qty=100}'}, *GAP, '--detail', detail, '--mark', fallen, tf='5m')
    same([' '.join(f.split()[:3]) for f in r.fills], ['1 buy 100@100', '2 sell 100@90'], 'the mark falls: liquidated')


# roundings, where one tick tells who pays
simple('rule 02 slippage in percent is rounded up to a tick (buy)', f'{FLAT}; 100.05 100.05 100.05 100.05', {0: 'ctx:buy{qty=1}'}, '1 buy 1@100.16', '--slippage-pct', '0.1')
simple('rule 02 slippage in percent is rounded up to a tick (sell)', f'{FLAT}; 100.05 100.05 100.05 100.05', {0: 'ctx:sell{qty=1}'}, '1 sell 1@99.94', '--slippage-pct', '0.1')
simple('rule 02 half of an odd spread is a whole tick (buy)', F(2), {0: 'ctx:buy{qty=1}'}, '1 buy 1@100.02', '--spread', '0.03')
simple('rule 02 half of an odd spread is a whole tick (sell)', F(2), {0: 'ctx:sell{qty=1}'}, '1 sell 1@99.98', '--spread', '0.03')
TRAIL = f'{FLAT}; {FLAT}; 100 110.01 100 110.01; 110.01 110.01 106 106'  # 3 % of 110.01 is 3.3003
simple('rule 12 trail_pct rounds toward the market (sell)', TRAIL, {0: 'ctx:buy{qty=1}', 1: 'ctx:sell{qty=1, type="trailing", trail_pct=3, reduce=true}'},
       '1 buy 1@100; 3 sell 1@106.71')
simple('rule 12 trail_pct rounds toward the market (buy)', f'{FLAT}; {FLAT}; 100 100 90.01 90.01; 90.01 94 90.01 94',  # 2.7003
       {0: 'ctx:sell{qty=1}', 1: 'ctx:buy{qty=1, type="trailing", trail_pct=3, reduce=true}'}, '1 sell 1@100; 3 buy 1@92.71')


@case('rule 18 the bankruptcy price is rounded so that nothing is owed')
def _():
    for side, price in (('buy', '85.72'), ('sell', '114.28')):  # 1000 / 70 is 14.2857
        r = run(f'{FLAT}; {FLAT}; 100 100.5 80 82; {FLAT}' if side == 'buy' else f'{FLAT}; {FLAT}; 100 120 99.5 118; {FLAT}', {0: f'ctx:{side}{{qty=70}}'}, *GAP)
        same((r.fills[1].split()[2], r.stats['equity_final']), (f'70@{price}', '0.4'), side)


# sizes at the instrument's smallest
@case('an order that adds to a position obeys min_qty and the lot, also when it is as large as the position')
def _():
    r = run(F(7), {1: 'ctx:buy{qty=1}', 4: 'ctx:buy{qty=1}', 5: 'ctx:sell{qty=1, reduce=true}'}, '--terms', terms('min_qty', '1', '2'))
    same((r.fills, r.denied), (['2 buy 1@100', '6 sell 1@100'], {'MIN_QTY': 1}), 'adding denied, closing the whole allowed')
    r = run(F(7), {1: 'ctx:sell{qty=1.5}', 4: 'ctx:sell{qty=1.5}', 5: 'ctx:close{}'}, '--terms', terms('lot', '0.5', '1'))
    same(r.fills, ['2 sell 1.5@100', '5 sell 1@100', '6 buy 2.5@100'], 'adding in whole lots, closing what there is')


# timers
@case('timer every: on the grid of its period, each once')
def _():
    r = run(F(9), {0: 'ctx:timer{every="2m", name="two"}'}, more='function on_timer(ctx, name) ctx:log("info", (ctx.now - %d) // 60000) end' % T0)
    same([l.replace('.0', '') for l in r.logs], ['2', '4', '6', '8'], 'minutes')


@case('timer every: the clock does not stop where bars are missing')
def _():
    r = run(f'{F(3)}; -; -; -; -; -; -; {F(4)}', {0: 'ctx:timer{every="2m", name="two"}'}, more='function on_timer(ctx, name) ctx:log("info", (ctx.now - %d) // 60000) end' % T0)
    same([l.replace('.0', '') for l in r.logs], ['2', '4', '6', '8', '10', '12'], 'minutes')


# groups of orders
@case('rule 10 a position closed by hand takes its exits along')
def _():
    r = run(f'{F(3)}; 100 100 90 90; 90 110 90 110', {0: 'ctx:buy{qty=1, sl=95, tp=105}', 1: 'ctx:sell{qty=1}', 2: 'ctx:log("info", #ctx:orders())'})
    same((r.fills, r.logs), (['1 buy 1@100', '2 sell 1@100'], ['0']), 'fills, working orders')
