-- Filling the heap, churning at its edge, and living on after a refusal.
---- list grows: memory
local t = {}
while true do t[#t + 1] = #t end
---- tables grow: memory|killed
local t = {}
while true do t[#t + 1] = {} end
---- linked list: memory|killed
local t
while true do t = { t } end
---- closures grow: memory|killed
local f
while true do local g = f f = function() return g end end
---- strings grow: memory|killed
local t = {}
for i = 1, math.maxinteger do t[i] = "string number " .. i end
---- one big string: memory|error
local s = ("x"):rep(400000) .. ("y"):rep(400000)
---- swallow and go on: killed
local keep = {}
while true do pcall(function() while true do keep[#keep + 1] = { {} } end end) end
---- swallow big blocks: killed
while true do pcall(function() local s = ("x"):rep(500000) return s .. s end) end
---- swallow too large: killed
while true do pcall(string.rep, "x", 1e12) end
---- brim and return: ok
keep = {}
function attack()
  pcall(function() while true do keep[#keep + 1] = {} end end)
  pcall(function() local s = "" while true do s = s .. "x" keep[#keep] = s end end)
end
---- brim with names: memory
for i = 1, 100000 do _ENV["name" .. i] = i end
---- hash part limit: memory ~ names in one table
local t = {}
for i = 1, 2049 do t["k" .. i] = true end
---- hash part below its limit: ok
local t = {}
for i = 1, 2048 do t["k" .. i] = true end
---- churn at the edge: killed|memory
local keep = {}
for i = 1, 9000 do keep[i] = { i } end
while true do local t = { {}, {}, {}, {} } end
---- churn of large blocks: killed
local keep = ("x"):rep(250000)
while true do local s = ("y"):rep(250000) end
---- array and hash: killed|memory
while true do local t = {} for i = 1, 2000 do t[i] = i t["x" .. i] = i end end
---- recursion: memory ~ stack overflow
local function f(n) return 1 + f(n + 1) end
f(1)
---- recursion with arguments: memory ~ stack overflow
local function f(...) return 1 + f(1, ...) end
f()
---- recursion in pcall: error|memory|killed
local function f() return pcall(f) end
f() error("done")
---- recursion through gsub: error ~ overflow
local function f() return (("x"):gsub("x", f)) end
f()
---- recursion through sort: error ~ overflow
local function f() table.sort({ 1, 2 }, f) return true end
f()
---- recursion through metamethods: error|memory ~ overflow
local t
t = setmetatable({}, { __index = function(_, k) return t[k .. "x"] end })
local x = t.a
---- recursion through tostring: error ~ overflow
local t
t = setmetatable({}, { __tostring = function() return tostring(t) end })
tostring(t)
---- many coroutines refused: error ~ does not exist
coroutine.create(function() end)
---- constructor of 8000: ok
local t = {
@@ 8000 %d,
}
assert(#t == 8000)
---- deep tables then drop: ok
local t = {}
for i = 1, 5000 do t = { t } end
t = nil
for i = 1, 50000 do local x = {} end
---- weak tables refused: error ~ __mode
setmetatable({}, { __mode = "k" })
---- finalizers refused: error ~ __gc
setmetatable({}, { __gc = function() while true do end end })
---- finalizer added later: ok
local m = {}
setmetatable({}, m)
m.__gc = function() while true do end end
m.__mode = "k"
for i = 1, 20000 do local x = {} end
---- finalizer added and set again: error ~ __gc
local m = {}
setmetatable({}, m)
m.__gc = function() end
setmetatable({}, m)
---- fragmentation: killed|memory
while true do
  for size = 1, 30 do
    local t = {}
    for i = 1, 2000 do t[i] = ("x"):rep(size * 8) .. i end
  end
end
