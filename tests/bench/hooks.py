#!/usr/bin/env python3
"""How long a signal takes on this machine: hooks.py PERIGEE [RATE [SECONDS [BOTS]]]. Posts messages to a hook with two shipped rules at RATE a second over
keep-alive connections and prints how long until they were answered (stored) and until a bot's script had heard them; then a burst of 10,000 over 64 connections, each with
its requests sent ahead; then one signal to BOTS bots, twenty of a tenant, until the last has ordered. With each: CPU time a signal, by thread of the service and for
its other processes, which a busy machine changes less than times. A message that is not taken is printed with its answer."""
import collections
import contextlib
import http.client
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import selectors
import socket
import sqlite3
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
import quantiles

sys.path.insert(0, str(HERE.parent / "service"))
from live import Trader  # noqa: E402
from service import Service  # noqa: E402

HOOKS = "/api/v1/hooks"
ENV = {"PERIGEE_CHECK_ANSWERS": "0", "PERIGEE_PARITY_HOUR": "-1"}
STAGES = [{"rule": "symbol_map"}, {"rule": "daily_cap", "settings": {"max": 0}}]
HEARS = """strategy{ name="hears", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s) end
"""
ORDERS = """strategy{ name="orders", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s) if s.action == "buy" then ctx:buy{qty=0.001} end end
"""


def idle():
    """tests/bench/idle as a module: it copies bots."""
    loader = importlib.machinery.SourceFileLoader("idle", str(HERE / "idle"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("idle", loader))
    loader.exec_module(module)
    return module


def metrics(s):
    return dict(line.rsplit(" ", 1) for line in s.anonymous().get("/metrics").body.decode().splitlines() if line and line[0] != "#")


def metric(s, name):
    return float(metrics(s).get("perigee_" + name, 0))


class Cpu:
    """CPU time that threads of the service and its other processes take from now on."""

    def __init__(self, s):
        self.s, self.before = s, self.now(s)

    @staticmethod
    def now(s):
        times = collections.Counter()
        for pid in [s.process.pid, *idle().children(s)]:
            kind = "core " if pid == s.process.pid else pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().split("--", 1)[-1].split()[0] + " "
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                with contextlib.suppress(OSError):
                    name = (task / "comm").read_text().strip() + ("" if task.name != str(pid) else "*")
                    times[kind + (name if kind == "core " else "")] += int((task / "schedstat").read_text().split()[0])
        return times

    def a_signal(self, n):
        took = {k: v - self.before[k] for k, v in self.now(self.s).items()}
        parts = ", ".join(f"{k.strip()} {v / n / 1e3:.0f}" for k, v in sorted(took.items(), key=lambda kv: -kv[1]) if v / n > 500)
        return f"CPU µs a signal: {sum(took.values()) / n / 1e3:.0f} ({parts})"


class Line:
    """A keep-alive connection of a sender."""

    def __init__(self, service, path):
        self.conn, self.path = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30), path

    def post(self, body):
        began = time.perf_counter()
        self.conn.request("POST", self.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.conn.getresponse()
        text = answer.read()
        if answer.status != 200:
            print(f"not taken: {answer.status} {text.decode(errors='replace')}", flush=True)
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


def burst(s, path, count, lines=64):
    """How long until all were answered; requests wait in the connections, so this client takes next to nothing."""
    per, chosen = count // lines, selectors.DefaultSelector()
    for k in range(lines):
        bodies = [json.dumps({"id": f"burst-{k}-{i}-{time.time()}", "symbol": "BTCUSDT", "action": "note"}) for i in range(per)]
        sock = socket.create_connection(("127.0.0.1", s.port))
        sock.setblocking(False)
        blob = "".join(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(b)}\r\n\r\n{b}" for b in bodies).encode()
        chosen.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, [blob, bytearray()])
    answered, began = 0, time.perf_counter()
    while answered < per * lines:
        for key, events in chosen.select(30):
            state = key.data
            if events & selectors.EVENT_WRITE:
                state[0] = state[0][key.fileobj.send(state[0]):]
                if not state[0]:
                    chosen.modify(key.fileobj, selectors.EVENT_READ, state)
            if events & selectors.EVENT_READ:
                got = key.fileobj.recv(1 << 20)
                assert got, f"closed after {answered}: {bytes(state[1][-300:])}"
                state[1] += got
                answered += got.count(b"HTTP/1.1 ")
    took = time.perf_counter() - began
    for key in list(chosen.get_map().values()):
        for status, rest in re.findall(rb"HTTP/1.1 (\d+) [^\r]*\r\n(.*?)(?=HTTP/1.1 |$)", bytes(key.data[1]), re.S):
            if status != b"200":
                print("not taken:", status.decode(), rest.decode(errors="replace"), flush=True)
        key.fileobj.close()
    return took


