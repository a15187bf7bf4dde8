-- Children of an entry, tp_r, OCO of two orders; rules 9, 10, 11.
-- bars: 100,101,99,100 100,101,99,100 100,111,99,110 110,111,109,110 110,111,94,95 100,100,100,100 100,103,97,100 100,103,97,100 100,100.5,99.5,100
-- fill: 2 buy 1 100 a
-- fill: 3 sell 1 110 tp
-- fill: 4 buy 1 110 b
-- fill: 5 sell 1 100 sl
-- fill: 7 buy 1 98 low
-- expect: oco CANCELED OCO
strategy{ name="brackets", api=1 }
local n, low, high = 0, nil, nil
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    local o = assert(ctx:buy{qty=1, sl=95, tp_r=2, tag="a"})  -- 2 × (100 − 95) above the fill
    assert(o.sl == 95)
  elseif n == 3 then
    ctx:buy{qty=1, sl=100, tp=120, tag="b"}
  elseif n == 6 then
    low = ctx:buy{qty=1, price=98, tag="low"}
    high = ctx:buy{qty=1, trigger=120, oco=low, tag="high"}
  elseif n == 8 then
    ctx:log("oco", high.status, high.reason)
  end
end
