#!/usr/bin/env python3
"""Bots at work: live.py PERIGEE [KILLS]. A synthetic market at many times the clock's speed, paper accounts, scripts that trade, fail and
attack; hosts are killed, the service is killed, and whoever is innocent goes on where it was. Prints TAP."""
import collections
import contextlib
import decimal
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

from disk import Disk
from service import Service, Skip, run_cases

D = decimal.Decimal
BOTS = "/api/v1/bots"
# Trades at every bar, keeps count in ctx.state, and says so.
EAGER = """strategy{ name="eager", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }
function on_bar(ctx, bar)
  ctx.state.bars = (ctx.state.bars or 0) + 1
  if ctx.state.bars % 2 == 1 then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
  ctx:log("info", "bar", ctx.state.bars)
end
"""
# Keeps orders resting far from the market.
PATIENT = """strategy{ name="patient", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then
    ctx.state.done = true
    ctx:buy{qty=0.01, tag="in"}
    ctx:buy{qty=0.01, type="limit", price=bar.close*0.7, tag="low"}
  end
end
"""
# Proven on sample data, wrong on the first bars that come live.
BROKEN = """strategy{ name="broken", api=1 }
function on_bar(ctx, bar)
  if bar.time > 1700000000000 then local nothing; return nothing.field end
end
"""
SPINNING = """strategy{ name="spinning", api=1 }
function on_bar(ctx, bar)
  if bar.time > 1700000000000 then while true do end end
end
"""
GREEDY = """strategy{ name="greedy", api=1 }
local kept = {}
function on_bar(ctx, bar)
  if bar.time > 1700000000000 then for i = 1, 1e9 do kept[#kept+1] = string.rep("x", 1000) .. i end end
end
"""


class Trader:
    def __init__(self, service, email):
        self.client = service.register(email)
        self.client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        self.account = self.client.post("/api/v1/accounts", {"venue": "paper", "name": "Play", "settings": {"balance": "1000000", "fee_taker": "0.0005"}},
                                        expect=201).json["id"]
        self.scripts = {}

    def upload(self, name, source):
        return self.client.post("/api/v1/strategies", {"name": name, "source": source, "activate": True}, expect=201).json

    def bot(self, name, source, symbol="BTCUSDT", **more):
        if name not in self.scripts:
            answer = self.upload(name, source)
            assert answer["active_version"], answer["version"]["verdict"]
            self.scripts[name] = answer["id"]
        body = {"name": name, "account_id": self.account, "strategy_id": self.scripts[name], "symbol": symbol, "timeframe": "1m", "venue": "sim",
                "settings": {"cash": "20000"}, "start": True, **more}
        return self.client.post(BOTS, body, expect=201).json["id"]

    def get(self, bot, what=""):
        return self.client.get(f"{BOTS}/{bot}{what}", expect=200).json

    def act(self, bot, action, body=None):
        return self.client.post(f"{BOTS}/{bot}/{action}", body, expect=200).json

    def all(self, bot, what):
        """Every row, newest first."""
        rows, cursor = [], ""
        while True:
            page = self.get(bot, f"/{what}?limit=200{cursor}")
            rows += page["items"]
            if not page["next_cursor"]:
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    def wait(self, bot, done, wait_s=30):
        deadline = time.monotonic() + wait_s
        while True:
            row = self.get(bot)
            if done(row):
                return row
            assert time.monotonic() < deadline, row
            time.sleep(0.05)


def fills(row):
    return (row["live"] or {}).get("fills", 0)


def metric(service, name):
    text = service.anonymous().get("/metrics").body.decode()
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"perigee_{name} "))


def hosts_of(service):
    """Process ids of the service's hosts."""
    children = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = open(f"/proc/{pid}/status").read()
            command = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        if f"PPid:\t{service.process.pid}\n" in status and "--live" in command:
            children.append(int(pid))
    return children


def books_agree(trader, bot):
    """As books_agree_now; what is read page by page while the market goes on may differ by what happened in between, but not for long."""
    for attempt in range(20):
        try:
            return books_agree_now(trader, bot)
        except AssertionError:
            if attempt == 19:
                raise
            time.sleep(0.1)


def books_agree_now(trader, bot):
    """Fills, orders and position of a bot say the same; no order has two names, no name two orders."""
    row, orders, executions = trader.get(bot), trader.all(bot, "orders"), trader.all(bot, "fills")
    names = [o["id"] for o in orders]
    assert len(set(names)) == len(names)
    by_order = collections.Counter()
    for f in executions:
        by_order[f["order"]] += D(f["qty"])
    for o in orders:
        assert D(o["filled"]) == by_order[o["order"]], o
        assert D(o["filled"]) <= D(o["qty"]), o
    assert len({f["number"] for f in executions}) == len(executions)
    if row["live"]:
        held = sum((D(p["qty"]) for p in row["live"]["positions"]), D(0))
        booked = sum(((D(f["qty"]) if f["side"] == "buy" else -D(f["qty"])) for f in executions if f["run"] == row["live"]["run"]), D(0))
        if fills(row) and row["live"]["instant_ms"]:
            again = trader.get(bot)
            if again["live"]["instant_ms"] == row["live"]["instant_ms"]:
                assert held == booked, (held, booked)
    return len(orders), len(executions)


