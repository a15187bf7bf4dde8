-- Time in force, post, reduce.
-- bars: 100,100,100,100 100,101,99,100 100,101,99,100 100,101,99,100 100,101,99,100
-- expect: ioc CANCELED IOC
-- expect: fok CANCELED FOK
-- expect: ttl EXPIRED GTD
-- expect: post REJECTED POST_ONLY
-- expect: reduce REDUCE_ONLY
-- expect: close REDUCE_ONLY
strategy{ name="life", api=1 }
local n, orders = 0, {}
function on_bar(ctx, bar)
  n = n + 1
  if n == 1 then
    orders = { ioc=ctx:buy{qty=1, price=90, tif="ioc"}, fok=ctx:buy{qty=1, price=90, tif="fok"}, ttl=ctx:buy{qty=1, price=90, ttl=1},
      post=ctx:buy{qty=1, price=105, post=true} }
    local o, err = ctx:sell{qty=1, reduce=true}
    orders.reduce = err
    assert(o == nil)
  elseif n == 4 then
    for _, k in ipairs{"ioc", "fok", "ttl", "post"} do ctx:log(k, orders[k].status, orders[k].reason) end
    ctx:log("reduce", orders.reduce.code)
    local _, err = ctx:close{}
    ctx:log("close", err.code)
  end
end
