#!/usr/bin/env python3
"""Strategies, backtests, markets and the stream, as a customer has them: work.py PERIGEE. Prints TAP."""
import asyncio
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

from service import Service, run_cases

try:
    import websockets
except ImportError:
    websockets = None

SMA = """strategy{ name="sma", api=1, params={fast=int{5}, slow=int{20}}, ind={a={"sma","fast"}, b={"sma","slow"}} }
function on_bar(ctx) end
"""
TRADES = """strategy{ name="trades", api=1 }
function on_bar(ctx, bar)
  ctx:target{pct = bar.close > bar.open and 50 or 0}
end
"""
# Quick by default, so that its proof is; slow as SLOWLY says.
SLOW = """strategy{ name="slow", api=1, params={n=int{0}} }
function on_bar(ctx) local n = 0 for i = 1, ctx.p.n do n = n + i end ctx.state.n = n end
"""
SLOWLY = {"n": 20000}


def import_bars(binary, data, symbol="BTCUSDT", count=2000):
    with tempfile.TemporaryDirectory() as tmp:
        path = pathlib.Path(tmp) / f"{symbol}_1h.csv"
        rows = ["time,open,high,low,close,volume"]
        for i in range(count):
            o, c = 100 + i % 7, 100 + (i + 1) % 7
            rows.append(f"{1609459200 + i * 3600},{o}.00,{max(o, c)}.50,{min(o, c) - 1}.50,{c}.00,10")
        path.write_text("\n".join(rows) + "\n")
        subprocess.run([binary, "import", str(path), "--venue", "test", "--data-dir", str(data)], check=True, capture_output=True)


