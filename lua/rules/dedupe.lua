-- The same once more is refused: for senders that repeat themselves, or alerts that fire on every tick of a bar.
rule{
  name="De-duplication", api=1,
  about="Refuses a signal when one with the same symbol and action (and key, if asked) was accepted a short while ago.",
  settings={
    within_s={default=60, min=1, max=86400, about="Seconds in which the same signal counts as one"},
    same_key={default=false, about="Only signals with the same key are the same"},
    opposite_resets={default=true, about="A signal with another action between two makes the second a new one"},
  },
}

function on_signal(s, env)
  local set = env.settings
  local same = {symbol=s.symbol or false, since_ms=env.now_ms - set.within_s * 1000}
  if set.same_key then same.key = s.key or false end
  for old in accepted(same) do -- newest first
    if old.action == s.action then return false, string.format("the same was accepted %d s ago", (env.now_ms - old.received_ms) // 1000) end
    if set.opposite_resets then break end
  end
  return true
end
