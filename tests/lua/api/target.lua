-- ctx:target asked again and again changes nothing; it turns and closes.
-- bars: 100,100,100,100 100,100,100,100 100,100,100,100 100,100,100,100 100,100,100,100 100,100,100,100
-- fill: 2 buy 5 100 t
-- fill: 4 sell 8 100 t
-- fill: 5 buy 3 100 t
-- expect: nil nil
strategy{ name="target", api=1 }
local n = 0
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    assert(ctx:target{qty=5, tag="t"})
    assert(ctx:target{qty=5, tag="t"} == nil and ctx:target{qty=5, tag="t"} == nil)
  elseif n == 2 then
    local o, err = ctx:target{qty=5, tag="t"}
    ctx:log(o, err)
  elseif n == 3 then
    ctx:target{qty=-3, tag="t"}
  elseif n == 4 then
    assert(ctx.pos.qty == -3 and ctx.pos.side == "short" and ctx.pos.avg == 100)
    ctx:target{pct=0, tag="t"}
  elseif n == 6 then
    assert(ctx.pos.flat and ctx.pos.avg == nil)
  end
end
