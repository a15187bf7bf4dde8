-- What must not be there, and what must not be changed.
---- load: error ~ does not exist
load("return 1")
---- loadstring: error ~ does not exist
loadstring("return 1")
---- dofile: error ~ does not exist
dofile("/etc/passwd")
---- loadfile: error ~ does not exist
loadfile("/etc/passwd")
---- require: error ~ does not exist
require("os")
---- package: error ~ does not exist
local x = package.loaded
---- os: error ~ ctx.now
os.execute("true")
---- io: error ~ does not exist
io.open("/etc/passwd")
---- debug: error ~ does not exist
debug.getregistry()
---- coroutine: error ~ does not exist
coroutine.wrap(function() end)
---- collectgarbage: error ~ does not exist
collectgarbage("stop")
---- warn: error ~ does not exist
warn("@on")
---- print: error ~ ctx:log
print("hello")
---- rawset: error ~ does not exist
rawset(math, "max", nil)
---- _G: error ~ does not exist
local x = _G
---- string.dump: error ~ unknown function
string.dump(function() end)
---- string.dump by a method: error ~ unknown function
local x = ("").dump
---- set math field: error ~ read-only
math.max = nil
---- set string field: error ~ read-only
string.rep = function() return "" end
---- set table field: error ~ read-only
table.sort = 1
---- table.insert into a library: error ~ read-only
table.insert(math, 1)
---- table.sort of a library: error ~ read-only
table.sort(string)
---- table.move into a library: error ~ read-only
table.move({ 1 }, 1, 1, 1, table)
---- metatable of strings hidden: ok
assert(getmetatable("") == false and getmetatable("x") == false)
---- metatable of strings cannot be set: error
setmetatable("", {})
---- metatable of libraries hidden: ok
assert(getmetatable(math) == false and getmetatable(string) == false and getmetatable(table) == false)
---- metatable of libraries cannot be set: error ~ protected
setmetatable(math, {})
---- globals' metatable: ok
local mt = getmetatable(_ENV)
assert(mt == false)
---- globals' metatable cannot be replaced: error ~ protected
setmetatable(_ENV, { __index = {} })
---- rawget of a library finds nothing: ok
assert(rawget(math, "max") == nil and next(math) == nil and rawlen(math) == 0)
---- pairs of a library finds nothing: ok
for k in pairs(math) do error("found " .. k) end
---- pairs of globals: ok
local n = 0
for k, v in pairs(_ENV) do n = n + 1 assert(type(k) == "string") end
assert(n >= 16)
---- all of them, however they are looked for: ok
local seen = {}
for k in pairs(_ENV) do seen[k] = true end
for _, k in ipairs{"assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall"} do
  assert(seen[k] and rawget(_ENV, k) == _ENV[k], k)
end
---- rawget alone finds one that was not named yet: ok
assert(rawget(_ENV, "ton" .. "umber")("7") == 7)
---- next alone too: ok
local n, k = 0, next(_ENV)
while k do n, k = n + 1, next(_ENV, k) end
assert(n >= 16)
---- a name that was taken away stays away, one that was given back is back: ok
tonumber = nil
assert(not pcall(function() return tonumber end) and rawget(_ENV, "tonumber") == nil)
for k in pairs(_ENV) do assert(k ~= "tonumber") end
local keep = tostring
tostring = nil
assert(not pcall(function() return tostring end))
tostring = keep
assert(tostring(1) == "1")
---- environment as upvalue: ok
local _ENV = { assert = assert, pairs = pairs }
x = 1
assert(x == 1 and math == nil)
---- environment swapped: error
_ENV = {}
x = y.z
---- environment nil: error
_ENV = nil
x = 1
---- unknown global: error ~ unknown global 'foo'
local x = foo
---- global assigned nil: ok
foo = 1
assert(foo == 1)
foo = nil
assert(not pcall(function() return foo end))
---- suggestion: error ~ did you mean 'tostring'
tostrin(1)
---- suggestion in a library: error ~ did you mean 'math.floor'
math.flor(1)
---- suggestion for a method: error ~ did you mean 'string.format'
local x = ("%d"):fromat(1)
---- unknown global with a long name: error ~ unknown global
local x =
@@ 100 abcdefghij
---- protected metatable respected: ok
local t = setmetatable({}, { __metatable = "locked" })
assert(getmetatable(t) == "locked" and not pcall(setmetatable, t, {}))
---- getmetatable gives the script's own: ok
local m = { __index = { a = 1 } }
local t = setmetatable({}, m)
assert(getmetatable(t) == m and t.a == 1)
setmetatable(t, nil)
assert(getmetatable(t) == nil)
---- the engine's copy is not reachable: ok
local m = { __index = { a = 1 } }
local t = setmetatable({}, m)
local n = 0
for k, v in pairs(m) do n = n + 1 end
assert(n == 1)
for k, v in next, m do assert(k == "__index") end
m.__index = function() error("not copied") end
assert(t.a == 1)
setmetatable(t, m)
assert(not pcall(function() return t.a end))
---- metatable of a metatable: ok
local meta = setmetatable({}, { __index = function(_, k) error("read " .. tostring(k)) end })
setmetatable({}, meta)
---- classes: ok
local Animal = {} Animal.__index = Animal
function Animal.new(name) return setmetatable({ name = name }, Animal) end
function Animal:speak() return self.name end
local Dog = setmetatable({}, { __index = Animal }) Dog.__index = Dog
local d = setmetatable({ name = "rex" }, Dog)
assert(d:speak() == "rex")
---- operators: ok
local V = {}
V.__index = V
V.__add = function(a, b) return setmetatable({ x = a.x + b.x }, V) end
V.__eq = function(a, b) return a.x == b.x end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__len = function() return 7 end
V.__tostring = function(a) return "V" .. a.x end
V.__call = function(a, y) return a.x + y end
V.__unm = function(a) return setmetatable({ x = -a.x }, V) end
V.__concat = function(a, b) return "cat" end
local a, b = setmetatable({ x = 1 }, V), setmetatable({ x = 2 }, V)
assert((a + b).x == 3 and a ~= b and a < b and a <= b and #a == 7 and tostring(a) == "V1" and a(5) == 6 and (-a).x == -1)
assert(a .. b == "cat" and a .. "x" == "cat")
---- __name cannot be forged: error ~ __name
setmetatable({}, { __name = "order" })
---- tostring shows no address: ok
for _, v in ipairs { {}, function() end, math, tostring, setmetatable({}, {}) } do
  assert(not tostring(v):find("0x"), tostring(v))
  assert(not string.format("%s", v):find("0x"))
end
---- errors show no address: ok
local _, e = pcall(function() return {} .. "x" end)
assert(not e:find("0x"), e)
local _, e = pcall(error, {})
assert(type(e) == "table")
---- global left by another script: ok
assert(not pcall(function() return left_behind end))
left_behind = "secret"
---- string left by another script: ok
assert(not pcall(function() return ("").left_behind end))
assert(not pcall(function() string.left_behind = 1 end))
---- global functions can be shadowed for oneself only: ok
tostring = nil
assert(not pcall(function() return tostring end))
---- ipairs is unaffected by the former: ok
assert(tostring(1) == "1")
