"""strategy-api.md: sizes, order options, ctx, denials and misuse."""
from harness import D, MINUTE, T0, case, holds, put, run, same
from rules_match import FLAT, simple

F4, F6 = ';'.join([FLAT] * 4), ';'.join([FLAT] * 6)


def num(text):
    return ' '.join(w[:-2] if w.endswith('.0') else w for w in text.split(' '))


def says(name, bars, do, want, *flags, **more):
    """The script's log lines, numbers without a trailing .0."""
    @case(name)
    def _():
        same([num(l) for l in run(bars, do, *flags, **more).logs], want, 'logs')


# sizes
simple('size: qty is rounded down to lots', F4, {0: 'ctx:buy{qty=1.0019}'}, '1 buy 1.001@100')
simple('size: notional at the decision\'s last price, rounded down', f'97 97 97 97; {FLAT}; {FLAT}', {0: 'ctx:buy{notional=500}'}, '1 buy 5.154@100')
simple('size: pct of equity, rounded down', f'97 97 97 97; {FLAT}; {FLAT}', {0: 'ctx:buy{pct=10}'}, '1 buy 10.309@100')
simple('size: risk is percent of equity lost at sl', F4, {0: 'ctx:buy{risk=1, sl=98}'}, '1 buy 50@100')
simple('size: risk, short', F4, {0: 'ctx:sell{risk=0.5, sl=103}'}, '1 sell 16.666@100')
simple('size: risk with the multiplier', F4, {0: 'ctx:buy{risk=1, sl=98}'}, '1 buy 5@100', '--multiplier', '10')
simple('size: notional with the multiplier', F4, {0: 'ctx:buy{notional=500}'}, '1 buy 0.5@100', '--multiplier', '10')
simple('size: cut at the fill to what the funds allow', f'{FLAT}; 110 110 110 110; 110 110 110 110', {0: 'ctx:buy{pct=100}'}, '1 buy 90.909@110')


@case('size: the cut leaves money for the fee')
def _():
    r = run(F4, {0: 'ctx:buy{pct=100}'}, '--fee', '0.001')
    same([(f['qty'], f['price']) for f in r.j['fills']], [('99.9', '100')], 'the most lots with fee within 10000: 9990 + 9.99')


# target
simple('target: idempotent', F6, {'each': 'ctx:target{qty=2}'}, '1 buy 2@100')
simple('target: from long to short', F6, {0: 'ctx:target{qty=2}', 2: 'ctx:target{qty=-1}'}, '1 buy 2@100; 3 sell 3@100')
simple('target: pct=0 closes', F6, {0: 'ctx:target{pct=50}', 2: 'ctx:target{pct=0}'}, '1 buy 50@100; 3 sell 50@100')
simple('target: what is on its way counts, twice at one bar is once', F6, {0: 'ctx:target{qty=2} ctx:target{qty=2}'}, '1 buy 2@100')
# close, enter, modify, cancel
simple('close: all, whatever side', F6, {0: 'ctx:sell{qty=2}', 2: 'ctx:close{}'}, '1 sell 2@100; 3 buy 2@100')
simple('close: a part', F6, {0: 'ctx:buy{qty=2}', 2: 'ctx:close{qty=0.5}'}, '1 buy 2@100; 3 sell 0.5@100')
simple('close: more than there is never flips', F6, {0: 'ctx:buy{qty=2}', 2: 'ctx:close{qty=5}'}, '1 buy 2@100; 3 sell 2@100')
simple('close: nothing open does nothing', F6, {0: 'ctx:close{}'}, '')
simple('enter: dir 1 and -1', F6, {0: 'ctx:enter(1, {qty=2})', 2: 'ctx:enter(-1, {qty=3})'}, '1 buy 2@100; 3 sell 3@100')
DIP = f'{FLAT}; {FLAT}; 100 100 96 100; {FLAT}'
simple('modify: a new price', DIP, {0: 'O.o = ctx:buy{qty=1, type="limit", price=90}', 1: 'ctx:modify(O.o, {price=97})'}, '2 buy 1@97 maker')
simple('modify: a new quantity', DIP, {0: 'O.o = ctx:buy{qty=1, type="limit", price=97}', 1: 'ctx:modify(O.o, {qty=3})'}, '2 buy 3@97 maker')
simple('cancel: it is gone', DIP, {0: 'O.o = ctx:buy{qty=1, type="limit", price=97}', 1: 'ctx:cancel(O.o)'}, '')
simple('cancel_all: of one tag only', DIP, {0: 'ctx:buy{qty=1, type="limit", price=97, tag="a"} ctx:buy{qty=2, type="limit", price=98, tag="b"}',
                                            1: 'ctx:cancel_all("a")'}, '2 buy 2@98 maker b')
