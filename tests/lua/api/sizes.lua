-- qty, notional, pct, risk; denials name limit and value.
-- bars: 100,100,100,100 100,100,100,100 100,100,100,100 100,100,100,100
-- fill: 2 buy 1.23 100 qty
-- fill: 2 buy 2.5 100 notional
-- fill: 2 buy 10 100 pct
-- fill: 2 buy 10 100 risk
-- expect: MARGIN 10000 true
-- expect: MIN_QTY
strategy{ name="sizes", api=1 }
local done = false
function on_bar(ctx, bar)
  if done then return end
  done = true
  local _, err = ctx:buy{qty=1000}
  ctx:log(err.code, err.limit, err.value > err.limit and #err.msg > 0)
  ctx:buy{qty=1.239, tag="qty"}
  ctx:buy{notional=250, tag="notional"}
  ctx:enter(1, {pct=10, tag="pct"})
  ctx:buy{risk=1, sl=90, tag="risk"}
  _, err = ctx:buy{qty=0.001}
  ctx:log(err.code)
end