def counted(trader, bot):
    """What the script's own counter said, oldest first."""
    return [int(line["text"].split()[-1]) for line in reversed(trader.all(bot, "logs")) if line["text"].startswith("bar")]


def service_of(binary, speed=600, **more):
    return Service(binary, args=["--feed", f"sim=sim:speed={speed}"], **more)


def trades(binary):
    with service_of(binary) as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("eager", EAGER)
        t.wait(bot, lambda b: fills(b) >= 20)
        t.act(bot, "pause")
        t.wait(bot, lambda b: b["state"] == "paused")
        orders, executions = books_agree(t, bot)
        assert orders >= 20 and executions >= 20
        assert t.all(bot, "trades") and t.get(bot, "/equity")["items"] and t.get(bot, "/stats")["trades"] > 0
        kinds = {d["kind"] for d in t.all(bot, "decisions")}
        assert "commands" in kinds, kinds
        before = fills(t.get(bot))
        time.sleep(0.5)
        assert fills(t.get(bot)) <= before + 1  # what was under way
        t.act(bot, "start")
        t.wait(bot, lambda b: b["state"] == "running" and fills(b) > before + 4)
        numbers = counted(t, bot)
        assert numbers == list(range(1, len(numbers) + 1)), numbers[-20:]  # ctx.state went on
        t.act(bot, "stop", {"close": True})
        t.wait(bot, lambda b: b["state"] == "stopped" and b["live"] is None)
        assert books_agree(t, bot)
        assert not [o for o in t.all(bot, "orders") if o["status"] in ("open", "partial", "new", "sent")]
        assert metric(s, "bot_divergences_total") == 0


def failing(binary):
    with service_of(binary) as s:
        t, other = Trader(s, "ada@example.org"), Trader(s, "bob@example.org")
        honest = other.bot("eager", EAGER)
        bad = {name: t.bot(name, source) for name, source in (("broken", BROKEN), ("spinning", SPINNING), ("greedy", GREEDY))}
        for name, bot in bad.items():
            row = t.wait(bot, lambda b: b["state"] in ("retired", "quarantined"), 60)
            assert row["reason"] and row["reason_code"] in ("retired", "quarantined"), row
        assert "v1.lua:3: attempt to index" in t.get(bad["broken"])["reason"], t.get(bad["broken"])["reason"]
        failures = t.client.get(f"{BOTS}/{bad['broken']}/failures", expect=200).json["items"]
        assert len(failures) == 3 and failures[0]["what"] == "script-failed", failures
        was = fills(other.get(honest))
        other.wait(honest, lambda b: b["state"] == "running" and fills(b) > was + 5)
        numbers = counted(other, honest)
        assert numbers == list(range(1, len(numbers) + 1)), numbers[-20:]
        assert metric(s, "bot_divergences_total") == 0


