#!/usr/bin/env python3
"""What accounts at a venue may meet: venue_spot.py PERIGEE [minute]. Spot beside perpetuals on one key; funding of a venue's perpetuals on paper; a
key that the venue withdraws; its position mode; a dialect that is exchanged while orders work; differences that are told each time. The venue is `perigee exchange`.
TAP. With `minute`: balances that are asked for each minute, which takes more than one."""
import pathlib
import subprocess
import sys
import time

from service import Service, run_cases
from venue_live import HOLD, KEY, SECRET, D, Exchange, Stranger, VenueTrader, admin, ledger, service_at

ROOT = pathlib.Path(__file__).resolve().parents[2]
# So much that the fee of the buy, which is taken out of what was bought, is most of a lot.
COINS = """strategy{ name="coins", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n == 1 then ctx:buy{qty=0.6} end
  if n == 2 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.8, tag="low"} end
  if n == 3 then ctx:buy{qty=0.01, sl=bar.close*0.5, tag="guarded"} end
  if n == 4 then ctx:close{} ctx:cancel_all("low") end
end
"""
LONG = """strategy{ name="long", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true ctx:buy{qty=0.1} end
end
"""
BOTH = """strategy{ name="both", api=1, mode="hedging" }
function on_bar(ctx, bar)
  if ctx:leg("long").qty == 0 and not ctx:orders("long")[1] then ctx:buy{qty=0.02, leg="long", tag="long"} end
  if ctx:leg("short").qty == 0 and not ctx:orders("short")[1] then ctx:sell{qty=0.01, leg="short", tag="short"} end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx:log("warn", "heard", e.status) end
end
"""
ONE_WAY = """strategy{ name="hold", api=1 }
function on_bar(ctx, bar)
  if ctx.pos.flat and not ctx:orders()[1] then ctx:buy{qty=0.02} end
end
"""
REST = """strategy{ name="rest", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true ctx:buy{qty=0.02, type="limit", price=bar.close*0.8, tag="low"} end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx.state.done = false end -- the session was not up yet
end
"""


