-- Errors as a weapon: odd values, odd handlers, odd texts.
---- error nil: error
error()
---- error table: error ~ a table value
error({})
---- error cyclic with tostring: error ~ a table value
local t = {}
t.t = t
setmetatable(t, { __tostring = function() while true do end end })
error(t)
---- error function: error ~ function value
error(function() end)
---- error number: error ~ 42
error(42)
---- error boolean: error ~ boolean
error(true)
---- error long text: error
error(("x"):rep(100000))
---- error control characters: error ~ \x1b[31m
error("\27[31mred\0\r")
---- error bad UTF-8: error ~ \xff\xfe
error("\xff\xfe")
---- error bidirectional override: error ~ \u{202e}
error("\u{202e}evil")
---- error fakes a place: error
error("other.lua:1: fake", 0)
---- error fakes memory: error|memory
error("not enough memory", 0)
---- error level huge: error
error("x", math.maxinteger)
---- error level negative: error
error("x", math.mininteger)
---- error in error handling: error
xpcall(error, function(e) error(e) end, "x") error("survived")
---- handler returns itself: ok
local function h() return h end
local ok, e = xpcall(error, h)
assert(not ok and e == h)
---- handler is not a function: error ~ function expected
xpcall(error, "x")
---- handler yields nothing: ok
local ok, e = xpcall(error, function() end)
assert(not ok and e == nil)
---- assert with a message: error ~ my message
assert(false, "my message")
---- assert with a table: error ~ table value
assert(nil, {})
---- assert without arguments: error ~ value expected
assert()
---- assert alone: error ~ assertion failed
assert(false)
---- pcall results: ok
assert(select("#", pcall(function() return 1, nil, nil end)) == 4)
local ok, e = pcall(error, { code = 7 })
assert(not ok and e.code == 7)
assert(select(2, pcall(error)) == nil)
---- xpcall results: ok
local function f(...) return select("#", ...), ... end
local ok, n, a, b = xpcall(f, error, 1, nil)
assert(ok and n == 2 and a == 1 and b == nil)
local ok, e = xpcall(function() error("x", 0) end, function(e) return e .. "!" end)
assert(not ok and e == "x!")
---- pcall without a function: error
pcall()
---- pcall of nothing callable: ok
local ok, e = pcall(nil)
assert(not ok and e:find("call a nil value"))
---- deep error chain: error ~ bottom
local function f(n) if n == 0 then error("bottom") end local ok, e = pcall(f, n - 1) error(e, 0) end
f(100)
---- nil index: error ~ nil value (field 'y')
local t = { x = {} }
local z = t.x.y.z
---- nil call: error ~ method 'nothing'
local t = {}
t:nothing()
---- arithmetic on nil: error ~ local 'a'
local a
local b = a + 1
---- compare: error ~ compare number with nil
local b = 1 < nil
---- concat: error ~ concatenate a nil value
local b = "x" .. nil
---- integer overflow: error ~ no integer representation
local b = 1.5 | 1
---- division by zero: error ~ zero
local b = 1 // 0
---- for limits: error ~ number expected
for i = 1, {} do end
---- for step zero: error ~ zero
for i = 1, 2, 0 do end
