-- Grid: buys each step down, sells each step up, inside a range.
--
-- Idea      Levels stand `step` percent apart below a centre. Each level holds at most one slice: a buy limit waits there, and
--           once it is filled a sell limit for that slice waits one step higher. Every pair earns a step less two fees.
-- Range     from the centre down to the last level. When the grid is empty and the price a step above the centre, the centre
--           moves to the price; when the price is `out` percent below the last level the grid gives up: everything is
--           cancelled and sold, and it starts anew after `rest` bars.
-- Works     while the price goes nowhere, often.
-- Fails     when it leaves: upwards the grid is sold out and earns nothing, downwards it is full and gives up at a loss.
-- Exposure  at most `levels` slices of `slice` money each: that is risk.max_notional, exactly, since all buys are limits. With
--           less money than that, the lower levels are not placed.
strategy{ name="Grid", api=1,
  about="Range grid of limit orders with bounded inventory, recentring and a stop below the range.",
  params={
    levels = int{8, min=1, max=40, label="Levels below the centre", group="Grid", opt=true},
    step   = pct{0.8, min=0.05, max=20, label="Distance of levels", group="Grid", opt=true},
    slice  = money{500, min=1, max=1000000, label="Money per level", group="Grid"},
    out    = pct{3, min=0.1, max=50, label="Give up below the last level", group="Exit", opt=true},
    rest   = int{120, min=0, max=100000, label="Bars to rest after giving up", group="Exit"} },
  check=function(p) return p.levels*p.step + p.out < 95, "levels, step and out reach too far below the centre" end,
  risk={ max_notional=function(p) return p.levels*p.slice end } }

local BLOCKED_MS = 3600000  -- after a refusal (a limit, a closed market) nothing is placed for an hour, lest each bar asks again

local function level_price(ctx, k)
  return ctx.sym:round_px(ctx.state.centre*(1 - k*ctx.p.step/100))
end

-- Slots: state.level[k] is "free", "buy" (a limit waits), "held" (bought), "sell" (a limit waits one step higher); state.qty[k]
-- is what the slot holds; state.id[k] is the order that waits, so that news of an earlier one changes nothing.
local function start(ctx, centre)
  local s = ctx.state
  s.centre, s.level, s.qty, s.id = centre, {}, {}, {}
  for k = 1, ctx.p.levels do s.level[k], s.qty[k], s.id[k] = "free", 0, 0 end
end

local function place_slot(ctx, k)
  local s, name = ctx.state, "L" .. k
  local order, err
  if s.level[k] == "free" then
    if ctx.acct.free < 1.01*ctx.p.slice then return end  -- free is what working orders leave
    order, err = ctx:buy{type="limit", price=level_price(ctx, k), notional=ctx.p.slice, tag=name}
    if order then s.level[k], s.id[k] = "buy", order.id end
  elseif s.level[k] == "held" then
    order, err = ctx:sell{type="limit", price=level_price(ctx, k - 1), qty=s.qty[k], reduce=true, tag=name}
    if order then s.level[k], s.id[k] = "sell", order.id end
  end
  return err
end

local function place(ctx)
  local s = ctx.state
  if ctx.now < (s.blocked_until or 0) then return end
  for k = 1, ctx.p.levels do
    local err = place_slot(ctx, k)
    if err then
      ctx:log("warn", "level", k, err.code, err.msg)
      s.blocked_until = ctx.now + BLOCKED_MS
      return
    end
  end
end

local function leave(ctx)
  if ctx.pos.flat then
    local s = ctx.state
    s.leaving, s.centre, s.resting = nil, nil, ctx.p.rest
  elseif not ctx:pending("gave up") then
    ctx:close{tag="gave up"}
  end
end

function on_bar(ctx, bar)
  local s, p = ctx.state, ctx.p
  if s.leaving then return leave(ctx) end
  if (s.resting or 0) > 0 then
    s.resting = s.resting - 1
    return
  end
  if not s.centre then
    start(ctx, bar.close)
  elseif bar.close < s.centre*(1 - (p.levels*p.step + p.out)/100) then
    ctx:cancel_all()
    ctx:mark("gave up")
    s.leaving = true
    return leave(ctx)
  elseif ctx.pos.flat and bar.close > s.centre*(1 + p.step/100) then
    ctx:cancel_all()
    start(ctx, bar.close)
  end
  place(ctx)
  ctx:plot("centre", s.centre)
  ctx:plot("last level", level_price(ctx, p.levels))
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

-- What ended without filling (cancelled from outside, expired) is placed again: the slot tells as what.
function on_order(ctx, e)
  local s, k = ctx.state, slot_of(ctx, e.id)
  if not k then return end
  if e.status == "CANCELED" or e.status == "REJECTED" or e.status == "EXPIRED" then
    s.level[k] = s.qty[k] > 0 and "held" or "free"
  end
end
