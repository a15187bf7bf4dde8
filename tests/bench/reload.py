#!/usr/bin/env python3
"""How long it takes until a new version runs in all bots that follow a strategy, while they trade: reload.py PERIGEE [BOTS]."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
from live import BOTS, Trader, hosts_of, metric, service_of  # noqa: E402
from reload_live import COUNT, source  # noqa: E402

QUIET = COUNT.replace('  ctx:log("info", "bar", VERSION, ctx.state.bars)\n', "")


SPEED = 120  # two bars a second
TENANT_BOTS = 20  # what a plan allows


def bots_of(tenants):
    for t in tenants:
        yield from t.client.get("/api/v1/bots?limit=200", expect=200).json["items"]


def wait(tenants, version, wait_s=200):
    deadline = time.monotonic() + wait_s
    while True:
        late = [b for b in bots_of(tenants) if b["state"] != "running" or b["live"]["version"] != version or b["live"]["instant_ms"] is None]
        if not late:
            return
        assert time.monotonic() < deadline, (len(late), late[0])
        time.sleep(0.02)


def cpu_s(s):
    """CPU time of the service and of its hosts so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    def of(pid):
        return sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13])) / ticks
    return of(s.process.pid), sum(of(pid) for pid in hosts_of(s))


def script(s, *args):
    return subprocess.run([s.binary, "script", *args, "--data-dir", str(s.data)], check=True, capture_output=True, text=True).stdout


def main():
    binary, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with service_of(binary, SPEED) as s, tempfile.TemporaryDirectory() as where:
        file = pathlib.Path(where) / "count.lua"
        file.write_text(source(1, "", QUIET))
        script(s, "put", "strategy", str(file), "--activate")
        tenants = []
        for i in range(count):
            if i % TENANT_BOTS == 0:
                tenants.append(Trader(s, f"user{i}@example.org"))
            t = tenants[-1]
            t.client.post(BOTS, {"name": "count", "account_id": t.account, "strategy": "count", "symbol": "BTCUSDT", "timeframe": "1m", "venue": "sim",
                                 "settings": {"cash": "20000"}, "start": True}, expect=201)
        # Opened all at once, before the market goes on; beside a market that runs they come one by one between its instants.
        assert s.stop() == 0
        s.start()
        for i, t in enumerate(tenants):
            t.client = s.login(f"user{i * TENANT_BOTS}@example.org")
        wait(tenants, 1)
        file.write_text(source(2, "function migrate(state, from) return state end\n", QUIET))
        script(s, "put", "strategy", str(file))
        times = []
        for version in (2, 1, 2):
            began, core, hosts = time.monotonic(), *cpu_s(s)
            script(s, "activate", "strategy", "count", str(version))
            answered = time.monotonic() - began
            wait(tenants, version)
            times.append(time.monotonic() - began)
            print(f"{count} bots from one version to the other, at 2 bars a second: {times[-1]:.2f} s (answered after {answered * 1000:.0f} ms); "
                  f"CPU time, all their trading included: core {cpu_s(s)[0] - core:.2f} s, hosts {cpu_s(s)[1] - hosts:.2f} s", flush=True)
        rows = list(bots_of(tenants))
        print(f"median {sorted(times)[1]:.2f} s; {sum(b['live']['fills'] for b in rows)} fills, {sum(b['live']['errors'] for b in rows)} errors, "
              f"{metric(s, 'bot_divergences_total'):.0f} divergences, {sum(b['live']['run'] != 1 for b in rows)} new runs")


if __name__ == "__main__":
    sys.exit(main())
