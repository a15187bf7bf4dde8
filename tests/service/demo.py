#!/usr/bin/env python3
"""What a fresh machine shows: demo.py PERIGEE. `perigee serve --demo` in an empty directory: a customer whose bots of shipped strategies trade at
once, and who are there again after a kill. Prints TAP."""
import re
import signal
import sys

from bots_live import everything, until
from service import Client, Service, run_cases

BOTS = "/api/v1/bots"


def first_minute(binary):
    service = Service(binary, args=["--demo"])
    service.start_s = 90  # it listens when the five strategies are proven
    with service as s:
        password = until(lambda: re.search(r"user: demo@perigee\.local, password (\w+)", s.log_text()), lambda found: found)[1]

        def customer():
            return Client(s, s.anonymous().post("/api/v1/auth/login", {"email": "demo@perigee.local", "password": password}, expect=200).json["access_token"])

        def bots(client):
            return client.get(f"{BOTS}?limit=50", expect=200).json["items"]
        demo = customer()
        rows = until(lambda: bots(demo), lambda rows: len(rows) == 5 and all(b["state"] == "running" for b in rows), 60)
        assert "is left out" not in s.log_text()
        # None stands in another's way: on one account a market order is refused that would meet another bot's.
        assert len({(b["account_id"], b["symbol"]) for b in rows}) == 5, [(b["name"], b["account_id"], b["symbol"]) for b in rows]
        until(lambda: bots(demo), lambda rows: sum((b["live"] or {}).get("fills", 0) > 0 for b in rows) >= 2, 60)
        s.stop(signal.SIGKILL)
        s.start()
        assert "password" not in s.log_text().split(password)[1], "made twice"
        demo = customer()
        again = until(lambda: bots(demo), lambda rows: all(b["state"] == "running" and b["live"] for b in rows), 60)
        assert {b["id"] for b in again} == {b["id"] for b in rows} and all(b["live"]["run"] == 1 for b in again), again
        for b in again:
            assert not [line["text"] for line in everything(demo, f"{BOTS}/{b['id']}/logs") if "SELF_TRADE" in line["text"]], b["name"]


def main():
    return run_cases([("five bots trade within a minute, none in another's way, and go on after a kill", lambda: first_minute(sys.argv[1]))])


if __name__ == "__main__":
    sys.exit(main())
