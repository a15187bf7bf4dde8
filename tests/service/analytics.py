#!/usr/bin/env python3
"""What all bots of a tenant did together: analytics.py PERIGEE. Bots trade on paper; lists over all of them agree with each bot's own, sums
with the lists, to the last unit; filters, pages and tables; 12,000 trades are quick; and nobody sees another's. Prints TAP."""
import contextlib
import csv
import io
import sqlite3
import sys
import time

from live import D, Trader, service_of
from service import run_cases

TURNS = """strategy{ name="turns", api=1, params={ long=bool{true} } }
function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  if ctx.state.n % 3 == 1 then
    if ctx.p.long then ctx:buy{qty=0.02, tag="=in"} else ctx:sell{qty=0.01, tag="in"} end
  elseif ctx.state.n % 3 == 2 then ctx:close{tag="out"} end
  if ctx.state.n == 4 then ctx:log("warn", "look here") end
  if ctx.state.n == 5 then ctx:buy{qty=1e6} end
end
"""
API = "/api/v1"


def every(client, path):
    rows, cursor = [], ""
    while True:
        page = client.get(f"{path}{cursor}", expect=200).json
        rows += page["items"]
        if not page["next_cursor"]:
            return rows
        cursor = f"{'&' if '?' in path else '?'}cursor={page['next_cursor']}"


def sums_of(trades):
    pnl = [D(t["pnl"]) for t in trades]
    return {"trades": len(trades), "wins": sum(p > 0 for p in pnl), "pnl": sum(pnl, D(0)), "profit": sum((p for p in pnl if p > 0), D(0)),
            "loss": -sum((p for p in pnl if p <= 0), D(0)), "fees": sum((D(t["fees"]) for t in trades), D(0)), "best": max(pnl), "worst": min(pnl)}


def agree(item, trades):
    for key, want in sums_of(trades).items():
        assert D(item[key]) == want, (key, item[key], want)


