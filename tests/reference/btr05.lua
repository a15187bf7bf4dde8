-- btr05: limit bracket, cancelled at the fifth bar after
strategy{ name="btr05", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10}, valid=int{5} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat and not ctx:pending() then
    local p = 0.99*bar.close
    ctx.state.age = 0
    ctx:buy{qty=ctx.p.size, type="limit", price=p, sl=0.95*p, tp=1.10*p, tag="entry"}
  elseif ctx:pending("entry") then
    ctx.state.age = ctx.state.age + 1
    if ctx.state.age >= ctx.p.valid then ctx:cancel_all("entry") end
  end
end
