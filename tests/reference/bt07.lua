-- bt07: stop entry at the 20-bar high, stop loss at the 10-bar low
strategy{ name="bt07", api=1,
  params={ size=num{10} }, warmup=20 }

local entry

function on_bar(ctx, bar)
  local bars = ctx:bars()
  if ctx.pos.flat then
    ctx:cancel_all("entry")
    entry = ctx:buy{qty=ctx.p.size, type="stop", trigger=highest(bars.high, 20), tag="entry"}
  else
    local low = lowest(bars.low, 10)
    if not ctx.state.sl or low > ctx.state.sl or ctx.state.of ~= entry.id then
      ctx.state.sl, ctx.state.of = low, entry.id
      ctx:modify(entry, {sl=low})
    end
  end
end
