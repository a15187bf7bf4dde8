-- A whole strategy, as small as it gets: buys after `falls` lower closes in a row, sells at the first higher one.
--
--   build/engine/perigee check examples/minimal.lua
--   build/engine/perigee backtest examples/minimal.lua --data examples/data/SP500_1d.csv --fee 0.0005
--   build/engine/perigee backtest examples/minimal.lua --data examples/data/SP500_1d.csv --param falls=2

-- The header: what a user may set, with its default and its range. Nothing out of range gets in.
strategy{ name="Minimal", api=1,
  params={ falls=int{4, min=1, max=20, label="Lower closes in a row"},
           size=pct{95, min=1, max=100, label="Share of equity"} },
  warmup=20 }  -- bars before the first callback, since the loop looks back `falls` bars

-- Called when a bar has closed. [0] is that bar, [1] the one before; an order meets the next bar, never this one.
function on_bar(ctx, bar)
  local close = ctx:bars().close
  if bar.close > close[1] then return ctx:target{pct=0, tag="rise"} end  -- already flat: nothing happens
  for k = 0, ctx.p.falls - 1 do
    if close[k] >= close[k + 1] then return end
  end
  ctx:target{pct=ctx.p.size, tag="falls"}
end
