-- btr08: as btr03 with slippage
strategy{ name="btr08", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

local filled_at

function on_fill(ctx, f)
  if f.tag == "entry" then
    filled_at = f.time
    ctx:sell{qty=f.qty, type="stop", trigger=0.95*f.price, reduce=true, tag="stop"}
  end
end

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat then
    ctx:buy{qty=ctx.p.size, tag="entry"}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) and not ctx.pos.flat and filled_at ~= bar.time then
    ctx:cancel_all("stop")
    ctx:close{}
  end
end
