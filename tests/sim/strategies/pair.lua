-- Two symbols and a higher timeframe.
strategy{ name="pair", api=1, data={ other={symbol="ETHUSDT"}, h={tf="15m"} },
  params={ size=num{0.1, min=0.0001, max=1, live=true} } }

function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "bar", ctx.state.n, bar.time)
  local up = ctx:bars("h")[0].close < bar.close
  if up and ctx.pos.flat then
    ctx:buy{qty=ctx.p.size, tag="in"}
    ctx:sell{symbol="ETHUSDT", qty=ctx.p.size, tag="hedge"}
  elseif not up and not ctx.pos.flat then
    ctx:close{tag="out"}
    ctx:close{symbol="ETHUSDT", tag="out"}
  end
end
