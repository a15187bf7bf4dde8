#!/usr/bin/env python3
"""The service for minutes: soak.py PERIGEE [--minutes N] [--bots N]. Dozens of bots trade on a synthetic market, people read and change them,
upload versions and reload, hosts are killed; then the memory of the core and the hosts, and their descriptors, must be flat. Flat: what a
line fitted to what follows the first WARM of the time rises by in an hour is below the limits. Prints TAP and figures."""
import argparse
import os
import random
import signal
import sys
import threading
import time

from live import BOTS, EAGER, PATIENT, Trader, hosts_of, metric, service_of
from service import run_cases

CHURN = """strategy{ name="churn", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true} } }
function on_bar(ctx, bar)
  ctx.state.bars = (ctx.state.bars or 0) + 1
  if ctx.state.bars % 5 == 0 then ctx:cancel_all("low") end
  if #ctx:orders("low") < 3 then ctx:buy{qty=ctx.p.size, type="limit", price=bar.close*0.999, sl=bar.close*0.98, tp=bar.close*1.001, tag="low"} end
  ctx:log("info", "bar", ctx.state.bars)
end
"""
# A version of its own for each round, so that reloads have something to do.
VERSION = CHURN + "-- round NUMBER\n"
LIMITS = {"core KiB/h": 40 * 1024, "host KiB/h": 40 * 1024, "core descriptors/h": 30, "host descriptors/h": 30}
# Of the time: caches fill, allocators find their size, and each bot has had its first 320 orders, which it keeps. Five bars a second, so that
# this takes two minutes: a warm-up is so much work, not so much time.
WARM, SPEED = 0.4, 300


def rss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Private_Dirty:"):  # shared and file pages are the system's to drop
                return int(line.split()[1])
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def slope(points):
    """Least squares: units per hour."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


class People(threading.Thread):
    """Somebody who reads everything and changes something now and then, until stopped."""

    def __init__(self, trader, bots, seed):
        super().__init__(daemon=True)
        self.trader, self.bots, self.dice, self.calls, self.failure, self.stopping = trader, bots, random.Random(seed), 0, None, threading.Event()

    def run(self):
        try:
            while not self.stopping.wait(0.05):
                self.once()
        except Exception as e:  # noqa: BLE001 - told by the test
            self.failure = e

    def once(self):
        t, bot, what = self.trader, self.dice.choice(self.bots), self.dice.random()
        self.calls += 1
        if what < 0.7:
            t.get(bot, self.dice.choice(["", "/orders?limit=50", "/fills?limit=50", "/logs?limit=50", "/equity", "/decisions?limit=20"]))
        elif what < 0.8:
            t.client.post(f"{BOTS}/{bot}/params", {"params": {"size": round(self.dice.uniform(0.005, 0.02), 4)}})
        elif what < 0.9:
            t.client.post(f"{BOTS}/{bot}/pause")
            t.client.post(f"{BOTS}/{bot}/start")
        else:
            t.client.post(f"{BOTS}/{bot}/restart")


def upload(t, name, source):
    t.client.post(f"/api/v1/strategies/{t.scripts[name]}/versions", {"source": source, "activate": True}, expect=201)


def report(kind, samples, lived_s):
    """Per process that lived so long, (kind, first, last, slope per hour): one that was killed soon after its start was still filling up."""
    lines = []
    for who, points in samples.items():
        if len(points) >= 10 and points[-1][0] - points[0][0] >= lived_s:
            lines.append((f"{who} {kind}", points[0][1], points[-1][1], slope(points)))
    return lines


def soak(binary, minutes, count):
    people = []
    with service_of(binary, speed=SPEED) as s:
        try:
            work(s, people, minutes, count)
        finally:
            for p in people:
                p.stopping.set()


def work(s, people, minutes, count):
    traders = [Trader(s, f"u{i}@example.org") for i in range(3)]
    bots = []
    for i in range(count):
        t = traders[i % 3]
        name, source = [("eager", EAGER), ("churn", CHURN), ("patient", PATIENT)][i % 3 if i % 7 else 1]
        bots.append((t, t.bot(name, source, ["BTCUSDT", "ETHUSDT", "SOLUSDT"][i % 3], settings={"cash": "1000"})))
    for i, t in enumerate(traders):
        people.append(People(t, [b for u, b in bots if u is t and b], i))
        people[-1].start()
    dice, begin, end, rounds, kills = random.Random(1), time.monotonic(), time.monotonic() + 60 * minutes, 0, 0
    memory, files, killing = {}, {}, begin + 10
    core = s.process.pid
    while time.monotonic() < end:
        time.sleep(1)
        now = time.monotonic() - begin
        quiet = now > WARM * 60 * minutes
        assert s.process.poll() is None, s.log_text()[-2000:]
        for p in people:
            if p.failure:
                raise p.failure
        if quiet:
            hosts = hosts_of(s)
            for pid in [core] + hosts:
                who = "core" if pid == core else f"host {pid}"
                try:
                    memory.setdefault(who, []).append((now, rss_kib(pid)))
                    # One for each host is the core's end of its socket: there are more or fewer of them as tenants become known.
                    files.setdefault(who, []).append((now, descriptors(pid) - (len(hosts) if pid == core else 0)))
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    pass
        rounds += 1
        if rounds % 15 == 0:
            upload(dice.choice([t for t in traders if "churn" in t.scripts]), "churn", VERSION.replace("NUMBER", str(rounds)))
        # Hosts are killed until half of the time is over, and once near its end: a host needs a life of its own to be fitted.
        if time.monotonic() > killing and now < 0.5 * 60 * minutes:
            pids = hosts_of(s)
            if pids:
                os.kill(dice.choice(pids), signal.SIGKILL)
                kills += 1
            killing = time.monotonic() + 7
    for p in people:
        p.stopping.set()
        p.join()
    fitted = report("KiB", memory, 0.3 * 60 * minutes) + report("descriptors", files, 0.3 * 60 * minutes)
    restarts = metric(s, "host_restarts_total")
    print(f"# {minutes:g} min, {count} bots, {sum(p.calls for p in people)} calls, {rounds // 15} versions, {kills} hosts killed ({restarts:g} restarts), "
          f"{metric(s, 'bot_intents_total'):g} intents", flush=True)
    for name, first, last, rise in fitted:
        print(f"# {name}: {first} → {last}, {rise:+.0f} an hour", flush=True)
    assert any(n.startswith("core") for n, *_ in fitted) and any(n.startswith("host") for n, *_ in fitted), fitted
    assert metric(s, "bot_divergences_total") == 0
    # A rise in an hour is told only by a long run: in a short one the noise of a few pages is a line that climbs.
    for name, first, last, rise in fitted:
        kind = "core" if name.startswith("core") else "host"
        unit = name.rsplit(" ", 1)[1]
        limit = LIMITS[f"{kind} {unit}/h"] * max(1.0, 10 / minutes)
        assert rise <= limit, f"{name} rises by {rise:.0f} an hour, more than {limit:.0f}"


def main():
    a = argparse.ArgumentParser()
    a.add_argument("binary")
    a.add_argument("--minutes", type=float, default=10)
    a.add_argument("--bots", type=int, default=36)
    args = a.parse_args()
    sys.exit(run_cases([(f"{args.minutes:g} minutes of work leave memory and descriptors flat", lambda: soak(args.binary, args.minutes, args.bots))]))


main()
