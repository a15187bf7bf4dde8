-- Every order type, each on its own bar; rules 2, 5, 7, 8, 12.
-- bars: 100,101,99,100 100,102,98,101 101,103,96,102 102,108,101,107 107,108,100,101 101,102,95,96 96,97,90,91 91,92,90,91 91,95,91,94
-- fill: 2 buy 1 100 market
-- fill: 3 buy 1 97 limit
-- fill: 4 buy 1 105 stop
-- fill: 5 buy 1 104 stop_limit
-- fill: 6 sell 4 98 trailing
strategy{ name="order types", api=1 }
local n = 0
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    local o = assert(ctx:buy{qty=1, tag="market"})
    assert(o.type == "market" and o.status == "NEW" and o.alive and o.left == 1 and o.price == nil)
  elseif n == 2 then
    assert(ctx:buy{qty=1, price=97, tag="limit"}.type == "limit")
  elseif n == 3 then
    assert(ctx:buy{qty=1, type="stop", trigger=105, tag="stop"}.price == 105)
  elseif n == 4 then  -- triggers at 107.5 on the way up, then the limit is traded through on the way down
    assert(ctx:buy{qty=1, trigger=107.5, price=104, tag="stop_limit"}.type == "stop_limit")
  elseif n == 5 then  -- opens at 101, runs to 102, trails 4 behind
    ctx:sell{qty=4, type="trailing", trail=4, reduce=true, tag="trailing"}
  elseif n == 8 then
    assert(ctx.pos.flat)
  end
end
