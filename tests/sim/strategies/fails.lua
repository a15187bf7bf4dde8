-- Raises now and then, after it has ordered: of such a bar nothing may stay.
strategy{ name="fails", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }

function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "bar", ctx.state.n, bar.time)
  ctx:target{pct=ctx.state.n % 3 * 10, tag="t"}
  if ctx:rand() < 0.02 then error("a bad day") end
end
