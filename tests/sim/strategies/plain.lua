-- Keeps nothing and is quiet at most bars, so that only what the engine keeps says what it has heard: of each order's end once
-- (check_heard).
strategy{ name="plain", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }

function on_bar(ctx, bar)
  if bar.time // 60000 % 2 > 0 then return end
  if not ctx.pos.flat then ctx:close{tag="out"}
  elseif #ctx:orders() > 4 then ctx:cancel_all()
  elseif ctx:rand() < 0.4 then ctx:buy{qty=ctx.p.size, type="limit", price=bar.close * 0.8, tag="low"}
  else
    -- against a bot of the same account that buys there: the core refuses it
    ctx:sell{qty=ctx.p.size, type="limit", price=bar.close * 0.7, tag="in"}
  end
end

function on_order(ctx, e)
  local ended = e.status == "FILLED" or e.status == "CANCELED" or e.status == "REJECTED" or e.status == "EXPIRED"
  if ended then ctx:log("info", "ended", e.id) end
end
