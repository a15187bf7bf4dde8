-- bt08: trailing stop loss set by the script at each close
strategy{ name="bt08", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

local entry

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat then
    entry = ctx:buy{qty=ctx.p.size}
    ctx.state.sl = nil
  elseif crossed_down(ctx.ind.f, ctx.ind.s) and not ctx.pos.flat then
    ctx:close{}
  end
  if not ctx.pos.flat then
    local sl = 0.92*bar.close
    if ctx.state.sl and ctx.state.sl > sl then sl = ctx.state.sl end
    ctx.state.sl = sl
    ctx:modify(entry, {sl=sl})
  end
end
