-- First of three stages: do RSI, MACD and ADX over three timeframes allow an entry at all?
--
-- The message carries what the sender computed: {"tech": {"15m": {"rsi": 31, "macd": 0.4, "macd_signal": 0.1, "adx": 22}, "1h": {…}, "4h": {…}}}.
rule{
  name="Tech filter", api=1,
  about="Counts the timeframes whose RSI, MACD and ADX favour the direction; refuses below a number of them. Its score, 0 to 1, is the share of checks passed.",
  settings={
    timeframes={default="15m 1h 4h", about="Which are looked at, separated by blanks"},
    rsi_buy_max={default=70.0, min=0.0, max=100.0, about="A long entry above this RSI is too late"},
    rsi_sell_min={default=30.0, min=0.0, max=100.0, about="A short entry below this RSI is too late"},
    adx_min={default=20.0, min=0.0, max=100.0, about="Below this there is no trend"},
    agree_min={default=2, min=1, max=10, about="Timeframes that must agree"},
  },
}

local side = {buy=1, long=1, sell=-1, short=-1}

function on_signal(s, env)
  local set, way = env.settings, side[s.action or ""]
  if not way then return true end -- what opens nothing is not filtered
  local tech = type(s.data) == "table" and s.data.tech
  if type(tech) ~= "table" then return false, "the message has no tech values" end
  local agree, passed, asked = 0, 0, 0
  for tf in string.gmatch(set.timeframes, "%S+") do
    local t = tech[tf]
    if type(t) ~= "table" then return false, "the message has no values of " .. tf end
    local rsi, macd, signal, adx = tonumber(t.rsi), tonumber(t.macd), tonumber(t.macd_signal), tonumber(t.adx)
    if not (rsi and macd and signal and adx) then return false, tf .. ": rsi, macd, macd_signal and adx are needed" end
    local n = 0
    if (way > 0 and rsi <= set.rsi_buy_max) or (way < 0 and rsi >= set.rsi_sell_min) then n = n + 1 end
    if way * (macd - signal) > 0 then n = n + 1 end
    if adx >= set.adx_min then n = n + 1 end
    if n == 3 then agree = agree + 1 end
    passed, asked = passed + n, asked + 3
  end
  if asked == 0 then return false, "the setting timeframes names none" end
  local score = passed / asked
  if agree < set.agree_min then
    return {accept=false, score=score, reason=string.format("%d timeframes agree, %d must", agree, set.agree_min)}
  end
  return {accept=true, score=score, note=string.format("%d timeframes agree", agree)}
end
