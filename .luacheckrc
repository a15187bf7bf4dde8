-- Lint of Lua files: `luacheck -q .`. Strategies see another world than tools, so each kind of folder says what it has.
std = 'lua54'
max_line_length = 132
codes = true
exclude_files = {
  'build*', 'subprojects', '**/node_modules',
  'tests/lua/hostile',          -- attacks are wrong on purpose
  'tests/lua/bad', 'tests/fixtures', 'tests/fuzz',
  'lua/meta',                   -- declarations for editors, never run: empty functions, unused names
}

-- What a strategy may call; the list is that of the strategy API, version 1.
local strategy = {
  std = 'none',
  read_globals = {
    'assert', 'error', 'ipairs', 'next', 'pairs', 'pcall', 'print', 'rawequal', 'rawget', 'rawlen', 'rawset', 'select',
    'getmetatable', 'setmetatable', 'tonumber', 'tostring', 'type', 'xpcall', '_VERSION',
    math = {other_fields = true}, string = {other_fields = true}, table = {other_fields = true}, utf8 = {other_fields = true},
    'strategy', 'int', 'num', 'pct', 'money', 'bool', 'enum', 'text', 'tf', 'symbol', 'time',
    'crossed_up', 'crossed_down', 'highest', 'lowest',
  },
  globals = {
    'on_init', 'on_bar', 'on_data', 'on_tick', 'on_order', 'on_fill', 'on_position', 'on_timer', 'on_signal', 'on_day',
    'on_risk', 'on_params', 'migrate', 'on_stop',
  },
  ignore = {
    '212',                      -- unused argument: callbacks have the arguments they are given
  },
}
for _, where in ipairs{'strategies', 'examples', 'tests/reference', 'tests/sim/strategies'} do
  files[where] = strategy
end
-- Strategies and the scripts that drive them live side by side here.
files['tests/lua'] = {std = 'lua54', read_globals = strategy.read_globals, globals = strategy.globals, ignore = {'212'}}
-- One entry or one printed text a line: wrapping prose inside tables makes it harder to read and to compare.
files['lua/api.lua'] = {max_line_length = false}
files['lua/generate.lua'] = {max_line_length = false}
files['tests/lua/api'] = {std = 'lua54', read_globals = strategy.read_globals, globals = strategy.globals, ignore = {'212'}, max_line_length = 170}
-- Scripts of operators: a head of their own, and nothing of trading.
files['lua/tiers'] = {read_globals = {'tiers', 'unlimited'}}
local dialects = {
  std = 'lua54', read_globals = {'dialect', 'decimal', 'json', 'url', 'text'}, max_line_length = 170,
  globals = {'request', 'sign', 'response', 'streams', 'frame'},
  ignore = {'212', '431/text'},  -- unused argument; a helper called text is no mistake
}
files['lua/venues'] = dialects
files['examples/venue'] = dialects
files['lua/rules'] = {read_globals = {'rule', 'local_time', 'accepted'}, globals = {'on_signal'}, max_line_length = 180, ignore = {'212'}}
