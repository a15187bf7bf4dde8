-- bt14: all-in at leverage 50, exclusive orders, to ruin
strategy{ name="bt14", api=1,
  params={ n1=int{10}, n2=int{20} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:close{}
    ctx:buy{pct=100}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:close{}
    ctx:sell{pct=100}
  end
end
