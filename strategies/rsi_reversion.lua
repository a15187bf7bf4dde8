-- RSI reversion: buys weakness inside an uptrend, sells it back into strength.
--
-- Idea      A short RSI that falls below `buy_below` while the price stands above a long average is a dip, not a fall. The
--           position is closed when the RSI recovers, after `max_bars`, or at a stop of `atr_stop` ATRs.
-- Works     in quiet bull markets with frequent small setbacks (indices, large shares).
-- Fails     when the trend breaks: the last dip is the one that does not come back; the stop limits it.
-- Risk      one position at a time, long only, sized so that the stop costs `risk` percent of equity, in notional never more
--           than `cap` percent of it.
strategy{ name="RSI reversion", api=1,
  about="Buys a low short-term RSI above a long moving average and sells into the recovery.",
  params={
    length    = int{3, min=2, max=30, label="RSI length", group="Signal", opt=true},
    buy_below = num{20, min=1, max=50, label="Buy below", group="Signal", opt=true},
    sell_above= num{60, min=50, max=99, label="Sell above", group="Signal", opt=true},
    trend     = int{200, min=20, max=400, label="Trend average", group="Signal"},
    max_bars  = int{12, min=1, max=500, label="Longest stay in bars", group="Exit"},
    atr_stop  = num{3, min=0.5, max=20, label="Stop in ATRs", group="Exit", opt=true},
    risk      = pct{1, min=0.05, max=10, label="Risk per trade", group="Size"},
    cap       = pct{90, min=1, max=100, label="Largest share of equity", group="Size"} },
  check=function(p) return p.buy_below < p.sell_above, "buy_below must be below sell_above" end,
  ind={ rsi={"rsi","length"}, trend={"sma","trend"}, atr={"atr",14} } }

local function leave(ctx, why)
  if not ctx:pending("recovered") and not ctx:pending("too long") then ctx:close{tag=why} end
end

function on_bar(ctx, bar)
  local rsi, p = ctx.ind.rsi[0], ctx.p
  ctx:plot("trend", ctx.ind.trend[0])
  if not ctx.pos.flat then
    if rsi > p.sell_above then leave(ctx, "recovered")
    elseif ctx.pos.bars >= p.max_bars then leave(ctx, "too long") end
    return
  end
  if ctx:pending() or rsi >= p.buy_below or bar.close <= ctx.ind.trend[0] then return end
  local distance = p.atr_stop*ctx.ind.atr[0]
  if distance <= 0 or distance >= bar.close then return end
  -- the smaller of "lose `risk` at the stop" and "never more than `cap` of equity"
  local share = math.min(p.risk*bar.close/distance, p.cap)
  ctx:buy{pct=share, sl=bar.close - distance, tag="dip"}
end
