-- every, at, tz, off; a gap in the data fires a timer once.
-- tf: 1h
-- bars: 1,1,1,1 1,1,1,1 1,1,1,1 1,1,1,1 1,1,1,1 1,1,1,1 1,1,1,1 1,1,1,1
-- expect: ny 2024-01-01 05:00
-- expect: noon 2024-01-01 06:00
strategy{ name="timers", api=1 }
local twice = 0
function on_init(ctx)
  ctx:timer{every="2h", name="two"}
  ctx:timer{at="00:00", tz="America/New_York", name="ny"}  -- 05:00 UTC in winter
  ctx:timer{at="06:00", name="noon"}
  ctx:timer{at="07:00", name="never"}
  ctx:timer{name="never", off=true}
end
function on_timer(ctx, name)
  if name == "two" then
    twice = twice + 1
    assert(ctx.now % 7200000 == 0)
  else
    ctx:log(name, name == "ny" and "2024-01-01 05:00" or "2024-01-01 06:00")
    assert(ctx.now == 1704067200000 + (name == "ny" and 5 or 6) * 3600000)
  end
  assert(name ~= "never")
end
function on_stop(ctx, why)
  assert(twice >= 3)
  local o, err = ctx:buy{qty=1}
  assert(o == nil and err.code == "HALTED")
end
