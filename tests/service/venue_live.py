#!/usr/bin/env python3
"""Bots on an account at a venue elsewhere: venue_live.py PERIGEE [KILLS [SEED…]]. The venue is `perigee exchange`, whose ledger is the oracle: what bots
believe is what it executed, to the lot, whatever is lost, delayed, doubled or killed on the way. TAP. With seeds only the kills, for each seed of
perpetuals, of both legs and of spot; how many orders there were, and what became of those of unknown outcome, is told as a comment."""
import collections
import contextlib
import decimal
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exchange"))
from auth import totp  # noqa: E402
from disk import Disk  # noqa: E402
from live import Trader, hosts_of  # noqa: E402
from service import PASSWORD, Client, Service, Skip, run_cases  # noqa: E402
from venue import KEY, SECRET, Exchange  # noqa: E402
from venue import Client as Stranger  # noqa: E402

D = decimal.Decimal
# In and out at the market, with a stop and a target far away; now and then an order that rests, is moved and withdrawn.
BUSY = """strategy{ name="busy", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n % 4 == 1 then ctx:buy{qty=0.02, sl=bar.close*0.5, tp=bar.close*2, tag="in"} end
  if n % 4 == 2 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.97, tag="low"} end
  if n % 4 == 3 then ctx:close{tag="out"} end
  if n % 4 == 0 then ctx:cancel_all("low") end
end
"""

# Both legs, each with its exits, some of them so near that the price comes.
LEGS = """strategy{ name="legs", api=1, mode="hedging" }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  local near = n % 3 == 0 and 0.002 or 0.5
  if n % 4 == 1 then ctx:buy{qty=0.02, leg="long", sl=bar.close*(1-near), tp=bar.close*2, tag="in"} end
  if n % 4 == 2 then ctx:sell{qty=0.01, leg="short", sl=bar.close*(1+near), tag="in"} end
  if n % 4 == 3 then ctx:close{leg="long", tag="out"} end
  if n % 4 == 0 then ctx:close{leg="short", tag="out"} end
end
"""

# Coins: exits are conditional orders for which nothing is set aside.
COINED = """strategy{ name="coined", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  local near = n % 3 == 0 and 0.002 or 0.5
  if n % 4 == 1 then ctx:buy{qty=0.02, sl=bar.close*(1-near), tp=bar.close*2, tag="in"} end
  if n % 4 == 2 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.97, tag="low"} end
  if n % 4 == 3 then ctx:close{tag="out"} end
  if n % 4 == 0 then ctx:cancel_all("low") end
end
"""
KINDS = {"linear": BUSY, "hedge": LEGS, "spot": COINED}

FAR = """strategy{ name="far", api=1 }
function on_bar(ctx, bar)
  if #ctx:orders() == 0 then ctx:buy{qty=0.02, type="limit", price=bar.close*0.8} end
end
"""

HOLD = """strategy{ name="hold", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true ctx:buy{qty=0.02} end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx.state.done = false end -- the session was not up yet
end
"""


# A position with a stop, and an order that rests. Every bar is journalled.
GUARDED = """strategy{ name="guarded", api=1 }
function on_bar(ctx, bar)
  local n = #ctx:orders()
  ctx:log(n, " orders")
  if n == 0 and ctx.pos.flat then ctx:buy{qty=0.02, sl=bar.close*0.5} end
  if n == 1 and ctx.pos.qty > 0 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.8, tag="low"} end
end
"""


