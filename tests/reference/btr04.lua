-- btr04: market bracket
strategy{ name="btr04", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10}, sl=num{0.05}, tp=num{0.10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) and ctx.pos.flat then
    ctx:buy{qty=ctx.p.size, sl=(1-ctx.p.sl)*bar.close, tp=(1+ctx.p.tp)*bar.close}
  end
end
