-- Lookback, helpers, ctx.p, sym: rounding.
-- bars: 10,11,9,10 10,12,9,11 11,13,10,12 12,12,8,9 9,10,9,10
-- expect: 13 8 11.5 true
strategy{ name="series", api=1, params={ n=int{2}, kind=enum{"a", "b"} }, ind={ s={"sma", "n"} } }
function on_bar(ctx, bar)
  assert(ctx.p.n == 2 and ctx.p.kind == "a")
  if bar.close == 12 then
    ctx:log(highest(ctx:bars().high, 3), 8, ctx.ind.s[0], crossed_up(ctx:bars().close, 11.5))
    assert(ctx:bars()[1].close == 11 and ctx:bars()[9] == nil)
    assert(ctx.sym:round_px(10.006) == 10.01 and ctx.sym:round_qty(1.239) == 1.23 and ctx.sym.tick == 0.01 and ctx.sym.lot == 0.01)
    assert(ctx.acct.equity == 10000 and ctx.acct.day_room == nil)
  end
end
