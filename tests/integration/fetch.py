#!/usr/bin/env python3
"""`perigee fetch` and `perigee record` from a simulated exchange: the bars that are stored are the exchange's own, whatever is cut, refused and repeated on the
way; an interrupted fetch goes on where it stopped.

usage: fetch.py ENGINE"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import run_cases  # noqa: E402

ENGINE = sys.argv[1]
MINUTE = 60_000
START = 1704067200000  # 2024-01-01
CASES = []


def case(title):
    def keep(f):
        CASES.append((title, f))
        return f
    return keep


class Exchange:
    """A simulated exchange whose clock stands still, with two days of candles behind it."""

    def __init__(self, *faults):
        self.dir = tempfile.mkdtemp()
        told = os.path.join(self.dir, "at.json")
        os.mkfifo(told)
        args = [x for f in faults for x in ("--faults", f)]
        self.process = subprocess.Popen([ENGINE, "exchange", "--listen", "127.0.0.1:0", "--clock", "virtual", "--start", "2024-01-01", "--history", "2",
                                         "--symbol", "BTCUSDT", "--seed", "5", "--no-limits", "--json", told, *args],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(told, encoding="utf-8") as f:
            self.told = json.load(f)
        self.url = self.told.get("url") or self.told.get("rest") or f"http://127.0.0.1:{self.told['port']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as r:
            return json.load(r)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as r:
            return json.load(r)

    def bars(self, interval, step, first, last):
        """The exchange's own, asked for without our program."""
        out = []
        at = first
        while at < last:
            end = min(at + 200 * step, last)
            rows = self.get(f"/v5/market/kline?category=linear&symbol=BTCUSDT&interval={interval}&start={at}&end={end - 1}&limit=200")["result"]["list"]
            out += [(int(r[0]), *(float(x) for x in r[1:6])) for r in reversed(rows)]
            at = end
        return out


def fetch(exchange, data, *more, timeout=50, symbol="BTCUSDT"):
    return subprocess.run([ENGINE, "fetch", "--venue", "bybit", "--symbol", symbol, "--url", exchange.url, "--data-dir", data, "--to", "2024-01-01", *more],
                          capture_output=True, text=True, timeout=timeout)


def stored(data, timeframe, venue="bybit"):
    done = subprocess.run([ENGINE, "export", "-", "--symbol", "BTCUSDT", "--timeframe", timeframe, "--venue", venue, "--data-dir", data],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return [(int(r[0]), *(float(x) for x in r[1:])) for r in (line.split(",") for line in done.stdout.splitlines()[1:])]


def with_data(f):
    data = tempfile.mkdtemp()
    try:
        f(data)
    finally:
        shutil.rmtree(data)


@case("all bars of two days, each as the exchange has it, though answers are late, cut, refused and missing")
def _():
    def go(data):
        with Exchange("half_reply:on=market/kline,count=1", "error_before:on=market/kline,after=2,count=2", "drop_before:on=market/kline,after=6,count=1",
                      "cut_reply:on=market/inst,count=1") as e:
            done = fetch(e, data, "--timeframe", "1m", "--from", "2023-12-29", "--json", "-")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["added"] > 2000, done.stdout
        with Exchange() as e:  # the same seed, the same market
            want = e.bars("1", MINUTE, START - 3 * 1440 * MINUTE, START)
            assert stored(data, "1m") == want and len(want) >= 2880, (len(want), len(stored(data, "1m")))
            again = json.loads(fetch(e, data, "--timeframe", "1m", "--from", "2023-12-30", "--json", "-").stdout)
            assert again["added"] == 0 and again["pages"] == 0, again
            hours = json.loads(fetch(e, data, "--timeframe", "1h", "--from", "2010-01-01", "--json", "-").stdout)
            assert hours["added"] == len(e.bars("60", 60 * MINUTE, START - 3 * 1440 * MINUTE, START)) and hours["pages"] < 60, hours
    with_data(go)


@case("interrupted, it keeps what came and goes on behind it")
def _():
    def go(data):
        with Exchange("delay:on=market/kline,after=2,value=20000") as e:
            args = [ENGINE, "fetch", "--venue", "bybit", "--symbol", "BTCUSDT", "--url", e.url, "--data-dir", data, "--timeframe", "1m", "--from", "2023-12-30"]
            p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            seen = 0
            while seen < 2000 and p.poll() is None:
                try:
                    seen = len(stored(data, "1m"))
                except AssertionError:  # nothing is there yet
                    pass
            p.send_signal(signal.SIGINT)
            _, err = p.communicate(timeout=20)
            assert p.returncode == 130 and "2000 bars were stored" in err, (p.returncode, err)
        with Exchange() as e:
            done = json.loads(fetch(e, data, "--timeframe", "1m", "--from", "2023-12-30", "--json", "-").stdout)
            assert done["pages"] == 1 and done["added"] == 880 and done["same"] == 0, done
            assert stored(data, "1m") == e.bars("1", MINUTE, START - 2 * 1440 * MINUTE, START)
    with_data(go)


@case("record: minutes of the venue's own stream as they end, each as the exchange has it")
def _():
    def go(data):
        with Exchange() as e:
            p = subprocess.Popen([ENGINE, "record", "bybit=remote", "--symbol", "BTCUSDT", "--url", e.url, "--data-dir", data, "--bars", "4", "--json", "-"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 40
            while p.poll() is None:  # a minute there
                if time.monotonic() > deadline:
                    p.kill()
                    raise AssertionError(p.communicate())
                e.post("/admin/clock", {"advance_ms": MINUTE})
                time.sleep(0.2)
            out, err = p.communicate()
            assert p.returncode == 0, (out, err)
            got = stored(data, "1m", "bybit-tape")
            assert len(got) == 4 and got == e.bars("1", MINUTE, got[0][0], got[-1][0] + MINUTE) and got[0][0] >= START, got
    with_data(go)


@case("what is wrong is said")
def _():
    def go(data):
        with Exchange() as e:
            for more, says in ((("--timeframe", "1m"), "--from are needed"), (("--timeframe", "7m", "--from", "2023-12-31"), "no timeframe 7m"),
                               (("--timeframe", "1m", "--from", "soon"), "--from"), (("--timeframe", "1m", "--from", "2023-12-31", "--environment", "moon"), "moon")):
                done = fetch(e, data, *more)
                assert done.returncode in (1, 2) and says in done.stderr, (more, done)
            for symbol, says in (("BTCUSTD", "did you mean BTCUSDT?"), ("DOGEUSD_PERP", "write it as the venue does")):
                done = fetch(e, data, "--timeframe", "1m", "--from", "2023-12-31", symbol=symbol)
                assert done.returncode == 1 and f"--symbol {symbol}: bybit has no such market of category linear" in done.stderr and says in done.stderr, done
    with_data(go)


if __name__ == "__main__":
    sys.exit(run_cases(CASES))