def finished(client, backtest_id, kind="backtests", wait_s=30):
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        row = client.get(f"/api/v1/{kind}/{backtest_id}", expect=200).json
        if row["state"] not in ("queued", "running"):
            return row
        time.sleep(0.02)
    raise AssertionError(f"backtest did not end: {row}")


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary)
    import_bars(binary, service.data)
    with service as s:
        ada, bob = s.register("ada@example.org"), s.register("bob@example.org")
        made = {}

        @case("markets and their bars, page by page, without a hole or a double")
        def _():
            items = ada.get("/api/v1/markets", expect=200).json["items"]
            assert [(m["symbol"], m["timeframe"], m["bars"]) for m in items if m["venue"] == "test"] == [("BTCUSDT", "1h", 2000)], items
            times, cursor = [], ""
            while cursor is not None:
                page = ada.get("/api/v1/markets/BTCUSDT/bars?timeframe=1h&limit=300" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
                times += [bar["time"] for bar in page["items"]]
                cursor = page["next_cursor"]
            assert times == [1609459200000 + i * 3600000 for i in range(2000)]
            assert ada.get("/api/v1/markets/NOPE/bars?timeframe=1h").code == "not_found"
            assert ada.get("/api/v1/markets/BTCUSDT/bars").code == "validation_failed"
            assert ada.get("/api/v1/markets/BTCUSDT/bars?timeframe=1h&cursor=AAAA").code == "bad_cursor"

        @case("an upload is proven, stored, and active when it asks to be")
        def _():
            made["strategy"] = ada.post("/api/v1/strategies", {"name": "Mine", "source": TRADES, "activate": True}, expect=201).json
            assert made["strategy"]["active_version"] == 1 and made["strategy"]["version"]["state"] == "proven", made
            assert ada.post("/api/v1/strategies", {"name": "Mine", "source": SMA}).code == "already_exists"

        @case("a broken script is refused with its line, an undeterministic one kept and never active")
        def _():
            answer = ada.post("/api/v1/strategies", {"name": "Broken", "source": "strategy{ name=1 }"})
            assert answer.code == "script_rejected" and ":1:" in answer.json["detail"], answer
            assert ada.post("/api/v1/strategies", {"name": "Empty", "source": ""}).code == "validation_failed"
            assert [i["name"] for i in ada.get("/api/v1/strategies").json["items"]] == ["Mine"]

        @case("versions: immutable, listed, compared, activated, rolled back")
        def _():
            base = f"/api/v1/strategies/{made['strategy']['id']}"
            two = ada.post(f"{base}/versions", {"source": TRADES + "-- two\n", "comment": "second"}, expect=201).json
            assert two["version"] == 2 and not two["active"], two
            assert [v["version"] for v in ada.get(f"{base}/versions").json["items"]] == [2, 1]
            assert "+-- two" in ada.get(f"{base}/diff?from=1&to=2", expect=200).json["diff"]
            assert ada.post(f"{base}/versions/2/activate", expect=200).json["active_version"] == 2
            assert ada.post(f"{base}/versions/1/activate", expect=200).json["active_version"] == 1
            for answer in (ada.post(f"{base}/versions/9/activate"), ada.get(f"{base}/versions/9"), ada.get(f"{base}/diff?from=1&to=9")):
                assert answer.status == 404 and answer.json["detail"] == "There is no version 9 of this script.", answer
            assert ada.get(f"{base}/versions/2").json["source"].endswith("-- two\n")
            tag = ada.get(base).headers["etag"]
            assert ada.get(base, headers={"If-None-Match": tag}).status == 304
            fresh = ada.post(f"{base}/versions/2/activate", headers={"If-Match": tag}, expect=200).headers["etag"]
            assert ada.post(f"{base}/versions/1/activate", headers={"If-Match": tag}).code == "precondition_failed"
            ada.post(f"{base}/versions/1/activate", headers={"If-Match": fresh}, expect=200)

        @case("Idempotency-Key: the same answer, nothing done twice; another request with it: refused")
        def _():
            path, key = f"/api/v1/strategies/{made['strategy']['id']}/versions", {"Idempotency-Key": "once"}
            first = ada.post(path, {"source": TRADES + "-- three\n"}, expect=201, headers=key)
            again = ada.post(path, {"source": TRADES + "-- three\n"}, expect=201, headers=key)
            assert first.body == again.body and again.headers["idempotent-replayed"] == "true"
            assert ada.post(path, {"source": TRADES + "-- four\n"}, headers=key).code == "idempotency_mismatch"
            assert bob.post("/api/v1/strategies", {"name": "Mine", "source": SMA}, headers=key).status == 201
            assert ada.post(path, {"source": TRADES}, headers={"Idempotency-Key": "no blanks"}).code == "malformed_request"

        @case("a backtest: queued, run, with a result that adds up")
        def _():
            answer = ada.post("/api/v1/backtests", {"strategy_id": made["strategy"]["id"], "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}],
                                                    "config": {"cash": "1000", "fee_taker": "0.001"}}, expect=202)
            assert answer.headers["location"].endswith(answer.json["id"])
            row = finished(ada, answer.json["id"])
            assert row["state"] == "done" and row["progress"] == 1, row["error"]
            assert row["result"]["stats"]["trades"] > 10 and row["result"]["config"]["cash"] == "1000"
            made["backtest"] = row["id"]
            # The same request again is the same run: a backtest is a pure function.
            again = ada.post("/api/v1/backtests", row["request"], expect=202).json
            assert finished(ada, again["id"])["result"]["hash"] == row["result"]["hash"]

        @case("what a backtest may not ask for: history that is not there, figures out of range, another's strategy")
        def _():
            good = {"strategy_id": made["strategy"]["id"], "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}
            answer = ada.post("/api/v1/backtests", {**good, "data": [{"symbol": "NOPE", "timeframe": "1h"}]})
            assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == "/data/0", answer
            answer = ada.post("/api/v1/backtests", {**good, "config": {"leverage": "0.5"}})
            assert answer.json["errors"][0]["pointer"] == "/config/leverage", answer
            assert bob.post("/api/v1/backtests", good).code == "not_found"
            assert bob.get(f"/api/v1/backtests/{made['backtest']}").code == "not_found"
            assert bob.delete(f"/api/v1/backtests/{made['backtest']}").code == "not_found"
            assert bob.get("/api/v1/backtests").json["items"] == []

        @case("a running backtest is cancelled, a finished one forgotten")
        def _():
            slow = ada.post("/api/v1/strategies", {"name": "Slow", "source": SLOW}, expect=201).json
            body = {"strategy_id": slow["id"], "params": SLOWLY, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}
            ids = [ada.post("/api/v1/backtests", body, expect=202).json["id"] for _ in range(3)]
            for backtest in ids:
                ada.delete(f"/api/v1/backtests/{backtest}", expect=204)
            states = {finished(ada, backtest)["state"] for backtest in ids}
            assert states <= {"cancelled", "done"} and "cancelled" in states, states
            ada.delete(f"/api/v1/backtests/{made['backtest']}", expect=204)
            ada.get(f"/api/v1/backtests/{made['backtest']}", expect=404)

        if websockets:
            url = f"ws://127.0.0.1:{s.port}/api/v1/ws"

            async def say(ws, **message):
                await ws.send(json.dumps(message))

            async def hear(ws, **wanted):
                while True:
                    message = json.loads(await asyncio.wait_for(ws.recv(), 10))
                    if all(message.get(k) == v for k, v in wanted.items()):
                        return message

            async def signed_in(client):
                ws = await websockets.connect(url)
                await say(ws, op="auth", token=client.token)
                assert (await hear(ws, op="auth"))["ok"]
                return ws

            @case("the stream: progress of a backtest, numbers without holes, resume")
            def _():
                async def run():
                    slow = [i for i in ada.get("/api/v1/strategies").json["items"] if i["name"] == "Slow"][0]
                    ws = await signed_in(ada)
                    job = ada.post("/api/v1/backtests", {"strategy_id": slow["id"], "params": SLOWLY, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}, expect=202).json
                    channel = f"backtest:{job['id']}"
                    await say(ws, op="subscribe", channels=[channel])
                    start = (await hear(ws, op="subscribed"))["channels"][0]["seq"]
                    seqs, last = [], None
                    while last not in ("done", "failed"):
                        event = await hear(ws, ch=channel)
                        seqs.append(event["seq"])
                        last = event["type"]
                    assert last == "done" and seqs == list(range(start + 1, start + 1 + len(seqs))), (last, seqs)
                    other = await signed_in(ada)
                    await say(other, op="resume", ch=channel, seq=seqs[0])
                    assert (await hear(other, op="resumed"))["complete"]
                    again = [(await hear(other, ch=channel))["seq"] for _ in seqs[1:]]
                    assert again == seqs[1:], again
                    await say(other, op="resume", ch=channel, seq=1)
                    assert not (await hear(other, op="resumed"))["complete"]
                    ada.post("/api/v1/subscriptions/upgrade", {"plan": ada.get("/api/v1/subscriptions/plans").json["items"][-1]["id"]}, expect=200)
                    wish = {"strategy_id": slow["id"], "ranges": {"n": "1..60"}, "objective": "return_pct", "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}
                    found = f"optimization:{ada.post('/api/v1/optimizations', wish, expect=202).json['id']}"
                    await say(other, op="subscribe", channels=[found])
                    assert (await hear(other, op="subscribed"))["channels"][0]["ch"] == found
                    last, far = None, []
                    while last not in ("done", "failed"):
                        event = await hear(other, ch=found)
                        last = event["type"]
                        far += [event["data"]["progress"]] if last == "progress" else []
                    assert last == "done" and far and far == sorted(far), (last, far)
                    stranger = await signed_in(bob)
                    await say(stranger, op="subscribe", channels=[channel, found])
                    assert [d["code"] for d in (await hear(stranger, op="subscribed"))["denied"]] == ["not_found"] * 2
                    for w in (ws, other, stranger):
                        await w.close()
                asyncio.run(run())

            @case("the stream: who does not say who they are is sent away; revocation closes")
            def _():
                async def run():
                    ws = await websockets.connect(url)
                    await say(ws, op="subscribe", channels=["open"])
                    await asyncio.wait_for(ws.wait_closed(), 5)
                    assert ws.close_code == 4401, ws.close_code
                    ws = await websockets.connect(url)
                    await say(ws, op="auth", token="nonsense")
                    await asyncio.wait_for(ws.wait_closed(), 5)
                    assert ws.close_code == 4401, ws.close_code
                    visitor = s.login("bob@example.org")
                    ws = await signed_in(visitor)
                    visitor.post("/api/v1/auth/logout", expect=204)
                    await asyncio.wait_for(ws.wait_closed(), 5)
                    assert ws.close_code == 4403, ws.close_code
                asyncio.run(run())
        else:
            cases.append(("the stream # SKIP python websockets is not installed", lambda: None))

        @case("after a kill -9 what was acknowledged runs to its end, a search for parameters too; one that was cancelled does not")
        def _():
            slow = [i for i in ada.get("/api/v1/strategies").json["items"] if i["name"] == "Slow"][0]
            body = {"strategy_id": slow["id"], "params": SLOWLY, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}
            ada.post("/api/v1/subscriptions/upgrade", {"plan": ada.get("/api/v1/subscriptions/plans").json["items"][-1]["id"]}, expect=200)
            wanted = {**body, "params": {}, "ranges": {"n": "5000,10000"}, "objective": "return_pct"}
            searches = [ada.post("/api/v1/optimizations", {**wanted, "seed": seed}, expect=202).json["id"] for seed in (1, 2)]
            ada.delete(f"/api/v1/optimizations/{searches[1]}", expect=204)
            ids = [ada.post("/api/v1/backtests", body, expect=202).json["id"] for _ in range(3)]
            s.stop(9)
            s.start()
            again = s.login("ada@example.org")
            assert {finished(again, backtest)["state"] for backtest in ids} == {"done"}
            found = finished(again, searches[0], "optimizations")
            assert found["state"] == "done" and [r["params"] for r in found["result"]["results"]] == [{"n": "5000"}, {"n": "10000"}], found["error"]
            assert again.get(f"/api/v1/optimizations/{searches[1]}", expect=200).json["state"] == "cancelled"

        @case("a cancellation that was acknowledged holds at once, and after kill -9; who has lost their strategy fails")
        def _():
            again = s.login("ada@example.org")
            slow = [i for i in again.get("/api/v1/strategies").json["items"] if i["name"] == "Slow"][0]
            lost = again.post("/api/v1/strategies", {"name": "Lost", "source": TRADES + "-- lost\n"}, expect=201).json
            data = [{"symbol": "BTCUSDT", "timeframe": "1h"}]
            ids = [again.post("/api/v1/backtests", {"strategy_id": slow["id"], "params": SLOWLY, "data": data}, expect=202).json["id"] for _ in range(4)]
            orphan = again.post("/api/v1/backtests", {"strategy_id": lost["id"], "data": data}, expect=202).json["id"]
            again.delete(f"/api/v1/strategies/{lost['id']}", expect=204)
            for backtest in ids:
                again.delete(f"/api/v1/backtests/{backtest}", expect=204)
                assert again.get(f"/api/v1/backtests/{backtest}", expect=200).json["state"] in ("cancelled", "done")
            s.stop(9)
            s.start()
            again = s.login("ada@example.org")
            time.sleep(0.5)
            states = {again.get(f"/api/v1/backtests/{backtest}", expect=200).json["state"] for backtest in ids}
            assert states <= {"cancelled", "done"} and "cancelled" in states, states
            row = finished(again, orphan)
            assert row["state"] == "done" or row["error"] == "its strategy was deleted", row
            again.delete(f"/api/v1/backtests/{ids[-1]}", expect=204)
            assert again.get(f"/api/v1/backtests/{ids[-1]}").status == 404

        @case("a stop in the middle of a backtest ends in order, and the next start runs it")
        def _():
            again = s.login("ada@example.org")
            slow = [i for i in again.get("/api/v1/strategies").json["items"] if i["name"] == "Slow"][0]
            body = {"strategy_id": slow["id"], "params": SLOWLY, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}
            ids = [again.post("/api/v1/backtests", body, expect=202).json["id"] for _ in range(4)]
            assert s.stop() == 0
            with sqlite3.connect(f"file:{s.data / 'control.db'}?mode=ro", uri=True) as db:  # it did not wait for all of them
                left = db.execute("SELECT count(*) FROM backtests WHERE state IN ('queued', 'running')").fetchone()[0]
            assert left > 0, left
            s.start()
            again = s.login("ada@example.org")
            assert {finished(again, backtest)["state"] for backtest in ids} == {"done"}

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
