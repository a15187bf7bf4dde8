#!/usr/bin/env python3
"""Why a bot did what it did: explain.py PERIGEE. An order's explanation is computed a second time here, from the bars it names; a run is made
again over HTTP and from the shell; what-if with nothing changed is the run itself, with something changed another, and the same twice; parity
certificates; a journal that somebody damaged is found. Prints TAP."""
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time

try:
    import websockets
except ImportError:
    websockets = None

from bots import BOTS, Customer
from bots_live import everything, until
from service import Service, run_cases

# Two averages cross; the script says in ctx.state what it saw, so that each number can be computed again.
CROSS = """strategy{ name="cross", api=1, params={ size=num{0.01, min=0.001, max=1, live=true}, fast=int{3, min=2, max=50}, slow=int{8, min=3, max=200} },
  ind={ f={"sma", "fast"}, s={"sma", "slow"} } }
function on_bar(ctx, bar)
  local fast, slow = ctx.ind.f[0], ctx.ind.s[0]
  local up = fast > slow
  ctx.state.seen = (ctx.state.seen or 0) + 1
  if up and not ctx.state.long then
    ctx.state.long = true
    ctx:buy{qty=ctx.p.size, sl=bar.close*0.5, tag="cross"}
  elseif not up and ctx.state.long then
    ctx.state.long = false
    ctx:close{tag="back"}
  end
  ctx:plot("fast", fast)
end
"""


async def heard(service, client, bot, types, act, enough):
    """Events of the bot's channel, from before act() until enough(those of these types); without holes in their numbers."""
    async with websockets.connect(f"ws://127.0.0.1:{service.port}/api/v1/ws") as ws:
        for message in ({"op": "auth", "token": client.token}, {"op": "subscribe", "channels": [f"bot:{bot}"]}):
            await ws.send(json.dumps(message))
            answer = json.loads(await asyncio.wait_for(ws.recv(), 10))
        last, events = answer["channels"][0]["seq"], []
        act()
        while not enough(events):
            event = json.loads(await asyncio.wait_for(ws.recv(), 20))
            assert event["seq"] == last + 1, (event, last)
            last = event["seq"]
            if event["type"] in types:
                events.append(event)
        return events


def jobs_of(service):
    for pid in pathlib.Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            if b"--job" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                yield int(pid)


held = []  # jobs that were stopped here, with when they began: a number may be another process's by now


def stat_of(pid):
    """State and time of its beginning; None when there is no such process any more."""
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return fields[0], fields[19]
    return None


def release_jobs():
    """Ends what is held still: a job that was stopped before it asked to die with the service would stay when that is killed."""
    for pid, since in held:
        seen = stat_of(pid)
        if seen and seen[1] == since:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    held.clear()


def held_job(service, act):
    """Does act() until a child that it began to work is stopped in the middle."""
    for _ in range(20):
        act()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for pid in jobs_of(service):
                seen = stat_of(pid)
                if seen is None:
                    continue
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGSTOP)
                    held.append((pid, seen[1]))
                    time.sleep(0.05)
                    if (stat_of(pid) or "?")[0] == "T":
                        return pid
            time.sleep(0.0005)
    raise AssertionError("no job was ever seen at work")


