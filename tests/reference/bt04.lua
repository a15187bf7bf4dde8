-- bt04: fixed size with stop loss and take profit
strategy{ name="bt04", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat then
    ctx:buy{qty=ctx.p.size, sl=0.95*bar.close, tp=1.10*bar.close}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) and not ctx.pos.flat then
    ctx:close{}
  end
end
