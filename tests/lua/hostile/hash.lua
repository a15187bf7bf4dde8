-- Hash flooding. Lua hashes integers and floats without a seed; the number of entries per table bounds what one rehash costs.
---- colliding integers: killed|memory
local t = {}
for i = 1, 1000000 do t[i << 40] = true end
---- colliding integers in the largest table: killed|memory
local t = {}
for i = 1, 100000 do t[(1 << 40) + i * 2047] = i end
---- colliding integers in every size of table: killed|memory
local t, step = {}, 1
for k = 5, 11 do step = step * ((1 << k) - 1) end
for i = 1, 100000 do t[i * step] = i end
---- the same in pcall: killed
while true do pcall(function() local t = {} for i = 1, 100000 do t[i * 2047] = i end end) end
---- a full table that is rehashed with every store: killed
local t = {}
for i = 1, 2048 do t[i * 2047 << 12] = i end
for n = 1, 1000000 do t[n * 2047 << 12] = nil t[(n + 2048) * 2047 << 12] = true end
---- many such tables, filled evenly: killed
local ts = {}
for n = 1, 12 do ts[n] = {} end
while true do for i = 1, 2048 do for n = 1, 12 do ts[n][i * 2047 << 12] = i end end for n = 1, 12 do ts[n] = {} end end
---- colliding floats: killed|memory
local t = {}
for i = 1, 100000 do t[i * 2.0^60 * 2047] = i end
---- colliding fractions: killed|memory
local t = {}
for i = 1, 100000 do t[0.5 + i * 2047] = i end
---- many names: memory
local t = {}
for i = 1, 100000 do t["name" .. i] = i end
---- long string keys: killed|memory
local t = {}
for i = 1, 100000 do t[("x"):rep(2000) .. i] = i end
---- long string keys in a loop: killed
local s = ("x"):rep(200000)
while true do local t = {} for i = 1, 2 do t[s .. i] = i end end
---- intern table growth: memory|killed
local t = {}
for i = 1, 1000000 do t[i] = tostring(i) end