simple('cancel_all: everything', DIP, {0: 'ctx:buy{qty=1, type="limit", price=97, tag="a"} ctx:buy{qty=2, type="limit", price=98}', 1: 'ctx:cancel_all()'}, '')
simple('ttl: an order lives that long', f'{F4}; 100 100 96 100', {0: 'ctx:buy{qty=1, type="limit", price=97, ttl="2m"}'}, '')
simple('tif gtd until: expired', f'{F4}; 100 100 96 100', {0: f'ctx:buy{{qty=1, type="limit", price=97, tif="gtd", ["until"]={T0 + 3 * MINUTE}}}'}, '')
simple('tif day: gone at the next UTC day', '; '.join([FLAT] * 23 + [FLAT, '100 100 96 100']), {20: 'ctx:buy{qty=1, type="limit", price=97, tif="day"}'}, '', tf='1h')
simple('tp_r: the target as a multiple of the risk', f'{FLAT}; {FLAT}; 100 105 100 104', {0: 'ctx:buy{qty=1, sl=98, tp_r=2}'}, '1 buy 1@100; 2 sell 1@104 maker tp')
simple('oco: names the other order; the first to fill ends both', f'{FLAT}; {FLAT}; 100 103 100 103; 100 100 96 96',
       {0: 'local a = ctx:buy{qty=1, type="stop", trigger=102} ctx:buy{qty=1, type="limit", price=97, oco=a}'}, '2 buy 1@102')
says('mode hedging: both legs at once', F6, {0: 'ctx:buy{qty=2}', 1: 'ctx:sell{qty=1}', 3: 'ctx:log("info", ctx:leg("long").qty, ctx:leg("short").qty)'},
     ['2 -1'], header='mode="hedging"')


# ctx
says('ctx.pos: signed, averaged, marked', f'{FLAT}; {FLAT}; 110 110 110 110; 120 120 120 120',
     {0: 'ctx:log("info", ctx.pos.flat, ctx.pos.qty) ctx:buy{qty=1}', 1: 'ctx:buy{qty=1}',
      3: 'local p = ctx.pos ctx:log("info", p.flat, p.qty, p.avg, p.upnl, p.side)'}, ['true 0', 'false 2 105 30 long'])
says('ctx.acct: equity, balance, free', f'{FLAT}; {FLAT}; 110 110 110 110', {0: 'ctx:buy{qty=10}', 2: 'local a = ctx.acct ctx:log("info", a.equity, a.balance)'},
     ['10100 10000'])
says('ctx.sym', F4, {0: 'local s = ctx.sym ctx:log("info", s.name, s.tick, s.lot)'}, ['X 0.01 0.001'])
says('ctx:bars: 0 is the bar just closed, then back, nil before the first', '1 1 1 1; 2 2 2 2; 3 3 3 3',
     {2: 'local b = ctx:bars("main") ctx:log("info", b[0].close, b[1].close, b[2].close, b[3] == nil)'}, ['3 2 1 true'])
says('ctx.ind: warm at the first bar delivered', '1 1 1 1; 2 2 2 2; 3 3 3 3; 4 4 4 4; 5 5 5 5', {'each': 'ctx:log("info", bar.close, ctx.ind.s[0])'},
     ['3 2', '4 3', '5 4'], header='ind={s={"sma",3}}')
says('ctx.ind: source', '1 4 1 2; 2 5 1 3; 3 9 2 4', {'each': 'ctx:log("info", ctx.ind.s[0], ctx.ind.h[0])'}, ['4.5 3', '7 5.5'],
     header='ind={s={"sma",2,source="high"}, h={"sma",1,source="hl2"}}')