def bounds(of):
    """Of a scrape of the metrics: {bound: count} of received to heard."""
    return {float(k.split('"')[1].replace("+Inf", "inf")): float(v) for k, v in of.items() if k.startswith("perigee_signal_delay_seconds_bucket")}


def commits(before, after, signals):
    """Commits a signal of each file, by the metrics."""
    names = [k for k in after if k.startswith("perigee_storage_commit_duration_seconds_count")]
    return "commits a signal: " + ", ".join(f"{k.split(chr(34))[1]} {(float(after[k]) - float(before.get(k, 0))) / signals:.2f}" for k in names)


def settle(s):
    while metric(s, "signals_waiting") > 0:
        time.sleep(0.05)
    time.sleep(1)


def main():
    binary, rate, seconds, many = sys.argv[1], float((sys.argv + [""] * 2)[2] or 500), float((sys.argv + [""] * 3)[3] or 10), int((sys.argv + [""] * 4)[4] or 0)
    with Service(binary, args=["--feed", "sim=sim:speed=1,seed=3"], env=ENV) as s:
        t = Trader(s, "ada@example.org")
        hook = t.client.post(HOOKS, {"name": "bench", "settings": {"per_minute": 600000, "stages": STAGES, "ttl_s": 600}}, expect=201).json
        bot = t.bot("hears", HEARS)
        t.client.put(f"{HOOKS}/{hook['id']}/bots/{bot}", expect=204)
        t.wait(bot, lambda b: b["state"] == "running")
        steady(s, hook["path"], 100, 1)
        settle(s)
        cpu, before = Cpu(s), metrics(s)
        times = steady(s, hook["path"], rate, seconds)
        settle(s)
        after = metrics(s)
        print(f"{rate:.0f}/s: answered {quantiles.of_values(times)}; received to heard by the script: {quantiles.of_histogram(bounds(before), bounds(after))}; "
              f"{commits(before, after, len(times))}; {cpu.a_signal(len(times))}", flush=True)
        # A hook to which nobody listens: what it costs to accept and to ask the rules.
        quiet = t.client.post(HOOKS, {"name": "quiet", "settings": {"per_minute": 600000, "stages": STAGES, "ttl_s": 600}}, expect=201).json
        cpu, count = Cpu(s), 9984
        took = burst(s, quiet["path"], count)
        at_once = cpu.a_signal(count)
        settle(s)
        print(f"burst: {count / took:.0f} a second stored and answered; until then {at_once}; until the rules were asked {cpu.a_signal(count)}")
        print("  " + ", ".join(f"{k[8:]} {v}" for k, v in metrics(s).items() if k.startswith(("perigee_signals_", "perigee_rules_"))))
    if many:
        fan_out(binary, many)


def fan_out(binary, many):
    """One signal to bots that each order."""
    copies = idle()
    s = Service(binary, args=["--feed", "sim=sim:speed=1,seed=3"], env=ENV).start()
    try:
        t = Trader(s, "ada@example.org")
        for _ in range(min(many, copies.PER_TENANT)):
            t.bot("orders", ORDERS, settings={"cash": "200"})
        hook = t.client.post(HOOKS, {"name": "fan", "settings": {"ttl_s": 600}}, expect=201).json
        assert s.stop() == 0
        copies.rows(s, many)
        with contextlib.closing(sqlite3.connect(s.data / "control.db")) as db:
            db.execute("INSERT INTO hook_bots SELECT (SELECT max(id) FROM hooks), id FROM bots")
            db.commit()
        s.start_s = 600
        s.start()
        while metric(s, "bots_running") < many:
            time.sleep(0.3)
        time.sleep(5)
        before, cpu = metric(s, "bot_intents_total"), Cpu(s)
        began = time.perf_counter()
        Line(s, hook["path"]).post({"id": "go", "symbol": "BTCUSDT", "action": "buy"})
        stored = time.perf_counter() - began
        while metric(s, "bot_intents_total") - before < many:
            assert time.perf_counter() - began < 120, metric(s, "bot_intents_total") - before
            time.sleep(0.005)
        took = time.perf_counter() - began
        print(f"1 signal to {many} bots: stored after {stored * 1e3:.1f} ms, the last order journalled after {took:.3f} s; {cpu.a_signal(many)}, of which each is a bot's")
        s.stop()
    finally:
        if s.process.poll() is None:
            s.process.kill()


if __name__ == "__main__":
    main()
