-- Trades at every bar.
strategy{ name="eager", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }

function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "bar", ctx.state.n, bar.time)
  if ctx.state.n % 2 == 1 then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
end

-- What it heard of its orders' ends: each once (check_heard).
function on_order(ctx, e)
  if e.status == "FILLED" or e.status == "CANCELED" or e.status == "REJECTED" or e.status == "EXPIRED" then
    ctx.state.ended = (ctx.state.ended or 0) + 1
    ctx.state.ids = (ctx.state.ids or 0) + e.id
  end
end
