#!/usr/bin/env python3
"""`perigee import`, `perigee export` and `perigee record`: what goes in comes out, whole or not at all, beside others and after a kill; what was
recorded is played again bar by bar.

usage: history.py ENGINE"""
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import run_cases  # noqa: E402

ENGINE = sys.argv[1]
CASES = []


def case(title):
    def keep(f):
        CASES.append((title, f))
        return f
    return keep


def csv(n, start=1600000020, step=60, seed=3, px=100.0):
    r, lines = random.Random(seed), ["time,open,high,low,close,volume"]
    for i in range(n):
        o, px = px, max(10.0, px * (1 + r.gauss(0, 0.002)))
        lines.append(f"{(start + step * i) * 1000},{o:.2f},{max(o, px) + .05:.2f},{min(o, px) - .05:.2f},{px:.2f},{r.randint(1, 99999) / 1000}")
    return "\n".join(lines) + "\n"


def rows(text):
    """Lines with numbers as numbers: 1.50 and 1.5 are the same."""
    return [tuple(float(x) for x in line.split(",")) for line in text.split("\n")[1:] if line]


class Folder:
    def __enter__(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.path = self.tmp.name
        self.data = os.path.join(self.path, "data")
        return self

    def __exit__(self, *_):
        self.tmp.cleanup()

    def put(self, name, text):
        path = os.path.join(self.path, name)
        open(path, "w").write(text)
        return path

    def run(self, command, *args):
        p = subprocess.run([ENGINE, command, *args, "--data-dir", self.data], capture_output=True, text=True, timeout=120)
        return p.returncode, p.stdout, p.stderr

    def ok(self, command, *args):
        code, out, err = self.run(command, *args)
        assert code == 0, (code, out, err)
        return out

    def markets(self):
        return json.loads(self.ok("export", "--json", "-"))


@case("what goes in comes out, in ranges too")
def _():
    with Folder() as f:
        text = csv(10000)
        report = json.loads(f.ok("import", f.put("BTCUSDT_1m.csv", text), "--venue", "binance", "--json", "-"))
        assert report[0]["added"] == 10000 and report[0]["symbol"] == "BTCUSDT" and report[0]["timeframe"] == "1m", report
        assert rows(f.ok("export", "--symbol", "BTCUSDT", "--timeframe", "1m")) == rows(text)
        some = rows(f.ok("export", "--symbol", "BTCUSDT", "--timeframe", "1m", "--from", "1600006020", "--to", "1600012020"))
        assert some == rows(text)[100:200], (some[0], some[-1], len(some))
        assert [(m["venue"], m["symbol"], m["timeframe"], m["bars"]) for m in f.markets()] == [("binance", "BTCUSDT", "1m", 10000)]


@case("the same strategy gives the same hash on the exported file")
def _():
    with Folder() as f:
        path = f.put("ABC_1m.csv", csv(5000))
        f.ok("import", path, "--venue", "x")
        copy = os.path.join(f.path, "ABC_1m_copy.csv")
        f.ok("export", copy, "--symbol", "ABC", "--timeframe", "1m")
        script = f.put("s.lua", 'strategy{ name="s", api=1, ind={ f={"sma",10}, s={"sma",30} } }\nfunction on_bar(ctx) if ctx.ind.f[0] > ctx.ind.s[0] then ctx:target{pct=90} else ctx:target{pct=0} end end')
        hashes = {json.loads(subprocess.run([ENGINE, "backtest", script, "--data", p, "--json", "-"], capture_output=True, check=True).stdout)["hash"] for p in (path, copy)}
        assert len(hashes) == 1, hashes


@case("overlaps merge; a bar that differs stops the import whole, --repair replaces it")
def _():
    with Folder() as f:
        text = csv(5000)
        head, *bars = text.split("\n")[:-1]
        f.ok("import", f.put("A_1m.csv", "\n".join([head] + bars[:3000])), "--venue", "v")
        other = bars[2000:]
        cells = other[500].split(",")
        cells[2] = str(float(cells[2]) + 7)
        other[500] = ",".join(cells)
        path = f.put("A_1m.csv", "\n".join([head] + other))
        code, _, err = f.run("import", path, "--venue", "v")
        assert code == 1 and "--repair" in err and "nothing of this file" in err, (code, err)
        assert f.markets()[0]["bars"] == 3000
        report = json.loads(f.ok("import", path, "--venue", "v", "--repair", "--json", "-"))[0]
        assert (report["added"], report["same"], report["replaced"]) == (2000, 999, 1), report
        want = rows("\n".join([head] + bars[:2000] + other))
        assert rows(f.ok("export", "--symbol", "A", "--timeframe", "1m")) == want


@case("dirty files are refused whole")
def _():
    with Folder() as f:
        lines = csv(100).split("\n")
        lines[60] = lines[60].replace(",", ",nan,", 1)
        code, _, err = f.run("import", f.put("A_1m.csv", "\n".join(lines)), "--venue", "v")
        assert code == 1 and "A_1m.csv:61" in err, err
        assert f.run("export")[1] == ""


@case("wrong usage is told")
def _():
    with Folder() as f:
        path = f.put("A_1m.csv", csv(10))
        for args in ((), (path,), (path, "--venue", "v", "--timeframe", "7x"), (path, "--venue", "v", "--tick", "-1")):
            assert f.run("import", *args)[0] == 2, args
        assert f.run("import", path, "--venue", "no/good")[0] == 1
        assert f.run("export", "--symbol", "A", "--timeframe", "1m")[0] == 1


@case("a directory in use is refused, and reading it is not")
def _():
    with Folder() as f:
        path = f.put("A_1m.csv", csv(100))
        f.ok("import", path, "--venue", "v")
        with open(os.path.join(f.data, "lock"), "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            code, _, err = f.run("import", path, "--venue", "v")
            assert code == 1 and "in use" in err, (code, err)
            assert f.markets()[0]["bars"] == 100


@case("killed in the middle: the next command finds the old state or the new one")
def _():
    with Folder() as f:
        f.ok("import", f.put("A_1m.csv", csv(1000)), "--venue", "v")
        big = f.put("B_1m.csv", csv(150000))
        for delay in (0.05, 0.1, 0.15, 0.2, 0.3):
            p = subprocess.Popen([ENGINE, "import", big, "--venue", "v", "--data-dir", f.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            p.send_signal(signal.SIGKILL)
            p.wait()
            bars = {m["symbol"]: m["bars"] for m in f.markets()}
            assert bars in ({"A": 1000}, {"A": 1000, "B": 150000}), bars
        f.ok("import", big, "--venue", "v")
        assert {m["symbol"]: m["bars"] for m in f.markets()} == {"A": 1000, "B": 150000}



def exported(f, venue, symbol, timeframe="1m"):
    return f.ok("export", "--venue", venue, "--symbol", symbol, "--timeframe", timeframe)


@case("what a feed gave is recorded, and replayed it is the same, bar by bar: all symbols, higher timeframes, funding")
def _():
    market = "sim=sim:seed=5,speed=max,from=2026-01-05,symbols=BTCUSDT+ETHUSDT,funding=1"
    with Folder() as f:
        items = json.loads(f.ok("record", market, "--symbol", "BTCUSDT+ETHUSDT", "--bars", "600", "--json", "-"))
        assert [(i["venue"], i["symbol"], i["timeframe"], i["bars"], i["added"], i["begun_late"]) for i in items] == [("sim-tape", s, "1m", 600, 600, 0) for s in ("BTCUSDT", "ETHUSDT")], items
        bars = {s: exported(f, "sim-tape", s) for s in ("BTCUSDT", "ETHUSDT")}
        assert bars["BTCUSDT"].count("\n") == 601 and bars["BTCUSDT"] != bars["ETHUSDT"]
        out = f.ok("record", "again=replay:sim-tape/BTCUSDT+sim-tape/ETHUSDT:speed=max", "--symbol", "ETHUSDT+BTCUSDT")
        assert out.count("600 bars new") == 2 and "--feed NAME=replay:again-tape/ETHUSDT plays them" in out, out
        assert {s: exported(f, "again-tape", s) for s in bars} == bars
        # Of the market itself and of its recording come the same higher bars; the market's rates play beside it.
        rates, same = os.path.join(f.path, "rates.csv"), os.path.join(f.path, "same.csv")
        five = ["--symbol", "BTCUSDT", "--timeframe", "5m", "--bars", "119"]
        f.ok("record", market, *five, "--as", "live", "--funding", rates)
        f.ok("record", f"again=replay:sim-tape/BTCUSDT:speed=max,funding={rates}", *five, "--as", "played", "--funding", same)
        assert exported(f, "live", "BTCUSDT", "5m") == exported(f, "played", "BTCUSDT", "5m")
        text = open(rates).read()
        assert text == open(same).read() and text.startswith("time,rate\n") and text.count("\n") >= 2, text
        # The same command again adds nothing; another market under that name is refused, and nothing of it stored.
        out = f.ok("record", market, "--symbol", "BTCUSDT", "--bars", "600")
        assert "0 bars new, 600 stored already" in out, out
        code, _, err = f.run("record", market.replace("seed=5", "seed=6"), "--symbol", "BTCUSDT", "--bars", "600")
        assert code == 1 and "another recording already; --as NAME" in err, err
        assert exported(f, "sim-tape", "BTCUSDT") == bars["BTCUSDT"]


@case("a recording of a growing file ends by Ctrl-C with all that came; what is wrong is said")
def _():
    with Folder() as f:
        lines = csv(200).splitlines(True)
        path = f.put("TEST_1m.csv", "".join(lines[:11]))
        p = subprocess.Popen([ENGINE, "record", f"mine=file:{path}:poll=20", "--symbol", "TEST", "--data-dir", f.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # What stands in the file when it is opened is history, so it grows until something has been stored, and a little more.
        deadline, at, left = time.monotonic() + 40, 11, 5
        with open(path, "a") as grows:
            while left:
                assert p.poll() is None and time.monotonic() < deadline and at < len(lines), p.communicate()
                grows.write(lines[at])
                grows.flush()
                at += 1
                left -= "mine-tape" in f.run("export")[1]
                time.sleep(0.1)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        assert p.returncode == 0 and "bars new" in out, (p.returncode, out, err)
        got = rows(exported(f, "mine-tape", "TEST"))
        given = rows("".join(lines[:at]))
        first = given.index(got[0])
        assert first >= 10 and got == given[first:first + len(got)] and len(got) >= 5, (first, at, len(got))
        for more, says, status in ((["sim=sim"], "--symbol", 2), (["sim", "--symbol", "BTCUSDT"], "VENUE=KIND", 2), (["sim=sin", "--symbol", "BTCUSDT"], "sin", 2),
                                   (["sim=sim", "--symbol", "BTCUSDT+BTCUSDT"], "twice", 2), (["sim=sim", "--symbol", "BTCUSD"], "BTCUSD", 1), (["sim=sim", "--symbol", "BTCUSDT", "--for", "long"], "--for long", 2),
                                   (["sim=sim", "--symbol", "BTCUSDT+ETHUSDT", "--funding", "x.csv"], "one symbol", 2), (["moon=remote", "--symbol", "BTCUSDT"], "moon", 1),
                                   (["sim=sim:bar=1d,from=2026-01-05", "--symbol", "BTCUSDT", "--for", "1s"], "no bar ended", 1)):
            code, out, err = f.run("record", *more)
            assert code == status and says in err + out, (more, code, out, err)

sys.exit(run_cases(CASES) > 0)