class VenueTrader(Trader):
    """A customer with a second factor and an account at the exchange."""

    def __init__(self, service, email):
        self.client = service.register(email)
        self.service, self.email, self.scripts, self.signed_at = service, email, {}, time.time()
        self.client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        self.seed = self.client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        self.client.post("/api/v1/auth/verify-2fa", {"code": totp(self.seed, time.time() - 30)}, expect=200)
        tokens = service.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, "code": totp(self.seed)}, expect=200).json
        self.client = Client(service, tokens["access_token"])
        self.account = self.client.post("/api/v1/accounts", {"venue": "bybit", "name": "Simulated", "settings": {"balance": "50000", "leverage": "5"},
                                                             "secrets": {"api_key": KEY, "api_secret": SECRET}}, headers={"Idempotency-Key": "account"}, expect=201).json["id"]

    def login(self):
        time.sleep(max(0, 30 - time.time() % 30) if time.time() - self.signed_at < 30 else 0)  # a code is good once
        tokens = self.service.anonymous().post("/api/v1/auth/login", {"email": self.email, "password": PASSWORD, "code": totp(self.seed)}, expect=200).json
        self.client = Client(self.service, tokens["access_token"])
        self.signed_at = time.time()

    def bot(self, name, source, symbol="BTCUSDT", **more):
        return super().bot(name, source, symbol, **{"venue": "bybit", **more})


def ledger(exchange):
    with urllib.request.urlopen(f"http://127.0.0.1:{exchange.port}/admin/ledger", timeout=10) as answer:
        return json.load(answer)


def service_at(binary, exchange, speed=600, feed=None, also=(), **more):
    return Service(binary, **more, args=[*also, "--feed", "bybit=" + (feed or f"sim:speed={speed}"), "--venue-url", f"bybit=http://127.0.0.1:{exchange.port}", "--hosts", "1"])