@contextlib.contextmanager
def slow_jobs(service):
    """Its jobs get two milliseconds in seventy: a child tells its progress every fifty at most."""
    over = threading.Event()

    def brake():
        while not over.wait(0.002):
            for pid in jobs_of(service):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGSTOP)
                    over.wait(0.07)
                    os.kill(pid, signal.SIGCONT)
    thread = threading.Thread(target=brake, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary, args=["--feed", "sim=sim:speed=1800,seed=5", "--parity-hour", str(time.gmtime().tm_hour)])
    with service as s:
        ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org")
        cross = ada.strategy("Cross", CROSS)
        body = {k: v for k, v in {**ada.body(cross, timeframe="1m", settings={"cash": "3000"}), "venue": None}.items() if v is not None}
        bot = ada.client.post(BOTS, {**body, "start": True}, expect=201).json
        url = f"{BOTS}/{bot['id']}"

        def done(answer, state="done"):
            at = f"{url}/replays/{answer.json['id']}"
            row = until(lambda: ada.client.get(at, expect=200).json, lambda r: r["state"] not in ("queued", "running"))
            assert row["state"] == state, row
            return row["result"] if state == "done" else row

        def replay(*args, expect=0):
            run = subprocess.run([binary, "replay", bot["id"], "--data-dir", str(s.data), "--json", "-", *args], capture_output=True, text=True, timeout=60)
            assert run.returncode == expect, (run.returncode, run.stdout[-1000:], run.stderr)
            return json.loads(run.stdout) if run.stdout else run.stderr

        def orders():
            return everything(ada.client, url + "/orders")

        def journal(sql, *args):
            with contextlib.closing(sqlite3.connect(s.data / "journal.db")) as db, db:
                return db.execute(sql, args).fetchall()

        until(lambda: ada.get(bot), lambda r: r["live"] and r["live"]["fills"] >= 12)
        ada.act(bot, "params", {"params": {"size": 0.02}})
        until(lambda: ada.get(bot), lambda r: r["live"]["fills"] >= 18)
        ada.act(bot, "pause")
        live = until(lambda: ada.get(bot), lambda r: r["state"] == "paused")["live"]
        time.sleep(0.3)  # rows of pages are written behind the journal

        @case("why an order: its bars, indicators, parameters, variables and state are what the script's logic makes of them")
        def _():
            bars = journal("SELECT b.open_ns, b.close, s.tick_digits, s.tick_scale FROM bar b JOIN series s ON s.id = b.series_id WHERE s.symbol = ? AND s.timeframe_ns = 60000000000 ORDER BY 1",
                           bot["symbol"])
            closes = {open_ns // 10**6: close * digits / 10**scale for open_ns, close, digits, scale in bars}
            entries = [o for o in orders() if o["tag"] == "cross"]
            assert len(entries) >= 4, entries
            for o in (entries[0], entries[-2]):
                why = ada.client.get(f"{url}/orders/{o['id']}/why", expect=200).json
                seen = why["replay"]["explanation"]
                assert why["by"] == "script" and why["replay"]["same"] and why["order"]["id"] == o["id"] and not why["denials"], why
                assert seen["time_ms"] == why["decided_ms"] == o["decided_ms"] and seen["callback"] == "on_bar", seen
                bar, = seen["bars"]
                times = sorted(t for t in closes if t <= bar["open_ms"])
                assert float(bar["close"]) == closes[bar["open_ms"]] and bar["open_ms"] + 60000 == seen["time_ms"], bar
                for name, n in (("f", 3), ("s", 8)):
                    for key, last in (("indicators", len(times)), ("indicators_before", len(times) - 1)):
                        mean = sum(closes[t] for t in times[last - n:last]) / n
                        assert abs(seen[key][name]["value"] - mean) < 1e-9 * mean, (name, key, seen[key], mean)
                assert seen["indicators"]["f"]["value"] > seen["indicators"]["s"]["value"]
                assert seen["params"]["size"] == (0.02 if o is entries[0] else 0.01) and seen["params"]["fast"] == 3, seen["params"]
                assert not seen["state_before"].get("long") and seen["state_after"]["long"] is True, seen
                assert seen["state_after"]["seen"] == seen["state_before"]["seen"] + 1
                assert (seen["intent"]["order"], seen["intent"]["side"], seen["intent"]["qty"], seen["intent"]["tag"]) == (o["order"], "buy", o["qty"], "cross"), seen["intent"]
                assert abs(float(seen["intent"]["sl"]) - 0.5 * float(bar["close"])) <= 0.1, seen["intent"]
                variables = {k: v for line in seen["trace"] for k, v in line["locals"].items()}
                assert abs(float(variables["fast"]) - seen["indicators"]["f"]["value"]) < 1e-6 and variables["up"] == "true", variables
                lines = [line["line"] for line in seen["trace"]]
                assert lines[0] == 4 and 9 in lines and 12 not in lines, lines  # the way through the script
                assert [f["order"] for f in why["fills"]] == [o["order"]] and why["fills"][0]["qty"] == o["filled"], why["fills"]
            guard = next(o for o in orders() if o["parent"] == entries[-2]["order"])
            why = ada.client.get(f"{url}/orders/{guard['id']}/why", expect=200).json
            assert why["by"] == "engine" and why["replay"]["explanation"]["intent"]["order"] == guard["parent"], why
            bob.client.get(f"{url}/orders/{guard['id']}/why", expect=404)
            ada.client.get(f"{url}/orders/nothing/why", expect=404)
            assert ada.client.get(f"{url}/orders/{guard['run']}-{guard['order']}/why", expect=200).json["order"]["id"] == guard["id"]
            for none in ("0-1", "1-0", "1-", "-1", "1-1x", "99999-1", "1-99999999999", "1-1073741823"):
                ada.client.get(f"{url}/orders/{none}/why", expect=404)

        @case("a run is made again over HTTP and from the shell: the same decisions, the core's own hash")
        def _():
            result = done(ada.client.post(url + "/replay", {"verify": True, "to_ms": live["instant_ms"]}, expect=202))
            assert result["same"] and result["hash"] == live["hash"] and result["compared"] >= 18 and "difference" not in result, result
            told = replay("--verify", "--to", str(live["instant_ms"]), "--run", "1")
            assert told["hash"] == result["hash"] and told["run"] == 1
            listed = done(ada.client.post(url + "/replay", {"from_ms": orders()[2]["decided_ms"]}, expect=202))["commands"]
            assert 2 <= len(listed) <= 12 and all(c["time_ms"] >= orders()[2]["decided_ms"] for c in listed), listed
            order = [o for o in orders() if o["tag"] == "cross"][1]
            plots = done(ada.client.post(url + "/replay", {"from_ms": order["decided_ms"], "plots": True, "verify": True}, expect=202))["plots"]
            times = [t for t, _ in plots["fast"]]
            assert list(plots) == ["fast"] and times[0] == order["decided_ms"] and times == sorted(set(times)), (list(plots), times[:5])
            seen = ada.client.get(f"{url}/orders/{order['id']}/why", expect=200).json["replay"]["explanation"]["indicators"]
            assert plots["fast"][0][1] == seen["f"]["value"], (plots["fast"][0], seen)
            running = ada.client.post(url + "/replay", {}, expect=202).json
            ada.client.call("DELETE", f"{url}/replays/{running['id']}", expect=204)  # cancelled, or it was quicker and is forgotten
            left = ada.client.get(f"{url}/replays/{running['id']}")
            assert left.status == 404 or left.json["state"] == "cancelled", left
            assert "run 7" in done(ada.client.post(url + "/replay", {"run": 7}, expect=202), "failed")["error"]
            assert {r["kind"] for r in ada.client.get(url + "/replays", expect=200).json["items"]} == {"replay"}
            bob.client.get(url + "/replays", expect=404)
            bob.client.post(url + "/replay", {}, expect=404)

        @case("a why that is under way is cancelled, and the request that waits for it told so")
        def _():
            order, answers = [o for o in orders() if o["tag"] == "cross"][0], []

            def ask():
                threading.Thread(target=lambda: answers.append(ada.client.get(f"{url}/orders/{order['id']}/why")), daemon=True).start()
            pid = held_job(s, ask)
            before = len(answers)
            bob.client.call("DELETE", f"{url}/orders/{order['id']}/why", expect=404)
            ada.client.call("DELETE", f"{url}/orders/{order['id']}/why", expect=204)
            until(lambda: len(answers), lambda n: n > before, 10)
            assert answers[-1].status == 409 and "cancelled" in answers[-1].json["detail"], answers[-1]
            until(lambda: pathlib.Path(f"/proc/{pid}").exists(), lambda there: not there, 10)  # its child is gone
            assert ada.client.get(f"{url}/orders/{order['id']}/why", expect=200).json["by"] == "script"

        @case("what if: nothing changed is the run itself; something changed is another, and the same twice")
        def _():
            at = orders()[-3]["decided_ms"] + 1
            ask = lambda more: done(ada.client.post(url + "/what-if", {"from_ms": at, "to_ms": live["instant_ms"], **more}, expect=202))
            same = ask({"params": {"size": 0.01}})
            assert same["how"] == "nothing" and same["same"] and same["hash"] == same["forked_hash"] == live["hash"] and same["live"] == same["forked"], same
            assert same["live"]["fills"] > 4 and same["fills"]["live"] == same["fills"]["forked"], same["live"]
            mine = [f for f in everything(ada.client, url + "/fills") if at <= f["time_ms"] < live["instant_ms"]]  # one that was asked for last fills later
            assert same["live"]["fills"] == len(mine) and [f["price"] for f in same["fills"]["live"]] == [f["price"] for f in mine[::-1]], (same["fills"], mine)
            other = ask({"params": {"size": 0.03}})
            assert other["how"] == "live" and not other["same"] and other["difference"]["time_ms"] > at, other
            assert "buy 0.01" in other["difference"]["live"] and "buy 0.03" in other["difference"]["forked"], other["difference"]
            assert other["live"] == same["live"] and other["forked"] != other["live"] and other["equity"][-1][2] == float(other["forked"]["equity_end"]), other
            slow = ask({"params": {"slow": 21}})
            assert slow["how"] == "restart" and not slow["same"] and slow["failures"] == 0, slow
            for first, more in ((other, {"params": {"size": 0.03}}), (slow, {"params": {"slow": 21}})):
                assert ask(more) == first, "not the same twice"
            shell = replay("--what-if", "slow=21", "--from", str(at), "--to", str(live["instant_ms"]))
            assert {k: v for k, v in shell.items() if k != "bot"} == slow, shell
            # Another version: buys the double.
            ada.client.post(f"/api/v1/strategies/{cross}/versions", {"source": CROSS.replace("qty=ctx.p.size", "qty=2*ctx.p.size"), "activate": False}, expect=201)
            two = ask({"version": 2})
            assert two["how"] == "restart" and "buy 0.02" in two["difference"]["forked"] and two["forked"]["trades"] == two["live"]["trades"], two
            wrong = done(ada.client.post(url + "/what-if", {"from_ms": at, "params": {"fats": 3}}, expect=202), "failed")
            assert "fats" in wrong["error"] and "fast" in wrong["error"], wrong
            assert "nothing after it" in done(ada.client.post(url + "/what-if", {"from_ms": 4102444800000}, expect=202), "failed")["error"]

        @case("parity: a certificate at night and on demand, and metrics")
        def _():
            # The core's own hash is of an instant that the market may have left when the job begins.
            result = until(lambda: done(ada.client.post(url + "/parity", expect=202)), lambda r: r["live_hash"])
            assert result["verdict"] in ("certified", "explained") and result["live_hash"] == result["hash"], result
            assert result["verdict"] == "explained" and {r["why"] for r in result["reasons"]} >= {"PARAMS", "DECISION"}, result  # its size was changed
            rows = until(lambda: ada.client.get(url + "/parity", expect=200).json["items"], lambda rows: len(rows) >= 1)
            assert rows[0]["verdict"] == "explained" and rows[0]["run"] == 1, rows
            fresh = ada.client.post(BOTS, {**body, "name": "Fresh", "start": True}, expect=201).json
            until(lambda: ada.get(fresh), lambda r: r["live"] and r["live"]["fills"] >= 4)
            ada.act(fresh, "pause")  # one that is started again has missed bars
            until(lambda: ada.get(fresh), lambda r: r["state"] == "paused")
            s.stop()
            s.start()  # the night's check goes on with whom it has not had: the new one
            ada.client = s.login("ada@example.org")
            until(lambda: everything(ada.client, f"{BOTS}/{fresh['id']}/parity"), lambda rows: [r["verdict"] for r in rows] == ["certified"])
            text = s.anonymous().get("/metrics", expect=200).body.decode()
            assert "perigee_parity_certified_total 1" in text and "perigee_parity_broken_total 0" in text, [line for line in text.splitlines() if "parity" in line]

        @case("the service dies while a replay is under way: it is made again, and its progress is on the bot's stream")
        def _():
            asked = []
            held_job(s, lambda: asked.append(ada.client.post(url + "/replay", {"verify": True, "to_ms": live["instant_ms"]}, expect=202)))
            until(lambda: ada.client.get(f"{url}/replays/{asked[-1].json['id']}", expect=200).json["state"], lambda state: state == "running")
            s.stop(signal.SIGKILL)
            release_jobs()
            s.start()
            ada.client, bob.client = s.login("ada@example.org"), s.login("bob@example.org")
            result = done(asked[-1])
            assert result["same"] and result["hash"] == live["hash"], result
            if websockets:
                for _ in range(10):  # one may be over before it had anything to tell
                    again = []
                    with slow_jobs(s):
                        events = asyncio.run(heard(s, ada.client, bot["id"], ("replay",), lambda: again.append(ada.client.post(url + "/replay", {"verify": True}, expect=202)),
                                                   lambda seen: seen and seen[-1]["data"]["state"] not in ("queued", "running")))
                    assert {e["data"]["id"] for e in events} == {again[0].json["id"]} and events[-1]["data"]["state"] == "done", events
                    share = [e["data"]["progress"] for e in events if "progress" in e["data"]]
                    if share:
                        break
                assert share and share == sorted(share) and 0 < share[0] <= share[-1] <= 1, events
            else:
                print("# skipped: Python has no websockets")

        @case("an older run is made again; one that was damaged is found, and its certificate is broken")
        def _():
            ada.act(bot, "stop", {"close": True})
            until(lambda: ada.get(bot), lambda r: r["state"] == "stopped")
            ada.act(bot, "start")
            until(lambda: ada.get(bot), lambda r: r["live"] and r["live"]["run"] == 2 and r["live"]["fills"] >= 3)
            result = done(ada.client.post(url + "/replay", {"run": 1, "verify": True}, expect=202))
            assert result["same"] and result["run"] == 1, result
            ada.act(bot, "stop", {"close": True})
            until(lambda: ada.get(bot), lambda r: r["state"] == "stopped")
            result = done(ada.client.post(url + "/parity", expect=202))
            assert result["verdict"] in ("certified", "explained") and result["live_hash"] == result["hash"], result
            # Of what came after the end that is asked for nothing is read: neither its length nor its damage matters.
            last, = journal("SELECT id, time_ns / 1000000, body FROM record WHERE run = 2 AND kind = 3 AND bot_id = (SELECT max(bot_id) FROM run WHERE run = 2) ORDER BY id DESC LIMIT 1")
            journal("UPDATE record SET body = x'FF' WHERE id = ?", last[0])
            assert "record of the journal" in done(ada.client.post(url + "/replay", {"verify": True}, expect=202), "failed")["error"]
            result = done(ada.client.post(url + "/replay", {"verify": True, "to_ms": last[1] - 1}, expect=202))
            assert result["same"] and result["to_ms"] == last[1] - 1, result
            journal("UPDATE record SET body = ? WHERE id = ?", last[2], last[0])
            gone, = journal("SELECT id, time_ns / 1000000 FROM record WHERE run = 2 AND kind = 3 AND intent IS NOT NULL AND bot_id = (SELECT max(bot_id) FROM run WHERE run = 2) ORDER BY id LIMIT 1")
            journal("DELETE FROM record WHERE id = ?", gone[0])
            result = done(ada.client.post(url + "/parity", expect=202))
            assert result["verdict"] == "broken" and result["difference"]["time_ms"] == gone[1] and result["difference"]["got"] and not result["difference"]["expected"], result
            assert '"parity_broken"' in s.log_text()
            assert "cannot be replayed as it was" in done(ada.client.post(url + "/what-if", {"from_ms": gone[1] - 1}, expect=202), "failed")["error"]

        try:
            return run_cases(cases)
        finally:
            release_jobs()


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