says('warmup: extra bars', ';'.join(f'{i} {i} {i} {i}' for i in range(1, 8)), {'each': 'ctx:log("info", bar.close)'}, ['5', '6', '7'],
     header='ind={s={"sma",3}}, warmup=2')


@case('ctx: a negative index is an error')
def _():
    for text in ('ctx:bars("main")[-1]', 'ctx.ind.s[-1]'):
        err = run(F4, {1: f'local x = {text}'}, header='ind={s={"sma",1}}', expect=1)
        holds('s.lua:' in err, err[:200])


says('order handle: readable after its end', F4, {0: 'O.o = ctx:buy{qty=2, tag="a"}',
     2: 'local o = O.o ctx:log("info", o.status, o.side, o.type, o.qty, o.left, o.avg, o.tag, o.symbol)'}, ['FILLED buy market 2 0 100 a X'])
says('order handle: canceled', F4, {0: 'O.o = ctx:buy{qty=2, type="limit", price=90}', 1: 'ctx:log("info", O.o.status) ctx:cancel(O.o)', 3: 'ctx:log("info", O.o.status)'},
     ['OPEN', 'CANCELED'])
says('ctx:orders(tag): the working ones', F4, {0: 'ctx:buy{qty=2, type="limit", price=90, tag="a"} ctx:buy{qty=1, type="limit", price=91, tag="b"}',
     1: 'ctx:log("info", #ctx:orders("a"), #ctx:orders("b"), #ctx:orders())'}, ['1 1 2'])
says('on_fill: every field', F4, {0: 'ctx:buy{qty=2, tag="a"}'}, [f'a X buy 100 2 100 0.2 false true false {T0 + MINUTE}'], '--fee', '0.001',
     more='function on_fill(ctx, f) ctx:log("info", f.tag, f.symbol, f.side, f.price, f.qty, f.avg, f.fee, f.maker, f.complete, f.ambiguous, f.time) end')
says('on_order: an order\'s way', F4, {0: 'ctx:buy{qty=2, type="limit", price=90, tag="a"}', 1: 'ctx:cancel_all("a")'}, ['true'],
     more='local last function on_order(ctx, e) local o = e.order or e last = o.status if last == "CANCELED" then ctx:log("info", true) end end')


@case('on_signal: every field, from JSON lines')
def _():
    s = put('sig.jsonl', '{"ts":%d,"id":"s1","source":"tv","key":"k","symbol":"X","action":"buy","size":2,"price":101.5,"sl":99,"tp":103}\n' % (T0 + 2 * MINUTE))
    r = run(F4, {}, '--signals', s, more='''function on_signal(ctx, s)
  ctx:log("info", s.id, s.source, s.key, s.symbol, s.action, s.size, s.price, s.sl, s.tp, s.ts - %d) end''' % T0)
    same([num(l) for l in r.logs], ['s1 tv k X buy 2 101.5 99 103 120000'], 'logs')


