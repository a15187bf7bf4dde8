#!/usr/bin/env python3
"""`perigee cards` as its users have it: Bybit passes all cards against `perigee exchange` with faults on, a dialect with a mistake fails the
card that is about it, what a venue does not claim is declared, and nothing runs where it must not: cards.py PERIGEE DIALECT LUNO."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from venue import KEY, SECRET, Client, Exchange
from tap import run_cases

BINARY, BYBIT, LUNO = sys.argv[1:4]
SOURCE = pathlib.Path(BYBIT).read_text().replace("per_ms=1000,", "per_ms=1,").replace("per_ms=5000,", "per_ms=1,")  # budgets are not what is tried
MISTAKES = {  # of a dialect: what is changed, the card that must see it
    "a refusal that the table of errors does not have": ('"30001 30003 30004 30007 30012 30074 30075 110003', '"30001 30003 30004 30007 30012 30074 30075', 6),
    "a code of doubt taken for a refusal": ('say("price", "fatal", "30001', 'say("price", "fatal", "10016 30001', 29),
    "a refusal for the rate taken for success": ('say("unchanged", "ok", "30083', 'say("unchanged", "ok", "10006 30083', 23),
    "a question outside the window is not asked again": ('say("clock", "retry", "10002', 'say("clock", "fatal", "10002', 24),
    "a stop in the wrong direction": ("rises and 1 or 2", "rises and 2 or 1", 13),
    "an order goes without its stop loss": ("stopLoss=a.stop_loss,", "stopLoss=nil,", 36),
    "quantities of an amend are not sent": ("body.stopLoss = a.qty, a.limit,", "body.stopLoss = nil, a.limit,", 8),
}

SPOT_MISTAKES = {
    "a stop is sent as an order that does not wait": ('if spot then body.orderFilter = "StopOrder"', "if spot then body.orderFilter = nil", 13),
    "an order that waits is cancelled as one that does not": ('a.stops and (a.attached and "BidirectionalTpslOrder" or "StopOrder") or "Order"', '"Order"', 13),
    "an exit of the venue's is cancelled as an order of ours": ('a.attached and "BidirectionalTpslOrder" or "StopOrder"', '"StopOrder"', 36),
    "nobody says which way a stop waits": ("above(o.triggerPrice) and above(o.basePrice)", "false", 35),
}


def cards(*args, code=None, **more):
    run = subprocess.run([BINARY, "cards", *args, "--json", "-"], capture_output=True, text=True, timeout=100, **more)
    assert code is None or run.returncode == code, (run.returncode, run.stdout[-2000:], run.stderr)
    return json.loads(run.stdout) if run.stdout else run.stderr


def against(exchange, dialect, *args, code=None):
    return cards(dialect, "--url", f"http://127.0.0.1:{exchange.port}", "--key", KEY, "--secret", SECRET, "--quick", *args, code=code)


def exchange(*args, feed="sim"):
    return Exchange(BINARY, "--feed", feed, "--speed", "0.01", "--no-limits", *args)  # a market that hardly moves by itself


def dialect(directory, source):
    path = pathlib.Path(directory) / "bybit.lua"
    path.write_text(source)
    return str(path)


def passes():
    with tempfile.TemporaryDirectory() as scratch, exchange() as e:
        told = against(e, dialect(scratch, SOURCE))
        assert not [c for c in told["cards"] if c["result"] != "passed"], [c for c in told["cards"] if c["result"] != "passed"]
        assert told["passed"] == len(told["cards"]) >= 36
        assert "does not tell" not in told["cards"][15]["text"], told["cards"][15]
        assert [c["card"] for c in told["cards"]] == list(range(1, told["passed"] + 1))
        ledger = e.ledger()
        # It leaves nothing behind, and did what it says: faults of each kind were met.
        assert not [o for o in ledger["orders"] if o["orderStatus"] in ("New", "PartiallyFilled", "Untriggered")]
        assert not [p for a in ledger["accounts"] for p in a["positions"]]
        met = {r["fault"] for r in ledger["requests"]}
        assert {"drop_after", "drop_before", "half_reply", "error_after", "throttle", "partial_cancel", "not_found", "delay_before"} <= met, met
        assert e.admin("faults")["faults"] == []


def spot():
    with tempfile.TemporaryDirectory() as scratch, exchange("--spot") as e:
        told = against(e, dialect(scratch, SOURCE), "--category", "spot")["cards"]
        without = {"reduce only", "positions", "leverage", "funding", "liquidation", "hedge"}
        assert {c["name"] for c in told if c["result"] == "unsupported"} == without and all("no capability" in c["text"] for c in told if c["result"] == "unsupported")
        assert not [c for c in told if c["result"] not in ("passed", "unsupported")], [c for c in told if c["result"] not in ("passed", "unsupported")]
        assert {o["category"] for o in e.ledger()["orders"]} == {"spot"}
        for what, (good, bad, card) in SPOT_MISTAKES.items():
            assert SOURCE.count(good) == 1, f"{what}: the dialect has changed, change the test"
            wrong = against(e, dialect(scratch, SOURCE.replace(good, bad)), "--category", "spot", "--card", str(card), code=1)
            assert wrong["cards"][0]["result"] == "failed", (what, wrong)
            for kind in ("StopOrder", "BidirectionalTpslOrder"):  # which it could not
                Client(e).ok("order/cancel-all", category="spot", orderFilter=kind)
        # One alone sells no more than it has.
        assert against(e, dialect(scratch, SOURCE), "--category", "spot", "--card", "25")["passed"] == 1
    declared = {c["name"]: c["result"] for c in cards("bybit", "--declare", "--category", "spot")["cards"]}
    assert {n for n, r in declared.items() if r == "unsupported"} == without


def mistakes():
    with tempfile.TemporaryDirectory() as scratch, exchange() as e:
        for what, (good, bad, card) in MISTAKES.items():
            assert SOURCE.count(good) == 1, f"{what}: the dialect has changed, change the test"
            told = against(e, dialect(scratch, SOURCE.replace(good, bad)), "--card", str(card), code=1)
            assert [c["result"] for c in told["cards"]] == ["failed"] and told["cards"][0]["text"], (what, told)


def without_admin():
    with tempfile.TemporaryDirectory() as scratch, exchange("--admin-token", "tok", feed="none") as e:
        Client(e).create(price="40000", link="theirs")  # there is no market: it rests
        told = against(e, dialect(scratch, SOURCE), code=1)
        assert told["failed"] == 1 and "candle" in told["cards"][-1]["text"], told
        told = against(e, dialect(scratch, SOURCE), "--card", "9", code=0)
        assert told["cards"][0]["result"] == "skipped" and "/admin" in told["cards"][0]["text"], told
        # With the token it may; then it finds an account that is in use and leaves it alone.
        told = against(e, dialect(scratch, SOURCE), "--admin-token", "tok", "--card", "5", code=1)
        assert "1 open orders" in told["cards"][0]["text"], told
        status, _, answer = Client(e).get("order/realtime", category="linear", symbol="BTCUSDT")
        assert [o["orderLinkId"] for o in answer["result"]["list"]] == ["theirs"], answer


def headers():
    """What a header lacks is told before anything is asked, by all who could meet it; an exchange on this machine is no real money."""
    with tempfile.TemporaryDirectory() as scratch, exchange() as e:
        silent = SOURCE.replace('private_ws="wss://stream-testnet.bybit.com/v5/private",', "")
        deaf = SOURCE.replace('"all_orders", "fills", ', '"all_orders", ')
        priceless = SOURCE.replace('"klines", ', "", 1)
        for source, words in ((silent, "lacks environments.testnet.private_ws"), (deaf, "lacks the operation fills"), (priceless, "lacks the operations instruments and klines")):
            assert source != SOURCE, "the dialect has changed, change the test"
            told = against(e, dialect(scratch, source), "--card", "4", code=1)
            assert words in told["cards"][0]["text"], told
        described = subprocess.run([BINARY, "dialect", dialect(scratch, silent)], capture_output=True, text=True, timeout=20)
        assert described.returncode == 0 and "environments.testnet.private_ws" in json.loads(described.stdout)["lacks"], described
        assert "lacks" not in json.loads(subprocess.run([BINARY, "dialect", "bybit"], capture_output=True, text=True, timeout=20).stdout)
        # With "live" alone: at home it may be tried, elsewhere it has to be meant.
        assert against(e, dialect(scratch, SOURCE), "--environment", "live", "--card", "1")["passed"] == 1
        there = subprocess.run([BINARY, "cards", "bybit", "--environment", "live", "--url", "http://127.0.0.1.example.org:1", "--key", "k", "--secret", "s"], capture_output=True, text=True, timeout=20)
        assert there.returncode == 2 and "--real-money" in there.stderr, there


def declared():
    told = {c["name"]: c for c in cards(LUNO, "--declare", code=0)["cards"]}
    for name, why in {"amend": "amend", "positions": "positions", "leverage": "leverage", "reduce only": "positions", "cancel all": "cancel_all", "market order": "market_by_quote"}.items():
        assert told[name]["result"] == "unsupported" and why in told[name]["text"], told[name]
    assert told["limit order"]["result"] == told["stop order"]["result"] == told["lost answer"]["result"] == "supported"
    assert cards("bybit", "--declare", code=0)["unsupported"] == 0


def real_money():
    for args in (("bybit", "--environment", "live"), (LUNO,)):
        said = cards(*args, "--key", "k", "--secret", "s", code=2)
        assert "real money" in said, said


def secrets():
    with exchange() as e, tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "secret"
        first = ("bybit", "--url", f"http://127.0.0.1:{e.port}", "--key", KEY, "--card", "1", "--quick")
        file.write_text(SECRET + "\n")
        for args, more in ((("--secret-file", str(file)), {}), (("--secret-file", "-"), {"input": SECRET + "\n"}), ((), {"env": {**os.environ, "PERIGEE_VENUE_SECRET": SECRET}})):
            assert cards(*first, *args, code=0, **more)["passed"] == 1, args
        file.write_text("another\n")
        assert cards(*first, "--secret-file", str(file), code=1)["passed"] == 0
        assert "secret-file" in cards(*first, code=2)
        for text in ("", "\n", "x" * 2000):
            file.write_text(text)
            assert "its first line is the secret" in cards(*first, "--secret-file", str(file), code=1)
        assert "everybody on this machine" in cards("bybit", "--environment", "live", "--key", "k", "--secret", "s", code=2)


if __name__ == "__main__":
    sys.exit(1 if run_cases([("Bybit passes all cards", passes), ("spot: what it has passes, what it has not is declared", spot), ("mistakes in a dialect are seen", mistakes), ("without /admin, and where an account is in use", without_admin),
                             ("what Luno does not have is declared", declared), ("what a header lacks is told; an exchange on this machine is no real money", headers), ("secrets come from files, standard input and the environment", secrets), ("nothing runs with real money unasked", real_money)]) else 0)
