-- Hash flooding. Lua hashes integers and floats without a seed; the number of entries per table bounds what one rehash costs.
---- colliding integers: killed|memory
local t = {}
for i = 1, 1000000 do t[i << 40] = true end
---- colliding integers, stride of the table size: killed|memory
local t = {}
for i = 1, 100000 do t[(1 << 40) + i * 8191] = i end
---- colliding integers, stride 2^k - 1: killed|memory
local t, step = {}, 2^13 - 1 | 0
local product = 1
for k = 1, 13 do product = product * ((1 << k) - 1) % (1 << 62) end
for i = 1, 100000 do t[1000000000 + i * product] = i end
---- least common multiple of the sizes: killed|memory
-- lcm(2^k - 1, k = 1 … 13): collides in every table up to 8192 entries
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
local l = 1
for k = 1, 13 do local m = (1 << k) - 1 l = l // gcd(l, m) * m end
local t = {}
for i = 1, 100000 do t[i * l] = i end
---- the same in pcall: killed
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
local l = 1
for k = 1, 13 do local m = (1 << k) - 1 l = l // gcd(l, m) * m end
while true do pcall(function() local t = {} for i = 1, 100000 do t[i * l] = i end end) end
---- growing and clearing, so that it rehashes at its largest: killed
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
local l = 1
for k = 1, 13 do local m = (1 << k) - 1 l = l // gcd(l, m) * m end
local t = {}
for i = 1, 8192 do t[i * l] = i end
for n = 1, 1000000 do t[n * l] = nil t[(n + 8192) * l] = true end
---- colliding floats: killed|memory
local t = {}
for i = 1, 100000 do t[i * 2.0^60 + 0.0] = i end
---- colliding fractions: killed|memory
local t = {}
for i = 1, 100000 do t[0.5 + i * 8191 * 1024] = i end
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
