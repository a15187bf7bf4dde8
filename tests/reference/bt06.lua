-- bt06: limit entry with stop loss and take profit
strategy{ name="bt06", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat and not ctx:pending("entry") then
    local p = 0.98*bar.close
    ctx:buy{qty=ctx.p.size, type="limit", price=p, sl=0.95*p, tp=1.10*p, tag="entry"}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:cancel_all("entry")
    if not ctx.pos.flat then ctx:close{} end
  end
end
