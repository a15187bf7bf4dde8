-- The same signals as JSON lines.
-- bars: 10,10,10,10 10,10,10,10 10,10,10,10 10,10,10,10
-- signals: {"time":"2024-01-02T12:00:00Z","source":"tv","action":"buy","size":"2","sl":9,"symbol":"X"}
-- signals: {"time":"2024-01-03T12:00:00Z","source":"tv","action":"close","symbol":"X"}
-- expect: buy 2 9 tv X
-- expect: close nil nil tv X
strategy{ name="signals", api=1 }
function on_signal(ctx, s)
  ctx:log(s.action, s.size, s.sl, s.source, s.symbol)
  assert(s.ts <= ctx.now and s.price == nil and #s.raw > 0)
end
