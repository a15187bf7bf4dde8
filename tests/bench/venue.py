#!/usr/bin/env python3
"""Orders to a venue on this machine: venue.py PERIGEE [SECONDS [ACCOUNTS]]. `perigee exchange` without faults is the venue.

First how long an order takes, by the service's own histogram: from the core having read it to the first byte of its request in the kernel, the journal's
commit in between; one bot that trades at every bar, then ten at the same bar, as many of whose orders leave at once as the venue takes of a key in a
second. Then a restart with 1,000 orders open on ACCOUNTS keys (10; 0: none of that; else at least 2, as a key has at most 500 in a symbol; each is filled within the
venue's limit of ten orders a second): the service is killed, and started again."""
import json
import os
import pathlib
import re
import sys
import tempfile
import time

import quantiles

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
from venue_live import Exchange, VenueTrader, ledger, service_at  # noqa: E402

# In at one bar, out at the next, all bots at the same ones: what waits for a key's budget has left before the next.
ONCE = """strategy{ name="once", api=1 }
function on_bar(ctx, bar)
  if bar.time // 60000 % 2 == 1 then ctx:buy{qty=0.001} else ctx:close{} end
end
"""
LADDER = """strategy{ name="ladder", api=1, params={ rungs=int{50, min=1, max=200}, step=int{4, min=1, max=10} } }
function on_bar(ctx, bar)
  for _ = 1, ctx.p.step do
    local n = (ctx.state.n or 0) + 1
    if n <= ctx.p.rungs then
      ctx:buy{qty=0.001, type="limit", price=bar.close*(0.8 - n*0.0005)}
      ctx.state.n = n
    end
  end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx.state.n = ctx.state.n - 1 end -- another rung instead: the session was not up, or the key's second was full
end
"""
ORDERS, WORKING = 1000, ("New", "PartiallyFilled", "Untriggered")


def histogram(service):
    text = service.anonymous().get("/metrics").body.decode()
    return {float(le.replace("+Inf", "inf")): int(n) for le, n in re.findall(r'perigee_order_send_duration_seconds_bucket\{le="([^"]+)"\} (\d+)', text)}


def sync_ms(directory):
    """What the disk takes beside it: the median of a bare fdatasync of three pages behind the end of a file."""
    times = []
    with tempfile.NamedTemporaryFile(dir=directory) as f:
        for _ in range(200):
            f.write(os.urandom(12288))
            f.flush()
            began = time.monotonic()
            os.fdatasync(f.fileno())
            times.append(time.monotonic() - began)
            time.sleep(0.002)
    return sorted(times)[100] * 1000


def sending(binary, bots, seconds):
    with Exchange(binary, "--no-limits", "--seed", "3") as exchange:
        s = service_at(binary, exchange, 300 if bots == 1 else 30).start()
        try:
            t = VenueTrader(s, "ada@example.org")
            made = [t.bot("once", ONCE, settings={"cash": "1000"}) for _ in range(bots)]
            for bot in made:
                t.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 1, 90)
            before = histogram(s)
            time.sleep(seconds)
            print(f"{bots} bots: from the core to the first byte in the kernel {quantiles.of_histogram(before, histogram(s))}; load {os.getloadavg()[0]:.1f}, bare fdatasync {sync_ms(s.data):.2f} ms", flush=True)
        finally:
            s.stop()


def restart(binary, accounts):
    each = ORDERS // accounts
    side_by_side = max(2, -(-each // 200))  # bots of a key: one has at most 200 orders open
    params = {"rungs": each // side_by_side, "step": max(1, 8 // side_by_side)}
    total = accounts * side_by_side * params["rungs"]
    keys = [f"key{i}:secret{i}" for i in range(accounts)]
    with Exchange(binary, "--seed", "3", keys=("testkey:testsecret", *keys)) as exchange:
        s = service_at(binary, exchange, 60).start()
        try:
            t = VenueTrader(s, "ada@example.org")
            bots = []
            for key in keys:
                name, secret = key.split(":")
                account = t.client.post("/api/v1/accounts", {"venue": "bybit", "name": name, "settings": {"balance": "50000", "leverage": "5"},
                                                             "secrets": {"api_key": name, "api_secret": secret}}, headers={"Idempotency-Key": name}, expect=201).json["id"]
                bots += [t.bot("ladder", LADDER, account_id=account, settings={"cash": "10000"}, params=params) for _ in range(side_by_side)]
            began, deadline = time.monotonic(), time.monotonic() + 2 * ORDERS / accounts / 9 + 90
            while working(exchange) < total:
                assert time.monotonic() < deadline, (working(exchange), [t.get(b)["live"] for b in bots[:4]])
                time.sleep(0.5)
            time.sleep(2)
            print(f"{working(exchange)} orders open of {len(bots)} bots on {accounts} keys after {time.monotonic() - began:.0f} s")
            s.process.kill()
            s.process.wait()
            s.log.close()
            log = pathlib.Path(s.log.name)
            had = log.stat().st_size
            asked = len(ledger(exchange)["requests"])
            began, wall = time.monotonic(), time.time()
            s.start()
            listening = time.monotonic() - began
            ready = {}
            while len(ready) < accounts:
                assert time.monotonic() < began + 120, log.read_text(errors="replace")[had:][-3000:]
                time.sleep(0.02)
                for line in log.read_bytes()[had:].decode(errors="replace").splitlines():
                    if '"venue_session"' in line and "ready after reconciling" in line:
                        row = json.loads(line)
                        ready.setdefault(row["account"], row["ts"] - wall)
            while s.operator().get("/api/v1/admin/unknown-orders", expect=200).json["items"]:
                assert time.monotonic() < began + 120
                time.sleep(0.02)
            done = time.monotonic() - began
            requests = len(ledger(exchange)["requests"]) - asked
            time.sleep(1)
            assert working(exchange) == total, working(exchange)
            print(f"killed and started: listening after {listening:.2f} s, sessions compared after {min(ready.values()):.2f} to {max(ready.values()):.2f} s, "
                  f"no order in doubt after {done:.2f} s; {requests} requests to the venue; load {os.getloadavg()[0]:.1f}")
        finally:
            s.stop()


def working(exchange):
    return sum(o["orderStatus"] in WORKING for o in ledger(exchange)["orders"])


def main():
    binary, seconds, accounts = sys.argv[1], float((sys.argv + ["", ""])[2] or 20), int((sys.argv + ["", "", ""])[3] or 10)
    if seconds > 0:
        sending(binary, 1, seconds)
        sending(binary, 10, seconds)
    if accounts > 0:
        restart(binary, accounts)


if __name__ == "__main__":
    main()
