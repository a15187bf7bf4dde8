-- Changing and cancelling: prices, sizes, the stop of a filled entry; handles stay readable.
-- bars: 100,100,100,100 100,100,100,100 100,101,98,100 100,100,100,100 100,100,94,95 95,95,95,95
-- fill: 3 buy 2 99 m
-- fill: 5 sell 2 96 sl
-- expect: CANCELED SCRIPT
-- expect: UNKNOWN_ORDER
-- expect: cancelled 2
strategy{ name="modify", api=1 }
local n, o, gone = 0, nil, nil
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    o = ctx:buy{qty=1, price=90, sl=80, tag="m"}
    gone = ctx:buy{qty=1, price=91, tag="g"}
    assert(ctx:pending("g") and #ctx:orders("m") == 1 and #ctx:orders() == 2)
  elseif n == 2 then
    assert(ctx:modify(o, {price=99, qty=2}))
    assert(ctx:cancel(gone))
  elseif n == 3 then
    ctx:log(gone.status, gone.reason)
    local ok, err = ctx:cancel(gone)
    assert(not ok)
    ctx:log(err.code)
    assert(o.status == "FILLED" and not o.alive and o.left == 0 and o.avg == 99)
    assert(ctx:modify(o, {sl=96}))
  elseif n == 5 then
    ctx:buy{qty=1, price=50, tag="grid"}
    ctx:buy{qty=1, price=51, tag="grid"}
    ctx:log("cancelled", ctx:cancel_all("grid"))
    assert(not ctx:pending())
  end
end
