#!/usr/bin/env python3
"""What a session is told about its orders, against what truly happened: outcomes.py PERIGEE OUTCOMES DIALECT [COUNT] [SEED]. Requests and
answers are dropped, delayed, cut at any byte and answered with errors, streams are cut; no order is sent twice, and whatever is said to be
definite, is."""
import collections
import subprocess
import sys
import time

from venue import KEY, SECRET, Exchange
from tap import run_cases

BINARY, OUTCOMES, DIALECT = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 250
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
ON = "on=order/create"
FAULTS = [f"drop_before:{ON},p=0.08", f"drop_after:{ON},p=0.08", f"late:{ON},p=0.05,value=300", f"error_before:{ON},p=0.05", f"error_after:{ON},p=0.05",
          f"internal_before:{ON},p=0.05", f"internal_after:{ON},p=0.05", f"half_reply:{ON},p=0.05", f"throttle:{ON},p=0.02,value=50", "disconnect:every=1500"]
FAULTS += [f"cut_reply:{ON},p=0.01,value={n}" for n in (0, 1, 9, 60, 150)] + [f"cut_request:{ON},p=0.01,value={n}" for n in (1, 30, 200, 350, 450)]


def campaign():
    with Exchange(BINARY, "--feed", "none", "--no-limits", "--seed", str(SEED), *[a for f in FAULTS for a in ("--faults", f)]) as e:
        run = subprocess.run([OUTCOMES, DIALECT, f"http://127.0.0.1:{e.port}", KEY, SECRET, str(COUNT)], capture_output=True, text=True, timeout=100, check=True)
        told = {line.split()[0]: line.split()[1] for line in run.stdout.splitlines()}
        assert len(told) == COUNT, len(told)
        time.sleep(0.5)  # the last late effect
        ledger = e.ledger()
    orders = {o["orderLinkId"] for o in ledger["orders"]}
    sent = collections.Counter(r["orderLinkId"] for r in ledger["requests"] if r["path"].endswith("/order/create"))
    counts = collections.Counter(told.values())
    print(f"# seed {SEED}: {dict(counts)}, {sum(told[o] == 'UNKNOWN' for o in orders)} of the unknown ones exist")
    doubled = [o for o, n in sent.items() if o and n > 1]  # the exchange would refuse the second, and say so; "": it was cut before its name
    assert sum(sent.values()) <= COUNT, f"{sum(sent.values())} requests for {COUNT} orders"
    assert not doubled, f"sent twice: {doubled}"
    assert not [o for o in orders if o not in told], "orders that nobody asked for"
    for order, outcome in told.items():
        if outcome == "ACCEPTED":
            assert order in orders, f"{order} was accepted and does not exist"
        elif outcome in ("REFUSED", "NOT_SENT"):
            assert order not in orders, f"{order} exists though it was {outcome}"
    # The campaign did what it is for: some of either kind.
    assert counts["UNKNOWN"] > COUNT / 10 and counts["ACCEPTED"] > COUNT / 10, counts
    assert 0 < sum(told[o] == "UNKNOWN" for o in orders) < counts["UNKNOWN"]


if __name__ == "__main__":
    sys.exit(1 if run_cases([("outcomes agree with the ledger, and nothing is sent twice", campaign)]) else 0)
