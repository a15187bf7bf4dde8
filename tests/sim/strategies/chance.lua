-- Does anything, by the bot's own dice.
strategy{ name="chance", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }

function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "bar", ctx.state.n, bar.time)
  local x, q = ctx:rand(), ctx.p.size * (1 + 4 * ctx:rand())
  if x < 0.2 then ctx:buy{qty=q, tag="b"}
  elseif x < 0.4 then ctx:sell{qty=q, tag="s"}
  elseif x < 0.55 then ctx:buy{qty=q, type="limit", price=bar.close * (0.99 + 0.02 * ctx:rand()), tag="l"}
  elseif x < 0.65 then ctx:sell{qty=q, type="stop", trigger=bar.close * 0.995, tag="t"}
  elseif x < 0.75 then ctx:cancel_all()
  elseif x < 0.85 then ctx:close()
  elseif x < 0.9 then for i = 1, 20 do ctx:buy{qty=q, type="limit", price=bar.close * (1 - i / 500), tag="many"} end
  elseif x < 0.95 then ctx.state.note = string.rep("x", math.floor(2000 * ctx:rand()))
  end
end
