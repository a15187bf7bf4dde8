#!/usr/bin/env python3
"""Bots that trade on paper, as their owners see them: bots_live.py PERIGEE. Prints TAP. Orders, fills, round trips, money, logs and
decisions agree with one another; streams tell the same; failures are told in words and end in retirement; a killed service goes on."""
import asyncio
import json
import signal
import sys
import time
from decimal import Decimal

from bots import BOTS, Customer
from service import Service, run_cases

try:
    import websockets
except ImportError:
    websockets = None

FLIP = """strategy{ name="flip", api=1, params={ every=int{6, min=2, max=100, live=true} } }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  ctx:log(n % 10 == 0 and "warn" or "debug", "bar", n, "every", ctx.p.every)
  if n % ctx.p.every == 0 then ctx:target{pct=40, tag="in"} elseif n % ctx.p.every == math.floor(ctx.p.every / 2) then ctx:target{pct=0, tag="out"} end
  if n % 5 == 0 then ctx:buy{qty=1000000} end
  if n % 10 == 0 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.99, sl=bar.close*0.9, tp=bar.close*1.1, tag="dip"} end
end
"""
# Fails when it is told to, which the proofs do not do.
FAILS = """strategy{ name="fails", api=1, params={ bad=bool{false} } }
function on_bar(ctx, bar)
  if ctx.p.bad then error("nothing works today") end
end
"""
PICKY = """strategy{ name="picky", api=1, params={ a=int{1}, b=int{2} }, check=function(p) return p.a < p.b, "a must be below b" end }
function on_bar(ctx) end
"""


