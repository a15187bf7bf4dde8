#!/usr/bin/env python3
"""Paper accounts that several bots share, with their money: accounts_live.py PERIGEE. Prints TAP. What bots win and lose stays in the
account, over stops, restarts and kills; in every answer all parts sum to the whole, to the last digit; nobody gets what another has; no bot
of an account trades with another."""
import contextlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from decimal import Decimal as D

from bots import BOTS, Customer
from bots_live import everything, until
from service import Service, run_cases

# In and out at every bar, with fees: its money changes at once.
EAGER = """strategy{ name="eager", api=1, params={ size=num{0.01, min=0.0001, max=10} } }
function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  if ctx.state.n % 2 == 1 then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
end
"""
# One rests below the market; the other would sell to it.
RESTS = """strategy{ name="rests", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true; ctx:buy{qty=0.01, type="limit", price=bar.close*0.7, tag="low"} end
end
"""
CROSSES = """strategy{ name="crosses", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true; ctx:sell{qty=0.01, type="limit", price=bar.close*0.6, tag="cross"} end
end
function on_order(ctx, e)
  ctx:log("info", "heard", e.tag, e.status, e.reason)
end
"""
# Asks for one order, then each bar for another, and tells what it hears. {size} as it is wanted.
DOUBTS = """strategy{ name="doubts", api=1, params={ size=num{0.1, min=0.001, max=10} } }
function on_bar(ctx, bar)
  if (ctx.state.n or 0) < 6 then ctx.state.n = (ctx.state.n or 0) + 1; ctx:buy{qty=ctx.p.size, tag="n" .. ctx.state.n} end
end
function on_order(ctx, e)
  ctx:log("info", "heard", e.tag, e.from, e.status, e.reason)
end
"""
# Long and short in five symbols at once.
LEGS = """strategy{ name="legs", api=1, mode="hedging", data={ main={}, b={symbol="ETHUSDT"}, c={symbol="SOLUSDT"}, d={symbol="GBPUSD"}, e={symbol="EURUSD"} } }
function on_bar(ctx, bar)
  if ctx.state.done then return end
  ctx.state.done = true
  for _, s in ipairs{ctx.sym.name, "ETHUSDT", "SOLUSDT", "GBPUSD", "EURUSD"} do
    ctx:buy{notional=100, symbol=s, leg="long"}
    ctx:sell{notional=100, symbol=s, leg="short"}
  end
end
"""
# Market, limit, stop and bracket orders; sizes that need leverage and that a bar's volume does not hold.
MIXED = """strategy{ name="mixed", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n % 12 == 1 then ctx:buy{qty=30, tag="in"}
  elseif n % 12 == 3 then ctx:buy{qty=60, type="limit", price=bar.close*0.999, ttl="4m", sl=bar.close*0.997, tp=bar.close*1.001, tag="low"}
  elseif n % 12 == 5 then ctx:buy{pct=150, tag="more"}
  elseif n % 12 == 7 then ctx:sell{qty=10, type="stop", trigger=bar.close*0.999, reduce=true, ttl="3m", tag="stop"}
  elseif n % 12 == 10 then ctx:cancel_all("low"); ctx:close{tag="out"} end
end
"""
# What an account's venue is like, and the flags of a backtest that say the same.
VENUES = {
    "plain": ({}, []),
    "leverage": ({"leverage": "5"}, ["--leverage", "5"]),
    "fees": ({"fee_maker": "-0.0002", "fee_taker": "0.0007"}, ["--fee-maker", "-0.0002", "--fee-taker", "0.0007"]),
    "partial fills": ({"participation": "0.05"}, ["--participation", "0.05"]),
    "latency": ({"latency_ms": 60000}, ["--latency", "60000"]),
    "slippage and spread": ({"slippage_ticks": 3, "spread_ticks": 4}, ["--slippage-ticks", "3", "--spread", "0.04"]),
    "other fees": ({"fee_fixed": "0.25", "fee_per_unit": "0.01"}, ["--fee-fixed", "0.25", "--fee-per-unit", "0.01"]),
    "slippage and spread in percent": ({"slippage_pct": "0.05", "spread_pct": "0.02"}, ["--slippage-pct", "0.05", "--spread-pct", "0.02"]),
    "maintenance margin": ({"leverage": "5", "maintenance_pct": "49.5"}, ["--leverage", "5", "--maintenance-pct", "49.5"]),
    "fill model": ({"fill_model": "classic"}, ["--fill-model", "classic"]),
    "path": ({"path": "favourable"}, ["--path", "favourable"]),
    "rules": ({"rules": "tight"}, ["--rules", "tight.json"]),
}
# Lets the first order of MIXED pass and denies the two larger ones.
TIGHT = {"name": "Tight", "total": {"trail": "static", "loss": "6000"}, "max_qty": "80"}
FIRST_MS = 1767225600000
ACCOUNTS = "/api/v1/accounts"


