-- bt05: both sides with stop loss and take profit
strategy{ name="bt05", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10}, sl=num{0.05}, tp=num{0.10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  local c, p = bar.close, ctx.p
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:close{}
    ctx:buy{qty=p.size, sl=(1-p.sl)*c, tp=(1+p.tp)*c}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:close{}
    ctx:sell{qty=p.size, sl=(1+p.sl)*c, tp=(1-p.tp)*c}
  end
end
