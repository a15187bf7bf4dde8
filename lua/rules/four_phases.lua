-- The four phases of a break-of-structure signal, each of which the sender must have seen: M5 break, M1 break, M1 retest, filter.
--
-- The expert adviser sends them in its message: {"phases": {"m5_bos": true, "m1_break": true, "m1_retest": true, "atr": 12.4, "volume": 310, …}}.
rule{
  name="Four phases", api=1,
  about="Accepts a signal whose four validation phases hold, with the ATR (in pips) and the tick volume within bounds; the score is the number of phases.",
  settings={
    atr_min={default=4.0, min=0.0, about="Smallest ATR, in the sender's unit (pips)"},
    atr_max={default=15.0, min=0.0, about="Largest ATR; 0: any"},
    volume_min={default=0.0, min=0.0, about="Smallest tick volume of the M1 bar; 0: any"},
    retest_max_bars={default=10, min=0, max=1000, about="Bars between break and retest; 0: any"},
  },
}

local needed = {{"m5_bos", "phase 1: no break of structure on M5"}, {"m1_break", "phase 2: no break on M1"}, {"m1_retest", "phase 3: no retest on M1"}}

local function refuse(score, why) return {accept=false, reason=why, score=score} end

function on_signal(s, env)
  local set = env.settings
  local p = type(s.data) == "table" and s.data.phases
  if type(p) ~= "table" then return false, "the message has no phases" end
  for i, phase in ipairs(needed) do
    if p[phase[1]] ~= true then return refuse(i - 1, phase[2]) end
  end
  local bars = tonumber(p.retest_bars)
  if set.retest_max_bars > 0 and bars and bars > set.retest_max_bars then return refuse(2, string.format("phase 3: the retest came after %d bars", bars)) end
  local atr, volume = tonumber(p.atr), tonumber(p.volume)
  if not atr then return refuse(3, "phase 4: the message has no atr") end
  if atr < set.atr_min or (set.atr_max > 0 and atr > set.atr_max) then
    return refuse(3, string.format("phase 4: ATR %g is outside of %g to %g", atr, set.atr_min, set.atr_max))
  end
  if set.volume_min > 0 and (not volume or volume < set.volume_min) then return refuse(3, "phase 4: the volume is too small") end
  return {accept=true, score=4, note=string.format("ATR %g", atr)}
end