def exact(m):
    """All parts sum to the whole."""
    bots = m["bots"]
    free, allocated = D(m["free"]), D(m["allocated"])
    assert allocated == sum((D(b["cash"]) for b in bots), D(0)), m
    assert D(m["paid_in"]) + D(m["result"]) == free + allocated, m
    assert D(m["balance"]) == free + sum((D(b["balance"]) for b in bots), D(0)), m
    assert D(m["equity"]) == free + sum((D(b["equity"]) for b in bots), D(0)), m
    assert all(D(b["pnl"]) == D(b["equity"]) - D(b["cash"]) for b in bots), m
    return m


def bars(count, after=0):
    """Minutes of a made-up market: seconds since the epoch, whole cents."""
    rng, price, rows = random.Random(11), 10000, []
    for i in range(after + count):
        opened = price
        closes = opened + rng.randint(-60, 60)
        high, low = max(opened, closes) + rng.randint(0, 40), min(opened, closes) - rng.randint(0, 40)
        rows.append(f"{FIRST_MS + i * 60000},{opened/100:.2f},{high/100:.2f},{low/100:.2f},{closes/100:.2f},{rng.randint(100, 900)}\n")
        price = closes + rng.randint(-5, 5)
    return rows[after:]


class Books:
    def __init__(self, trader, balance="10000", **settings):
        self.trader = trader
        self.id = trader.client.post(ACCOUNTS, {"venue": "paper", "name": "Shared", "settings": {"balance": balance, "fee_taker": "0.001", **settings}}, expect=201).json["id"]
        self.url = f"{ACCOUNTS}/{self.id}"

    def money(self):
        return exact(self.trader.client.get(self.url, expect=200).json["money"])

    def until(self, done, wait_s=60):
        deadline = time.monotonic() + wait_s
        while not done(got := self.money()):
            assert time.monotonic() < deadline, got
            time.sleep(0.02)
        return got

    def entries(self):
        """Oldest first; they balance, and sum to what the account says."""
        items, cursor = [], ""
        while cursor is not None:
            page = self.trader.client.get(f"{self.url}/entries?limit=7" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
            items += page["items"]
            cursor = page["next_cursor"]
        items.reverse()
        balance = D(0)
        for e in items:
            assert D(e["paid_in"]) + D(e["result"]) == D(e["free"]) + D(e["allocated"]), e
            balance += D(e["paid_in"]) + D(e["result"])
            assert D(e["balance"]) == balance, e
        return items

    def move(self, what, body, expect=200, **kw):
        return self.trader.client.post(f"{self.url}/{what}", body, expect=expect, **kw).json


def main(binary):
    binary = os.path.abspath(binary)  # some of what it is told stands in another folder
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    folder = tempfile.TemporaryDirectory()
    growing = pathlib.Path(folder.name) / "TEST_1m.csv"
    growing.write_text("time,open,high,low,close,volume\n" + "".join(bars(10)))
    service = Service(binary, args=["--feed", "sim=sim:speed=600,seed=5", "--feed", f"file=file:{growing}:lot=0.01"])
    with service as s:
        ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org")
        eager, rests, crosses = ada.strategy("Eager", EAGER), ada.strategy("Rests", RESTS), ada.strategy("Crosses", CROSSES)
        books = Books(ada)

        def bot(strategy, cash, account=None, start=True, expect=201, name=None, **more):
            body = ada.body(strategy, timeframe="1m", account_id=(account or books).id, settings={"cash": cash} if cash else {}, start=start, **more)
            if name:
                body["name"] = name
            return ada.client.post(BOTS, body, expect=expect).json

        def stop(b, **body):
            ada.act(b, "stop", body or None)
            ada.stopped(b)

        @case("an account that nobody has used has what its settings say; deposits and withdrawals are entries, each request once")
        def _():
            m = books.money()
            assert m == {"currency": "USDT", "balance": "10000", "free": "10000", "allocated": "0", "equity": "10000", "paid_in": "10000", "result": "0", "bots": []}, m
            assert books.entries() == []
            key = str(uuid.uuid4())
            first = books.move("deposit", {"amount": "0.00000001"}, headers={"Idempotency-Key": key})
            assert exact(first)["balance"] == "10000.00000001", first
            assert books.move("deposit", {"amount": "0.00000001"}, headers={"Idempotency-Key": key}) == first
            assert books.move("withdraw", {"amount": "10.5"})["free"] == "9989.50000001"
            refused = books.move("withdraw", {"amount": "9989.50000002"}, expect=409)
            assert refused["code"] == "insufficient_funds" and "9989.50000001 are free" in refused["detail"], refused
            for amount in ("0", "-1", "0.000000001", "999999999999"):
                assert books.move("deposit", {"amount": amount}, expect=422)["errors"][0]["pointer"] == "/amount"
            assert exact(books.move("reset", None))["balance"] == "10000"
            assert [e["kind"] for e in books.entries()] == ["opened", "deposit", "withdrawal", "reset"]
            for what in ("", "/entries", "/balances"):
                bob.client.get(books.url + what, expect=404)
            bob.client.post(books.url + "/deposit", {"amount": "1"}, expect=404)
            audit = [e["action"] for e in s.operator().get("/api/v1/admin/audit?limit=50", expect=200).json["items"]]
            assert {"account.deposit", "account.withdraw", "account.reset"} <= set(audit), audit

        bots = {}

        @case("two bots have their parts; while they trade all parts sum to the whole; who wants more than is free is told the numbers")
        def _():
            one, two = bots["one"], bots["two"] = bot(eager, "3000", name="One"), bot(eager, "2000.5", params={"size": 0.02})
            m = books.until(lambda m: len(m["bots"]) == 2 and all(b["pnl"] != "0" for b in m["bots"]))
            assert m["free"] == "4999.5" and m["allocated"] == "5000.5" and m["paid_in"] == "10000" and D(m["balance"]) != 10000, m
            assert {b["bot_id"]: b["cash"] for b in m["bots"]} == {one["id"]: "3000", two["id"]: "2000.5"}, m
            for _ in range(40):
                books.money()
            for start in ("create", "start"):
                if start == "create":
                    refused = bot(eager, "5000", expect=409)
                else:
                    waits = bot(eager, "4999.50000001", start=False)
                    refused = ada.act(waits, "start", expect=409).json
                assert refused["code"] == "insufficient_funds" and "4999.5 are free" in refused["detail"] and "One has 3000" in refused["detail"], refused
            assert books.move("withdraw", {"amount": "5000"}, expect=409)["code"] == "insufficient_funds"
            assert books.move("reset", None, expect=409)["code"] == "conflict"

        @case("a bot that stops gives back what it has: its loss is the account's, and the next run begins with that")
        def _():
            one = bots["one"]
            stop(one, close=True)
            m = books.until(lambda m: len(m["bots"]) == 1)
            assert D(m["result"]) < 0 and D(m["free"]) == D("7999.5") + D(m["result"]), m  # fees at the least
            until(lambda: sum(D(t["pnl"]) for t in everything(ada.client, f"{BOTS}/{one['id']}/trades")), lambda won: won == D(m["result"]))
            back = [e for e in books.entries() if e["kind"] == "returned"]
            assert len(back) == 1 and back[0]["bot_id"] == one["id"] and back[0]["run"] == 1 and D(back[0]["free"]) == 3000 + D(m["result"]), back
            ada.client.patch(f"{BOTS}/{one['id']}", {"settings": {}}, expect=200)
            ada.act(one, "start")  # without a sum of its own: all that is free
            now = books.until(lambda n: len(n["bots"]) == 2)
            assert now["free"] == "0" and [b["cash"] for b in now["bots"] if b["bot_id"] == one["id"]] == [m["free"]] and now["result"] == m["result"], (m, now)
            refused = bot(eager, None, expect=409)
            assert "nothing is free" in refused["detail"] and "settings: cash" in refused["detail"], refused

        @case("killed at any moment: nothing is lost or doubled")
        def _():
            one, two = bots["one"], bots["two"]
            for wait_s in (0.3, 0.05, 0.5):
                before = books.money()
                time.sleep(wait_s)
                s.stop(signal.SIGKILL)
                s.start()
                ada.client = s.login("ada@example.org")
                m = books.money()
                assert [m[k] for k in ("free", "allocated", "paid_in", "result")] == [before[k] for k in ("free", "allocated", "paid_in", "result")], (before, m)
                assert {(b["bot_id"], b["run"], b["cash"]) for b in m["bots"]} == {(b["bot_id"], b["run"], b["cash"]) for b in before["bots"]}, (before, m)
                for b in (one, two):
                    ada.client.get(f"{BOTS}/{b['id']}", expect=200)
            ada.act(one, "stop", {"close": True})
            s.stop(signal.SIGKILL)  # in the middle of its end: before it or after it, and nothing between
            s.start()
            ada.client = s.login("ada@example.org")
            ada.stopped(one)
            m = books.until(lambda m: len(m["bots"]) == 1)
            assert sum(e["kind"] == "returned" for e in books.entries()) == 2
            stop(two)  # its position, if there is one, at the last price
            m = books.until(lambda m: not m["bots"])
            assert m["free"] == m["balance"] == m["equity"] and D(m["result"]) == sum(D(e["result"]) for e in books.entries()[6:]), m
            assert exact(books.move("reset", {"balance": "500"}))["result"] == "0"
            assert s.stop() == 0
            doctor = subprocess.run([binary, "doctor", "--data-dir", str(s.data)], capture_output=True, text=True, timeout=60)
            assert doctor.returncode == 0, doctor.stdout + doctor.stderr
            s.start()
            ada.client = s.login("ada@example.org")

        @case("an order that would meet another bot's of the account is refused, with its price and that bot's name; another account's may")
        def _():
            shared, other = Books(ada, "100000"), Books(ada, "100000")
            low = bot(rests, "20000", shared, name="Low rester")
            deadline = time.monotonic() + 60
            while not ada.client.get(f"{BOTS}/{low['id']}/orders?working=true", expect=200).json["items"]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            cross, fine = bot(crosses, "20000", shared), bot(crosses, "20000", other)

            def logs(b):
                return [x["text"] for x in ada.client.get(f"{BOTS}/{b['id']}/logs?limit=100", expect=200).json["items"]]
            while not any("SELF_TRADE" in t and t.startswith("heard") for t in logs(cross)):
                assert time.monotonic() < deadline, logs(cross)
                time.sleep(0.05)
            refused = [t for t in logs(cross) if "refused" in t]
            order = until(lambda: everything(ada.client, f"{BOTS}/{low['id']}/orders"), len)[0]
            assert len(refused) == 1 and "SELF_TRADE" in refused[0] and "(of the bot Low rester)" in refused[0] and order["limit"] in refused[0], (refused, order)
            until(lambda: [(o["status"], o["reason"], o["filled"]) for o in everything(ada.client, f"{BOTS}/{cross['id']}/orders")], lambda ended: ended == [("canceled", "SELF_TRADE", "0")])
            until(lambda: [d["kind"] for d in everything(ada.client, f"{BOTS}/{cross['id']}/decisions")], lambda kinds: "deny" in kinds)
            while not ada.client.get(f"{BOTS}/{fine['id']}/fills", expect=200).json["items"]:
                assert time.monotonic() < deadline, logs(fine)
                time.sleep(0.05)
            assert not any("SELF_TRADE" in t for t in logs(fine))
            shared.money(), other.money()

        @case("a bot of several symbols: a portfolio in one account, all its parts in the account's sums; a stop ends it at the last prices")
        def _():
            source = (pathlib.Path(__file__).resolve().parents[2] / "strategies" / "rebalance.lua").read_text()
            portfolio = Books(ada, "50000")
            held = bot(ada.strategy("Rebalance", source), "40000", portfolio, params={"third": "", "w1": 40, "w2": 30})
            assert ada.get(held)["pairs"] == ["BTCUSDT", "ETHUSDT"], held
            until(lambda: ada.get(held), lambda b: b["live"] and len(b["live"]["positions"]) == 2)
            m = portfolio.until(lambda m: m["equity"] != m["balance"])
            positions = ada.client.get(portfolio.url + "/positions", expect=200).json["items"]
            assert {p["symbol"] for p in positions} == {"BTCUSDT", "ETHUSDT"} and all(p["bot_id"] == held["id"] for p in positions), positions
            until(lambda: {f["symbol"] for f in everything(ada.client, f"{BOTS}/{held['id']}/fills")}, lambda seen: seen == {"BTCUSDT", "ETHUSDT"})
            stop(held)
            m = portfolio.until(lambda m: not m["bots"])
            assert m["free"] == m["balance"] == m["equity"], m
            until(lambda: ada.client.get(f"{BOTS}/{held['id']}/equity?points=5000", expect=200).json["items"][-1], lambda last: D(m["free"]) - 10000 == D(last["equity"]))
            # None is left out, however many there are.
            many = bot(ada.strategy("Legs", LEGS), "20000", portfolio)
            until(lambda: ada.get(many), lambda b: b["live"] and len(b["live"]["positions"]) == 10)
            for path in (portfolio.url, "/api/v1"):
                assert len({(p["symbol"], p["qty"][0] == "-") for p in ada.client.get(f"{path}/positions", expect=200).json["items"] if p["bot_id"] == many["id"]}) == 10, path
            stop(many)

        @case("one bot on several accounts: on each a script of its own with that account's money and fees; what is asked of the group reaches all or none")
        def _():
            dear, cheap, poor = Books(ada, "8000", fee_taker="0.01"), Books(ada, "4000", fee_taker="0"), Books(ada, "100")
            first = bot(eager, "3000", dear, start=False, params={"size": 0.001})
            url = f"{BOTS}/{first['id']}/accounts"
            alone = ada.client.get(url, expect=200).json
            assert alone["group_id"] is None and [b["id"] for b in alone["items"]] == [first["id"]], alone
            group = ada.client.post(url, {"account_ids": [cheap.id]}, expect=201).json
            ids = [b["id"] for b in group["items"]]
            assert group["group_id"] == ids[0] == first["id"] and [b["account_id"] for b in group["items"]] == [dear.id, cheap.id], group
            assert all(b[k] == group["items"][0][k] for b in group["items"] for k in ("params", "settings", "symbol", "strategy_id", "group_id", "seed")), group
            assert ada.client.post(url, {"account_ids": [cheap.id]}, expect=409).json["code"] == "conflict"
            assert ada.client.post(url, {"account_ids": ["acc_0000000000000"]}, expect=422).json["errors"][0]["pointer"] == "/account_ids"
            bob.client.post(url, {"account_ids": [Books(bob).id]}, expect=404)
            ada.client.post(url, {"account_ids": [poor.id], "start": True}, expect=409)
            ada.client.post(url, {"account_ids": [poor.id]}, expect=201)
            refused = ada.act(first, "start?group=true", expect=409).json
            assert refused["code"] == "insufficient_funds" and "100 are free" in refused["detail"], refused
            assert {b["state"] for b in ada.client.get(url, expect=200).json["items"]} == {"stopped"}
            poor.move("deposit", {"amount": "2900"})
            ada.act(ids[1], "start?group=true")
            members = until(lambda: [ada.client.get(f"{BOTS}/{b['id']}", expect=200).json for b in ada.client.get(url, expect=200).json["items"]],
                            lambda bs: all(b["live"] and b["live"]["fills"] >= 2 for b in bs))
            assert len(members) == 3 and len({b["account_id"] for b in members}) == 3
            until(lambda: [everything(ada.client, f"{BOTS}/{b['id']}/fills") for b in members], all)
            fees = [D(ada.client.get(f"{BOTS}/{b['id']}/fills?limit=1", expect=200).json["items"][0]["fee"]) for b in members]
            assert fees[1] == 0 and fees[0] > 9 * fees[2] > 0, fees
            for books in (dear, cheap, poor):
                books.money()
            ada.act(ids[0], "stop?group=true")
            for b in members:
                ada.stopped(b)
            assert [books.until(lambda m: not m["bots"])["allocated"] for books in (dear, cheap, poor)] == ["0"] * 3

        @case("a venue that does not answer: the order is UNKNOWN, counts as exposure, is asked about and never sent again; then it works, or never arrived")
        def _():
            doubts = ada.strategy("Doubts", DOUBTS)
            # Each worth some 6,000 of 10,000 in positions: a second one is refused for as long as the fate of the first is open.
            late = Books(ada, "100000", fault_lost="1", fault_unanswered=2, max_exposure="10000")
            gone = Books(ada, "100000", fault_lost="1", fault_absent="1", max_exposure="10000")
            made = {"late": bot(doubts, "50000", late), "gone": bot(doubts, "50000", gone)}

            def heard(b):
                return [x["text"] for x in reversed(everything(ada.client, f"{BOTS}/{b['id']}/logs")) if x["text"].startswith("heard")]

            def of(b, tag):
                return [line.split()[2:] for line in heard(b) if line.split()[1] == tag]
            until(lambda: of(made["late"], "n1"), lambda told: told and told[-1][1] == "FILLED")
            assert [t[:2] for t in of(made["late"], "n1")] == [["NEW", "OPEN"], ["OPEN", "UNKNOWN"], ["UNKNOWN", "OPEN"], ["OPEN", "FILLED"]], heard(made["late"])
            until(lambda: of(made["gone"], "n1"), lambda told: told and told[-1][1] == "REJECTED")
            assert of(made["gone"], "n1")[-1] == ["UNKNOWN", "REJECTED", "ABSENT"], heard(made["gone"])
            for b in made.values():
                orders = until(lambda b=b: everything(ada.client, f"{BOTS}/{b['id']}/orders"), lambda rows: len(rows) == 6 and all(o["status"] in ("filled", "rejected", "canceled") for o in rows))
                assert len({o["id"] for o in orders}) == 6 and any(o["reason"] == "MAX_POSITION" for o in orders), orders
                decisions = until(lambda b=b: everything(ada.client, f"{BOTS}/{b['id']}/decisions"), lambda rows: any(c["kind"] == "found" for d in rows for c in d.get("commands", [])))
                done = [(c["kind"], c["order"]) for d in decisions for c in d.get("commands", [])]
                assert sum(kind == "submit" for kind, _ in done) == 6 and {n for k, n in done if k == "found"} <= {n for k, n in done if k == "lost"}, done
                stop(b, close=True)
            assert D(gone.until(lambda m: not m["bots"])["result"]) == 0 > D(late.until(lambda m: not m["bots"])["result"])
            s.stop()
            for b in made.values():
                told = subprocess.run([binary, "replay", b["id"], "--verify", "--data-dir", str(s.data)], capture_output=True, text=True, timeout=60)
                assert told.returncode == 0, told.stdout + told.stderr
            s.start()
            ada.client = s.login("ada@example.org")

        @case("a run whose books cannot be opened any more ends with what it was last worth")
        def _():
            lost = Books(ada)
            b = bot(eager, "5000", lost)
            until(lambda: ada.get(b), lambda r: r["live"] and r["live"]["fills"] >= 4)
            ada.act(b, "pause")
            until(lambda: ada.get(b), lambda r: r["state"] == "paused")
            s.stop(signal.SIGKILL)
            with contextlib.closing(sqlite3.connect(pathlib.Path(s.data) / "control.db")) as db, db:
                assert db.execute("UPDATE bots SET timeframe = '7x' WHERE name = ?", (b["name"],)).rowcount == 1
            s.start()
            ada.client = s.login("ada@example.org")
            assert [(x["cash"], x["balance"]) for x in lost.money()["bots"]] == [("5000", "5000")]  # as it was given: more is not known
            stop(b)
            m = lost.until(lambda m: not m["bots"])
            until(lambda: ada.client.get(f"{BOTS}/{b['id']}/equity?points=5000", expect=200).json["items"][-1], lambda last: D(m["free"]) - 5000 == D(last["equity"]) != 5000)

        @case("leverage, fees, partial fills, latency, slippage, spread and rules are the account's: its bot ends where a backtest with these flags does")
        def _():
            mixed = ada.strategy("Mixed", MIXED)
            ada.client.put("/api/v1/risk/rule-sets/tight", {"rules": TIGHT}, expect=200)
            pathlib.Path(folder.name, "tight.json").write_text(json.dumps(TIGHT))
            made = {name: Books(ada, "10000", **{"fee_taker": "0", **settings}) for name, (settings, _) in VENUES.items()}
            live = {name: bot(mixed, None, books, name=name, venue="file", symbol="TEST") for name, books in made.items()}
            for b in live.values():
                deadline = time.monotonic() + 60
                while ada.get(b)["state"] != "running":
                    assert time.monotonic() < deadline, ada.get(b)
                    time.sleep(0.02)
            shown = bars(240, 10)
            with growing.open("a") as f:
                f.write("".join(shown))
            recorded, script, told = pathlib.Path(folder.name) / "recorded.csv", pathlib.Path(folder.name) / "mixed.lua", pathlib.Path(folder.name) / "result.json"
            recorded.write_text("time,open,high,low,close,volume\n" + "".join(shown))
            script.write_text(MIXED)
            hashes = {}
            for name, (_, flags) in VENUES.items():
                deadline = time.monotonic() + 60
                while ada.get(live[name])["live"]["instant_ms"] != FIRST_MS + 250 * 60000 or ada.get(live[name])["live"]["hash"] != hashes.get(name):
                    hashes[name] = ada.get(live[name])["live"]["hash"]
                    assert time.monotonic() < deadline, ada.get(live[name])
                    time.sleep(0.05)
                subprocess.run([binary, "backtest", script, "--data", recorded, "--symbol", "TEST", "--timeframe", "1m", "--tick", "0.01", "--lot", "0.01", "--cash", "10000", *flags, "--seed", str(live[name]["seed"]), "--json", told],
                               check=True, capture_output=True, timeout=30, cwd=folder.name)
                result = json.loads(told.read_text())
                fills = until(lambda: everything(ada.client, f"{BOTS}/{live[name]['id']}/fills"), lambda rows: len(rows) == len(result["fills"]))
                got = [(f["side"], D(f["qty"]), D(f["price"]), D(f["fee"])) for f in reversed(fills)]
                assert got == [(f["side"], D(f["qty"]), D(f["price"]), D(f["fee"])) for f in result["fills"]], (name, got, result["fills"])
                assert result["hash"] == hashes[name], name
                if name == "rules":
                    told = [x["text"] for x in reversed(everything(ada.client, f"{BOTS}/{live[name]['id']}/logs")) if "refused" in x["text"]]
                    assert told == [x["text"] for x in result["logs"] if "refused" in x["text"]] and len(told) == result["rules"]["denied"] > 20 < len(got), (told, result["rules"])
            assert len(set(hashes.values())) == len(VENUES), hashes

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
