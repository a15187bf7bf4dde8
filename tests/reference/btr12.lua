-- btr12: five instruments rebalanced daily to a weight each
strategy{ name="btr12", api=1,
  params={ w=num{0.18}, every=int{288} },
  data={ eth={symbol="ETHUSDT"}, ada={symbol="ADAUSDT"}, xrp={symbol="XRPUSDT"}, avax={symbol="AVAXUSDT"} } }

local streams = {{"main","BTCUSDT"}, {"eth","ETHUSDT"}, {"ada","ADAUSDT"}, {"xrp","XRPUSDT"}, {"avax","AVAXUSDT"}}
local i = -1

function on_bar(ctx, bar)
  for _, s in ipairs(streams) do  -- only bars that are in every file count
    local b = ctx:bars(s[1])[0]
    if not b or b.time ~= bar.time then return end
  end
  i = i + 1
  if i < 20 or i % ctx.p.every ~= 0 then return end
  local orders = {}
  for k, s in ipairs(streams) do
    local close = ctx:bars(s[1])[0].close
    local target = math.floor(ctx.p.w*ctx.acct.equity/close)
    orders[k] = {symbol=s[2], diff=target - ctx:position(s[2]).qty}
  end
  table.sort(orders, function(a, b) return a.diff < b.diff end)  -- sells first
  for _, o in ipairs(orders) do
    if o.diff > 0 then ctx:buy{symbol=o.symbol, qty=o.diff}
    elseif o.diff < 0 then ctx:sell{symbol=o.symbol, qty=-o.diff} end
  end
end
