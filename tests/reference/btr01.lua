-- btr01: long only, fixed size
strategy{ name="btr01", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat then
    ctx:buy{qty=ctx.p.size}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) and not ctx.pos.flat then
    ctx:close{}
  end
end
