-- Other names for symbols: a sender's "BTCUSD.P" becomes the venue's "BTCUSDT".
rule{
  name="Symbol mapping", api=1,
  about="Replaces the sender's name of a symbol by one's own. Suffixes are cut off before the map is asked.",
  settings={
    map={default={}, about="Sender's name to own name"},
    cut={default="", about="Suffixes that are cut off, separated by blanks: .P .m _i"},
    only_mapped={default=false, about="Refuse symbols that are not in the map"},
  },
}

function on_signal(s, env)
  local set, symbol = env.settings, s.symbol
  if not symbol then return false, "the signal has no symbol" end
  for suffix in string.gmatch(set.cut, "%S+") do
    if #symbol > #suffix and string.sub(symbol, -#suffix) == suffix then
      symbol = string.sub(symbol, 1, -#suffix - 1)
      break
    end
  end
  local own = set.map[s.symbol] or set.map[symbol]
  if not own and set.only_mapped then return false, s.symbol .. " is not in the map" end
  own = own or symbol
  if own == s.symbol then return true end
  return {set={symbol=own}, note=s.symbol .. " is " .. own}
end
