-- Sources that are slow or deep to compile.
---- and chain: killed|ok|memory|error
local a
@@ 6500 a=a and 
a = a
---- and chain in one expression: killed|ok|memory|error
local a
local x = a
@@ 9000 and a 
---- or and chain: killed|ok|memory|error
local a
local x = a
@@ 4500 and a or a 
---- goto storm: killed|ok|memory|error
do
@@ 5000 goto e 
::e:: end
---- labels: killed|ok|memory|error
@@ 4000 ::l%d:: 
---- goto every label: killed|ok|memory|error
@@ 1500 ::l%d:: if x1 then goto l%d end 
---- elseif: killed|ok|memory|error
local a
if a then
@@ 3500 elseif a then 
end
---- nested parentheses: error ~ overflow
local x =
@@ 5000 (
1
@@ 5000 )
---- nested functions: error
@@ 4000 function f() 
---- nested tables: error ~ overflow
local x =
@@ 20000 {
---- nested blocks: error ~ overflow
@@ 8000 do 
---- unary chain: error|ok ~ 
local x =
@@ 10000 not 
true
---- minus chain: error ~ overflow
local x =
@@ 20000 - 
1
---- power chain: error ~ overflow
local x = 1
@@ 20000 ^1
---- concat chain: error|ok|memory
local a = "a"
local x = a
@@ 10000 ..a
---- field chain: error
local a
local x = a
@@ 20000 .b
---- call chain: error
local x = a
@@ 20000 ()
---- string calls: error
local x = a
@@ 9000 "" 
---- comparison chain: error|ok
local a = 1
local x = a
@@ 10000 ==a
---- too many locals: error ~ too many
@@ 300 local a%d = 1 
---- too many upvalues: error ~ upvalues
@@ 150 local a%d = 1 
function f()
@@ 150 local b%d = 1 
return function() return
@@ 150 a%d + b%d +
1 end end
---- big constants: ok|error|memory
local t = {
@@ 5000 %d.5, 
}
---- long strings: ok
local s = [==[
@@ 30000 x]
]==]
assert(#s >= 60000)
---- unfinished string: error ~ unfinished
local s = "abc
---- unfinished comment: error
--[==[ abc
---- unfinished long string: error ~ unfinished
local s = [[ abc
---- bad escapes: error ~ escape
local s = "\q"
---- bad unicode escape: error
local s = "\u{ffffffffff}"
---- long number: ok
local x =
@@ 10000 1
---- malformed number: error ~ malformed
local x = 1e
---- hexadecimal float: ok
@@ 1 local x = 0x
@@ 20000 f

assert(x)
---- control characters: error ~ near
local x =  1
---- const: error ~ const
local x <const> = 1
x = 2
---- unknown attribute: error ~ attribute
local x <foo> = 1
---- break outside: error ~ break
break
---- goto nowhere: error ~ label
goto nowhere
---- vararg outside: error ~ vararg
function f() return ... end
