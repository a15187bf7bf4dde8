-- Grid: buys each step down, sells each step up, inside a range.
--
-- Idea      Levels stand `step` percent apart around a centre. Each level holds at most one slice: a buy limit waits below the
--           price, and once filled a sell limit for that slice waits one step higher. Every pair earns about a step less fees.
-- Works     while the price goes nowhere, often.
-- Fails     when it leaves: upwards the grid is sold out, downwards it is full. Above the top it recentres when empty; below the
--           bottom by `out` percent it gives up, sells everything and starts anew after `rest` bars.
-- Risk      at most `levels` slices of `slice` money each: that is risk.max_notional.
strategy{ name="Grid", api=1,
  about="Range grid of limit orders with bounded inventory, recentring and a stop below the range.",
  params={
    levels = int{8, min=1, max=40, label="Levels below the centre", group="Grid", opt=true},
    step   = pct{0.8, min=0.05, max=20, label="Distance of levels", group="Grid", opt=true},
    slice  = money{500, min=1, max=1000000, label="Money per level", group="Grid"},
    out    = pct{3, min=0.1, max=50, label="Give up below the last level", group="Exit", opt=true},
    rest   = int{120, min=0, max=100000, label="Bars to rest after giving up", group="Exit"} },
  risk={ max_notional=function(p) return p.levels*p.slice end } }

local function level_price(ctx, k)
  return ctx.sym:round_px(ctx.state.centre*(1 - k*ctx.p.step/100))
end

-- Slots: state.level[k] is "free", "buy" (a limit waits), "held" (bought), "sell" (a limit waits one step higher); state.id[k]
-- is the order that waits, so that news of an earlier one changes nothing.
local function place(ctx)
  local s, p = ctx.state, ctx.p
  for k = 1, p.levels do
    local name = "L" .. k
    if s.level[k] == "free" then
      local o = ctx:buy{type="limit", price=level_price(ctx, k), notional=p.slice, tag=name}
      if o then s.level[k], s.id[k] = "buy", o.id end
    elseif s.level[k] == "held" then
      local o = ctx:sell{type="limit", price=level_price(ctx, k - 1), qty=s.qty[k], reduce=true, tag=name}
      if o then s.level[k], s.id[k] = "sell", o.id end
    end
  end
end

local function start(ctx, centre)
  local s = ctx.state
  s.centre, s.level, s.qty, s.id = centre, {}, {}, {}
  for k = 1, ctx.p.levels do s.level[k], s.qty[k], s.id[k] = "free", 0, 0 end
end

function on_bar(ctx, bar)
  local s, p = ctx.state, ctx.p
  if (s.resting or 0) > 0 then
    s.resting = s.resting - 1
    return
  end
  if s.leaving then
    if not ctx.pos.flat then return end
    s.leaving, s.centre, s.resting = nil, nil, p.rest
    return
  end
  if not s.centre then
    start(ctx, bar.close)
  elseif bar.close < s.centre*(1 - (p.levels*p.step + p.out)/100) then
    ctx:cancel_all()
    ctx:close{tag="gave up"}
    s.leaving = true
    return
  elseif ctx.pos.flat and bar.close > s.centre*(1 + p.step/100) then
    ctx:cancel_all()
    start(ctx, bar.close)
    ctx:mark("recentred")
  end
  place(ctx)
  ctx:plot("centre", s.centre)
end

-- The slot whose waiting order this is.
local function slot_of(ctx, id)
  for k, waiting in ipairs(ctx.state.id or {}) do
    if waiting == id then return k end
  end
end

function on_fill(ctx, f)
  local s, k = ctx.state, slot_of(ctx, f.order.id)
  if not k then return end
  if f.side == "buy" then
    s.qty[k] = s.qty[k] + f.qty
    if f.complete then s.level[k] = "held" end
  else
    s.qty[k] = s.qty[k] - f.qty
    if f.complete then s.level[k], s.qty[k] = "free", 0 end
  end
end

function on_order(ctx, e)
  local s, k = ctx.state, slot_of(ctx, e.id)
  if not k then return end
  if e.status == "CANCELED" or e.status == "REJECTED" or e.status == "EXPIRED" then
    s.level[k] = s.qty[k] > 0 and "held" or "free"
  end
end
