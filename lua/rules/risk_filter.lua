-- What a signal must say before money follows it: a stop, a sane distance, a reward worth the risk.
rule{
  name="Risk filter", api=1,
  about="Refuses entries without a stop, with a stop on the wrong side or too far away, or whose target is too near; caps the size.",
  settings={
    stop_required={default=true, about="Entries need sl"},
    stop_max_pct={default=5.0, min=0.0, max=100.0, about="Distance of the stop from the price, percent of the price; 0: any"},
    reward_min={default=0.0, min=0.0, max=100.0, about="Distance of tp over distance of sl; 0: any"},
    size_max={default=0.0, min=0.0, about="A larger size is cut to this; 0: any"},
    age_max_s={default=60, min=0, max=86400, about="Signals older than this by their own time are refused; 0: any"},
    closing={default="close exit flat", about="Actions that open nothing, separated by blanks"},
  },
}

local side = {buy=1, long=1, sell=-1, short=-1}

function on_signal(s, env)
  local set, out = env.settings, {}
  if set.age_max_s > 0 and s.ts and env.now_ms - s.ts > set.age_max_s * 1000 then
    return false, string.format("it is %d s old, at most %d are allowed", (env.now_ms - s.ts) // 1000, set.age_max_s)
  end
  for word in string.gmatch(set.closing, "%S+") do
    if s.action == word then return true end
  end
  local way = side[s.action or ""]
  if not way then return false, "the action is none of buy, long, sell, short, " .. set.closing end
  if s.size and s.size <= 0 then return false, "the size is not above zero" end
  if set.size_max > 0 and s.size and s.size > set.size_max then
    out.set, out.note = {size=set.size_max}, string.format("size %g cut to %g", s.size, set.size_max)
  end
  if not s.sl then
    if set.stop_required then return false, "an entry needs a stop (sl)" end
    return next(out) and out or true
  end
  if not s.price or s.price <= 0 then return false, "a stop without a price cannot be judged" end
  local risk = way * (s.price - s.sl)
  if risk <= 0 then return false, string.format("the stop %g is on the wrong side of the price %g", s.sl, s.price) end
  local pct = 100 * risk / s.price
  if set.stop_max_pct > 0 and pct > set.stop_max_pct then return false, string.format("the stop is %.2f %% away, at most %g %% are allowed", pct, set.stop_max_pct) end
  if set.reward_min > 0 then
    local reward = s.tp and way * (s.tp - s.price) / risk or 0
    if reward < set.reward_min then return false, string.format("the target is worth %.2f times the risk, at least %g is asked for", reward, set.reward_min) end
    out.score = reward
  end
  return next(out) and out or true
end