def admin(exchange, what, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{exchange.port}/admin/{what}", json.dumps(body or {}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def executed(exchange):
    """What truly happened: signed quantity by client id, and orders by client id."""
    book = ledger(exchange)
    lots, orders = collections.Counter(), collections.Counter()
    for e in book["executions"]:
        lots[e["orderLinkId"]] += D(e["execQty"]) * (1 if e["side"] == "Buy" else -1)
    for o in book["orders"]:
        orders[o["orderLinkId"]] += 1
    return book, lots, orders


def agree(trader, exchange, bots, wait_s=40):
    """The venue's ledger and the bots' books say the same; no client id was used twice."""
    deadline = time.monotonic() + wait_s
    while True:
        book, lots, orders = executed(exchange)
        twice = {k: n for k, n in orders.items() if n > 1}
        assert not twice, f"orders twice: {twice}"
        true = sum(lots.values())
        mine = sum((D(p["qty"]) for bot in bots for p in ((trader.get(bot)["live"] or {}).get("positions") or [])), D(0))
        if true == mine:
            return book, lots
        if time.monotonic() > deadline:
            raise AssertionError(f"the venue executed {true}, the bots hold {mine}")
        time.sleep(0.2)


def unknown(service):
    """How often it was told that nobody knew what became of an order."""
    with contextlib.closing(sqlite3.connect(f"file:{service.data}/control.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM notices WHERE event = 'order.unknown'").fetchone()[0]


def none_waits(service):
    """Whoever is not known for 30 s is in quarantine; ten seconds more are a loaded machine's."""
    now_ms = time.time() * 1000
    late = [o for o in service.operator().get("/api/v1/admin/unknown-orders", expect=200).json["items"] if o["state"] == "unknown" and now_ms - o["since_ms"] > 40000]
    assert not late, late
    return True


def explain(trader, service, exchange, bots):
    """What does not come to an end, as both sides see it."""
    ended = ("filled", "canceled", "rejected", "expired", "denied")
    print(f"# session: {trader.client.get(f'/api/v1/accounts/{trader.account}/connection').json}")
    print(f"# unknown: {service.operator().get('/api/v1/admin/unknown-orders').json}")
    for bot in bots:
        print(f"# {bot}: {[(o['id'], o['side'], o['type'], o['status'], o['qty'], o['filled']) for o in trader.all(bot, 'orders') if o['status'] not in ended]}")
    book = ledger(exchange)
    print(f"# the venue: {[(o['orderLinkId'], o['orderStatus'], o['side'], o['qty']) for o in book['orders'] if o['orderStatus'] in ('New', 'PartiallyFilled', 'Untriggered')]}")
    print(f"# asked last: {[(r['path'], r.get('fault')) for r in book['requests'][-20:]]}")


def campaign(binary, kind, kills, seed):
    """Engine and exchange are killed while answers are lost; then all is stopped flat, and the venue's ledger looked at."""
    chance = random.Random(seed)
    spot = kind == "spot"
    with tempfile.TemporaryDirectory() as place:
        with Exchange(binary, "--no-limits", "--seed", str(seed), "--faults", "rain", *(["--spot"] if spot else []), data=place) as exchange:
            s = service_at(binary, exchange, 300, also=["--feed", "bybit-spot=sim:speed=300"] if spot else []).start()
            try:
                t = VenueTrader(s, "ada@example.org")
                if spot:
                    t.account = t.client.post("/api/v1/accounts", {"venue": "bybit", "name": "Coins", "settings": {"balance": "50000", "category": "spot"},
                                                                   "secrets": {"api_key": KEY, "api_secret": SECRET}}, headers={"Idempotency-Key": "coins"}, expect=201).json["id"]
                    admin(exchange, "deposit", {"key": KEY, "coin": "BTC", "amount": "1"})  # fees are taken out of the coins
                more = {"venue": "bybit-spot"} if spot else {}
                bots = [t.bot(kind, KINDS[kind], settings={"cash": "20000"}, **more) for _ in range(2)]
                for bot in bots:
                    t.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 1, 60)
                for n in range(kills):
                    time.sleep(chance.uniform(0.2, 1.0))
                    if n % 3 == 2:
                        port = exchange.port
                        exchange.kill()
                        exchange.args = tuple(a for a in exchange.args if a != "--listen" and not a.startswith("127.0.0.1:")) + ("--listen", f"127.0.0.1:{port}")
                        exchange.start()
                    else:
                        s.killed_and_back()
                    none_waits(s)
                t.login()
                for bot in bots:
                    t.act(bot, "stop", {"close": True})
                try:
                    for bot in bots:
                        t.wait(bot, lambda b: none_waits(s) and b["state"] == "stopped", 90 + kills / 3)  # hundreds are asked about, some ten a second
                except AssertionError:
                    explain(t, s, exchange, bots)
                    raise
                book, lots, orders = executed(exchange)
                assert max(orders.values()) == 1, {k: n for k, n in orders.items() if n > 1}
                assert sum(lots.values()) == 0, lots
                working = [o for o in book["orders"] if o["orderStatus"] in ("New", "PartiallyFilled", "Untriggered")]
                assert not working, working
                assert not book["accounts"][0]["positions"] or spot, book["accounts"][0]["positions"]
                # Order by order, to the lot: what the bots' books have is what was executed.
                sides = {"buy": 1, "sell": -1}
                mine = {o["id"]: D(o["filled"]) * sides[o["side"]] for bot in bots for o in t.all(bot, "orders") if D(o["filled"])}
                differ = {k: (mine.get(k), lots.get(k)) for k in mine.keys() | lots.keys() if mine.get(k) != lots.get(k)}
                assert not differ, differ
                ends = collections.Counter(o["orderStatus"] for o in book["orders"])
                print(f"# {kind} seed {seed}: {kills} kills, {len(book['orders'])} orders {dict(ends)}, {len(book['executions'])} executions, {unknown(s)} unknown outcomes")
            finally:
                s.stop()


def halted_within_an_instant(s, t, exchange):
    """The kill switch cancels at the venue though the script's host hangs over an instant, and does not wait until that host is given up."""
    bot = t.bot("far", FAR)
    deadline = time.monotonic() + 60
    while True:  # rows come a little behind, and what was refused before the session was up is asked for again
        book, ours = ledger(exchange), {o["id"] for o in t.get(bot, "/orders")["items"]}
        if name := next((o["orderLinkId"] for o in book["orders"] if o["orderLinkId"] in ours and o["orderStatus"] == "New"), None):
            break
        assert time.monotonic() < deadline, (book["orders"], ours)
        time.sleep(0.05)

    def order():
        return next(o for o in ledger(exchange)["orders"] if o["orderLinkId"] == name)

    hosts = hosts_of(s)
    for pid in hosts:
        os.kill(pid, signal.SIGSTOP)
    try:
        seen = None
        while seen != (seen := t.get(bot)["live"]["instant_ms"]):  # it is in one: bars come every tenth of a second
            time.sleep(0.4)
        t.client.post(f"/api/v1/bots/{bot}/halt", {}, expect=200)
        while order()["orderStatus"] != "Cancelled":
            assert time.monotonic() < deadline, order()
            time.sleep(0.02)
        lost = [line["ts"] for line in map(json.loads, filter(lambda x: x.startswith("{"), s.log_lines())) if line["event"] == "host_lost"]
        assert not lost or int(order()["updatedTime"]) < lost[0] * 1000, (order(), lost)
    finally:
        for pid in hosts:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    t.wait(bot, lambda b: b["state"] == "halted" and b["live"]["open_orders"] == 0)
    while next(o["reason"] for o in t.get(bot, "/orders")["items"] if o["id"] == name) != "HALTED":  # its row
        assert time.monotonic() < deadline, t.get(bot, "/orders")
        time.sleep(0.05)
    t.act(bot, "stop")
    t.wait(bot, lambda b: b["state"] == "stopped")


def until(condition, what, wait_s=20):
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def halted_on_a_full_disk(s, exchange):
    """Its books are closed, as what it did could not be stored: what it has ordered is cancelled all the same, its stop stays; with room again its
    position is closed, and its books are the venue's."""
    t = VenueTrader(s, "ada@example.org")
    bot = t.bot("guarded", GUARDED)

    def states():
        return sorted(o["orderStatus"] for o in ledger(exchange)["orders"])

    until(lambda: states() == ["Filled", "New", "Untriggered"], states, 60)
    ballast = s.data / "ballast"
    with open(ballast, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(b"x" * 4096):
            pass
    t.wait(bot, lambda b: not b["live"])
    t.client.post(f"/api/v1/bots/{bot}/halt", {"mode": "flatten"}, expect=200)
    until(lambda: states() == ["Cancelled", "Filled", "Untriggered"], states)
    assert [i["bots"] for i in s.operator().get("/api/v1/admin/halt", expect=200).json["items"]] == [1]  # without books, and concerned all the same
    ballast.unlink()
    t.wait(bot, lambda b: b["state"] == "halted" and b["live"] and not b["live"]["positions"] and b["live"]["open_orders"] == 0, 40)
    _, lots, orders = executed(exchange)
    assert sum(lots.values()) == 0 and len(orders) == 4 and set(orders.values()) == {1}, (lots, orders)
    until(lambda: "HALTED" in [o["reason"] for o in t.all(bot, "orders") if o["status"] == "canceled"], lambda: t.all(bot, "orders"))
    t.client.delete(f"/api/v1/bots/{bot}/halt", expect=200)
    t.wait(bot, lambda b: b["state"] == "running")


def main():
    binary, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4
    cases = []
    if len(sys.argv) > 3:
        for seed in sys.argv[3:]:
            for kind in KINDS:
                cases.append((f"{kind}, seed {seed}: {kills} kills: nothing lost, nothing doubled, all resolved", lambda kind=kind, seed=int(seed): campaign(binary, kind, kills, seed)))
        return run_cases(cases)

    def case(title):
        return lambda f: cases.append((title, f)) or f

    @case("a bot trades on an account at a venue: orders, exits, closes; its books are the venue's; it stops flat")
    def _():
        with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange) as s:
            t = VenueTrader(s, "ada@example.org")
            bot = t.bot("busy", BUSY)
            t.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 6)
            agree(t, exchange, [bot])
            halted_within_an_instant(s, t, exchange)
            # More venues than the plan has are not entered any more, and are left; a plan without test networks is not begun with.
            plan = f"/api/v1/admin/users/{t.client.get('/api/v1/me', expect=200).json['id']}/plan"
            s.operator().put(plan, {"limits": {"venues": 0}, "reason": "smaller"}, expect=200)
            t.wait(bot, lambda b: b["live"]["denials"] >= 2 and not b["live"]["positions"])
            assert any("the plan does not include this venue" in line["text"] for line in t.get(bot, "/logs?limit=50")["items"]), t.get(bot, "/logs?limit=50")
            had = t.get(bot)["live"]["fills"]
            s.operator().delete(plan, expect=204)
            t.wait(bot, lambda b: b["live"]["fills"] >= had + 2)
            t.act(bot, "stop", {"close": True})
            t.wait(bot, lambda b: b["state"] == "stopped")
            book, lots, orders = executed(exchange)
            assert sum(lots.values()) == 0, lots
            assert not book["accounts"][0]["positions"], book["accounts"][0]["positions"]
            working = [o for o in book["orders"] if o["orderStatus"] in ("New", "PartiallyFilled", "Untriggered")]
            assert not working, working
            filled = [o for o in t.all(bot, "orders") if D(o["filled"]) > 0]
            assert len(filled) >= 6 and len(lots) == len(filled), (len(filled), len(lots))

    @case("the venue's own market data: a bot's bars are its candles, live and past, over a cut of the stream; it trades and stops flat")
    def _():
        args = ("--no-limits", "--seed", "3", "--history", "1", "--clock", "running", "--start", "2026-01-05T12:00:05Z", "--speed", "60")
        with Exchange(binary, *args) as exchange, service_at(binary, exchange, feed="remote:environment=testnet,ticks=1") as s:
            t = VenueTrader(s, "ada@example.org")
            # Trades come beside the bars: those that the bot makes are among them.
            told = "function on_tick(ctx, t)\n  if t.price and not ctx.state.told then ctx.state.told = true ctx:log('info', 'tick', t.price) end\nend\n"
            bot = t.bot("busy", BUSY.replace("api=1", "api=1, warmup=30") + told)
            t.wait(bot, lambda b: b["state"] == "running")
            cut, minutes = 0, 0
            deadline = time.monotonic() + 30
            while t.get(bot)["live"]["fills"] < 2 or minutes < 3:
                assert time.monotonic() < deadline, t.get(bot)
                if minutes == 1 and not cut:
                    cut = admin(exchange, "disconnect") is not None
                instant = t.get(bot)["live"]["instant_ms"] or 0
                minutes += 1
                now = admin(exchange, "clock", {"advance_ms": 60000})["time"]
                t.wait(bot, lambda b: (b["live"]["instant_ms"] or 0) >= now // 60000 * 60000 > instant)
            while not any("tick" in line["text"] for line in t.get(bot, "/logs?limit=50")["items"]):
                assert time.monotonic() < deadline, t.get(bot, "/logs?limit=50")
                time.sleep(0.1)
            t.act(bot, "stop", {"close": True})
            t.wait(bot, lambda b: b["state"] == "stopped")
            book, lots, _ = executed(exchange)
            assert len(lots) >= 2 and sum(lots.values()) == 0 and not book["accounts"][0]["positions"], lots
            # What was read is what the venue says, to the last digit, of minutes and of what the venue calls an hour.
            for timeframe, interval in (("1m", "1"), ("1h", "60")):
                mine = t.client.get(f"/api/v1/markets/BTCUSDT/bars?venue=bybit&timeframe={timeframe}&limit=60", expect=200).json["items"]
                with urllib.request.urlopen(f"http://127.0.0.1:{exchange.port}/v5/market/kline?category=linear&symbol=BTCUSDT&interval={interval}&limit=200", timeout=10) as answer:
                    true = {int(k[0]): [D(v) for v in k[1:6]] for k in json.load(answer)["result"]["list"]}
                assert len(mine) >= (36 if timeframe == "1m" else 10), (timeframe, len(mine))
                assert all(a["time"] < b["time"] for a, b in zip(mine, mine[1:])), mine
                for b in mine:
                    assert [D(b[k]) for k in ("open", "high", "low", "close", "volume")] == true[b["time"]], (b, true[b["time"]])

    @case("what the venue is asked and what it does by itself: a connection, strangers, funding, orders that nobody can account for")
    def _():
        with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, 60) as s:
            t = VenueTrader(s, "ada@example.org")
            assert t.client.get(f"/api/v1/accounts/{t.account}/connection").code == "unavailable", "no bot uses it yet"
            bot = t.bot("hold", HOLD)
            t.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 1)
            connection = t.client.get(f"/api/v1/accounts/{t.account}/connection", expect=200).json
            assert connection["state"] == "ready" and connection["compared_at_ms"] and not connection["strangers"] and not connection["differs"], connection
            # funding: what the venue took is off the bot's balance
            before = D(t.get(bot)["live"]["balance"])
            admin(exchange, "funding", {"symbol": "BTCUSDT", "rate": "0.001"})
            t.wait(bot, lambda b: D(b["live"]["balance"]) != before)
            paid = sum(D(e["execFee"]) for e in ledger(exchange)["executions"] if e["execType"] == "Funding")
            assert before - D(t.get(bot)["live"]["balance"]) == paid != 0, (before, paid)
            # an order that nobody can find for long is unknown, shown to operators, and asked about again when they say so
            operator = s.operator()
            assert operator.get("/api/v1/admin/unknown-orders", expect=200).json["items"] == []
            admin(exchange, "faults", {"faults": ["drop_after:on=order/create,count=1", "not_found:on=order/,value=60000", "error_before:on=execution/,p=1", "ws_drop:p=1"]})
            more = t.bot("hold", HOLD)
            deadline = time.monotonic() + 20
            while not (items := operator.get("/api/v1/admin/unknown-orders", expect=200).json["items"]):
                assert time.monotonic() < deadline, t.get(more)
                time.sleep(0.1)
            assert items[0]["bot_id"] == more and items[0]["state"] == "unknown" and items[0]["side"] == "buy" and items[0]["qty"] == "0.02", items
            where = f"/api/v1/admin/bots/{more}/unknown-orders"
            assert operator.post(where, {"order": 99, "decision": "ask"}).code in ("not_found", "conflict")
            admin(exchange, "faults", {"replace": True, "faults": []})
            for _ in range(50):
                if operator.post(where, {"order": items[0]["order"], "decision": "ask"}).status in (204, 404):
                    break
                time.sleep(0.05)
            t.wait(more, lambda b: b["live"]["fills"] >= 1)
            assert operator.get("/api/v1/admin/unknown-orders", expect=200).json["items"] == []
            assert t.client.get("/api/v1/admin/unknown-orders").status == 403

    @case("strangers: told once, adopted or frozen by the account's setting; what a stopped bot leaves; credentials that are exchanged")
    def _():
        with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, 600) as s:
            t = VenueTrader(s, "ada@example.org")
            hand = Stranger(exchange)
            assert hand.create(link="byhand", price="1000")[2]["retCode"] == 0 and hand.create(qty="0.03")[2]["retCode"] == 0
            connection = lambda: t.client.get(f"/api/v1/accounts/{t.account}/connection", expect=200).json  # noqa: E731
            bot = t.bot("hold", HOLD)
            t.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 1)
            kinds = sorted((x["kind"], x["name"]) for x in connection()["strangers"])
            assert kinds == [("order", "byhand"), ("position", "BTCUSDT 0.03")], kinds
            lines = [line["text"] for line in t.get(bot, "/logs?limit=100")["items"] if "stranger" in line["text"]]
            assert len(lines) == 2, lines
            # It is the owner's, and stays; another bot that comes and goes makes no difference, what it leaves is told.
            other = t.bot("hold", HOLD)
            t.wait(other, lambda b: b["live"] and b["live"]["fills"] >= 1)
            t.act(other, "stop")
            t.wait(other, lambda b: b["state"] == "stopped")
            admin(exchange, "disconnect")
            before = connection()["compared_at_ms"]
            deadline = time.monotonic() + 20
            while connection()["compared_at_ms"] == before or connection()["state"] != "ready":
                assert time.monotonic() < deadline, connection()
                time.sleep(0.05)
            time.sleep(2.5)  # a difference would be looked at once more, and told then
            said = connection()
            assert not said["differs"] and sorted(x["kind"] for x in said["strangers"]) == ["left", "order", "position"], said
            assert sum(D(p["size"]) for p in ledger(exchange)["accounts"][0]["positions"]) == D("0.07"), "0.03 by hand, 0.02 of each bot"
            held = t.client.get(f"/api/v1/accounts/{t.account}/positions", expect=200).json["items"]
            assert [(p["bot_id"], p["symbol"], p["qty"]) for p in held] == [(bot, "BTCUSDT", "0.02")], held  # its bots'; what is nobody's is among the strangers
            # Wrong credentials stop it, and nothing else; the right ones go on.
            secrets = f"/api/v1/accounts/{t.account}/secrets"
            t.client.put(secrets, {"secrets": {"api_key": KEY, "api_secret": "wrong"}}, expect=204)
            deadline = time.monotonic() + 20
            while connection()["state"] != "refused":
                assert time.monotonic() < deadline, connection()
                time.sleep(0.05)
            busy = t.bot("busy", BUSY)
            t.wait(busy, lambda b: b["live"] and b["live"]["intents"] >= 1)
            assert t.get(busy)["live"]["fills"] == 0
            while not (refused := t.client.get("/api/v1/notifications?event=account.refused", expect=200).json["items"]):  # its owner is told, once
                assert time.monotonic() < deadline, t.get(bot, "/logs?limit=20")
                time.sleep(0.05)
            assert len(refused) == 1 and "can place no order" in refused[0]["text"], refused
            assert any("key is not used any more" in line["text"] for line in t.get(bot, "/logs?limit=100")["items"])
            t.client.put(secrets, {"secrets": {"api_key": KEY, "api_secret": SECRET}}, expect=204)
            t.wait(busy, lambda b: b["live"]["fills"] >= 2)
            # The same under "freeze": exits only, until somebody has looked.
            t.account = t.client.post("/api/v1/accounts", {"venue": "bybit", "name": "Careful", "settings": {"balance": "50000", "foreign": "freeze"},
                                                           "secrets": {"api_key": KEY, "api_secret": SECRET}}, headers={"Idempotency-Key": "careful"}, expect=201).json["id"]
            careful = t.bot("busy", BUSY)
            t.wait(careful, lambda b: b["live"] and b["live"]["denials"] >= 1)
            assert any("stranger" in line["text"] for line in t.get(careful, "/logs?limit=100")["items"])
            # And under "report": it is told as a difference, and trading goes on.
            t.account = t.client.post("/api/v1/accounts", {"venue": "bybit", "name": "Told", "settings": {"balance": "50000", "foreign": "report"},
                                                           "secrets": {"api_key": KEY, "api_secret": SECRET}}, headers={"Idempotency-Key": "told"}, expect=201).json["id"]
            told = t.bot("hold", HOLD)
            t.wait(told, lambda b: b["live"] and b["live"]["fills"] >= 1)
            deadline = time.monotonic() + 20
            while not connection()["differs"].startswith("BTCUSDT: the venue holds"):
                assert time.monotonic() < deadline, connection()
                time.sleep(0.05)

    @case("the kill switch while the disk is full: what a bot without books has ordered cannot open any more, and with room again it is flat")
    def _():
        disk = Disk("24m")
        try:
            if disk.error:
                raise Skip(f"no tmpfs can be mounted here (needs root): {disk.error}")
            with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, data=disk.path) as s:
                halted_on_a_full_disk(s, exchange)
        finally:
            disk.remove()

    @case(f"engine and exchange are killed {kills} times while answers are lost: nothing lost, nothing doubled, all resolved")
    def _():
        campaign(binary, "linear", kills, 5)

    return run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
