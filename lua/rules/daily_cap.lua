-- So many a day and no more.
rule{
  name="Daily cap", api=1,
  about="Refuses signals beyond a number per UTC day, or per symbol; signals that only close are let through.",
  settings={
    max={default=20, min=0, max=100000, about="Accepted signals a UTC day; 0: no limit"},
    max_per_symbol={default=0, min=0, max=1000, about="The same of one symbol; 0: no limit. Counts the latest 50 signals"},
    closing={default="close exit flat", about="Actions that are never refused, separated by blanks"},
  },
}

function on_signal(s, env)
  local set = env.settings
  for word in string.gmatch(set.closing, "%S+") do
    if s.action == word then return true end
  end
  if set.max > 0 and env.today >= set.max then return false, string.format("%d signals were accepted today, %d are allowed", env.today, set.max) end
  if set.max_per_symbol > 0 then
    local n = 0
    for _ in accepted{symbol=s.symbol or false, since_ms=env.now_ms - env.now_ms % 86400000} do n = n + 1 end
    if n >= set.max_per_symbol then return false, string.format("%d signals for %s were accepted today, %d are allowed", n, s.symbol or "?", set.max_per_symbol) end
  end
  return true
end