def everything(client, url):
    items, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{url}{'&' if '?' in url else '?'}limit=50" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def until(what, wanted, wait_s=30):
    deadline = time.monotonic() + wait_s
    while not wanted(got := what()):
        assert time.monotonic() < deadline, got
        time.sleep(0.05)
    return got


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary, args=["--feed", "sim=sim:speed=600,seed=3"])
    with service as s:
        ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org")
        flip, fails, picky = ada.strategy("Flip", FLIP), ada.strategy("Fails", FAILS), ada.strategy("Picky", PICKY)

        def body(strategy, **more):
            return {**ada.body(strategy, timeframe="1m", settings={"cash": "2000"}), "venue": None, **more}

        def make(strategy, **more):
            return ada.client.post(BOTS, {k: v for k, v in body(strategy, **more).items() if v is not None}, expect=201).json

        bot = make(flip, start=True)
        url = f"{BOTS}/{bot['id']}"

        @case("it runs, with the venue that has its symbol, and shows what it is doing")
        def _():
            assert bot["venue"] == "sim" and bot["state"] == "starting" and bot["reason"].startswith("It is being opened"), bot
            row = until(lambda: ada.get(bot), lambda r: r["live"] and r["live"]["fills"] >= 6)
            assert row["state"] == "running" and row["reason"] == "It is trading." and row["live"]["run"] == 1, row
            assert len(row["live"]["hash"]) == 64 and Decimal(row["live"]["pnl"]) == Decimal(row["live"]["equity"]) - 2000, row
            answer = ada.client.post(BOTS, {k: v for k, v in body(flip, symbol="NOSUCH").items() if v is not None}, expect=422)
            assert answer.json["errors"][0]["pointer"] == "/symbol", answer
            assert ada.client.post(BOTS, body(flip, venue="nowhere"), expect=422).json["errors"][0]["pointer"] == "/venue"

        @case("orders, fills, round trips, equity, statistics and logs agree")
        def _():
            ada.act(bot, "pause")
            until(lambda: ada.get(bot), lambda r: r["state"] == "paused")
            until(lambda: ada.client.get(url + "/fills?limit=1").body, lambda _: True)
            time.sleep(0.5)
            orders, fills, trades = (everything(ada.client, url + what) for what in ("/orders", "/fills", "/trades"))
            assert len(orders) >= 6 and len(fills) >= 6 and len(trades) >= 3, (len(orders), len(fills), len(trades))
            assert len({o["id"] for o in orders}) == len(orders) and [f["number"] for f in fills] == list(range(len(fills), 0, -1))
            for o in orders:
                mine = [f for f in fills if f["order"] == o["order"]]
                assert sum((Decimal(f["qty"]) for f in mine), Decimal(0)) == Decimal(o["filled"]), o
                assert (o["status"] == "filled") == (o["filled"] == o["qty"]) and all(f["side"] == o["side"] for f in mine), o
                if mine:
                    paid = sum(Decimal(f["qty"]) * Decimal(f["price"]) for f in mine) / Decimal(o["filled"])
                    assert abs(paid - Decimal(o["avg_price"])) <= Decimal("0.000001") * paid, o
            working = everything(ada.client, url + "/orders?working=true")
            assert [o["id"] for o in working] == [o["id"] for o in orders if o["ended_ms"] is None]
            stats = ada.client.get(url + "/stats", expect=200).json
            assert stats["trades"] == len(trades) and stats["wins"] == sum(Decimal(t["pnl"]) > 0 for t in trades), stats
            assert Decimal(stats["pnl"]) == sum(Decimal(t["pnl"]) for t in trades) == Decimal(stats["profit"]) - Decimal(stats["loss"]), stats
            points = ada.client.get(url + "/equity?points=5000", expect=200).json["items"]
            assert len(points) > 10 and [p["time_ms"] for p in points] == sorted({p["time_ms"] for p in points})
            assert all(Decimal(p["lowest"]) <= Decimal(p["equity"]) <= Decimal(p["highest"]) for p in points)
            assert len(ada.client.get(url + "/equity?points=3", expect=200).json["items"]) <= 3
            logs = everything(ada.client, url + "/logs")
            own = [log["text"] for log in logs if log["text"].startswith("bar ")]  # the engine's words are in the log too
            assert {log["level"] for log in logs} >= {"debug", "warn"} and own[-1].startswith("bar 1 every 6"), logs[-3:]
            warned = everything(ada.client, url + "/logs?level=warn")
            assert [log for log in logs if log["level"] == "warn"] == warned
            decisions = everything(ada.client, url + "/decisions")
            asked = {c["order"] for d in decisions for c in d.get("commands", []) if c["kind"] == "submit"}
            assert {o["order"] for o in orders if o["parent"] is None} <= asked, decisions[:3]
            middle = decisions[len(decisions) // 2]["time_ms"]
            assert all(d["time_ms"] >= middle for d in everything(ada.client, f"{url}/decisions?from_ms={middle}"))
            assert {d["kind"] for d in decisions} >= {"run", "commands", "stop"} and decisions[-1]["kind"] == "run", decisions[-1]
            assert decisions[0]["kind"] == "stop" and decisions[0]["code"] == "paused", decisions[0]
            for kind in ("run", "commands", "stop"):
                assert everything(ada.client, f"{url}/decisions?kind={kind}") == [d for d in decisions if d["kind"] == kind]
            sent = {c["order"]: c for d in decisions for c in d.get("commands", []) if c["kind"] == "submit"}
            for o in (o for o in orders if o["order"] in sent):
                told = sent[o["order"]]
                assert (told["side"], told["qty"], told["symbol"], told["tag"], told.get("limit")) == (o["side"], o["qty"], o["symbol"], o["tag"], o["limit"]), (o, told)
            assert ada.client.get(url + "/decisions?kind=nothing", expect=422)

        @case("what it did is nobody else's")
        def _():
            for what in ("", "/orders", "/fills", "/trades", "/logs", "/equity", "/stats", "/decisions", "/failures"):
                bob.client.get(url + what, expect=404)

        @case("live parameters reach the script while it runs")
        def _():
            ada.act(bot, "start")
            until(lambda: ada.get(bot), lambda r: r["state"] == "running")
            ada.act(bot, "params", {"params": {"every": 4}})
            until(lambda: [log["text"] for log in ada.client.get(url + "/logs?limit=5").json["items"]], lambda texts: any(t.endswith("every 4") for t in texts))

        @case("another version becomes active: who follows it goes on with that, where the first was; rolled back, it is the first again")
        def _():
            second = FLIP.replace('"bar", n,', '"second", n,')
            assert ada.client.post(f"/api/v1/strategies/{flip}/versions", {"source": second, "activate": True}, expect=201).json["version"] == 2

            def newest():  # of the script's own: the engine's words are in the log too
                return [log["text"] for log in ada.client.get(url + "/logs?limit=20").json["items"] if " every " in log["text"]][0]
            count = int(newest().split()[1])
            text = until(newest, lambda t: t.startswith("second"))
            assert count < int(text.split()[1]) < count + 100, (count, text)  # ctx.state came along
            assert ada.get(bot)["live"]["run"] == 1 and ada.get(bot)["version"] is None
            assert ada.act(bot, "rollback").json["version"] == 1
            until(newest, lambda t: t.startswith("bar"))
            assert ada.act(bot, "reload").json["version"] is None
            until(newest, lambda t: t.startswith("second"))
            assert ada.client.post(f"/api/v1/strategies/{flip}/versions/1/activate", expect=200).json["active_version"] == 1
            until(newest, lambda t: t.startswith("bar"))

        @case("streams: the bot's, the tenant's orders, /ws/bots/{id}; nobody hears another's")
        def _():
            async def listen():
                ws_url = f"ws://127.0.0.1:{s.port}/api/v1/ws"

                async def say(ws, message):
                    await ws.send(json.dumps(message))

                async def hear(ws):
                    return json.loads(await asyncio.wait_for(ws.recv(), 20))
                async with websockets.connect(ws_url) as mine, websockets.connect(ws_url) as bobs, websockets.connect(f"{ws_url}/bots/{bot['id']}") as implied, \
                        websockets.connect(f"{ws_url}/bots/{bot['id']}") as nosy:
                    for ws, who in ((mine, ada), (bobs, bob), (implied, ada), (nosy, bob)):
                        await say(ws, {"op": "auth", "token": who.client.token})
                        assert (await hear(ws))["ok"]
                    channel = f"bot:{bot['id']}"
                    await say(mine, {"op": "subscribe", "channels": [channel, "orders", "market:BTCUSDT:1m", "market:BTCUSDT", "market:BTCUSDT:7x", "orders@1", "ordersx", "bot:bot_0000000000000"]})
                    answer = await hear(mine)
                    assert {c["ch"] for c in answer["channels"]} == {channel, "orders", "market:BTCUSDT:1m"} and len(answer["denied"]) == 5, answer
                    await say(bobs, {"op": "subscribe", "channels": [channel, "orders"]})
                    answer = await hear(bobs)
                    assert [c["ch"] for c in answer["channels"]] == ["orders"] and answer["denied"] == [{"ch": channel, "code": "not_found"}], answer
                    answer = await hear(implied)
                    assert answer["op"] == "subscribed" and [c["ch"] for c in answer["channels"]] == [channel], answer
                    assert (await hear(nosy))["denied"][0]["code"] == "not_found"
                    seen, last = {}, {}
                    while not {(channel, "fill"), (channel, "position"), (channel, "equity"), (channel, "log"), (channel, "denied"), ("orders", "order"), ("orders", "fill")} <= seen.keys():
                        event = await hear(mine)
                        assert last.get(event["ch"], event["seq"] - 1) == event["seq"] - 1, event
                        last[event["ch"]] = event["seq"]
                        if event["ch"] == channel and event["type"] == "position":  # told with each fill, and says the same
                            fill = seen[channel, "fill"]
                            assert (event["data"]["qty"], event["data"]["avg_price"]) == (fill["position"] or "0", fill["position_avg"]), (event, fill)
                        seen[event["ch"], event["type"]] = event["data"]
                    assert seen["orders", "fill"]["bot_id"] == bot["id"], seen
                    denied = seen[channel, "denied"]
                    assert denied["code"] == "MARGIN" and denied["value"] > denied["limit"] > 0, denied
                    assert (await hear(implied))["ch"] == channel
                    for ws in (bobs, nosy):
                        try:
                            raise AssertionError(await asyncio.wait_for(ws.recv(), 0.5))
                        except asyncio.TimeoutError:
                            pass
            if websockets:
                asyncio.run(listen())
            else:
                print("# skipped: Python has no websockets")

        @case("a script that fails: a strike, another try, and retirement at the third; mended, or released by an operator, it can start")
        def _():
            row = make(fails, params={"bad": True}, start=True)
            until(lambda: ada.get(row), lambda r: r["strikes"] >= 1)
            retired = until(lambda: ada.get(row), lambda r: r["state"] == "retired", 60)
            assert retired["reason_code"] == "retired" and retired["strikes"] == 3 and "three times" in retired["reason"], retired
            failures = ada.client.get(f"{BOTS}/{row['id']}/failures", expect=200).json["items"]
            assert [f["strikes"] for f in failures] == [3, 2, 1] and all("nothing works today" in f["detail"] for f in failures), failures
            assert "another version or other parameters" in ada.act(row, "start", expect=409).json["detail"]
            held = s.operator().get("/api/v1/admin/bots?held=true", expect=200).json["items"]
            assert [b["id"] for b in held] == [row["id"]], held
            assert s.operator().post(f"/api/v1/admin/bots/{row['id']}/release", expect=200).json["state"] == "stopped"
            assert ada.act(row, "params", {"params": {"bad": False}}).json["strikes"] == 0
            ada.act(row, "start")
            until(lambda: ada.get(row), lambda r: r["state"] == "running")
            ada.act(row, "stop")
            ada.stopped(row)

        @case("what cannot be opened is a dead letter that says why, and starts when it is mended")
        def _():
            row = make(picky, params={"a": 5}, start=True)
            dead = until(lambda: ada.get(row), lambda r: r["state"] == "dead")
            assert dead["reason_code"] == "unfit" and "a must be below b" in dead["reason"] and dead["strikes"] == 0, dead
            assert row["id"] in [b["id"] for b in s.operator().get("/api/v1/admin/bots?state=dead", expect=200).json["items"]]
            ada.client.patch(f"{BOTS}/{row['id']}", {"params": {"a": 1}}, expect=200)
            ada.act(row, "start")
            until(lambda: ada.get(row), lambda r: r["state"] == "running")
            ada.act(row, "stop")
            ada.stopped(row)

        @case("a killed service: the run goes on, with every order it had")
        def _():
            before = everything(ada.client, url + "/orders")
            run = ada.get(bot)["live"]["run"]
            s.stop(signal.SIGKILL)
            s.start()
            ada.client = s.login("ada@example.org")
            row = until(lambda: ada.get(bot), lambda r: r["state"] == "running" and r["live"] and r["live"]["instant_ms"])
            assert row["live"]["run"] == run, row
            after = until(lambda: {o["id"] for o in everything(ada.client, url + "/orders")}, lambda ids: len(ids) > len(before))
            assert {o["id"] for o in before} <= after

        @case("stopped with its positions closed: nothing is left open")
        def _():
            ada.act(bot, "stop", {"close": True})
            ada.stopped(bot)
            until(lambda: ada.get(bot), lambda r: r["live"] is None)
            assert everything(ada.client, url + "/orders?working=true") == []
            fills = everything(ada.client, url + "/fills")
            held = sum((Decimal(f["qty"]) * (1 if f["side"] == "buy" else -1) for f in fills), Decimal(0))
            assert held == 0, held

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
