-- Second of three stages: what are the odds that the trade, should it lose at first, recovers?
--
-- A logistic score of what the message says about the past: {"fork": {"drawdown_pct": 3.1, "recovered": 14, "lost": 6, "trend": 0.3, "volatility_pct": 2.2}}.
rule{
  name="Fork scorer", api=1,
  about="Odds, 0 to 1, that a losing trade recovers: past recoveries (with one win and one loss assumed), the trend, depth and volatility, by weights of one's own.",
  settings={
    score_min={default=0.55, min=0.0, max=1.0, about="Below this the signal is refused"},
    weight_trend={default=1.0, min=-10.0, max=10.0, about="Of the trend, -1 to 1, in the direction of the trade"},
    weight_depth={default=-0.08, min=-10.0, max=10.0, about="Per percent of drawdown"},
    weight_volatility={default=-0.05, min=-10.0, max=10.0, about="Per percent of volatility"},
  },
}

local side = {buy=1, long=1, sell=-1, short=-1}

function on_signal(s, env)
  local set, way = env.settings, side[s.action or ""]
  if not way then return true end
  local f = type(s.data) == "table" and s.data.fork
  if type(f) ~= "table" then return false, "the message has no fork values" end
  local recovered, lost = tonumber(f.recovered) or 0, tonumber(f.lost) or 0
  if recovered < 0 or lost < 0 then return false, "recovered and lost are counts" end
  local x = math.log((recovered + 1) / (lost + 1)) + set.weight_trend * way * (tonumber(f.trend) or 0) + set.weight_depth * (tonumber(f.drawdown_pct) or 0) +
    set.weight_volatility * (tonumber(f.volatility_pct) or 0)
  local score = 1 / (1 + math.exp(-x))
  if score < set.score_min then return {accept=false, score=score, reason=string.format("odds of recovery %.2f, at least %g is asked for", score, set.score_min)} end
  return {accept=true, score=score}
end
