-- Order, fill, position and day events; logs with levels; plots and marks reach the result.
-- bars: 10,10,10,10 10,11,9,10 10,12,10,12 12,12,12,12
-- fill: 2 buy 1 10 e
-- fill: 3 sell 1 10 x
-- expect: order NEW e
-- expect: fill e 10 true
-- expect: position open 0 1
-- expect: position close 1 0
-- json: plots px
-- json: marks here
-- json: levels warn
-- json: days day
strategy{ name="events", api=1 }
local n, seen = 0, false
function on_bar(ctx, bar)
  n = n + 1
  ctx:plot("px", bar.close)
  ctx:plot("none", nil)
  if n == 1 then ctx:buy{qty=1, tag="e"} ctx:mark("here") ctx:log("warn", "careful") end
  if n == 2 then ctx:close{tag="x"} end
end
function on_order(ctx, e)
  if not seen then ctx:log("order", e.from, e.tag) end
  seen = true
end
function on_fill(ctx, f)
  ctx:log("fill", f.tag, f.price, f.complete)
  assert(f.order.status == "FILLED" and f.order.avg == f.price)
end
function on_position(ctx, e) ctx:log("position", e.kind, e.before, e.qty) end
function on_day(ctx, e)
  assert(#e.day > 0 and e.equity > 0)
  ctx:log("day", e.day)
end
