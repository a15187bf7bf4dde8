-- Reads the #include lines of engine/ and fails on an arrow that goes up, on siblings that know each other, on a
-- third-party header away from its home, and on anybody but loop/ asking the operating system for the time.
--
--   lua layers.lua ENGINE_DIR      check; one line per offence; exit 1 when there is one
--   lua layers.lua --self-test     plant offences in a scratch tree and see each one caught
--
-- Why a test: an arrow that goes up is cheap on the day it is drawn and costs a rewrite later. What each module is for,
-- and why it stands where it stands: engine/README.md.

local layer = {
  base = 0,
  crypto = 1, market = 1, indicator = 1, loop = 1,
  order = 2, net = 2, store = 2,
  risk = 3, match = 3, notice = 3, script = 3,
  tenant = 4, venue = 4,
  bot = 5, ea = 5, exchange = 5,
  backtest = 6, signal = 6, billing = 6,
  api = 7,
  cli = 8,
  ['main.c'] = 9,
}

-- Third-party headers (Lua patterns, first match counts) and the modules that may include them.
local home = {
  {'^jansson', 'base'},
  {'^mbedtls/ssl', 'net'}, {'^mbedtls/x509', 'net'}, {'^mbedtls/net_sockets', 'net'}, {'^mbedtls/debug', 'net'},
  {'^mbedtls/entropy', 'crypto', 'net'}, {'^mbedtls/ctr_drbg', 'crypto', 'net'}, {'^mbedtls/error', 'crypto', 'net'},
  {'^mbedtls/version', 'crypto', 'net'}, {'^mbedtls/pk', 'crypto', 'net'}, {'^mbedtls/', 'crypto'}, {'^psa/', 'crypto'},
  {'^sodium', 'crypto'}, {'^cpuid', 'crypto'}, {'^immintrin', 'crypto'}, {'^crypt%.h$', 'crypto'},
  {'^zlib', 'market'},
  {'^uv', 'loop', 'net'},
  {'^llhttp', 'net'}, {'^wslay', 'net'},
  {'^sqlite3', 'store'},
  {'^lua', 'script'}, {'^lstate%.h$', 'script'}, {'^ltable%.h$', 'script'}, {'^lauxlib%.h$', 'script'},
  {'^seccomp', 'bot'},
}

-- The C library and the kernel, free for all. What is in neither list is refused: give it a home.
local system = {}
for name in ([[assert ctype errno fcntl fenv float inttypes limits locale malloc math poll pthread sched semaphore setjmp
    signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings threads time tgmath ucontext
    unistd wchar dirent getopt glob grp pwd syslog termios netdb execinfo]]):gmatch('%S+') do
  system[name .. '.h'] = true
end
local function is_system(header)
  return system[header] or header:find('^sys/') or header:find('^linux/') or header:find('^netinet/') or
    header:find('^arpa/')
end

-- Functions with a home: time comes from loop/ or, better, from the event.
local clock_calls = {'clock_gettime', 'gettimeofday', 'timespec_get', 'time', 'clock'}

