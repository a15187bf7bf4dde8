#!/usr/bin/env python3
"""Findings of reviews, each as the script that showed it. Prints TAP. Usage: regressions.py PERIGEE"""
import json, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import run_cases  # noqa: E402

PERIGEE = os.path.abspath(sys.argv[1])
HEAD = 'strategy{ name="x", api=1%s }\n'
CASES = []


def case(title):
    return lambda f: CASES.append((title, f)) or f


def bars(closes, volume=100):
    rows = ["time,open,high,low,close,volume"]
    for i, c in enumerate(closes):
        o = closes[max(i - 1, 0)]
        rows.append(f"{1609459200000 + i * 3600000},{o:.2f},{max(o, c):.2f},{min(o, c):.2f},{c:.2f},{volume}")
    return "\n".join(rows) + "\n"


def run(script, closes=(100.0,) * 30, flags=(), command="backtest", volume=100):
    with tempfile.TemporaryDirectory() as tmp:
        open(f"{tmp}/s.lua", "w").write(script)
        open(f"{tmp}/XY_1h.csv", "w").write(bars(closes, volume))
        cmd = [PERIGEE, command, f"{tmp}/s.lua"] + (["--data", f"{tmp}/XY_1h.csv", "--lot", "1", "--json", f"{tmp}/r.json", "--quiet", *flags] if command == "backtest" else [])
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=20)
        result = json.load(open(f"{tmp}/r.json")) if os.path.exists(f"{tmp}/r.json") else None
        return done.returncode, done.stderr, result


@case("the header's metamethods are not run: no hang, no use after free")
def _():
    code, err, _ = run('strategy(setmetatable({name="x",api=1},{__index=function() while true do end end}))\nfunction on_bar() end', command="check")
    assert code == 0, err
    code, err, _ = run('local p = {a=int{1}, b=int{2}}\nstrategy{ name="x", api=1, params=setmetatable(p, {__index=function(t) for k in pairs(t) do t[k]=nil end end}) }\nfunction on_bar() end', command="check")
    assert code == 0, err


@case("a state that grows exponentially when written is refused at once")
def _():
    code, err, _ = run(HEAD % "" + "function on_bar(ctx) local t={1} for i=1,28 do t={t,t} end ctx.state.t=t end")
    assert code == 1 and "larger than 65536 bytes" in err, err


@case("a table with a hole is saved as it is; NUL in a key and infinite keys are refused")
def _():
    assert run(HEAD % "" + "function on_bar(ctx) ctx.state.t={1,nil,3,4,x=5} end")[0] == 0
    code, err, _ = run(HEAD % "" + "function on_bar(ctx) ctx.state[1/0]=1 end")
    assert code == 1 and "infinite" in err, err
    code, err, _ = run(HEAD % "" + "function on_bar(ctx) ctx.state['a\\0b']=1 end")
    assert code == 1 and "NUL" in err, err


@case("modify passes the same checks as a new order")
def _():
    code, err, r = run(HEAD % "" + """local o
function on_bar(ctx)
  if not o then o = ctx:buy{qty=1, price=50}
  elseif ctx.state.done == nil then
    ctx.state.done = true
    local ok, e = ctx:modify(o, {qty=100000})
    ctx:log("info", ok, e and e.code, o.qty)
    ctx:log("info", ctx:modify(o, {qty=2}), o.qty)
  end
end""")
    assert code == 0, err
    assert [l["text"] for l in r["logs"]][0] == "nil MARGIN 1", r["logs"]
    assert r["logs"][1]["text"].startswith("true"), r["logs"]


@case("two orders in one callback share the funds")
def _():
    _, _, r = run(HEAD % "" + "function on_bar(ctx) if ctx.state.x then return end ctx.state.x=1 local a=ctx:buy{qty=60} local b,e=ctx:buy{qty=60} ctx:log('info', a ~= nil, b, e.code) end")
    assert r["logs"][0]["text"] == "true nil MARGIN", r["logs"]


LADDER = 'ctx:ladder{n=2, step=1, base=1000, tp=2, sl=20, tag="lad"}'


@case("a ladder ends at its take-profit though another position stands beside it")
def _():
    closes = [100.0, 100.0, 100.0, 98.5, 98.5, 102.5, 102.5, 97.0, 95.0, 95.0]
    _, err, r = run(HEAD % "" + f"local n=0 function on_bar(ctx) n=n+1 if n==1 then ctx:buy{{qty=1, tag='own'}} {LADDER} end end", closes)
    tags = [(f["side"], f["tag"]) for f in r["fills"]]
    assert tags.count(("sell", "tp")) == 1, tags
    after = r["fills"][[t[1] for t in tags].index("tp") + 1:]
    assert not after, f"the rest of the ladder filled: {after} {err}"


@case("a base that filled in part and was cancelled is protected")
def _():
    closes = [100.0] * 4 + [99.5, 103.0, 103.0, 103.0, 103.0]
    _, err, r = run(HEAD % "" + f"local n,o=0 function on_bar(ctx) n=n+1 if n==1 then o={LADDER} elseif n==2 then ctx:cancel(o) end end", closes, ("--participation", "0.03"))
    assert any(f["tag"] == "tp" for f in r["fills"]), (r["fills"], err)


@case("a ladder cancelled in its own callback takes no slot")
def _():
    _, err, r = run(HEAD % "" + f"function on_bar(ctx) local o={LADDER} ctx:cancel(o) end", (100.0,) * 60)
    assert r["denied"] == [] and r["fills"] == [], (r["denied"], r["fills"])


@case("looking a tag up does not use one up")
def _():
    code, err, r = run(HEAD % "" + "local n=0 function on_bar(ctx) for i=1,400 do n=n+1 ctx:pending('t'..n) end ctx:target{qty=n%2+1, tag='real'} end")
    assert code == 0 and r["fills"], err


@case("--detail of another symbol is refused")
def _():
    with tempfile.TemporaryDirectory() as tmp:
        for name, text in (("XY_1h.csv", bars((100.0,) * 5)), ("OTHER_5m.csv", bars((5.0,) * 5))):
            open(f"{tmp}/{name}", "w").write(text)
        open(f"{tmp}/s.lua", "w").write(HEAD % "" + "function on_bar() end")
        done = subprocess.run([PERIGEE, "backtest", f"{tmp}/s.lua", "--data", f"{tmp}/XY_1h.csv", "--detail", f"{tmp}/OTHER_5m.csv"], capture_output=True, text=True)
        assert done.returncode == 1, done.stderr


@case("a whole number too large for one is refused; a ttl of any length does not wrap")
def _():
    code, err, _ = run('strategy{ name="x", api=1, params={n=int{1e300}} }\nfunction on_bar() end', command="check")
    assert code == 1 and "too large" in err, err
    code, err, r = run(HEAD % "" + "function on_bar(ctx) if not ctx.state.x then ctx.state.x=1 ctx:buy{qty=1, price=50, ttl=1000000} end end")
    assert code == 0, err


@case("hedging: a negative target works on the short leg")
def _():
    _, err, r = run(HEAD % ', mode="hedging"' + "function on_bar(ctx) ctx:target{qty=-2} end")
    assert [(f["side"], f["qty"]) for f in r["fills"]] == [("sell", "2")], (r["fills"], err)


sys.exit(run_cases(CASES) > 0)