def until(fact, seconds=20, what=lambda: ""):
    deadline = time.monotonic() + seconds
    while not (got := fact()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
    return got


def account(trader, name, **settings):
    return trader.client.post("/api/v1/accounts", {"venue": "bybit", "name": name, "settings": {"balance": "50000", **settings}, "secrets": {"api_key": KEY, "api_secret": SECRET}},
                              headers={"Idempotency-Key": name}, expect=201).json["id"]


def connection(trader):
    return trader.client.get(f"/api/v1/accounts/{trader.account}/connection", expect=200).json


def main():
    binary = sys.argv[1]
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    @case("spot beside perpetuals with one key: its own market data, orders and coins; funding of the perpetual is charged on paper")
    def _():
        args = ("--spot", "--no-limits", "--seed", "3", "--history", "1", "--clock", "running", "--start", "2026-01-05T15:55:05Z", "--speed", "60")
        with Exchange(binary, *args) as exchange:
            url = f"bybit=http://127.0.0.1:{exchange.port}"
            with Service(binary, args=["--feed", "bybit=remote", "--feed", "bybit-spot=remote", "--venue-url", url, "--hosts", "1"]) as s:
                t = VenueTrader(s, "ada@example.org")
                bad = t.client.post("/api/v1/accounts", {"venue": "bybit", "name": "x", "settings": {"category": "moon"}, "secrets": {"api_key": KEY, "api_secret": SECRET}}, headers={"Idempotency-Key": "x"})
                assert bad.status == 422 and "linear, spot" in bad.body.decode(), bad.body
                t.account = account(t, "Coins", category="spot")
                admin(exchange, "deposit", {"key": KEY, "coin": "BTC", "amount": "0.5"})
                paper = t.client.post("/api/v1/accounts", {"venue": "paper", "name": "Paper", "settings": {"balance": "50000", "leverage": "5"}}, headers={"Idempotency-Key": "p"}, expect=201).json["id"]
                coins = t.bot("coins", COINS, venue="bybit-spot", settings={"cash": "49000"})
                held = t.bot("long", LONG, account_id=paper)
                for bot in (coins, held):
                    t.wait(bot, lambda b: b["state"] == "running")
                until(lambda: connection(t)["state"] == "ready", what=lambda: connection(t))
                # Minute by minute over 16:00, when the perpetual's funding is due; what it came to is told late, and its bar waits.
                admin(exchange, "faults", {"faults": ["delay:on=funding/history,value=1500"]})
                there = lambda: [o["orderStatus"] for o in ledger(exchange)["orders"] if o["orderLinkId"]]  # noqa: E731
                minute, now, due = -1, 0, 1767628800000
                while now <= due or minute < 4:
                    minute += 1
                    if now == due - 60000:
                        assert t.get(held)["live"]["positions"], "it holds what is to be charged"
                    now = admin(exchange, "clock", {"advance_ms": 60000})["time"] // 60000 * 60000
                    for bot in (coins, held):
                        t.wait(bot, lambda b: (b["live"]["instant_ms"] or 0) >= now)
                    t.wait(coins, lambda b: b["live"]["fills"] >= 1)
                    # What is on its way when the clock is set is refused as of another time: low rests, then the stop loss waits.
                    if minute in (1, 2):
                        until(lambda: ("New", "Untriggered")[minute - 1] in there(), what=there)
                    # So does the close before the next minute: it would be refused likewise, and nobody sends it again.
                    if minute == 3:
                        t.wait(coins, lambda b: not b["live"]["positions"] and not b["live"]["open_orders"])
                t.wait(coins, lambda b: b["live"]["fills"] >= 3 and not b["live"]["positions"] and not b["live"]["open_orders"])
                book = ledger(exchange)
                mine = [o for o in book["orders"] if o["orderLinkId"]]
                assert {o["category"] for o in mine} == {"spot"} and len(mine) == 5, mine
                assert sorted(o["orderStatus"] for o in mine) == ["Cancelled", "Deactivated", "Filled", "Filled", "Filled"], mine
                stop = next(o for o in mine if o["orderStatus"] == "Deactivated")
                assert stop["stopOrderType"] == "Stop" and stop["side"] == "Sell" and D(stop["qty"]) == D("0.01") and stop["cancelType"] == "CancelByUser", stop
                assert not book["accounts"][0]["positions"]
                fees = [D(e["execFee"]) for e in book["executions"] if e["feeCurrency"] == "BTC"]
                has = next(D(c["walletBalance"]) for c in book["accounts"][0]["wallet"]["coin"] if c["coin"] == "BTC")
                assert sum(fees) == D("0.00061") and has == D("0.5") - sum(fees), (has, fees)
                # The coins that were there are the owner's; what fees took is no difference.
                said = connection(t)
                before = said["compared_at_ms"]
                admin(exchange, "disconnect")
                said = until(lambda: (c := connection(t))["compared_at_ms"] != before and c["state"] == "ready" and c)
                time.sleep(2.5)  # a difference would be looked at once more, and told then
                said = connection(t)
                assert not said["differs"] and [(x["kind"], x["name"]) for x in said["strangers"]] == [("position", "BTCUSDT 0.5")], said
                # On paper: one settlement, at the venue's rate.
                told = lambda: [line["text"] for line in t.get(held, "/logs?limit=50")["items"] if "funding paid" in line["text"]]  # noqa: E731
                until(told, what=lambda: t.get(held, "/logs?limit=50"))
                assert len(told()) == 1, told()

    @case("a key that the venue withdraws: told, nothing is sent, and it goes on when it is back; a dialect exchanged while an order works; each difference is told")
    def _():
        with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, 600) as s:
            t = VenueTrader(s, "ada@example.org")
            t.account = account(t, "Reporting", foreign="report")
            hand = Stranger(exchange)
            assert hand.create(qty="0.03")[2]["retCode"] == 0
            rest, hold = t.bot("rest", REST), t.bot("hold", HOLD)
            t.wait(rest, lambda b: b["live"] and b["live"]["open_orders"] >= 1)
            t.wait(hold, lambda b: b["live"] and b["live"]["fills"] >= 1)
            working = [o for o in ledger(exchange)["orders"] if o["orderStatus"] == "New"]
            assert len(working) == 1, working
            # Each difference: what was there at first, and what somebody adds.
            names = lambda: [x["name"] for x in connection(t)["strangers"] if x["kind"] == "position"]  # noqa: E731
            until(lambda: any(n.startswith("BTCUSDT 0.03") for n in names()), what=names)
            first = next(x for x in connection(t)["strangers"] if x["kind"] == "position")
            assert "the venue holds" in first["text"], first  # adopted, it would be the owner's and no difference
            # The dialect: another version is put while the order works; the session goes on, and cancels in its words.
            source = (ROOT / "lua/venues/bybit.lua").read_text()
            assert source.count('post("/v5/order/cancel", "order", body)') == 1
            fresh = pathlib.Path(s.data) / "bybit.lua"
            fresh.write_text(source.replace('post("/v5/order/cancel", "order", body)', 'post("/v5/order/cancel-all", "order", { category=env.category, symbol=a.symbol })'))
            subprocess.run([binary, "script", "put", "dialect", str(fresh), "--activate", "--data-dir", str(s.data)], check=True, capture_output=True, timeout=20)
            until(lambda: '"venue_dialect"' in pathlib.Path(s.log.name).read_text(), what=lambda: pathlib.Path(s.log.name).read_text()[-1500:])
            t.act(rest, "stop", {"close": True})
            t.wait(rest, lambda b: b["state"] == "stopped")
            book = ledger(exchange)
            assert not [o for o in book["orders"] if o["orderStatus"] == "New"]
            assert [r for r in book["requests"] if r["path"] == "/v5/order/cancel-all"] and not [r for r in book["requests"] if r["path"] == "/v5/order/cancel"], "in the words of the new one"
            assert connection(t)["state"] == "ready"
            # Somebody trades by hand: told, once more.
            assert hand.create(qty="0.01")[2]["retCode"] == 0
            admin(exchange, "disconnect")
            until(lambda: any(n.startswith("BTCUSDT 0.04") for n in names()), what=names)
            # And undoes it: there is no difference any more.
            assert connection(t)["differs"], connection(t)
            assert hand.create(side="Sell", qty="0.04", reduceOnly=True)[2]["retCode"] == 0
            admin(exchange, "disconnect")
            until(lambda: not connection(t)["differs"], what=lambda: connection(t))
            # The key is withdrawn.
            admin(exchange, "key", {"revoke": KEY})
            said = until(lambda: (c := connection(t))["state"] == "refused" and c, what=lambda: connection(t))
            assert "key" in said["why"], said
            tested = t.client.post(f"/api/v1/accounts/{t.account}/test").json
            assert not tested.get("ok"), tested
            count = len(ledger(exchange)["orders"])
            more = t.bot("hold", HOLD)
            t.wait(more, lambda b: b["live"] and b["live"]["intents"] >= 1)
            assert len(ledger(exchange)["orders"]) == count and t.get(more)["live"]["fills"] == 0
            # It is back, and its owner says so by testing the account.
            admin(exchange, "key", {"key": f"{KEY}:{SECRET}"})
            assert connection(t)["state"] == "refused", "nobody has tried it yet"
            assert t.client.post(f"/api/v1/accounts/{t.account}/test", expect=200).json["ok"]
            t.wait(more, lambda b: b["live"]["fills"] >= 1)
            assert connection(t)["state"] == "ready"

    @case("the account's position mode: set for who hedges and for who does not, refused while something is open, one per symbol")
    def _():
        with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, 600) as s:
            t = VenueTrader(s, "ada@example.org")
            hand = Stranger(exchange)
            held = lambda: sorted((p["positionIdx"], p["side"], p["size"]) for p in ledger(exchange)["accounts"][0]["positions"])  # noqa: E731
            dead = lambda bot, words: (t.wait(bot, lambda b: b["state"] == "dead"), [until(lambda: w in str(t.get(bot)), what=lambda: (w, t.get(bot))) for w in words])  # noqa: E731
            assert hand.create(qty="0.03")[2]["retCode"] == 0
            # So slowly that its script has sent orders: it hears of them before its bot ends, and its owner reads why.
            admin(exchange, "faults", {"faults": ["delay:on=position/switch-mode,value=2000,count=1"]})
            both = t.bot("both", BOTH)
            dead(both, ["BTCUSDT", "hedge", "existing position", "start the bot again"])
            lines = lambda: [line["text"] for line in t.get(both, "/logs?limit=50")["items"]]  # noqa: E731
            until(lambda: [x for x in lines() if "heard" in x] and [x for x in lines() if "refused before they left: BTCUSDT" in x and "existing position" in x], what=lines)
            assert not t.get(both)["live"]["open_orders"], t.get(both)
            assert held() == [(0, "Buy", "0.03")] and not [o for o in ledger(exchange)["orders"] if o["orderLinkId"]], "nothing was sent in the wrong mode"
            assert hand.create(side="Sell", qty="0.03", reduceOnly=True)[2]["retCode"] == 0
            t.act(both, "start")
            t.wait(both, lambda b: b["state"] == "running" and b["live"]["fills"] >= 2)
            assert held() == [(1, "Buy", "0.02"), (2, "Sell", "0.01")], held()
            assert connection(t)["state"] == "ready" and not connection(t)["differs"], connection(t)
            hold = t.bot("hold", ONE_WAY)  # it asks for its orders: what it remembers may be an order that was refused as the bot ended
            dead(hold, ["one position mode per symbol"])
            assert t.get(both)["state"] == "running"
            t.act(both, "stop", {"close": True})
            t.wait(both, lambda b: b["state"] == "stopped")
            assert held() == []
            t.act(hold, "start")
            t.wait(hold, lambda b: b["state"] == "running" and b["live"]["fills"] >= 1)
            assert held() == [(0, "Buy", "0.02")], held()

    if "minute" in sys.argv[2:]:
        cases.clear()

        @case("balances are asked for each minute without anybody's asking, as long as bots trade on the account")
        def _():
            with Exchange(binary, "--no-limits", "--seed", "3") as exchange, service_at(binary, exchange, 60) as s:
                t = VenueTrader(s, "ada@example.org")
                bot = t.bot("rest", REST)
                t.wait(bot, lambda b: b["state"] == "running")
                first = t.client.get(f"/api/v1/accounts/{t.account}/balances", expect=200).json
                admin(exchange, "deposit", {"key": KEY, "amount": "77"})
                asked = lambda: sum(r["path"] == "/v5/account/wallet-balance" for r in ledger(exchange)["requests"])  # noqa: E731
                had = asked()
                time.sleep(63)
                assert asked() > had
                later = t.client.get(f"/api/v1/accounts/{t.account}/balances", expect=200).json
                assert 55000 < later["at_ms"] - first["at_ms"] < 66000, (first, later)
                assert D(later["items"][0]["balance"]) - D(first["items"][0]["balance"]) == 77, (first, later)

    return run_cases(cases)


if __name__ == "__main__":
    sys.exit(main())
