-- Rebalance: keeps a portfolio at its weights.
--
-- Idea      Every `hours` the weights are compared with their targets; a market that has drifted by more than `band` percent of
--           its target is brought back. Selling what rose and buying what fell earns a little from volatility and keeps the
--           risk where it was meant to be. Sales go first; what they bring pays for purchases that had to wait a bar later.
-- Works     for assets that move apart and come back.
-- Fails     when one of them goes to zero: it is bought all the way down, to its weight.
-- Risk      never more than the sum of the weights, at most 98 %, no leverage; the rest pays fees.
-- Markets   main and up to four more; their files are given with --data. An empty name: that place is not used. A market whose
--           weight is 0 is sold.
strategy{ name="Rebalance", api=1,
  about="Brings a portfolio of up to five markets back to target weights when they drift out of a band.",
  params={
    second = symbol{"ETHUSDT", label="Second market", group="Markets"},
    third  = symbol{"ADAUSDT", label="Third market", group="Markets"},
    fourth = symbol{"", label="Fourth market", group="Markets"},
    fifth  = symbol{"", label="Fifth market", group="Markets"},
    w1     = pct{40, min=0, max=98, label="Weight of the main market", group="Weights"},
    w2     = pct{30, min=0, max=98, label="Weight of the second", group="Weights"},
    w3     = pct{20, min=0, max=98, label="Weight of the third", group="Weights"},
    w4     = pct{0, min=0, max=98, label="Weight of the fourth", group="Weights"},
    w5     = pct{0, min=0, max=98, label="Weight of the fifth", group="Weights"},
    band   = pct{10, min=0, max=100, label="Drift allowed, of the target", group="Schedule", opt=true},
    hours  = int{24, min=1, max=8760, label="Hours between looks", group="Schedule", opt=true} },
  check=function(p)
    local seen = {}
    for _, symbol in ipairs{p.second, p.third, p.fourth, p.fifth} do
      if symbol ~= "" and seen[symbol] then return false, symbol .. " is named twice" end
      seen[symbol] = true
    end
    if p.fourth == "" and p.w4 > 0 or p.fifth == "" and p.w5 > 0 then return false, "a weight without a market" end
    return p.w1 + p.w2 + p.w3 + p.w4 + p.w5 <= 98, "the weights may add up to 98 at most; the rest pays fees"
  end,
  data={ b={symbol="second"}, c={symbol="third"}, d={symbol="fourth"}, e={symbol="fifth"} } }

local function portfolio(ctx)
  local p, list = ctx.p, { {ctx.sym.name, ctx.p.w1} }
  for _, m in ipairs{ {p.second, p.w2}, {p.third, p.w3}, {p.fourth, p.w4}, {p.fifth, p.w5} } do
    if m[1] ~= "" and m[1] ~= ctx.sym.name then list[#list+1] = m end
  end
  return list
end

-- Percent of equity in a market now; nil before its first price.
local function share_of(ctx, symbol)
  local sym = ctx:symbol(symbol)
  return sym.last and 100*ctx:position(symbol).qty*sym.last*sym.multiplier/ctx.acct.equity
end

local function drifted(ctx, held, weight)
  return math.abs(held - weight) > ctx.p.band/100*weight
end

function on_bar(ctx, _)
  local s, p = ctx.state, ctx.p
  if ctx.now < (s.next or 0) or ctx:pending() then return end
  local selling = false
  for _, m in ipairs(portfolio(ctx)) do
    local symbol, weight = m[1], m[2]
    local held = share_of(ctx, symbol)
    if held and held > weight and drifted(ctx, held, weight) then
      selling = ctx:target{symbol=symbol, pct=weight, tag="trim"} ~= nil or selling
    end
  end
  if selling then return end  -- the purchases come with a later bar, when the sales have filled
  for _, m in ipairs(portfolio(ctx)) do
    local symbol, weight = m[1], m[2]
    local held = share_of(ctx, symbol)
    if held and held < weight and drifted(ctx, held, weight) then
      -- as far as the funds go: markets above their weight, but inside the band, keep theirs
      local reach = held + 98*math.max(0, ctx.acct.free)/ctx.acct.equity
      local _, err = ctx:target{symbol=symbol, pct=math.min(weight, reach), tag="fill up"}
      if err then ctx:log("warn", symbol, err.code, err.msg) end
    end
    ctx:plot(symbol .. " %", held)
  end
  s.next = ctx.now + p.hours*3600000
end
