#!/usr/bin/env python3
"""The description of the API (lua/api.lua) against the engine, both ways: check.py PERIGEE LUA

1. The generated files are what the generator makes now.
2. Every name in the registration tables of the C sources is described, and every described name is registered.
3. The engine really answers to every described field and method (a probe script reads them all in a backtest).
Prints TAP."""
import os, re, subprocess, sys, tempfile

perigee = os.path.abspath(sys.argv[1])
lua = os.path.abspath(sys.argv[2]) if "/" in sys.argv[2] else sys.argv[2]
root = os.environ.get("PERIGEE_ROOT") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
os.chdir(root)
cases = 0
failed = 0


def case(name, problems):
    global cases, failed
    cases += 1
    print(("not ok" if problems else "ok"), cases, "-", name)
    for p in problems:
        failed += 1
        print("#", p)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def dump(expression):
    """Names that a Lua expression over `api` yields, one a line."""
    code = f'local api = dofile("lua/api.lua") local function p(...) print(...) end {expression}'
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as f:  # the build's lua runs files only
        f.write(code)
        f.flush()
        return subprocess.run([lua, f.name], check=True, capture_output=True, text=True).stdout.split()


def names(list_name):
    return dump(f"for _, e in ipairs(api.{list_name}) do p(e.name) end")


def fields(object_name):
    return dump(f'for _, o in ipairs(api.objects) do if o.name == "{object_name}" then for _, f in ipairs(o.fields) do p(f[1]) end end end')


def both(what, described, registered):
    d, r = set(described), set(registered)
    out = [f"{what}: '{n}' is registered but not in lua/api.lua" for n in sorted(r - d)]
    out += [f"{what}: '{n}' is in lua/api.lua but not registered" for n in sorted(d - r)]
    if not r:
        out.append(f"{what}: nothing found in the C source; has the table moved?")
    if len(described) != len(d):
        out.append(f"{what}: described twice")
    return out


def block(path, start, end=";\n"):
    text = read(path)
    at = text.index(start)
    return text[at:text.index(end, at)]


def strings(text):
    return re.findall(r'"([A-Za-z_]\w*)"', text)


def first_strings(text):
    return re.findall(r'\{\s*"(\w+)"', text)


with tempfile.TemporaryDirectory() as tmp:
    os.mkdir(tmp + "/meta")
    subprocess.run([lua, "lua/generate.lua", tmp], check=True)
    stale = [f"lua/{p} is not what lua/generate.lua makes; run it" for p in ("reference.md", "reference.json", "meta/perigee.lua") if read(f"lua/{p}") != read(f"{tmp}/{p}")]
    case("generated files are fresh", stale)

S = "engine/script/"
case("methods of ctx", both("ctx", names("methods"), first_strings(block(S + "lua_ctx.c", "ctx_methods[]"))))
ctx_build = block(S + "lua_ctx.c", "void ctx_build", "ctx_seal(L, s);")
case("fields of ctx", both("ctx", names("ctx_fields"), ["now"] + re.findall(r'lua_setfield\(L, -2, "([a-z]\w*)"\)', ctx_build)))

options = block(S + "order_args.c", "options[OPT_COUNT] = {", "\n};")
registered = {}
for name, calls in re.findall(r'\{"(\w+)", \w+, ([^}]*)\}', options):
    registered[name] = {"e" * ("ENTRY" in calls), *(c.lower() for c in re.findall(r"IN\((\w)", calls))} - {""}
described = {n: set(c) for n, c in (line.split(":") for line in dump('for _, o in ipairs(api.options) do p(o.name .. ":" .. o.calls) end'))}
wrong = both("options", list(described), list(registered))
wrong += [f"option {n}: taken by {sorted(registered[n])}, described for {sorted(described[n])}" for n in described if n in registered and registered[n] != described[n]]
case("options of order calls", wrong)

header = read(S + "header.c")


def keys_of(function):
    body = header[header.index(function):]
    return strings(re.search(r"keys\[\] = \{(.*?)\};", body, re.S).group(1))


for what, function in (("header", "void header_read"), ("param_keys", "static void read_param("), ("stream_keys", "static void read_stream("),
                       ("indicator_keys", "static void read_indicator("), ("risk_keys", "static void read_risk(")):
    case("keys: " + what, both(what, names(what), keys_of(function)))
case("timer options", both("ctx:timer", names("timer_keys"), strings(block(S + "lua_ctx.c", "keys[] = {\"every\""))))
spec = read(S + "spec.h")
case("parameter kinds", both("kinds", names("kinds"), re.findall(r'X\(PARAM_\w+, "(\w+)"', spec)))
callbacks = dict(re.findall(r'X\(ON_\w+, "(\w+)", "([^"]*)"\)', spec))
wrong = both("callbacks", names("callbacks"), callbacks)
told = {line.split(":")[0]: line.split(":")[1].replace(",", ", ") for line in dump(
    'for _, c in ipairs(api.callbacks) do local t = {} for _, a in ipairs(c.args) do t[#t + 1] = a[1] end p(c.name .. ":" .. table.concat(t, ",")) end')}
