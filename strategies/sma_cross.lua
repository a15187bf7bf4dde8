-- SMA cross: long while the fast average is above the slow one. The hello-world of this engine.
--
-- Works     in markets that trend for many times the slow average.
-- Fails     in ranges: each turn is bought late and sold late, and pays two fees.
-- Risk      long or flat, `size` percent of equity, no stop: the cross back is the exit.
strategy{ name="SMA cross", api=1,
  about="Buys when a fast moving average crosses above a slow one and goes flat when it crosses below.",
  params={ fast=int{10, min=2, max=100, label="Fast average", opt=true},
           slow=int{30, min=5, max=400, label="Slow average", opt=true},
           size=pct{95, min=1, max=100, label="Share of equity"} },
  check=function(p) return p.fast < p.slow, "fast must be below slow" end,
  ind={ f={"sma","fast"}, s={"sma","slow"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=ctx.p.size, tag="up"}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=0, tag="down"}
  end
end