def many(path, tenant, bot, series, count):
    """As if the bot had traded so often before: rows of the projections alone."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM bot_trade WHERE bot_id = ?", (bot,))
        db.execute("DELETE FROM trade_day WHERE bot_id = ?", (bot,))
        minute = 60 * 10**9
        db.executemany("INSERT INTO bot_trade VALUES (?,?,?,1,?,?,?,?,?,10000,10010,1,2,?,?,?,0,0,1,0,'in','out')",
                       ((bot, n, tenant, series, 1 if n % 2 else -1, 100, n * 30 * minute, (n * 30 + 5) * minute, n, (n % 7 - 3) * 12345678, 1000) for n in range(1, count + 1)))
        db.execute("INSERT INTO trade_day SELECT tenant_id, bot_id, series_id, direction, exit_ns / 86400000000000, count(*), sum(pnl > 0), sum(max(pnl, 0)), sum(max(-pnl, 0)),"
                   " sum(fees), max(pnl), min(pnl), sum((exit_ns - entry_ns) / 1000000) FROM bot_trade WHERE bot_id = ? GROUP BY 1, 2, 3, 4, 5", (bot,))


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with service_of(binary, 2400) as s:
        ada, bob = Trader(s, "ada@example.org"), Trader(s, "bob@example.org")
        other = ada.client.post(f"{API}/accounts", {"venue": "paper", "name": "Other", "settings": {"balance": "50000", "fee_taker": "0.001"}}, expect=201).json["id"]
        bots = [ada.bot("turns", TURNS), ada.bot("turns", TURNS, symbol="ETHUSDT", params={"long": False}), ada.bot("turns", TURNS, account_id=other)]
        bobs = bob.bot("turns", TURNS)
        for trader, bot in [(ada, b) for b in bots] + [(bob, bobs)]:
            trader.wait(bot, lambda r: (r["live"] or {}).get("fills", 0) >= 12)
        for bot in bots[:2]:
            ada.act(bot, "stop", {"close": True})
            ada.wait(bot, lambda r: r["state"] == "stopped" and r["live"] is None)
        bob.act(bobs, "stop", {"close": True})
        bob.wait(bobs, lambda r: r["state"] == "stopped" and r["live"] is None)

        def settled():
            """Rows are written behind the journal: as many trades as there are in each bot's own list, twice the same."""
            deadline = time.monotonic() + 20
            while True:
                mine = [{**t, "bot_id": b} for b in bots[:2] for t in ada.all(b, "trades")]
                over = [t for b in bots[:2] for t in every(ada.client, f"{API}/trades?bot_id={b}&limit=1000")]
                if len(mine) == len(over) and len(mine) >= 8:
                    return mine, over
                assert time.monotonic() < deadline, (len(mine), len(over))
                time.sleep(0.1)

        @case("the list over all bots has each bot's round trips, whole, newest first, on any pages")
        def _():
            mine, over = settled()
            key = {(t["bot_id"], t["number"]): t for t in over}
            for t in mine:
                there = key[t["bot_id"], t["number"]]
                assert all(there[k] == v for k, v in t.items()), (t, there)
                assert there["bot"] == "turns" and there["strategy"] == "turns" and there["account"] == "Play" and there["currency"] == "USDT", there
            until = max(t["exit_ms"] for t in over) + 1
            both = f"{API}/trades?account_id={ada.account}&to_ms={until}"
            small, large = every(ada.client, both + "&limit=3"), every(ada.client, both + "&limit=1000")
            assert small == large and len(large) == len(over)
            assert [t["exit_ms"] for t in large] == sorted((t["exit_ms"] for t in large), reverse=True)

        @case("filters: bot, symbol, strategy, account, side, result, time; what fits nothing is empty, what is none is refused")
        def _():
            _, over = settled()
            get = lambda q: every(ada.client, f"{API}/trades?account_id={ada.account}&limit=1000{q}")  # noqa: E731
            script = over[0]["strategy_id"]
            for query, want in (("&symbol=ETHUSDT", lambda t: t["symbol"] == "ETHUSDT"), ("&side=short", lambda t: t["side"] == "short"), ("&result=win", lambda t: D(t["pnl"]) > 0),
                                ("&result=loss", lambda t: D(t["pnl"]) <= 0), (f"&strategy_id={script}", lambda t: True), (f"&bot_id={bots[0]}", lambda t: t["bot_id"] == bots[0]),
                                (f"&from_ms={over[2]['exit_ms']}&to_ms={over[0]['exit_ms']}", lambda t: over[2]["exit_ms"] <= t["exit_ms"] < over[0]["exit_ms"])):
                got = {(t["bot_id"], t["number"]) for t in get(query)}
                assert got == {(t["bot_id"], t["number"]) for t in over if want(t)}, query
            assert get("&symbol=NONE") == [] and get(f"&bot_id={bobs}") == []
            assert ada.client.get(f"{API}/trades?side=up").status == 422 and ada.client.get(f"{API}/trades?nonsense=1").status == 422
            assert ada.client.get(f"{API}/trades?cursor={'a' * 44}").code == "bad_cursor"

        @case("sums by symbol, strategy, account, day and over everything are those of the list, to the last unit")
        def _():
            _, over = settled()
            where = f"account_id={ada.account}"
            for what, key in (("by-symbol", "symbol"), ("by-strategy", "strategy_id"), ("by-account", "account_id")):
                items = ada.client.get(f"{API}/analytics/{what}?{where}", expect=200).json["items"]
                assert {i[key] for i in items} == {t[key] for t in over}
                assert [D(i["pnl"]) for i in items] == sorted((D(i["pnl"]) for i in items), reverse=True)
                for item in items:
                    agree(item, [t for t in over if t[key] == item[key]])
            short = ada.client.get(f"{API}/analytics/by-symbol?{where}&side=short", expect=200).json["items"]
            agree(short[0], [t for t in over if t["side"] == "short"])
            days = ada.client.get(f"{API}/analytics/by-day?{where}", expect=200).json["items"]
            assert sum(d["trades"] for d in days) == len(over) and sum((D(d["pnl"]) for d in days), D(0)) == sums_of(over)["pnl"]
            bob_all = bob.client.get(f"{API}/analytics/overview", expect=200).json["currencies"][0]
            agree(bob_all["trades"], every(bob.client, f"{API}/trades?limit=1000"))

        @case("overview: who runs and what it has; open positions; the curve ends where the bots are")
        def _():
            seen = ada.client.get(f"{API}/analytics/overview", expect=200).json
            assert seen["bots"]["running"] == 1 and seen["bots"]["stopped"] == 2, seen
            purse = seen["currencies"][0]
            assert purse["bots"] == 1 and D(purse["equity"]) - 20000 == D(purse["open_pnl"]), purse
            idle = bob.client.get(f"{API}/analytics/overview", expect=200).json
            assert idle["currencies"][0]["bots"] == 0 and D(idle["currencies"][0]["equity"]) == 0, idle
            curve = bob.client.get(f"{API}/analytics/equity", expect=200).json
            assert len(curve["curves"][0]["points"]) == 240 and D(curve["curves"][0]["points"][-1]["equity"]) == 0, curve["curves"][0]["points"][-1]
            marks = bob.get(bobs, "/equity?points=5000")["items"]
            assert D(curve["curves"][0]["points"][-1]["pnl"]) == D(marks[-1]["equity"]) - 20000, (curve["curves"][0]["points"][-1], marks[-1])
            assert curve["to_ms"] == marks[-1]["time_ms"]
            for p in ada.client.get(f"{API}/positions", expect=200).json["items"]:
                assert p["bot_id"] == bots[2] and p["account"] == "Other" and D(p["qty"]) > 0, p

        @case("alerts: a refusal with its reason, what a log warns of, the kill switch")
        def _():
            ada.client.post(f"{API}/bots/{bots[0]}/halt", {}, expect=200)
            items = ada.client.get(f"{API}/alerts", expect=200).json["items"]
            kinds = {(i["kind"], i["bot_id"]): i for i in items}
            assert kinds["log", bots[2]]["text"] == "look here" and kinds["log", bots[2]]["severity"] == "warning", items
            assert kinds["denial", bots[2]]["code"] == "MARGIN" and kinds["denial", bots[2]]["count"] >= 1, items
            assert kinds["halt", bots[0]]["severity"] == "error" and "kill switch" in kinds["halt", bots[0]]["text"], items
            assert [i["time_ms"] for i in items] == sorted((i["time_ms"] for i in items), reverse=True)
            assert not any(i["kind"] == "halt" for i in bob.client.get(f"{API}/alerts", expect=200).json["items"])
            ada.client.delete(f"{API}/bots/{bots[0]}/halt", expect=200)

        @case("reports are the lists as tables; text that a spreadsheet would compute is quoted")
        def _():
            _, over = settled()
            answer = ada.client.get(f"{API}/reports?kind=trades&account_id={ada.account}", expect=200)
            assert answer.headers["content-type"].startswith("text/csv") and "perigee-trades.csv" in answer.headers["content-disposition"], answer.headers
            rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
            assert len(rows) == len(over) and sum((D(r["pnl"]) for r in rows), D(0)) == sums_of(over)["pnl"]
            assert {r["tag"] for r in rows} == {"'=in", "in"} and rows[0]["exit_time"].endswith("Z"), rows[0]
            fills = every(ada.client, f"{API}/fills?account_id={ada.account}&limit=1000")
            assert len(list(csv.DictReader(io.StringIO(ada.client.get(f"{API}/reports?kind=fills&account_id={ada.account}", expect=200).body.decode())))) == len(fills) > 0
            own = [f for b in bots[:2] for f in ada.all(b, "fills")]
            assert sum((D(f["fee"]) for f in own), D(0)) == sum((D(f["fee"]) for f in fills), D(0))
            equity = list(csv.DictReader(io.StringIO(ada.client.get(f"{API}/reports?kind=equity&bot_id={bots[0]}", expect=200).body.decode())))
            assert D(equity[-1]["equity"]) == D(ada.get(bots[0], "/equity?points=5000")["items"][-1]["equity"])
            assert ada.client.get(f"{API}/reports").status == 422

        @case("a backtest over a live market's newest bars, which nobody imported; a market that nobody has is refused")
        def _():
            want = {"strategy_id": ada.scripts["turns"], "data": [{"venue": "sim", "symbol": "ETHUSDT", "timeframe": "1m"}]}
            run = ada.client.post(f"{API}/backtests", want, expect=202).json
            deadline = time.monotonic() + 20
            while (got := ada.client.get(f"{API}/backtests/{run['id']}", expect=200).json)["state"] not in ("done", "failed"):
                assert time.monotonic() < deadline, got
                time.sleep(0.05)
            assert got["state"] == "done" and got["result"]["data"][0]["bars"] == 5000 and got["summary"]["trades"] > 100, (got["error"], got["summary"])
            assert ada.client.post(f"{API}/backtests", {**want, "data": [{"symbol": "NONE", "timeframe": "1m"}]}).status == 422

        @case("another tenant's bots, trades and sums are nobody else's")
        def _():
            mine = {t["bot_id"] for t in every(bob.client, f"{API}/trades?limit=1000")} | {f["bot_id"] for f in every(bob.client, f"{API}/fills?limit=1000")}
            assert mine == {bobs}, mine
            assert bob.client.get(f"{API}/analytics/by-account?account_id={ada.account}", expect=200).json["items"] == []
            assert bob.client.get(f"{API}/reports?kind=trades&bot_id={bots[0]}", expect=200).body.count(b"\n") == 1

        @case("12,000 trades: pages, sums and tables (times are printed, not judged)")
        def _():
            tenant, bot, series = sqlite3.connect(s.data / "journal.db").execute("SELECT tenant_id, bot_id, series_id FROM bot_trade WHERE tenant_id ="
                                  " (SELECT tenant_id FROM bot_trade ORDER BY bot_id DESC LIMIT 1) LIMIT 1").fetchone()
            many(s.data / "journal.db", tenant, bot, series, 12000)
            for path in ("/trades?limit=50", "/trades?limit=1000", "/trades?limit=50&result=win&side=short&symbol=BTCUSDT", "/analytics/overview", "/analytics/by-symbol",
                         "/analytics/by-day", "/analytics/equity", "/alerts", "/reports?kind=trades"):
                begun = time.monotonic()
                answer = bob.client.get(API + path, expect=200)
                print(f"# {path}: {(time.monotonic() - begun) * 1000:.1f} ms, {len(answer.body)} bytes")
            rows = every(bob.client, f"{API}/trades?limit=1000")
            assert [t["number"] for t in rows] == list(range(12000, 0, -1))
            agree(bob.client.get(f"{API}/analytics/by-symbol", expect=200).json["items"][0], rows)
            assert bob.client.get(f"{API}/reports?kind=trades", expect=200).body.count(b"\r\n") == 12001

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
