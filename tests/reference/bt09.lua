-- bt09: pyramid: up to three trades, half of each closed on the cross down, the rest five bars later
strategy{ name="bt09", api=1,
  params={ n1=int{10}, n2=int{20}, size=num{10} },
  ind={ f={"sma","n1"}, s={"sma","n2"} }, warmup=1 }

local trades, last_buy, out_at, n = {}, nil, nil, 0

local function round_half_even(x)
  local f = math.floor(x)
  if x - f > 0.5 or (x - f == 0.5 and f % 2 == 1) then return f + 1 end
  return f
end

function on_bar(ctx, bar)
  n = n + 1
  local f, s = ctx.ind.f[0], ctx.ind.s[0]
  local open = {}
  for _, t in ipairs(trades) do
    if t.left > 0 and t.order.status ~= "CANCELED" and t.order.status ~= "REJECTED" then open[#open+1] = t end
  end
  trades = open
  if out_at and n - out_at >= 5 then
    for _, t in ipairs(trades) do
      ctx:close{qty=t.left, of=t.order}
      t.left = 0
    end
    out_at = nil
  end
  if crossed_down(ctx.ind.f, ctx.ind.s) and not ctx.pos.flat then
    for _, t in ipairs(trades) do
      local half = math.max(1, round_half_even(t.left/2))
      ctx:close{qty=half, of=t.order}
      t.left = t.left - half
    end
    out_at = n
  elseif not out_at and f > s and #trades < 3 and (not last_buy or n - last_buy >= 5) then
    local o = ctx:buy{qty=ctx.p.size}
    if o then trades[#trades+1] = {order=o, left=ctx.p.size} end
    last_buy = n
  end
end