local function lines_of(command)
  local out = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do out[#out + 1] = line end
  assert(pipe:close(), command)
  return out
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function allowed_home(header, module)
  for _, rule in ipairs(home) do
    if header:find(rule[1]) then
      for i = 2, #rule do
        if rule[i] == module then return true end
      end
      return false, table.concat(rule, '/ or ', 2) .. '/'
    end
  end
  return nil
end

-- Comments and literals are blanked, line by line numbers kept, so that prose about time() offends nobody.
local function strip(text)
  text = text:gsub('\\\n', '  ')
  local out, i = {}, 1
  while i <= #text do
    local two, one = text:sub(i, i + 1), text:sub(i, i)
    local stop
    if two == '//' then
      stop = (text:find('\n', i, true) or #text + 1) - 1
    elseif two == '/*' then
      stop = select(2, text:find('*/', i + 2, true)) or #text
    elseif one == '"' or one == "'" then
      stop = i + 1
      while stop <= #text and text:sub(stop, stop) ~= one and text:sub(stop, stop) ~= '\n' do
        stop = stop + (text:sub(stop, stop) == '\\' and 2 or 1)
      end
    end
    if stop then
      out[#out + 1] = ' ' .. text:sub(i, stop):gsub('[^\n]', '')
      i = stop + 1
    else
      local next_at = text:find('["\'/]', i + 1) or #text + 1
      out[#out + 1] = text:sub(i, next_at - 1)
      i = next_at
    end
  end
  return table.concat(out)
end

local function check_include(say, root, module, dir, header, quoted)
  local mine = layer[module]
  local target = header:match('^([^/]+)/')
  if header:find('..', 1, true) then
    say('"' .. header .. '": write the path from engine/, without ..')
  elseif quoted and target and layer[target] then
    if target ~= module and layer[target] >= mine then
      say(('"%s": %s/ (layer %d) may not know %s/ (layer %d)%s'):format(header, module, mine, target, layer[target],
        layer[target] == mine and ', its sibling' or ''))
    end
  elseif quoted and exists(root .. '/' .. dir .. '/' .. header) then
    return
  elseif not is_system(header) then
    local ok, where = allowed_home(header, module)
    if ok == nil then
      say(('<%s>: no home for this header yet; give it one in tests/layers/layers.lua'):format(header))
    elseif not ok then
      say(('<%s> is at home in %s'):format(header, where))
    end
  end
end

-- Returns the offences as "file:line: text", and how many #include lines were read.
local function check(root)
  local offences, count = {}, 0
  for _, path in ipairs(lines_of('find -L ' .. quote(root) .. " -name '*.[ch]' -type f | LC_ALL=C sort")) do
    local short = path:sub(#root + 2)
    local dir = short:match('^(.*)/[^/]+$') or '.'
    local module = short:match('^([^/]+)/') or short
    local file = assert(io.open(path))
    local text = file:read('a')
    file:close()
    local number = 0
    local function say(what) offences[#offences + 1] = ('engine/%s:%d: %s'):format(short, number, what) end
    if not layer[module] then
      say(module .. ' has no layer; give it one in tests/layers/layers.lua')
    else
      for line in (text .. '\n'):gmatch('(.-)\r?\n') do
        number = number + 1
        local open, header = line:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
        if open then
          count = count + 1
          check_include(say, root, module, dir, header, open == '"')
        end
      end
      if module ~= 'loop' then
        number = 0
        for line in (strip(text) .. '\n'):gmatch('(.-)\n') do
          number = number + 1
          for _, name in ipairs(clock_calls) do
            if line:find('%f[%w_.>]' .. name .. '%s*%(') and not line:find('^[%w_ *]+[ *]' .. name .. '%s*%(') then
              say(name .. '(): only loop/clock.h asks for the time; decisions use the time of the event')
            end
          end
        end
      end
    end
  end
  return offences, count
end

local function self_test()
  local root = lines_of('mktemp -d')[1]
  local function plant(path, text)
    assert(os.execute('mkdir -p ' .. quote(root .. '/' .. (path:match('^(.*)/') or ''))))
    local file = assert(io.open(root .. '/' .. path, 'w'))
    file:write(text)
    file:close()
  end
  -- Every file of `bad` must be caught once, with these words; `good` not at all.
  local bad = {
    ['base/up.c'] = {'#include "market/bar.h"\n', 'base/ (layer 0) may not know market/'},
    ['order/sibling.c'] = {'// x\n  #  include "store/db.h"\n', 'its sibling'},
    ['risk/deep/up.h'] = {'#include "bot/bot.h"\n', 'risk/ (layer 3) may not know bot/'},
    ['order/lua.c'] = {'#include <lua.h>\n', '<lua.h> is at home in script/'},
    ['market/quoted.c'] = {'#include "sqlite3.h"\n', 'at home in store/'},
    ['loop/net.c'] = {'#include <mbedtls/ssl.h>\n', 'at home in net/'},
    ['market/unknown.c'] = {'#include <curl/curl.h>\n', 'no home'},
    ['bot/dots.c'] = {'#include "../base/a.h"\n', 'without ..'},
    ['util/a.c'] = {'', 'has no layer'},
    ['script/now.c'] = {'int f(void) {\n  return x + time(NULL);\n}\n', 'only loop/clock.h'},
    ['order/now.c'] = {'#include <time.h>\nvoid f(void) { clock_gettime(0, &ts); }\n', 'only loop/clock.h'},
  }
  local good = {
    ['base/a.h'] = '#pragma once\n#include <stdint.h>\n#include <jansson.h>\n',
    ['market/bar.c'] = '#include "base/a.h"\n#include "local.h"\n#include <zlib.h>\n',
    ['market/local.h'] = '// time() in prose\n/* clock( */ static const char *s = "time(";\nint64_t bar_time(int);\n',
    ['loop/clock.c'] = '#include <time.h>\nint f(void) { return clock_gettime(0, 0); }\n',
    ['script/vm.c'] = '#include "script/vm.h"\n#include <lauxlib.h>\n#include "loop/clock.h"\n' ..
      'int64_t n = e->time(2);\n',
    ['main.c'] = '#include "cli/cli.h"\n',
  }
  for path, case in pairs(bad) do plant(path, case[1]) end
  for path, text in pairs(good) do plant(path, text) end
  local offences = check(root)
  os.execute('rm -rf ' .. quote(root))
  local failed = 0
  local function expect(ok, what)
    if not ok then
      failed = failed + 1
      print('self-test: ' .. what)
    end
  end
  local wanted = 0
  for path, case in pairs(bad) do
    wanted = wanted + 1
    local hits = 0
    for _, line in ipairs(offences) do
      if line:find('engine/' .. path .. ':', 1, true) and line:find(case[2], 1, true) then hits = hits + 1 end
    end
    expect(hits == 1, path .. ' was caught ' .. hits .. ' times')
  end
  expect(#offences == wanted,
    ('%d offences instead of %d:\n%s'):format(#offences, wanted, table.concat(offences, '\n')))
  return failed == 0
end

if arg[1] == '--self-test' then
  os.exit(self_test() and 0 or 1)
end
local offences, count = check(assert(arg[1], 'usage: lua layers.lua ENGINE_DIR | --self-test'))
for _, line in ipairs(offences) do print(line) end
if count == 0 then print('no #include line found in ' .. arg[1]) end
os.exit(#offences == 0 and count > 0 and 0 or 1)
