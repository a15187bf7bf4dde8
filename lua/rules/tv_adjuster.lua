-- Third of three stages: the final decision, and its confidence, from the scores before and TradingView's own rating.
--
-- {"tv": {"rating": 0.42}}: TradingView's summary, -1 (strong sell) to 1 (strong buy).
rule{
  name="TV adjuster", api=1,
  about="Weighs the scores of the stages before with TradingView's rating into a confidence, 0 to 1; refuses below a bound, sizes by it if asked.",
  settings={
    confidence_min={default=0.6, min=0.0, max=1.0, about="Below this the signal is refused"},
    weight_tech={default=1.0, min=0.0, max=10.0, about="Of the score of the stage tech_filter"},
    weight_fork={default=1.0, min=0.0, max=10.0, about="Of the score of the stage fork_scorer"},
    weight_tv={default=1.0, min=0.0, max=10.0, about="Of TradingView's rating in the direction of the trade"},
    scale_size={default=false, about="Multiply the size by the confidence"},
  },
}

local side = {buy=1, long=1, sell=-1, short=-1}

function on_signal(s, env)
  local set, way = env.settings, side[s.action or ""]
  if not way then return true end
  local sum, weights = 0, 0
  local function add(value, weight)
    if value then sum, weights = sum + value * weight, weights + weight end
  end
  local tv = type(s.data) == "table" and type(s.data.tv) == "table" and tonumber(s.data.tv.rating)
  add(env.scores.tech_filter, set.weight_tech)
  add(env.scores.fork_scorer, set.weight_fork)
  if tv then add((way * math.max(-1, math.min(1, tv)) + 1) / 2, set.weight_tv) end
  if weights == 0 then return false, "there is neither a score before nor a rating" end
  local confidence = sum / weights
  if confidence < set.confidence_min then
    return {accept=false, score=confidence, reason=string.format("confidence %.2f, at least %g is asked for", confidence, set.confidence_min)}
  end
  local out = {accept=true, score=confidence}
  if set.scale_size and s.size then out.set = {size=s.size * confidence} end
  return out
end
