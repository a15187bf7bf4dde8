-- A ladder: base, rungs, one take-profit that follows the average, the rest cancelled when it fills. The rungs are placed when the bar of the base fill is over.
-- bars: 100,100,100,100 100,100,98.5,99 99,99,96,97 97,101,97,100 100,100,99,100 100,100,90,91
-- fill: 2 buy 1 100 dca
-- fill: 3 buy 2.02 99 dca
-- fill: 3 buy 4.12 97 dca
-- fill: 4 sell 7.14 98.97 tp
-- expect: left 0
strategy{ name="ladder", api=1 }
local n = 0
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then assert(ctx:ladder{n=3, step=1, step_k=2, base=100, vol_k=2, tp=1, tag="dca"}) end
  if n == 5 then ctx:log("left", #ctx:orders()) end
end
