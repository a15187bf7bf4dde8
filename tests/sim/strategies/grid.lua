-- Keeps limits around the price, with stops and targets, and moves them.
strategy{ name="grid", api=1, params={ size=num{0.02, min=0.0001, max=1, live=true}, step=num{0.1, min=0.01, max=5} } }

function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "bar", ctx.state.n, bar.time)
  if ctx.state.n % 5 == 0 then ctx:cancel_all("low") end
  if #ctx:orders("low") < 3 then
    local price = bar.close * (1 - ctx.p.step / 100)
    ctx:buy{qty=ctx.p.size, type="limit", price=price, sl=price * 0.99, tp=price * 1.002, tag="low"}
  end
  for _, o in ipairs(ctx:orders("low")) do
    if o.filled == 0 and ctx.state.n % 3 == 0 then ctx:modify(o, {price=bar.close * (1 - ctx.p.step / 50)}) break end
  end
end

function on_fill(ctx, fill)
  ctx.state.fills = (ctx.state.fills or 0) + 1
end