def hosts_die(binary):
    with service_of(binary) as s:
        t = Trader(s, "ada@example.org")
        bots = [t.bot("eager", EAGER, symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]
        for round_ in range(6):
            for bot in bots:
                was = fills(t.get(bot))
                t.wait(bot, lambda b: b["state"] == "running" and fills(b) > was + 2)
            for pid in hosts_of(s):
                os.kill(pid, signal.SIGKILL if round_ % 2 else signal.SIGSTOP)
        for bot in bots:
            was = fills(t.get(bot))
            t.wait(bot, lambda b: b["state"] == "running" and fills(b) > was + 2, 60)
            books_agree(t, bot)
            assert t.get(bot)["live"]["run"] == 1
        assert metric(s, "host_restarts_total") >= 3
        assert metric(s, "bot_divergences_total") == 0


def killed(binary, kills):
    with service_of(binary, speed=1200) as s:
        t = Trader(s, "ada@example.org")
        bots = [t.bot("eager", EAGER, symbol) for symbol in ("BTCUSDT", "ETHUSDT")] + [t.bot("patient", PATIENT, "SOLUSDT")]
        t.wait(bots[0], lambda b: fills(b) >= 4)
        seen = collections.defaultdict(dict)
        for k in range(kills):
            time.sleep(0.05 + 0.13 * (k % 7))
            for bot in bots:  # what was shown is not lost
                seen[bot].update({o["id"]: o["order"] for o in t.get(bot, "/orders?limit=50")["items"]})
            s.killed_and_back(t)
        for bot in bots:
            row = t.wait(bot, lambda b: b["state"] == "running")
            assert row["live"]["run"] == 1
            orders = {o["id"]: o["order"] for o in t.all(bot, "orders")}
            for name, order in seen[bot].items():
                assert orders.get(name) == order, (name, order)
        for bot in bots[:2]:
            was = fills(t.get(bot))
            t.wait(bot, lambda b: fills(b) > was + 2)
            t.act(bot, "pause")
            t.wait(bot, lambda b: b["state"] == "paused")
            books_agree(t, bot)
            numbers = counted(t, bot)
            assert all(b == a + 1 for a, b in zip(numbers, numbers[1:])), numbers[-30:]  # no bar's state was lost or seen twice
        low = [o for o in t.all(bots[2], "orders") if o["tag"] == "low"]
        assert len(low) == 1 and low[0]["status"] == "open", low
        assert metric(s, "bot_divergences_total") == 0
        assert s.stop() == 0


def replay(service, bot, *args, expect=0):
    """What `perigee replay` says, from the data directory alone."""
    run = subprocess.run([service.binary, "replay", bot, "--data-dir", str(service.data), "--json", "-", *args], capture_output=True, text=True, timeout=120)
    assert run.returncode == expect, (run.returncode, run.stdout[-2000:], run.stderr)
    return json.loads(run.stdout)


def replays_as_live(service, trader, bot):
    """Beside the running service: up to what the paused bot's books show, the same decisions and the same hash."""
    live = trader.get(bot)["live"]
    time.sleep(0.2)  # the bars of that instant are on their way to the disk
    told = replay(service, bot, "--verify", "--to", str(live["instant_ms"]))
    assert told["same"] and told["to_ms"] == live["instant_ms"], told
    assert told["hash"] == live["hash"], (told, live)
    return told


def replayed(binary):
    with service_of(binary) as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("eager", EAGER)
        t.wait(bot, lambda b: fills(b) >= 10)
        t.act(bot, "pause")
        t.wait(bot, lambda b: b["state"] == "paused")
        told = replays_as_live(s, t, bot)
        assert told["compared"] >= 10 and told["resumes"] == 0, told
        t.act(bot, "start")
        for _ in range(3):
            t.wait(bot, lambda b: b["state"] == "running" and fills(b) > 4)
            s.killed_and_back(t)
        t.wait(bot, lambda b: b["state"] == "running" and fills(b) > 4)
        t.act(bot, "pause")
        t.wait(bot, lambda b: b["state"] == "paused")
        before = told["compared"]
        told = replays_as_live(s, t, bot)
        assert told["compared"] > before and told["resumes"] >= 3, told
        first = replay(s, bot)["commands"][0]
        assert first["by"] == "script" and first["command"].startswith("submit"), first
        assert replay(s, bot, "--explain", str(first["time_ms"]))["explanation"]["commands"]
        t.act(bot, "stop", {"close": True})
        t.wait(bot, lambda b: b["state"] == "stopped")
        assert s.stop() == 0
        told = replay(s, bot, "--verify")  # without a service
        assert told["parity"]["live"] and (told["parity"]["certified"] or told["parity"]["explained"]), told
        with contextlib.closing(sqlite3.connect(s.data / "journal.db")) as journal, journal:  # what the script did first is not in the journal
            journal.execute("DELETE FROM record WHERE id = (SELECT min(id) FROM record WHERE kind = 3)")
        told = replay(s, bot, "--verify", expect=1)
        assert not told["same"] and told["difference"]["time_ms"] == first["time_ms"] and told["difference"]["got"], told


def full_disk(binary):
    disk = Disk("24m")
    if disk.error:
        disk.remove()
        raise Skip(f"no tmpfs can be mounted here (needs root): {disk.error}")
    s = service_of(binary, data=disk.path)
    try:
        s.start()
        t = Trader(s, "ada@example.org")
        bot = t.bot("eager", EAGER)
        t.wait(bot, lambda b: fills(b) >= 6)
        with open(disk.path / "ballast", "wb", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 65536)
        deadline = time.monotonic() + 20
        while '"journal_refused"' not in s.log_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (disk.path / "ballast").unlink()
        row = t.wait(bot, lambda b: b["state"] == "paused")  # told as soon as there is room
        assert row["reason_code"] == "journal" and "full" in row["reason"], row
        t.act(bot, "start")
        t.wait(bot, lambda b: b["state"] == "running" and fills(b) >= 6)
        t.act(bot, "pause")
        t.wait(bot, lambda b: b["state"] == "paused")
        books_agree(t, bot)
        numbers = counted(t, bot)
        assert numbers == list(range(1, len(numbers) + 1)), numbers[-20:]
        assert metric(s, "bot_divergences_total") == 0
        run = subprocess.run([binary, "replay", bot, "--verify", "--data-dir", str(disk.path)], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, (run.stdout, run.stderr)
        assert s.stop() == 0
    finally:
        if s.process.poll() is None:
            s.process.kill()
            s.process.wait()
        disk.remove()


def main():
    binary, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 12
    return run_cases([
        ("a bot trades, pauses, goes on, and stops flat; its books agree", lambda: trades(binary)),
        ("scripts that fail, spin and hoard are retired, with the reason; others trade on", lambda: failing(binary)),
        ("hosts are killed and stopped: their bots go on in the same run", lambda: hosts_die(binary)),
        (f"the service is killed {kills} times: no order lost, none doubled, no bar's state lost", lambda: killed(binary, kills)),
        ("what a bot did is decided the same again by a replay of its journal, over a pause and kills", lambda: replayed(binary)),
        ("the disk is full: nothing is traded that is not journalled, and it goes on when there is room", lambda: full_disk(binary)),
    ])


if __name__ == "__main__":
    sys.exit(main())
