-- C functions that run long, with or without memory.
---- rep of nothing: ok
assert(("").rep("", math.maxinteger) == "")
---- rep too large: error ~ too large
local s = ("x"):rep(1e9)
---- rep overflow: error ~ too large
local s = ("xxxxxxxx"):rep(math.maxinteger, ("y"):rep(1000))
---- rep loop: killed
while true do local s = ("x"):rep(200000) end
---- upper loop: killed
local s = ("x"):rep(200000)
while true do s = s:upper():lower():reverse() end
---- find plain n m: killed
local s, p = ("a"):rep(200000), ("a"):rep(100000) .. "b"
while true do s:find(p, 1, true) end
---- find plain once is quick: ok
local s, p = ("a"):rep(200000), ("a"):rep(100000) .. "b"
assert(s:find(p, 1, true) == nil)
---- find nested quantifiers: killed
(("a"):rep(300)):find((".-"):rep(20) .. "b")
---- match exponential: killed
(("a"):rep(5000)):match((".*"):rep(8) .. "b")
---- gmatch quadratic: killed
for w in (("a"):rep(200000)):gmatch(".-b") do end
---- gsub quadratic: killed
(("a"):rep(200000)):gsub("a-b", "")
---- gsub callback spins: killed
("abc"):gsub(".", function() while true do end end)
---- gsub callback in pcall: killed
while true do pcall(string.gsub, ("a"):rep(1000), ".", function() while true do end end) end
---- gsub grows: error|memory ~ 
local s = ("a"):rep(20000)
for i = 1, 100 do s = s:gsub("a", "%0%0%0%0%0%0") end
---- gsub huge replacement: error|memory
(("a"):rep(100000)):gsub("a", ("b"):rep(100000))
---- frontier storm: killed
while true do (("a b "):rep(1000)):gsub("%f[%w]%w+", "%0%0") end
---- balance storm: killed
local s = ("("):rep(200000)
while true do s:find("%b()") end
---- balance quadratic: killed
(("("):rep(200000)):gsub("%b()", "")
---- back reference: killed
(("a"):rep(100000)):find("(a*)%1%1b")
---- captures too many: error ~ too many captures
("a"):find(("()"):rep(100))
---- pattern too deep: error ~ too complex
(("a"):rep(300)):find(("(a)"):rep(30) .. ("a?"):rep(400) .. "b")
---- malformed patterns: ok
for _, p in ipairs { "%", "[", "[^", "[%", "[a-", "(", "(()", "%b", "%bx", "%f", "%f[", "%1", "(%1)", "[]", "[^]" } do
  assert(not pcall(string.find, "abc", p), p)
  assert(not pcall(string.gsub, "abc", p, "%1") and not pcall(string.match, "abc", p))
