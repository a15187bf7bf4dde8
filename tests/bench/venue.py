#!/usr/bin/env python3
"""How long an order takes to a venue on this machine: venue.py PERIGEE [BOTS [SECONDS]]. `perigee exchange` without faults, bots that trade at every bar, a bar a second;
prints the service's own histogram, from the order in the core through the journal's commit to the bytes handed to the connection, and how long a restart
takes with so many orders open."""
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
from venue_live import Exchange, VenueTrader, service_at  # noqa: E402

ONCE = """strategy{ name="once", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n % 2 == 1 then ctx:buy{qty=0.001} else ctx:close{} end
end
"""
# A venue takes ten orders a second of one key, and so does its dialect's budget: a hundred seconds for a thousand.
LADDER = """strategy{ name="ladder", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n % 3 == 0 and n <= 150 then ctx:buy{qty=0.001, type="limit", price=bar.close*(0.8 - n*0.001)} end
end
"""


def histogram(service):
    text = service.anonymous().get("/metrics").body.decode()
    return [(le, int(n)) for le, n in re.findall(r'perigee_order_send_duration_seconds_bucket\{le="([^"]+)"\} (\d+)', text)]


def main():
    binary, bots, seconds = sys.argv[1], int((sys.argv + ["", "", "10"])[2] or 10), float((sys.argv + ["", "", "", ""])[3] or 20)
    with Exchange(binary, "--no-limits", "--seed", "3") as exchange:
        s = service_at(binary, exchange, 60).start()
        try:
            t = VenueTrader(s, "ada@example.org")
            made = [t.bot("once", ONCE, settings={"cash": "1000"}) for _ in range(bots)]
            t.wait(made[-1], lambda b: b["live"] and b["live"]["fills"] >= 1, 90)
            time.sleep(seconds)
            rows = histogram(s)
            total = rows[-1][1]
            print(f"{bots} bots, {total} orders: from the core through the journal to the connection")
            for le, n in rows:
                print(f"  <= {le:>7} s  {100 * n / total:5.1f} %")
            for bot in made:
                t.act(bot, "stop", {"close": True})
            ladders = [t.bot("ladder", LADDER, settings={"cash": "2000"}) for _ in range(20)]
            for bot in ladders:
                t.wait(bot, lambda b: b["live"] and b["live"]["open_orders"] >= 45, 240)
            s.process.kill()
            s.process.wait()
            s.log.close()
            began = time.monotonic()
            s.start()
            ready = time.monotonic() - began
            t.login()
            began_login = time.monotonic()
            while t.client.get(f"/api/v1/accounts/{t.account}/connection").json.get("state") != "ready" or s.operator().get("/api/v1/admin/unknown-orders").json["items"]:
                time.sleep(0.05)
            print(f"killed with {sum(t.get(b)['live']['open_orders'] for b in ladders)} orders open: listening after {ready:.2f} s, all of them reconciled "
                  f"at most {time.monotonic() - began_login + ready:.2f} s after the start of the service (a login's wait left out)")
        finally:
            s.stop()


if __name__ == "__main__":
    main()
