-- Rebalance: keeps a portfolio at its weights.
--
-- Idea      Every `every` the weights are compared with their targets; a market that has drifted by more than `band` of its
--           target is brought back. Selling what rose and buying what fell earns a little from volatility and keeps the risk
--           where it was meant to be.
-- Works     for assets that move apart and come back. Fails when one of them goes to zero: it is bought all the way down, to
--           its weight, which is the most that it can cost.
-- Risk      never more than the sum of the weights, at most 100 %, no leverage.
strategy{ name="Rebalance", api=1,
  about="Brings a portfolio of up to four markets back to target weights when they drift out of a band.",
  params={
    second = symbol{"ETHUSDT", label="Second market", group="Markets"},
    third  = symbol{"ADAUSDT", label="Third market", group="Markets"},
    w1     = pct{40, min=0, max=100, label="Weight of the main market", group="Weights"},
    w2     = pct{30, min=0, max=100, label="Weight of the second", group="Weights"},
    w3     = pct{20, min=0, max=100, label="Weight of the third", group="Weights"},
    band   = pct{10, min=0, max=100, label="Drift allowed, of the target", group="Schedule", opt=true},
    hours  = int{24, min=1, max=8760, label="Hours between looks", group="Schedule", opt=true} },
  check=function(p)
    if p.w1 + p.w2 + p.w3 > 98 then return false, "the weights may add up to 98 at most; the rest pays fees" end
    return p.second ~= p.third, "the markets must differ"
  end,
  data={ b={symbol="second"}, c={symbol="third"} } }

local function portfolio(ctx)
  local p = ctx.p
  return { {ctx.sym.name, p.w1}, {p.second, p.w2}, {p.third, p.w3} }
end

function on_init(ctx)
  ctx.state.next = ctx.state.next or ctx.now
end

function on_bar(ctx, _)
  local s, p = ctx.state, ctx.p
  if ctx.now < s.next or ctx:pending() then return end
  s.next = ctx.now + p.hours*3600000
  local buys = {}
  for _, m in ipairs(portfolio(ctx)) do
    local symbol, weight = m[1], m[2]
    local last = ctx:symbol(symbol).last
    if last then
      local held = 100*ctx:position(symbol).qty*last/ctx.acct.equity
      local drifted = math.abs(held - weight) > p.band/100*weight
      if weight == 0 and held > 0 or drifted and held > weight then
        ctx:target{symbol=symbol, pct=weight, tag="trim"}
      elseif drifted then
        buys[#buys+1] = {symbol, weight}
      end
      ctx:plot(symbol .. " %", held)
    end
  end
  for _, b in ipairs(buys) do ctx:target{symbol=b[1], pct=b[2], tag="fill up"} end  -- after the sales, which pay for them
end
