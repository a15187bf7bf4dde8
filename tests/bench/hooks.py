#!/usr/bin/env python3
"""How long a signal takes on this machine: hooks.py PERIGEE [RATE [SECONDS [BOTS]]]. Posts messages to a hook with three shipped rules at RATE a second over
keep-alive connections and prints how long until they were answered (stored) and until a bot's script had heard them; then a burst; then one signal to BOTS bots
until the last has ordered."""
import http.client
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
from live import BOTS, Trader  # noqa: E402
from service import Service  # noqa: E402

HOOKS = "/api/v1/hooks"
HEARS = """strategy{ name="hears", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s) end
"""
ORDERS = """strategy{ name="orders", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s) if s.action == "buy" then ctx:buy{qty=0.001} end end
"""


def quantiles(values):
    values = sorted(values)
    return f"p50 {values[len(values) // 2] * 1e3:.2f} ms, p99 {values[len(values) * 99 // 100] * 1e3:.2f} ms, worst {values[-1] * 1e3:.1f} ms of {len(values)}"


class Line:
    """A keep-alive connection of a sender."""

    def __init__(self, service, path):
        self.conn, self.path = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30), path

    def post(self, body):
        began = time.perf_counter()
        self.conn.request("POST", self.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.conn.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text)
        return time.perf_counter() - began


def steady(service, path, rate, seconds, lines=8):
    times, lock = [], threading.Lock()

    def send(k):
        line, own = Line(service, path), []
        begin = time.perf_counter() + 0.1 + k / rate
        for i in range(int(rate * seconds / lines)):
            wait = begin + i * lines / rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            own.append(line.post({"id": f"{k}-{i}-{begin}", "symbol": "BTCUSDT", "action": "note"}))
        with lock:
            times.extend(own)

    threads = [threading.Thread(target=send, args=(k,)) for k in range(lines)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return times


def main():
    binary, rate, seconds, many = sys.argv[1], float((sys.argv + [""] * 2)[2] or 500), float((sys.argv + [""] * 3)[3] or 10), int((sys.argv + [""] * 4)[4] or 0)
    with Service(binary, args=["--feed", "sim=sim:speed=1,seed=3"]) as s:
        t = Trader(s, "ada@example.org")
        stages = [{"rule": "symbol_map"}, {"rule": "dedupe", "settings": {"same_key": True}}, {"rule": "daily_cap", "settings": {"max": 0}}]
        hook = t.client.post(HOOKS, {"name": "bench", "settings": {"per_minute": 600000, "stages": stages[:1] + stages[2:]}}, expect=201).json
        bot = t.bot("hears", HEARS)
        t.client.put(f"{HOOKS}/{hook['id']}/bots/{bot}", expect=204)
        t.wait(bot, lambda b: b["state"] == "running")
        times = steady(s, hook["path"], rate, seconds)
        print(f"answered at {rate:.0f}/s: {quantiles(times)}")
        time.sleep(2)
        rows = t.client.get(f"{HOOKS}/{hook['id']}/deliveries?limit=200", expect=200).json["items"]
        print(f"received to verdict, latest {len(rows)}: {quantiles([(d['done_at_ms'] - d['received_at_ms']) / 1e3 for d in rows])} (whole ms)")
        text = s.anonymous().get("/metrics").body.decode()
        print("\n".join(line for line in text.splitlines() if line.startswith(("perigee_signal", "perigee_rules"))))
        began, burst = time.perf_counter(), 5000
        times = steady(s, hook["path"], 1e6, burst / 1e6, lines=32)
        print(f"burst: {len(times) / (time.perf_counter() - began):.0f} stored a second by this client, {quantiles(times)}")
        if many:
            fan_out(s, t, many)


def fan_out(s, t, many):
    """One signal to bots that each order."""
    hook = t.client.post(HOOKS, {"name": "fan", "settings": {"ttl_s": 600}}, expect=201).json
    first = t.bot("orders", ORDERS, settings={"cash": "20"})
    bots = [first] + [t.bot("orders", ORDERS, settings={"cash": "20"}) for _ in range(many - 1)]
    for bot in bots:
        t.client.put(f"{HOOKS}/{hook['id']}/bots/{bot}", expect=204)
    t.wait(bots[-1], lambda b: b["state"] == "running", 600)
    time.sleep(3)
    before = intents(s)
    began = time.perf_counter()
    Line(s, hook["path"]).post({"id": "go", "symbol": "BTCUSDT", "action": "buy"})
    stored = time.perf_counter() - began
    while intents(s) - before < many:
        assert time.perf_counter() - began < 120, intents(s) - before
        time.sleep(0.005)
    print(f"1 signal to {many} bots: stored after {stored * 1e3:.1f} ms, the last order after {time.perf_counter() - began:.3f} s")


def intents(s):
    text = s.anonymous().get("/metrics").body.decode()
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("perigee_bot_intents_total "))


if __name__ == "__main__":
    assert BOTS
    main()
