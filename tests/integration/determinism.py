#!/usr/bin/env python3
"""Same script, data, seed and engine: same hash – on rerun, under load, elsewhere, and in every build (simulation rule 24).

hashes.json holds the hash of every shipped strategy on committed data. The release, debug and sanitizer builds all run this
test against the same file, so they agree with each other. After a change that is meant to change results:
    tests/integration/determinism.py build/engine/perigee . --update
Prints TAP.
"""
import csv, gzip, json, multiprocessing, os, subprocess, sys, tempfile

PERIGEE, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
HASHES = f"{ROOT}/tests/integration/hashes.json"
BARS = f"{ROOT}/tests/fixtures/bars"
SP500, BTC1M, FESX = f"{ROOT}/examples/data/SP500_1d.csv", f"{BARS}/BTCUSDT_1m.csv.gz", f"{BARS}/FESX_1m.csv.gz"
PORTFOLIO = [f"{BARS}/{s}USDT_1h.csv.gz" for s in ("BTC", "ETH", "ADA")]
DATA = {
    "sma_cross": [SP500], "rsi_reversion": [SP500], "ema_dca": [BTC1M], "grid": [BTC1M], "bos_retest": [BTC1M], "smart_dca": [BTC1M],
    "ferrari_scalper": [FESX], "submarine": PORTFOLIO, "rebalance": PORTFOLIO,
}
RANDOM = """strategy{ name="dice", api=1 }
function on_bar(ctx, bar)
  local x = ctx:rand() + math.random()
  local t = {}
  for i = 1, 50 do t["k" .. math.random(1000)] = i end
  local s = 0
  for k, v in pairs(t) do s = (s*31 + #k*v) % 1000003 end
  ctx:target{qty=math.floor(x*10) + s % 3}
end
"""


def run(script, data, flags=(), env=None, cwd=None):
    with tempfile.TemporaryDirectory() as tmp:
        cmd = [PERIGEE, "backtest", script, "--json", f"{tmp}/r.json", "--quiet", "--fee", "0.0004", *flags]
        cmd += [x for f in data for x in ("--data", f)]
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=300, cwd=cwd or tmp, env={**os.environ, **(env or {})})
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.strip()}"
        r = json.load(open(f"{tmp}/r.json"))
        return r["hash"], len(r["fills"])


def shipped(name, **kw):
    return run(f"{ROOT}/strategies/{name}.lua", DATA[name], **kw)


def spin(stop):
    while not stop.is_set():
        sum(i * i for i in range(1000))


def case_committed(name):
    got, fills = shipped(name)
    assert fills > 0, "no fills: the hash would say little"
    want = json.load(open(HASHES)).get(name)
    assert got == want, f"hash {got}, hashes.json says {want}; if the change is meant, update it (see the head of this file)"


def case_rerun():
    for name in DATA:
        assert shipped(name) == shipped(name), name


def case_load():
    quiet = {name: shipped(name) for name in DATA}
    stop = multiprocessing.Event()
    others = [multiprocessing.Process(target=spin, args=(stop,)) for _ in range(4)]
    for p in others:
        p.start()
    try:
        for name in DATA:
            assert shipped(name) == quiet[name], name
    finally:
        stop.set()
        for p in others:
            p.join()


def case_elsewhere():
    for name in ("grid", "ferrari_scalper", "submarine"):
        here = shipped(name)
        there = shipped(name, env={"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kolkata", "HOME": "/nonexistent"}, cwd="/")
        assert here == there, name


def case_seeds():
    with tempfile.TemporaryDirectory() as tmp:
        script = f"{tmp}/dice.lua"
        open(script, "w").write(RANDOM)
        one, again, two = (run(script, [SP500], ("--seed", s)) for s in ("1", "1", "2"))
        assert one == again, "the same seed, another hash"
        assert one != two, "another seed, the same hash"


def case_paths_differ():
    """The hash has teeth: another fee, another bar more or less, another parameter give another one."""
    base, _ = run(f"{ROOT}/strategies/sma_cross.lua", [SP500])
    for flags in (("--fee", "0.0005"), ("--param", "fast=11"), ("--to", "2020-04-16"), ("--cash", "10001")):
        assert run(f"{ROOT}/strategies/sma_cross.lua", [SP500], flags)[0] != base, f"{flags} did not change the hash"


def case_quiet():
    """A lone series walks a short way between the instants at which anything but a bar can happen. A signal at every bar that
    no callback hears makes every one such an instant: nothing may differ."""
    quiet = {"sma_cross": [BTC1M], "ema_dca": [BTC1M], "grid": [BTC1M], "rsi_reversion": [SP500]}
    with tempfile.TemporaryDirectory() as tmp:
        for name, (data,) in quiet.items():
            heard = f"{tmp}/signals.jsonl"
            opener = gzip.open if data.endswith(".gz") else open
            with opener(data, "rt") as bars, open(heard, "w") as out:
                times = [row["time"] for row in csv.DictReader(bars)]
                out.writelines(json.dumps({"ts": int(t) if t.isdigit() else t, "key": str(i), "source": "test"}) + "\n" for i, t in enumerate(times))
            assert "on_signal" not in open(f"{ROOT}/strategies/{name}.lua").read()
            for flags in ((), ("--from", "2010-01-01") if data is SP500 else ("--leverage", "3")):
                short = run(f"{ROOT}/strategies/{name}.lua", [data], flags)
                assert short == run(f"{ROOT}/strategies/{name}.lua", [data], (*flags, "--signals", heard)), name
                assert short[1] > 0, name


def update():
    json.dump({name: shipped(name)[0] for name in sorted(DATA)}, open(HASHES, "w"), indent=1)
    open(HASHES, "a").write("\n")


def main():
    if "--update" in sys.argv:
        return update()
    names = sorted(f[:-4] for f in os.listdir(f"{ROOT}/strategies") if f.endswith(".lua"))
    cases = [(f"{n}: the committed hash", lambda n=n: case_committed(n)) for n in names]
    cases += [("all: rerun", case_rerun), ("all: on a loaded machine", case_load), ("another folder, locale, zone", case_elsewhere),
              ("seeds", case_seeds), ("a bar between signals and one alone", case_quiet),
              ("the hash tells runs apart", case_paths_differ)]
    print(f"1..{len(cases)}")
    bad = 0
    for i, (title, f) in enumerate(cases, 1):
        why = ""
        try:
            f()
        except (AssertionError, KeyError, subprocess.SubprocessError) as e:
            why = f": {type(e).__name__} {e}"
        bad += bool(why)
        print(f"{'not ok' if why else 'ok'} {i} - {title}{why}", flush=True)
    sys.exit(bad > 0)


main()
