-- Endless and exponential work in plain Lua, and attempts to survive the kill.
---- while: killed
while true do end
---- repeat: killed
repeat until false
---- goto: killed
::a:: goto a
---- for: killed
for i = 1, math.maxinteger do end
---- for float: killed
for x = 0, 1, 1e-300 do end
---- tail call: killed
local function f() return f() end
f()
---- fibonacci: killed
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
fib(90)
---- mutual tail calls: killed
local a, b
function a() return b() end
function b() return a() end
a()
---- pcall swallows: killed
while true do pcall(function() while true do end end) end
---- pcall of pcall: killed
while true do pcall(pcall, pcall, function() while true do end end) end
---- pcall chain by tail call: killed
local function f() pcall(function() while true do end end) return f() end
f()
---- pcall loop of errors: killed
while true do pcall(error) end
---- xpcall spin spin: killed
local function spin() while true do end end
xpcall(spin, spin)
---- xpcall handler swallows: killed
while true do xpcall(function() while true do end end, function() return 1 end) end
---- xpcall handler is pcall: killed
while true do xpcall(function() while true do end end, pcall) end
---- xpcall error in handler: killed
local function bad() error("again") end
while true do xpcall(bad, bad) end
---- xpcall handler recursion: killed
local function h(e) return xpcall(error, h, e) end
while true do xpcall(error, h, "x") end
---- handler spins on an ordinary error: killed
xpcall(error, function() while true do end end)
---- nested xpcall handlers spin: killed
local function spin() while true do end end
xpcall(function() xpcall(function() while true do end end, spin) while true do end end, spin)
---- index spins: killed
local t = setmetatable({}, { __index = function() while true do end end })
local x = t.a
---- newindex spins: killed
local t = setmetatable({}, { __newindex = function() while true do end end })
t.a = 1
---- call spins: killed
setmetatable({}, { __call = function() while true do end end })()
---- eq spins: killed
local m = { __eq = function() while true do end end }
local x = setmetatable({}, m) == setmetatable({}, m)
---- lt spins in sort: killed
local m = { __lt = function() while true do end end }
table.sort { setmetatable({}, m), setmetatable({}, m), setmetatable({}, m) }
---- concat metamethod spins: killed
local x = setmetatable({}, { __concat = function() while true do end end }) .. "x"
---- tostring spins: killed
tostring(setmetatable({}, { __tostring = function() while true do end end }))
---- tostring spins in format: killed
string.format("%s", setmetatable({}, { __tostring = function() while true do end end }))
---- pairs metamethod spins: killed
for k in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end
---- pairs with an endless iterator: killed
for k in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do end
---- len spins: killed
local n = #setmetatable({}, { __len = function() while true do end end })
---- arithmetic spins: killed
local n = setmetatable({}, { __add = function() while true do end end }) + 1
---- ipairs over an endless index: killed
for i in ipairs(setmetatable({}, { __index = function(_, i) return i end })) do end
---- iterator never ends: killed
for x in function() return 1 end do end
---- index chain of tables: killed
local t = {}
for i = 1, 500 do t = setmetatable({}, { __index = t }) end
while true do local x = t.missing end
---- index loop: error ~ loop
local a, b = {}, {}
setmetatable(a, { __index = b }) setmetatable(b, { __index = a })
local x = a.missing
---- newindex loop: error ~ loop
local a, b = {}, {}
setmetatable(a, { __newindex = b }) setmetatable(b, { __newindex = a })
a.missing = 1
---- call chain: ok|error|memory|killed
local f = function() end
for i = 1, 300 do f = setmetatable({}, { __call = f }) end
f()
---- exponential closures: killed
local f = function() end
for i = 1, 40 do local g = f f = function() g() g() end end
f()
---- spin in callback only: killed
function attack() while true do end end
---- spin in the third callback: killed
local n = 0
function attack() n = n + 1 if n == 3 then while true do end end end
---- almost the budget, thrice: ok
function attack() local x = 0 for i = 1, 100000 do x = x + i end end
---- varargs: killed
local function f(...) return select("#", ...) end
while true do f(f, f, f, f, f, f, f, f) end
---- select negative: killed
local function f(n, ...) if n == 0 then return 0 end return select(-1, ...) + f(n - 1, ...) end
while true do pcall(f, 100, 1, 2, 3) end
---- close refused, with goto: error ~ non-closable
do local x <close> = setmetatable({}, {}) end
---- close handler after the kill: error ~ __close
local x <close> = setmetatable({}, { __close = function() while true do end end })
---- close nil is fine: ok
do local a <close> = nil local b <close> = false end