@case('timers: at= in a time zone')
def _():
    r = run(';'.join([FLAT] * 48), {}, tf='1h', more='''function on_init(ctx) ctx:timer{at="17:00", tz="America/New_York", name="ny"} end
function on_timer(ctx, name) ctx:log("info", name) end''')
    same([(l['time'] - T0) // (60 * MINUTE) for l in r.j['logs']], [22, 46], 'hours')


says('on_stop: the last word', F4, {}, ['stop'], more='function on_stop(ctx, why) ctx:log("info", "stop") end')
says('on_day: the UTC day turned', '; '.join([FLAT] * 50), {}, ['day', 'day'], tf='1h', more='function on_day(ctx, e) ctx:log("info", "day") end')
says('helpers: crossed_up, crossed_down, highest, lowest', '; '.join(f'{c} {c} {c} {c}' for c in (5, 4, 6, 7, 3)),
     {'each': 'local c = ctx.ind.c ctx:log("info", crossed_up(c, 5.5), crossed_down(c, 5.5), highest(c, 2), lowest(c, 2))'},
     ['false false 5 4', 'true false 6 4', 'false false 7 6', 'false true 7 3'], header='ind={c={"sma",1}}, warmup=1')
# of two indicators, whose answer is found a shorter way: open is 5 throughout, equal bars decide nothing, the last that differed does
says('helpers: crossings that touch first', '; '.join(f'5 {max(5, c)} {min(5, c)} {c}' for c in (4, 5, 5, 6, 5, 7, 5, 4, 6)),
     {'each': 'local c, o = ctx.ind.c, ctx.ind.o ctx:log("info", crossed_up(c, o), crossed_down(c, o))'},
     ['false false', 'false false', 'true false', 'false false', 'false false', 'false false', 'false true', 'true false'],
     header='ind={c={"sma",1}, o={"sma",1,source="open"}}, warmup=1')


# denials
def denied(name, code, do, *flags, bars=F4, limit=None, value=None):
    @case(f'denial {code}: {name}')
    def _():
        r = run(bars, {0: f'local o, e = {do} ctx:log("info", o == nil, e and e.code, e and e.limit, e and e.value, e and #e.msg > 0)'}, *flags)
        got = num(r.logs[0]).split(' ')
        same((got[:2], got[-1]), (['true', code], 'true'), 'nil, err')
        if limit is not None:
            same((float(got[2]), float(got[3])), (limit, value), 'err.limit, err.value')
        holds(r.denied.get(code) == 1, f'in the result: {r.denied}')
        same(r.fills, [], 'nothing filled')


denied('less than a lot', 'MIN_QTY', 'ctx:buy{qty=0.0004}')
denied('below the smallest value', 'MIN_NOTIONAL', 'ctx:buy{qty=0.05}', '--min-notional', '10', limit=10, value=5)
denied('more than the funds', 'MARGIN', 'ctx:buy{qty=150}', limit=10000, value=15000)
denied('short beyond the funds', 'MARGIN', 'ctx:sell{qty=150}')
denied('beyond the leverage', 'MARGIN', 'ctx:buy{qty=501}', '--leverage', '5')
denied('reduce without a position', 'REDUCE_ONLY', 'ctx:buy{qty=1, reduce=true}')
simple('denial MARGIN: just within the leverage is not denied', F4, {0: 'ctx:buy{qty=500}'}, '1 buy 500@100', '--leverage', '5')


says('denial POST_ONLY: rejected where it arrives; the handle tells', F4, {0: 'O.o = ctx:buy{qty=1, type="limit", price=101, post=true}',
     2: 'ctx:log("info", O.o.status, O.o.reason)'}, ['REJECTED POST_ONLY'])


@case('denial MAX_OPEN: the working orders are counted')
def _():
    r = run(F4, {0: '''for i = 1, 3 do local o, e = ctx:buy{qty=1, type="limit", price=90}
    ctx:log("info", o ~= nil, e and e.code, e and e.limit) end'''}, '--max-open', '2')
    same([num(l) for l in r.logs], ['true nil nil', 'true nil nil', 'false MAX_OPEN 2'], 'logs')


@case('denial DAY_LOSS and DRAWDOWN: only exits')
def _():
    for flag, code in (('--day-loss', 'DAY_LOSS'), ('--max-drawdown', 'DRAWDOWN')):
        r = run(f'{FLAT}; {FLAT}; 80 80 80 80; 80 80 80 80; 80 80 80 80',
                {0: 'ctx:buy{qty=10}', 2: 'local o, e = ctx:buy{qty=1} ctx:log("info", e and e.code)', 3: 'ctx:close{}'}, flag, '150')
        same((r.logs, r.fills), ([code], ['1 buy 10@100', '4 sell 10@80']), flag)


def misuse(name, lua, word):
    @case('misuse throws: ' + name)
    def _():
        err = run(F4, {0: lua}, expect=1)
        holds('s.lua:' in err and word in err, err[:300])


misuse('unknown key', 'ctx:buy{qty=1, prise=2}', 'price')
misuse('two sizes', 'ctx:buy{qty=1, pct=2}', 'pct')
misuse('no size', 'ctx:buy{tag="x"}', 'qty')
misuse('wrong type', 'ctx:buy{qty="many"}', 'qty')
misuse('a negative size', 'ctx:buy{qty=-1}', 'qty')
misuse('NaN', 'ctx:buy{qty=0/0}', 'qty')
misuse('a limit order without a price', 'ctx:buy{qty=1, type="limit"}', 'price')
misuse('a stop order without a trigger', 'ctx:buy{qty=1, type="stop"}', 'trigger')
misuse('risk without sl', 'ctx:buy{risk=1}', 'sl')
misuse('unknown type', 'ctx:buy{qty=1, type="limt", price=1}', 'limit')
misuse('unknown symbol', 'ctx:buy{qty=1, symbol="NOPE"}', 'NOPE')
misuse('unknown method', 'ctx:byu{qty=1}', 'buy')
misuse('no io', 'io.open("/etc/passwd")', 'io')
misuse('a caught denial is none: pcall sees no error, but misuse is one', 'local ok, e = pcall(ctx.buy, ctx, {qty=1, prise=2}) if not ok then error("seen: " .. tostring(e)) end', 'seen')
misuse('ctx.p is read-only', 'ctx.p.x = 1', 'p')


# what belongs to a position goes with it
DROP = f'{F4}; 100 100 90 90; 90 90 80 80'
simple('children: closed by hand, the stop is gone', DROP, {0: 'ctx:buy{qty=2, sl=95}', 2: 'ctx:close{}'}, '1 buy 2@100; 3 sell 2@100')
simple('children: closed in part, the stop closes the rest only', DROP, {0: 'ctx:buy{qty=2, sl=95}', 2: 'ctx:close{qty=0.5}'},
       '1 buy 2@100; 3 sell 0.5@100; 4 sell 1.5@95 sl')
simple('children: reversed by a target, the old stop is gone', f'{F4}; 100 108 90 90', {0: 'ctx:buy{qty=2, sl=95, tp=109}', 2: 'ctx:target{qty=-1}'},
       '1 buy 2@100; 3 sell 3@100')
simple('children: of two entries each keep their own', f'{F4}; 100 100 94 94; 94 94 89 89', {0: 'ctx:buy{qty=2, sl=95}', 1: 'ctx:buy{qty=3, sl=90}'},
       '1 buy 2@100; 2 buy 3@100; 4 sell 2@95 sl; 5 sell 3@90 sl')
simple('children: of an entry never filled never live', DROP, {0: 'O.o = ctx:buy{qty=2, type="limit", price=97, sl=95}', 2: 'ctx:cancel(O.o)'}, '')
simple('modify: the stop of an entry that has filled', DROP, {0: 'O.o = ctx:buy{qty=2, sl=95}', 2: 'ctx:modify(O.o, {sl=92})'}, '1 buy 2@100; 4 sell 2@92 sl')
simple('hedging: each leg has its own stop', f'{FLAT}; {FLAT}; {FLAT}; 100 106 100 100; 100 100 94 94',
       {0: 'ctx:buy{qty=2, sl=95}', 1: 'ctx:sell{qty=1, sl=105}'}, '1 buy 2@100; 2 sell 1@100; 3 buy 1@105 sl; 4 sell 2@95 sl', header='mode="hedging"')
simple('latency: a cancel too late does not save', f'{FLAT}; {FLAT}; {FLAT}; 100 100 96 100; {FLAT}',
       {0: 'O.o = ctx:buy{qty=1, type="limit", price=97}', 2: 'ctx:cancel(O.o)'}, '3 buy 1@97 maker', '--latency', '61000')


@case('orders of one callback are a transaction: an error in it leaves none')
def _():
    err = run(F4, {1: 'ctx:buy{qty=1} error("boom")'}, expect=1)
    holds('boom' in err and 's.lua:' in err, err[:200])


@case('funds: two orders of one callback never spend the same money; the second is told MARGIN, at the latest where it would fill')
def _():
    for second in ('qty=60', 'qty=60, type="limit", price=99', 'qty=60, type="stop", trigger=101'):
        r = run(f'{F4}; 100 102 90 100', {0: f'ctx:buy{{qty=60}} ctx:buy{{{second}}}'})
        same((r.denied, r.fills), ({'MARGIN': 1}, ['1 buy 60@100']), second)


@case('funds: all in leaves nothing for a further order; closing needs none')
def _():
    r = run(F6, {0: 'ctx:buy{qty=100}', 2: 'local o, e = ctx:buy{qty=1, type="limit", price=50} ctx:log("info", e and e.code) ctx:close{}'})
    same((r.logs, r.fills), (['MARGIN'], ['1 buy 100@100', '3 sell 100@100']), 'all in')


@case('ladder: safety orders deeper and larger, one target for all')
def _():
    r = run(f'{F4}; 100 100 98.5 98.5; 98.5 98.5 96 96; 96 130 96 130; 130 130 130 130',
            {0: 'ctx:ladder{n=2, step=1, step_k=2, base=100, vol_k=2, tp=5}'})
    same(r.fills[0], '1 buy 1@100', 'the base order')
    same([f.split()[1] for f in r.fills][:3], ['buy', 'buy', 'buy'], 'two safety orders')
    q = [D(f['qty']) for f in r.j['fills'][:3]]
    holds(q[0] < q[1] < q[2] and float(r.j['fills'][2]['price']) < float(r.j['fills'][1]['price']) < 100, f'deeper and larger: {r.fills}')
    holds(sum(D(f['qty']) for f in r.j['fills'] if f['side'] == 'sell') == sum(q) and r.j['open'] == [], f'all out: {r.fills}')
    avg = float(sum(D(f['qty']) * D(f['price']) for f in r.j['fills'][:3]) / sum(q))
    out = float(r.j['fills'][-1]['price'])
    holds(abs(out / avg - 1.05) < 0.001, f'target at 5 % over the average {avg}: {out}')


# on_risk: once per rule, after the callback that was denied
RISK = 'function on_risk(ctx, e) ctx:log("info", e.rule, e.value, e.limit, e["until"] and (e["until"] - ctx.now) // 60000) end'


@case('on_risk: a denial arrives when the callback has returned, once per rule with value and limit, in the order of the denials')
def _():
    do = {1: 'ctx:buy{qty=1} for i=1,3 do ctx:buy{qty=0.0001} ctx:buy{qty=200} end ctx:log("info", "end")'}
    r = run(F4, do, '--max-open', '5', more=RISK)
    same([l.split()[0] for l in r.logs], ['end', 'MIN_QTY', 'MARGIN'], 'order')
    same(r.denied, {'MIN_QTY': 3, 'MARGIN': 3}, 'every denial is counted')
    same(r.fills, ['2 buy 1@100'], 'what was not denied took effect')


@case('on_risk: a bar whose only order was denied calls it too, and it may act')
def _():
    r = run(F4, {1: 'ctx:buy{qty=200}'}, more='function on_risk(ctx, e) ctx:log("info", e.rule) ctx:buy{qty=2} end')
    same((r.logs, r.fills), (['MARGIN'], ['2 buy 2@100']), 'acts')


@case('on_risk: denied again and again in itself, the bot is stopped, not hung')
def _():
    err = run(F4, {1: 'ctx:buy{qty=200}'}, more='function on_risk(ctx, e) ctx:buy{qty=200} end', expect=1)
    holds('on_risk keep answering each other' in err, err[:300])


@case('on_risk: DAY_LOSS halts until the risk day turns and says when, then says that it has')
def _():
    hours = ['100 100 100 100'] * 2 + ['90 90 90 90'] * 28
    r = run('; '.join(hours), {0: 'ctx:buy{qty=50}', 4: 'ctx:buy{qty=1}', 6: 'ctx:buy{qty=1}', 26: 'ctx:buy{qty=1}'},
            '--day-loss', '100', tf='1h', more=RISK)
    said = [num(l).split() for l in r.logs]
    same([s[0] for s in said], ['DAY_LOSS'] * 3, 'rules')
    same([s[-1] for s in said], [str(19 * 60), str(17 * 60), '0'], 'minutes until it lets go')
    same(r.fills[-1], '27 buy 1@90', 'the next day may trade')