end
---- malformed pattern without specials: error ~ invalid pattern capture
("abc"):match(")")
---- set with every byte: ok
local s = {}
for i = 0, 255 do s[#s + 1] = string.char(i) end
s = table.concat(s)
assert(#s:gsub("[%z\1-\255]", "") <= 1 and s:match("[^%w]") == "\0")
---- table.move endless: killed|memory
table.move({}, 1, math.maxinteger - 1, 2)
---- table.move wrap: error
table.move({}, math.mininteger, math.maxinteger, 1)
---- table.insert fake length: ok
local t = setmetatable({}, { __len = function() return math.maxinteger end })
table.insert(t, 1, "x") assert(rawlen(t) == 1)
---- table.remove fake length: ok
local t = setmetatable({}, { __len = function() return math.maxinteger end })
assert(table.remove(t) == nil)
---- table.insert front loop: killed
local t = {}
while true do for i = 1, 1000 do table.insert(t, 1, i) end end
---- table.concat index function: error ~ invalid value
table.concat(setmetatable({}, { __index = table.concat }), "", 1, 3)
---- table.concat endless of nothing: error ~ invalid value
table.concat({}, "", 1, math.maxinteger)
---- table.concat at the end of integers: error
table.concat({}, "x", math.maxinteger, math.maxinteger)
---- table.concat big: error|memory
local t = {}
for i = 1, 1000 do t[i] = ("x"):rep(2000) end
table.concat(t)
---- table.unpack huge: error ~ too many results
table.unpack({}, 1, 1e8)
---- table.unpack overflow: error ~ too many results
table.unpack({}, math.mininteger, math.maxinteger)
---- table.unpack loop: killed
while true do local n = select("#", table.unpack({}, 1, 8000)) end
---- string.byte many: error ~ too long
local x = (("x"):rep(100000)):byte(1, -1)
---- sort long equal strings: killed|memory
local t = {}
local base = ("a"):rep(4000)
for i = 1, 150 do t[i] = base .. i end
while true do table.sort(t) end
---- sort invalid comparator: ok
local t = {}
for i = 1, 500 do t[i] = i % 7 end
table.sort(t, function() return true end)
---- sort random comparator: ok
local t = {}
for i = 1, 500 do t[i] = i end
table.sort(t, function() return math.random() < 0.5 end)
---- sort comparator spins: killed
table.sort({ 3, 2, 1 }, function() while true do end end)
---- sort comparator changes the table: ok
local t = {}
for i = 1, 200 do t[i] = i end
pcall(table.sort, t, function(a, b) for i = 1, 200 do t[i] = nil end return (a or 0) < (b or 0) end)
---- sort comparator raises: error ~ enough
table.sort({ 3, 2, 1 }, function() error("enough") end)
---- sort big in a loop: killed
local t = {}
for i = 1, 20000 do t[i] = (i * 7919) % 20011 end
while true do table.sort(t, function(a, b) return a > b end) table.sort(t) end
---- sort keeps equal elements in order: ok
local t = {}
for i = 1, 1000 do t[i] = { k = i % 3, n = i } end
table.sort(t, function(a, b) return a.k < b.k end)
for i = 2, 1000 do assert(t[i - 1].k < t[i].k or t[i - 1].n < t[i].n) end
---- concat chain: memory|killed
local s = "x"
while true do s = s .. s end
---- concat many: killed|memory
local s = ""
while true do s = s .. "0123456789" end
---- compare zeros: killed
local a, b = ("\0"):rep(200000), ("\0"):rep(200000) .. "x"
while true do local c = a < b end
---- compare equal long strings: killed
local a, b = ("a"):rep(200000), ("a"):rep(199999) .. "a"
while true do local c = a == b end
---- tonumber long: ok
assert(tonumber(("0"):rep(100000)) == nil)
assert(tonumber(("1"):rep(100000), 36) == nil and tonumber((" "):rep(1000) .. "1") == nil)
assert(tonumber("0x10") == 16 and tonumber(" 12 ") == 12 and tonumber("zz", 36) == 1295 and tonumber("1e1") == 10.0)
---- string arithmetic refused: error ~ arithmetic on a string
local x = ("0"):rep(100000) + 1
---- format wide: ok
assert(#string.format("%99.99f", -1e308) > 300)
assert(not pcall(string.format, "%100d", 1) and not pcall(string.format, "%.100f", 1))
assert(not pcall(string.format, "%-+ #0-+ #0-+ #0d", 1) and not pcall(string.format, "%"))
assert(not pcall(string.format, "%ld", 1) and not pcall(string.format, "%n", 1) and not pcall(string.format, "%*d", 1, 1))
---- format address: error ~ addresses
string.format("%p", {})
---- format address wide: error ~ addresses
string.format("%20p", {})
---- format many arguments: error ~ no value
string.format(("%d"):rep(1000))
---- format loop: killed
while true do string.format("%99.99f%99.99f", 1e308, 1e308) end
---- format quote big: killed|memory
local s = ("\0"):rep(30000)
while true do string.format("%q", s) end
---- format string with zeros: error ~ zeros
string.format("%10s", "a\0b")
---- pack padding: error ~ too large
string.pack("c2000000000", "x")
---- pack size overflow: error
string.pack("c99999999999999999999", "x")
---- packsize overflow: error
string.packsize(("c2147483647"):rep(10))
---- pack alignment: ok
assert(not pcall(string.pack, "!3 i8", 1) or true)
assert(not pcall(string.unpack, "i17", "x") and not pcall(string.unpack, "s8", "\255\255\255\255\255\255\255\255"))
assert(not pcall(string.unpack, "z", "abc") and not pcall(string.unpack, "<i8", "abc") and not pcall(string.unpack, "b", "", 5))
assert(not pcall(string.pack, "X", 1) and not pcall(string.pack, "Xz", 1) and not pcall(string.pack, "i3", 1 << 23))
assert(string.unpack("<i3", string.pack("<i3", -5)) == -5 and string.unpack(">I16", string.pack(">I16", 77)) == 77)
---- utf8 storm: killed
local s = ("ä"):rep(100000)
while true do utf8.len(s) end
---- utf8 codes invalid: error ~ invalid UTF-8
for p, c in utf8.codes("\xff\xff") do end
---- utf8 codepoint many: error ~ too long
local x = utf8.codepoint(("a"):rep(100000), 1, -1)
---- utf8 continuation run: killed
local s = "a" .. ("\x80"):rep(200000)
while true do utf8.offset(s, -1) utf8.offset(s, 0, #s) end
---- utf8 char range: error ~ out of range
utf8.char(-1)
---- next over a big table: killed
local t = {}
for i = 1, 2000 do t["k" .. i] = i end
while true do local k for i = 1, 2000 do k = next(t, k) end end
---- pairs over a big table: killed
local t = {}
for i = 1, 2000 do t["k" .. i] = i end
while true do for k in pairs(t) do break end end
---- pairs sorts: ok
local t = { b = 1, a = 2, [2] = 3, [1] = 4, [2.5] = 5, [-1] = 6, [true] = 7, B = 8, ["a\0b"] = 9 }
local keys = {}
for k in pairs(t) do keys[#keys + 1] = tostring(k) end
assert(table.concat(keys, " ") == "-1 1 2 2.5 B a a\0b b true", table.concat(keys, " "))
local k, n = next(t), 0
while k ~= nil do n = n + 1 assert(tostring(k) == keys[n]) k = next(t, k) end
assert(n == #keys)
---- pairs refuses address keys: error ~ order
for k in pairs { [{}] = 1, x = 2 } do end
---- pairs with deletions: ok
local t = { 1, 2, nil, 4, x = 1, y = 2 }
local n = 0
for k in pairs(t) do t[k] = nil n = n + 1 end
assert(n == 5 and next(t) == nil)
---- random is seeded: ok
local a = math.random(1 << 40)
math.randomseed(42) local b = math.random(1 << 40)
math.randomseed(42) assert(math.random(1 << 40) == b)
assert(not pcall(math.random, 2, 1) and math.random(math.mininteger, math.maxinteger) and math.random(7, 7) == 7)
---- randomseed without argument: error ~ repeatable
math.randomseed()
---- number conversions: ok
assert(math.tointeger("8") == 8 and math.tointeger(3.5) == nil and math.floor(-3.5) == -4 and math.ceil(1e300) == 1e300)
assert(not pcall(math.fmod, 1, 0) and math.fmod(math.mininteger, -1) == 0 and math.abs(math.mininteger) == math.mininteger)
