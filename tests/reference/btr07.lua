-- btr07: stop-limit entry at the 20-bar high
strategy{ name="btr07", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} }, warmup=1 }

function on_bar(ctx, bar)
  if ctx.pos.flat then
    ctx:cancel_all("entry")
    local stop = highest(ctx:bars().high, 20)
    ctx:buy{qty=ctx.p.size, type="stop_limit", trigger=stop, price=1.002*stop, tag="entry"}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:close{}
  end
end
