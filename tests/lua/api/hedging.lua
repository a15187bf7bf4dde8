-- Two legs at once, each closed on its own.
-- bars: 100,100,100,100 100,100,100,100 100,100,100,100 100,100,100,100
-- fill: 2 buy 2 100 l
-- fill: 2 sell 1 100 s
-- fill: 3 buy 1 100 cs
strategy{ name="hedging", api=1, mode="hedging" }
local n = 0
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    assert(ctx:buy{qty=2, tag="l"} and ctx:sell{qty=1, tag="s"})
  elseif n == 2 then
    assert(ctx:leg("long").qty == 2 and ctx:leg("short").qty == -1 and ctx.pos.qty == 1)
    assert(ctx:close{leg="short", tag="cs"})
  elseif n == 3 then
    assert(ctx:leg("short").flat and ctx:leg("long").qty == 2)
  end
end
