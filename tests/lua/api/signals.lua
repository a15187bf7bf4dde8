-- Signals from CSV and from JSON lines; absent numbers are nil.
-- bars: 10,10,10,10 10,10,10,10 10,10,10,10 10,10,10,10
-- signals: time,source,action,size,sl,symbol
-- signals: 2024-01-02T12:00:00Z,tv,buy,2,9,X
-- signals: 2024-01-03T12:00:00Z,tv,close,,,X
-- expect: buy 2 9 tv X
-- expect: close nil nil tv X
strategy{ name="signals", api=1 }
function on_signal(ctx, s)
  ctx:log(s.action, s.size, s.sl, s.source, s.symbol)
  assert(s.ts <= ctx.now and s.price == nil and #s.raw > 0)
end
