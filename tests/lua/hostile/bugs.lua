-- Known faults of Lua releases that scripts could trigger (lua.org/bugs.html and the commits between releases).
---- concat handler grows the stack: ok|error|memory
local function deep(n) if n == 0 then return "x" end local a, b, c, d, e, f, g, h return (deep(n - 1)) end
local t = setmetatable({}, { __concat = function(a, b) deep(150) return "r" end })
local x = "a" .. "b" .. t .. "c" .. "d" .. t .. "e"
for i = 1, 100 do x = t .. "x" .. t .. i .. t end
---- concat handler many operands: ok|error|memory
local t = setmetatable({}, { __concat = function(a, b) return ("y"):rep(100) end })
local x = t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t .. t
---- newindex at the brim: ok|memory|error|killed
local t = setmetatable({}, { __newindex = function(t, k, v) local x = {} for i = 1, 100 do x[i] = { k } end end })
local keep = {}
pcall(function() while true do keep[#keep + 1] = {} end end)
for i = 1, 100 do pcall(function() t[i] = i end) end
---- long field chain: error
local x = a
@@ 15000 .a
---- gmatch after an error: ok
local it = ("aaa"):gmatch("()")
local bad = ("abc"):gmatch("(a)%2")
pcall(bad) pcall(bad)
local n = 0
for p in it do n = n + 1 pcall(bad) end
assert(n == 4)
---- gmatch iterator reused inside: ok
local it
it = ("a b c"):gmatch("%a")
local out = {}
for w in it do out[#out + 1] = w local v = it() out[#out + 1] = v or "-" end
assert(table.concat(out) == "abc-", table.concat(out))
---- gmatch with a callback that collects: killed|ok
for i = 1, 100000 do for w in ("x y z"):gmatch("%a+") do local t = { w } end end
---- gsub callback calls gsub: ok
local s = ("abc"):gsub(".", function(c) return (("x"):gsub("x", c:upper())) end)
assert(s == "ABC")
---- bitwise constants: ok
local a = 0xff
assert((a & 0x0f) == 15 and (0x0f & a) == 15 and (a | 0x100) == 511 and (a ~ 1) == 254 and (1 << 62) > 0 and (a >> 4) == 15)
assert((2^53 | 0) == 9007199254740992 and not pcall(function() return a & 1.5 end))
---- comparison constants: ok
local n = 0
for i = -130, 130 do if i < 127 then n = n + 1 end if i > -128 then n = n + 1 end if i <= 1.5 then n = n + 1 end end
assert(n == 257 + 258 + 132, n)
---- numeric for overflow: ok
local n = 0
for i = math.maxinteger - 2, math.maxinteger do n = n + 1 end
for i = math.mininteger + 2, math.mininteger, -1 do n = n + 1 end
assert(n == 6)
---- upvalues in loops: ok
local fs = {}
for i = 1, 10 do fs[i] = function() i = i + 1 return i end end
assert(fs[1]() == 2 and fs[1]() == 3 and fs[2]() == 3)
---- vararg with many: ok
local function f(...) local a = { ... } return #a, select("#", ...) end
local a, b = f(table.unpack({}, 1, 5000))
assert(b == 5000)
---- multiple assignment order: ok
local i, t = 1, {}
i, t[i] = i + 1, 20
assert(t[1] == 20 and i == 2)
---- closures after errors: ok
local up
local ok = pcall(function() local x = 5 up = function() return x end error("e") end)
assert(not ok and up() == 5)
---- table with nan: error ~ NaN
local t = {}
t[0 / 0] = 1
---- table with nil key: error ~ nil
local t = {}
t[nil] = 1
---- integer float keys: ok
local t = {}
t[1.0] = "a" t[2^53] = "b"
assert(t[1] == "a" and t[2^53 | 0] == "b")
---- table border with holes: ok
local t = { 1, 2, nil, 4 }
t[#t + 1] = 5
local n = 0
for k, v in pairs(t) do n = n + 1 end
assert(n == 4)
---- changing a table while sorting and collecting: ok
local t = {}
for i = 1, 300 do t[i] = { i } end
table.sort(t, function(a, b) local garbage = {} for i = 1, 20 do garbage[i] = { a, b } end return a[1] > b[1] end)
assert(t[1][1] == 300)
---- insert and remove bounds: ok
local t = { 1, 2, 3 }
assert(not pcall(table.insert, t, 5, 0) and not pcall(table.insert, t, 0, 0) and not pcall(table.insert, t))
assert(not pcall(table.remove, t, 7) and table.remove(t, 4) == nil and table.remove({}, 0) == nil and table.remove(t, 1) == 1)
assert(table.concat(t, ",") == "2,3" and not pcall(table.insert, t, math.mininteger, 1))
---- string positions: ok
assert(("hello"):sub(-3) == "llo" and ("hello"):sub(2, -2) == "ell" and ("hello"):sub(math.mininteger, math.maxinteger) == "hello")
assert(("hello"):sub(10) == "" and ("hello"):find("l", -2) == 4 and ("hello"):find("", 10) == nil and ("hello"):find("", 6) == 6)
assert(("hello"):byte(-1) == 111 and select("#", ("hello"):byte(10)) == 0)
---- integer division extremes: ok
assert(math.mininteger // -1 == math.mininteger and math.mininteger % -1 == 0)
---- string to number extremes: ok
assert(tonumber("0x7fffffffffffffff") == math.maxinteger and tonumber("9223372036854775808") == 2^63)
assert(tonumber("1e") == nil and tonumber("") == nil and tonumber("0x") == nil and tonumber("1 2") == nil)
---- utf8 edge cases: ok
assert(utf8.char(0x7fffffff) and utf8.len("\u{7fffffff}") == nil and utf8.len("\u{7fffffff}", 1, -1, true) == 1)
assert(utf8.offset("aä", 3) == 4 and utf8.offset("aä", 4) == nil and utf8.codepoint("ä") == 228)
