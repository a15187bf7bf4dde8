#!/usr/bin/env python3
"""Market data of live venues over HTTP: markets.py PERIGEE. Prints TAP. What is listed, pages of bars that are the same however they are
asked for, a file that grows, what is said of a wrong feed."""
import asyncio
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from service import Service, run_cases

try:
    import websockets
except ImportError:
    websockets = None

MARKETS = "/api/v1/markets"


def csv(first, last):
    return "".join(f"{1767571200 + 60 * i},{100 + i % 7}.25,{102 + i % 7}.00,{99 + i % 7}.50,{101 + i % 7}.00,{abs(5 + i)}\n" for i in range(first, last))


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with tempfile.TemporaryDirectory() as tmp:
        growing = pathlib.Path(tmp) / "GROW_1m.csv"
        growing.write_text("time,open,high,low,close,volume\n" + csv(0, 100))
        feeds = ["--feed", "sim=sim:seed=7,speed=600,from=2026-01-05", "--feed", f"mine=file:{growing}"]
        with Service(binary, args=feeds) as s:
            ada = s.register("ada@example.org")

            def bars(symbol, query):
                return ada.get(f"{MARKETS}/{symbol}/bars?{query}", expect=200).json

            @case("live venues list their symbols, page by page")
            def _():
                whole = ada.get(MARKETS, expect=200).json["items"]
                assert [m["symbol"] for m in whole if m["venue"] == "sim"] == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "EURUSD", "GBPUSD", "XAUUSD"], whole
                mine = [m for m in whole if m["venue"] == "mine"]
                assert len(mine) == 1 and mine[0]["symbol"] == "GROW" and mine[0]["live"] and mine[0]["tick"] == "0.01" and mine[0]["timeframe"] == "1m", mine
                paged, path = [], MARKETS + "?limit=2"
                while path:
                    page = ada.get(path, expect=200).json
                    paged += page["items"]
                    path = page["next_cursor"] and f"{MARKETS}?limit=2&cursor={page['next_cursor']}"
                assert [(m["venue"], m["symbol"]) for m in paged] == [(m["venue"], m["symbol"]) for m in whole]
                assert [m["venue"] for m in ada.get(MARKETS + "?venue=sim&symbol=EURUSD", expect=200).json["items"]] == ["sim"]
                assert ada.get(MARKETS + "?venue=nowhere", expect=200).json["items"] == []

            @case("bars of a live market: the newest, and pages from a time on that give the same")
            def _():
                from_ms = 1767571200000 - 86400000
                whole = bars("EURUSD", f"venue=sim&timeframe=5m&from={from_ms}&to={from_ms + 86400000}&limit=1000")
                assert 250 < len(whole["items"]) <= 288 and whole["next_cursor"] is None, len(whole["items"])
                times = [b["time"] for b in whole["items"]]
                assert times == sorted(set(times)) and times[0] >= from_ms and times[-1] < from_ms + 86400000
                paged, cursor = [], ""
                while cursor is not None:
                    page = bars("EURUSD", f"venue=sim&timeframe=5m&from={from_ms}&to={from_ms + 86400000}&limit=37{cursor}")
                    paged += page["items"]
                    cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
                assert paged == whole["items"]
                newest = bars("EURUSD", "venue=sim&timeframe=1m&limit=5")["items"]
                time.sleep(0.5)  # five minutes there
                later = bars("EURUSD", "timeframe=1m&limit=5")["items"]
                assert len(newest) == len(later) == 5 and later[-1]["time"] > newest[-1]["time"] > 1767571200000 - 1
                hour = bars("EURUSD", "venue=sim&timeframe=1h&limit=3")["items"][1]
                minutes = bars("EURUSD", f"venue=sim&timeframe=1m&from={hour['time']}&to={hour['time'] + 3600000}")["items"]
                if len(minutes) < 60:  # at most 50 in a page
                    minutes = bars("EURUSD", f"venue=sim&timeframe=1m&from={hour['time']}&to={hour['time'] + 3600000}&limit=100")["items"]
                assert hour["open"] == minutes[0]["open"] and hour["close"] == minutes[-1]["close"]
                assert float(hour["high"]) == max(float(b["high"]) for b in minutes)

            @case("what cannot be is refused in words")
            def _():
                assert ada.get(f"{MARKETS}/EURUSD/bars?venue=sim&timeframe=30s").status == 422
                assert ada.get(f"{MARKETS}/DOGE/bars?venue=sim&timeframe=1m").status == 404
                assert ada.get(f"{MARKETS}/DOGE/bars?timeframe=1m").status == 404
                assert ada.get(f"{MARKETS}/EURUSD/bars?venue=nowhere&timeframe=1m").status == 404

            @case("a file that grows")
            def _():
                assert len(bars("GROW", "venue=mine&timeframe=1m&limit=500")["items"]) == 100
                with growing.open("a") as f:
                    f.write(csv(100, 130))
                deadline = time.monotonic() + 10
                while len(found := bars("GROW", "venue=mine&timeframe=1m&limit=500")["items"]) < 130:
                    assert time.monotonic() < deadline, len(found)
                    time.sleep(0.1)
                assert found[-1] == {"time": 1767571200000 + 129 * 60000, "open": "103.25", "high": "105", "low": "102.5", "close": "104", "volume": "134"}, found[-1]
                assert [b["time"] for b in bars("GROW", "timeframe=5m&limit=3")["items"]] == [1767571200000 + (26 - i) * 300000 for i in (3, 2, 1)]

            @case("imported history comes first where no venue is named, and stands before the feed's")
            def _():
                old = pathlib.Path(tmp) / "GROW_1m_old.csv"
                rows = csv(-50, 0)
                old.write_text("time,open,high,low,close,volume\n" + rows)
                done = subprocess.run([binary, "import", str(old), "--venue", "mine", "--symbol", "GROW", "--timeframe", "1m", "--data-dir", str(s.data)],
                                      capture_output=True, text=True)
                assert done.returncode == 0, done
                assert [m["live"] for m in ada.get(MARKETS + "?symbol=GROW", expect=200).json["items"]] == [False, True]
                joined = bars("GROW", "venue=mine&timeframe=1m&limit=500")["items"]
                assert [b["time"] for b in joined] == [1767571200000 + 60000 * i for i in range(-50, 130)], len(joined)
                assert len(bars("GROW", "timeframe=1m&limit=500")["items"]) == 50

            @case("bars as they close, over WebSocket, for who subscribes; dropped when the last has gone")
            def _():
                async def listen(channels):
                    async with websockets.connect(f"ws://127.0.0.1:{s.port}/api/v1/ws") as ws:
                        async def hear():
                            return json.loads(await asyncio.wait_for(ws.recv(), 10))
                        await ws.send(json.dumps({"op": "auth", "token": ada.token}))
                        assert (await hear())["ok"]
                        await ws.send(json.dumps({"op": "subscribe", "channels": channels}))
                        assert len((await hear())["channels"]) == len(channels)
                        return [await hear() for _ in range(12)]

                async def both():
                    return await asyncio.gather(listen(["market:EURUSD:1m", "market:EURUSD:5m", "market:NONE:1m", "market:EURUSD:7m"]), listen(["market:EURUSD:1m"]))
                if not websockets:
                    return print("# skipped: Python has no websockets", flush=True)
                many, one = asyncio.run(both())
                minutes = [e for e in many if e["ch"] == "market:EURUSD:1m"]
                assert {e["ch"] for e in many} == {"market:EURUSD:1m", "market:EURUSD:5m"} and {e["type"] for e in many} == {"bar"}, many
                assert all(b["data"]["time"] > a["data"]["time"] and b["seq"] == a["seq"] + 1 for a, b in zip(minutes, minutes[1:])), minutes
                data = dict(minutes[-1]["data"])
                assert data.pop("venue") == "sim"
                assert bars("EURUSD", f"venue=sim&timeframe=1m&from={data['time']}&limit=1")["items"] == [data]
                assert minutes[-1]["seq"] in [e["seq"] for e in one]
                watched = lambda: ada.get(MARKETS + "?symbol=EURUSD", expect=200).json["items"][0]["price"]  # noqa: E731
                deadline = time.monotonic() + 10
                while watched() is not None:  # nobody wants it any more
                    assert time.monotonic() < deadline
                    time.sleep(0.2)

            @case("a feed that is wrong stops the start, with words that help")
            def _():
                for feed, says in (("sim=simm", "did you mean"), ("sim=sim:sped=3", "none of its options"), ("x=file:/nowhere.csv", "is not there yet"),
                                   ("y=replay:no/ONE", "no imported history")):
                    with tempfile.TemporaryDirectory() as data:
                        done = subprocess.run([binary, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--feed", feed], capture_output=True, text=True, timeout=20)
                        assert done.returncode != 0 and says in done.stderr, (feed, done)

            return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
