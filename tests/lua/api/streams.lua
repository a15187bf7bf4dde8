-- At equal times higher timeframes first, then other streams by name, main last (rule 19); a higher bar is the finished one.
-- tf: 1h
-- bars: 1,1,1,1 2,2,2,2 3,3,3,3 4,4,4,4 5,5,5,5 6,6,6,6 7,7,7,7 8,8,8,8
-- expect: h4 a z main 8
strategy{ name="streams", api=1, data={ main={}, z={tf="2h"}, a={tf="2h"}, h4={tf="4h"} } }
local order, n = {}, 0
function on_data(ctx, stream, bar) order[#order + 1] = stream end
function on_bar(ctx, bar)
  n = n + 1
  if bar.close == 8 then ctx:log(table.concat(order, " ", #order - 2), "main", ctx:bars("h4")[0].close) end
  if bar.close == 7 then assert(ctx:bars("h4")[0].close == 4 and ctx:bars("h4")[1] == nil) end
end