wrong += [f"{n}: arguments are ({callbacks[n]}), described as ({told[n]})" for n in told if n in callbacks and told[n] != callbacks[n]]
case("callbacks", wrong)


def field_list(path, function):
    body = read(S + path)
    body = body[body.index(function):]
    return strings(re.search(r"fields\[\] = \{(.*?)\};", body, re.S).group(1))


def pushed(function):
    body = block(S + "events.c", "static int " + function, "\n}")
    return re.findall(r'(?:set_\w+\(L, |lua_setfield\(L, -2, )"(\w+)"', body)


for name, got in (
    ("order", field_list("lua_order.c", "int l_order_index")), ("position", field_list("lua_account.c", "int l_position_index")),
    ("account", field_list("lua_account.c", "int l_account_index")), ("symbol", field_list("lua_account.c", "int l_symbol_index")),
    ("bar", strings(block(S + "lua_series.c", "bar_fields[] = {"))), ("bars", strings(block(S + "lua_series.c", "bar_fields[] = {"))),
    ("order_event", pushed("push_order_event")), ("fill", pushed("push_fill")), ("position_event", pushed("push_position_event")),
    ("signal", pushed("push_signal")), ("day_event", pushed("push_day")), ("risk_event", pushed("push_risk")),
    ("denial", re.findall(r'lua_setfield\(L, -2, "(\w+)"\)', block(S + "lua_order.c", "int push_denial", "\n}")))):
    case("fields of " + name, both(name, fields(name), got))

case("helpers", both("helpers", names("helpers"), first_strings(block(S + "script.c", "helper_globals[]"))))
for lib in ("base", "math", "string", "table", "utf8"):
    told = dump(f'for _, l in ipairs(api.libraries) do if l.name == "{"" if lib == "base" else lib}" then p(l.functions) end end')
    case("library " + lib, both(lib, told, first_strings(block(S + f"lib_{lib}.c", f"const luaL_Reg lib_{lib}[]"))))
lib_base = S + "lib_base.c"
case("metamethods", both("allowed", dump("p(api.metamethods)"), strings(block(lib_base, "meta_allowed[]")))
     + both("refused", dump("p(api.metamethods_refused)"), strings(block(lib_base, "meta_refused[]"))))

# ---- the engine answers
probe = ['strategy{ name="probe", api=1, mode="hedging", ind={ s={"sma", 2} } }', "local function t(v) assert(type(v) ~= 'thread') end", "local done = false"]
probe += ["function on_bar(ctx, bar)", "if done then return end", "local o = ctx:buy{qty=1}"]
probe += [f"t(ctx.{n})" for n in names("ctx_fields")] + [f"assert(type(ctx.{n}) == 'function')" for n in names("methods")]
for name, value in (("order", "o"), ("position", "ctx.pos"), ("account", "ctx.acct"), ("symbol", "ctx.sym"), ("bar", "bar"), ("bars", "ctx:bars()")):
    probe += [f"t({value}.{f})" for f in fields(name)]
probe += [f"assert(type({n}) == 'function')" for n in names("helpers")]
for line in dump('for _, l in ipairs(api.libraries) do for f in (l.functions .. " " .. (l.constants or "")):gmatch("%S+") do p(l.name == "" and f or l.name .. "." .. f) end end'):
    probe.append(f"assert({line} ~= nil)")
probe += ["done = true", 'ctx:log("probed")', "end"]
for cb, arg in (("on_order", "order_event"), ("on_fill", "fill"), ("on_position", "position_event"), ("on_day", "day_event")):
    probe += [f"function {cb}(ctx, e)"] + [f"t(e.{f})" for f in fields(arg)] + [f'ctx:log("seen {cb}")', "end"]
with tempfile.TemporaryDirectory() as tmp:
    with open(tmp + "/probe.lua", "w") as f:
        f.write("\n".join(probe) + "\n")
    with open(tmp + "/T_1d.csv", "w") as f:
        f.write("time,open,high,low,close,volume\n" + "".join(f"2024-01-{d:02},10,11,9,10,5\n" for d in range(1, 9)))
    run = subprocess.run([perigee, "backtest", tmp + "/probe.lua", "--data", tmp + "/T_1d.csv", "--json", "-"], capture_output=True, text=True)
    case("every described name answers", [] if run.returncode == 0 and "probed" in run.stdout else [run.stderr])
    case("every event was seen", [f"{cb} was not called" for cb in ("on_order", "on_fill", "on_position", "on_day") if "seen " + cb not in run.stdout])

print(f"1..{cases}")
sys.exit(1 if failed else 0)
