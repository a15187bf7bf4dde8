-- Mirror: does what a bot elsewhere says that it did, on an account here. Long and short are told by `side`; sizes are the other
-- bot's, times `factor`.
strategy{ name="Mirror", api=1,
  about="Follows the OPENED, ADDED, REDUCED and CLOSED of a bot in bridge mode.",
  params={ factor=num{1, min=0.0001, max=1000, label="Size, times"} } }

function on_bar(ctx, bar) end

function on_signal(ctx, s)
  local action, short = s.action, s.raw and s.raw:find('"side": *"short"') ~= nil
  local size = s.size and s.size*ctx.p.factor
  if action == "closed" then
    if not ctx.pos.flat then ctx:close{tag="bridge"} end
  elseif not size or size <= 0 then
    ctx:log("warn", "no size", s.id)
  elseif action == "opened" or action == "added" then
    ctx:enter(short and -1 or 1, {qty=size, tag="bridge"})
  elseif action == "reduced" then
    if not ctx.pos.flat then ctx:close{qty=math.min(size, math.abs(ctx.pos.qty)), tag="bridge"} end
  else
    ctx:log("warn", "nothing to do for", action)
  end
end
