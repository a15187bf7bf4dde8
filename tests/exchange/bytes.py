#!/usr/bin/env python3
"""Connections cut at every byte of a request and of its answer, under the order logic of a bot: bytes.py PERIGEE BYTES DIALECT [STEP]. The exchange's
ledger is the oracle: each order was sent once, what the bot holds was executed, what it believes works, works, and each unknown outcome was
resolved or quarantined within half a minute. STEP: every so many-th byte of amends and cancels (1: each)."""
import collections
import subprocess
import sys

from venue import KEY, SECRET, Exchange
from tap import run_cases

BINARY, BYTES, DIALECT = sys.argv[1:4]
STEP = int(sys.argv[4]) if len(sys.argv) > 4 else 1
MOST = 900  # bytes; a request or answer of an order is shorter


class Bot:
    def __init__(self, exchange):
        self.process = subprocess.Popen([BYTES, DIALECT, f"http://127.0.0.1:{exchange.port}", KEY, SECRET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lost = self.held = 0
        self.ends = collections.Counter()
        self.longest = 0.0

    def wish(self, what):
        """True: the outcome was unknown for a while."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the bot has ended with {self.process.wait(timeout=10)}"
        said, status, lots, unknown, quarantined, waited = line.split()
        assert said == what, line
        assert float(waited) < 30 or int(quarantined), f"not resolved within half a minute: {line}"
        self.longest = max(self.longest, float(waited))
        self.held = int(lots)
        self.lost += int(unknown) > 0
        self.ends[what, status] += 1
        return int(unknown) > 0, status

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()


def compare(exchange, bot):
    ledger = exchange.ledger()
    sent = collections.Counter(r["orderLinkId"] for r in ledger["requests"] if r["path"].endswith("/order/create") and r["orderLinkId"])
    there = collections.Counter(o["orderLinkId"] for o in ledger["orders"])
    assert max(sent.values()) == 1 and max(there.values()) == 1, [k for c in (sent, there) for k, n in c.items() if n > 1]
    executed = sum(round(float(e["execQty"]) * 1000) * (1 if e["side"] == "Buy" else -1) for e in ledger["executions"])
    assert executed == bot.held, (executed, bot.held)
    return [o for o in ledger["orders"] if o["orderStatus"] in ("New", "PartiallyFilled", "Untriggered")]


def each_byte(exchange, bot, fault, path, step, case):
    """Cuts after 0, step, 2 × step … bytes, until one is behind the end."""
    cut = 0
    for n in range(0, MOST, step):
        exchange.faults(f"{fault}:on={path},count=1,value={n}")
        unknown = case(n)
        cut += unknown
        if not unknown and n > 60:
            exchange.faults()
            while bot.wish("limit")[1] != "open":  # the connection still has the rest of its bytes to go
                pass
            assert bot.wish("cancel")[1] == "canceled"
            return cut
    raise AssertionError(f"{fault} of {path}: longer than {MOST} bytes?")


def campaign():
    with Exchange(BINARY, "--feed", "sim", "--speed", "0.01", "--no-limits", "--seed", "7") as e:
        e.admin("price", symbol="BTCUSDT", price="40000")
        bot, told = Bot(e), collections.Counter()

        def trade(n):
            unknown, status = bot.wish("sell" if bot.held > 0 else "buy")
            told[fault, unknown, status] += 1
            return unknown

        def moved(n):
            assert bot.wish("limit")[1] == "open"
            unknown, status = bot.wish("amend")
            assert status == "open", status
            assert bot.wish("cancel")[1] == "canceled"
            return unknown

        def taken(n):
            assert bot.wish("limit")[1] == "open"
            unknown, status = bot.wish("cancel")
            assert status == "canceled", status
            return unknown

        for fault in ("cut_request", "cut_reply"):
            cuts = {"create": each_byte(e, bot, fault, "order/create", 1, trade)}
            assert not compare(e, bot)
            cuts["amend"] = each_byte(e, bot, fault, "order/amend", STEP, moved)
            cuts["cancel"] = each_byte(e, bot, fault, "order/cancel", STEP, taken)
            assert not compare(e, bot)
            # Part of a request has no effect (all of it: of a buy, of a sell), and nothing was sent instead; with part of an answer it had one.
            assert told["cut_request", True, "filled"] <= 2 and not told["cut_reply", True, "rejected"], told
            print(f"# {fault}: {cuts}, the longest {bot.longest:.1f} s")
        bot.end()
        print(f"# {dict(bot.ends)}, {bot.lost} outcomes unknown for a while")
        assert bot.lost >= 200


if __name__ == "__main__":
    sys.exit(1 if run_cases([("cut at every byte: nothing lost, nothing doubled, all resolved", campaign)]) else 0)
