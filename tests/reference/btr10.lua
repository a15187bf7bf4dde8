-- btr10: futures: target +1 and -1 contract
strategy{ name="btr10", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:target{qty=ctx.p.size}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:target{qty=-ctx.p.size}
  end
end
