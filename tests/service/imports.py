#!/usr/bin/env python3
"""`perigee import` beside a running service: imports.py PERIGEE. Prints TAP. Whole files or nothing, seen at once, nobody kept waiting."""
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from service import Service, run_cases

BARS = 200_000


def rows(count, seed=1, from_s=1609459200):
    """A random walk of minutes."""
    walk, price, out = random.Random(seed), 10000, ["time,open,high,low,close,volume"]
    for i in range(count):
        close = max(100, price + walk.randrange(-9, 10))
        high, low = max(price, close) + walk.randrange(5), min(price, close) - walk.randrange(5)
        out.append(f"{from_s + 60 * i},{price / 100:.2f},{high / 100:.2f},{low / 100:.2f},{close / 100:.2f},{walk.randrange(1, 99)}")
        price = close
    return "\n".join(out) + "\n"


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary) as s, tempfile.TemporaryDirectory() as tmp:
        ada = s.register("ada@example.org")

        def put(name, text):
            path = pathlib.Path(tmp) / name
            path.write_text(text)
            return str(path)

        def command(*args):
            return [binary, *args, "--data-dir", str(s.data)]

        def bars(symbol):
            found = [m["bars"] for m in ada.get("/api/v1/markets?symbol=" + symbol, expect=200).json["items"]]
            return found[0] if found else 0

        @case(f"{BARS} bars come in while others read: none of them or all, and no request waits")
        def _():
            path, seen, slow, stop = put("WALK_1m.csv", rows(BARS)), set(), [], threading.Event()

            def watch():
                while not stop.is_set():
                    began = time.monotonic()
                    seen.add(bars("WALK"))
                    slow.append(time.monotonic() - began)
            watcher = threading.Thread(target=watch)
            watcher.start()
            done = subprocess.run(command("import", path, "--venue", "v"), capture_output=True, text=True)
            after = bars("WALK")
            stop.set()
            watcher.join()
            assert done.returncode == 0 and f"{BARS} bars new" in done.stdout, done
            assert after == BARS and seen <= {0, BARS} and len(slow) > 3 and max(slow) < 2, (after, seen, len(slow), max(slow))
            print(f"# {len(slow)} requests meanwhile, the slowest took {max(slow) * 1e3:.0f} ms", flush=True)
            page = ada.get("/api/v1/markets/WALK/bars?timeframe=1m&limit=3", expect=200).json["items"]
            assert [b["time"] for b in page] == [1609459200000 + 60000 * i for i in range(3)]
            exported = subprocess.run(command("export", "--symbol", "WALK", "--timeframe", "1m"), capture_output=True, text=True, check=True).stdout
            assert len(exported.splitlines()) == BARS + 1

        @case("what was imported is there for a backtest")
        def _():
            made = ada.post("/api/v1/strategies", {"name": "s", "source": 'strategy{name="s", api=1}\nfunction on_bar(ctx) end\n'}, expect=201).json
            run = ada.post("/api/v1/backtests", {"strategy_id": made["id"], "data": [{"symbol": "WALK", "timeframe": "1m"}]}, expect=202).json
            deadline = time.monotonic() + 60
            while (row := ada.get(f"/api/v1/backtests/{run['id']}", expect=200).json)["state"] in ("queued", "running"):
                assert time.monotonic() < deadline, row
                time.sleep(0.05)
            assert row["state"] == "done" and row["result"]["data"][0]["bars"] == BARS, row["error"]

        @case("a bar that differs is refused with nothing imported; --repair replaces it")
        def _():
            path = put("WALK_1m.csv", rows(2000, seed=2))
            done = subprocess.run(command("import", path, "--venue", "v"), capture_output=True, text=True)
            assert done.returncode == 1 and "--repair replaces it" in done.stderr and "nothing of this file" in done.stderr, done
            done = subprocess.run(command("import", path, "--venue", "v", "--repair"), capture_output=True, text=True)
            assert done.returncode == 0 and "replaced" in done.stdout and bars("WALK") == BARS, done

        @case("killed at any moment: all of a file or nothing, and the service goes on; two at once both come in")
        def _():
            for i, delay in enumerate((0.02, 0.05, 0.1, 0.2, 0.3)):
                process = subprocess.Popen(command("import", put(f"K{i}_1m.csv", rows(60000)), "--venue", "v"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert bars(f"K{i}") in (0, 60000)
            pair = [subprocess.Popen(command("import", put(f"P{i}_1m.csv", rows(30000, seed=i)), "--venue", "v"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for i in range(2)]
            for process in pair:
                assert process.wait(60) == 0, process.stderr.read()
            assert [bars("P0"), bars("P1")] == [30000, 30000]
            assert subprocess.run(command("export"), capture_output=True, text=True, check=True).stdout.count("bars") >= 3

        @case("the service that stops cleanly afterwards finds everything again")
        def _():
            assert s.stop() == 0
            s.start()
            assert s.login("ada@example.org").get("/api/v1/markets?symbol=P1", expect=200).json["items"][0]["bars"] == 30000
            checked = subprocess.run(command("doctor"), capture_output=True, text=True)
            assert checked.returncode == 0, checked

        failed = run_cases(cases)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
