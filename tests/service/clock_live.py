#!/usr/bin/env python3
"""What happens between bars: clock_live.py PERIGEE. Timers of bots whose own bars are an hour or a day long, signals, closing at once,
funding; the service is killed in between, and a replay makes the same of it. Prints TAP."""
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

try:
    import websockets
except ImportError:
    websockets = None

from live import BOTS, D, Trader, fills, hosts_of, metric, replay, replays_as_live
from service import Service, run_cases

MINUTE_MS = 60000
# Trades by the clock alone.
TICKING = """strategy{ name="ticking", api=1 }
function on_init(ctx)
  ctx:timer{every="30m", name="beat"}
end
function on_timer(ctx, name)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", name, ctx.state.n, "at", ctx.now)
  if ctx.state.n % 2 == 1 then ctx:buy{qty=0.01, tag="in"} else ctx:close{tag="out"} end
end
"""


HOLDER = """strategy{ name="holder", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then
    ctx.state.done = true
    ctx:buy{qty=0.02, tag="in"}
    ctx:buy{qty=0.01, type="limit", price=bar.close*0.6, tag="low"}
  end
end
"""


# Says its last words: sells most of what it has, and asks for what it may not.
PARTING = HOLDER + """function on_stop(ctx, why)
  ctx.state.last = why
  ctx:close{qty=0.015, tag="last"}
  local order, err = ctx:buy{qty=0.01}
  ctx:log("info", "bye", why, order == nil and err.code)
end
"""
# Proven on sample data.
STUBBORN = HOLDER + """function on_stop(ctx, why) if ctx.now > 1760000000000 then %s end end
"""


TOLD = """strategy{ name="told", api=1 }
function on_signal(ctx, s)
  ctx.state.n = (ctx.state.n or 0) + 1
  ctx:log("info", "heard", s.action .. ":" .. tostring(s.id) .. ":" .. tostring(s.size) .. ":" .. tostring(s.source) .. ":" .. tostring(s.raw))
  if s.action ~= "bad" then ctx:buy{qty=0.01, tag=s.action} end
end
"""


def heard(trader, bot):
    return [line["text"].split(" ", 1)[1] for line in reversed(trader.all(bot, "logs")) if line["text"].startswith("heard")]


def beats(trader, bot):
    """(count, time) of each time the timer fired, oldest first."""
    words = [line["text"].split() for line in reversed(trader.all(bot, "logs")) if line["text"].startswith("beat")]
    return [(int(w[1]), int(float(w[3]))) for w in words]


def paused(trader, bot):
    trader.act(bot, "pause")
    trader.wait(bot, lambda b: b["state"] == "paused")


@contextlib.contextmanager
def market_of(binary, feed):
    """A service on that feed; a failure shows its log without the requests."""
    s = Service(binary, args=["--feed", feed]).start()
    try:
        yield s
    except BaseException:
        print("\n".join(l for l in s.log_text().splitlines() if "request" not in l)[-6000:])
        raise
    finally:
        if s.process.poll() is None:
            s.stop()


def timers(binary):
    with market_of(binary, "sim=sim:speed=3600,seed=3") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("ticking", TICKING, timeframe="1d")
        t.wait(bot, lambda b: len(beats(t, bot)) >= 8)
        seen = beats(t, bot)
        assert [n for n, _ in seen] == list(range(1, len(seen) + 1)), seen
        late = [at % (30 * MINUTE_MS) for _, at in seen]
        assert sum(x == 0 for x in late) >= len(late) - 2, late  # at their time, while the market runs at 3600 times the clock's speed
        gaps = [b[1] - a[1] for a, b in zip(seen, seen[1:])]
        assert max(gaps) <= 60 * MINUTE_MS, gaps
        for _ in range(2):
            s.killed_and_back(t)
            was = len(beats(t, bot))
            t.wait(bot, lambda b: len(beats(t, bot)) > was + 2)
        seen = beats(t, bot)
        assert [n for n, _ in seen] == list(range(1, len(seen) + 1)), seen  # none twice, none of the script's state lost
        paused(t, bot)
        told = replays_as_live(s, t, bot)
        assert told["compared"] >= 8 and told["resumes"] == 2, told
        assert metric(s, "bot_divergences_total") == 0


def stops_at_once(binary):
    with market_of(binary, "sim=sim:speed=1200,seed=3") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("holder", HOLDER, timeframe="30m")
        t.wait(bot, lambda b: b["live"] and b["live"]["positions"])  # filled at the open of a bar of its own
        before = t.get(bot)["live"]
        t.act(bot, "stop", {"close": True})
        row = t.wait(bot, lambda b: b["state"] == "stopped" and b["live"] is None)
        last = t.all(bot, "fills")[0]
        assert last["side"] == "sell" and last["qty"] == before["positions"][0]["qty"], last
        assert last["time_ms"] % (30 * MINUTE_MS) != 0, last  # with an instant between two bars of its own
        kinds = [c["kind"] for d in t.all(bot, "decisions") if d["kind"] == "imposed" for c in d["commands"]]
        assert "execute" in kinds, kinds
        assert s.stop() == 0
        told = replay(s, bot, "--verify")
        assert told["same"], told
        return row


def last_words(binary):
    with market_of(binary, "sim=sim:speed=1200,seed=3") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("parting", PARTING, timeframe="30m")
        others = [t.bot(f"stubborn{i}", STUBBORN % text, timeframe="30m") for i, text in enumerate(("while true do end", "error('no')", "ctx.state.f = print"))]
        for b in (bot, *others):
            t.wait(b, lambda b: b["live"] and b["live"]["positions"])
        t.act(bot, "stop")
        t.wait(bot, lambda b: b["state"] == "stopped" and b["live"] is None)
        assert "bye stop HALTED" in [line["text"] for line in t.all(bot, "logs")], t.all(bot, "logs")
        t.wait(bot, lambda b: len(t.all(bot, "fills")) == 2)  # rows follow the journal
        last = t.all(bot, "fills")[0]
        assert (last["side"], last["qty"], last["tag"]) == ("sell", "0.015", "last"), last
        words = [d for d in t.all(bot, "decisions") if d["kind"] == "last-words"]
        assert len(words) == 1 and words[0]["text"] == "stop" and words[0]["time_ms"] <= last["time_ms"], (words, last)
        t.wait(bot, lambda b: [o["status"] for o in t.all(bot, "orders") if o["tag"] == "low"] == ["canceled"])
        for b in others:  # errors in it never prevent the stop
            t.act(b, "stop", {"close": True})
            row = t.wait(b, lambda b: b["state"] == "stopped" and b["live"] is None)
            assert row["strikes"] == 0, row
            t.wait(b, lambda row: len(t.all(b, "fills")) == 2 and sum(D(f["qty"]) * (1 if f["side"] == "buy" else -1) for f in t.all(b, "fills")) == 0)
        assert s.stop() == 0
        for b in (bot, *others):
            told = replay(s, b, "--verify")
            assert told["same"], told


def signals(binary):
    with market_of(binary, "sim=sim:speed=600,seed=3") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("told", TOLD, timeframe="4h")
        t.wait(bot, lambda b: b["state"] == "running")

        def send(action, expect=202, key=None, **more):
            headers = {"Idempotency-Key": key} if key else None
            return t.client.post(f"{BOTS}/{bot}/signals", {"action": action, **more}, expect=expect, headers=headers).json

        def states():
            return {r["signal"]["action"]: r["state"] for r in t.all(bot, "signals")}

        send("one", size=0.01, raw="r\u00e4w", id="mine")
        first, again = send("two", key="k-2"), send("two", key="k-2")
        assert first == again, (first, again)
        t.wait(bot, lambda b: len(heard(t, bot)) == 2)
        times = [d["time_ms"] for d in t.all(bot, "decisions") if d["kind"] == "signal"]
        assert len(times) == 2 and all(at % (240 * MINUTE_MS) for at in times), times  # between two bars of its own
        assert heard(t, bot) == ["one:mine:0.01:api:r\u00e4w", "two:" + first["id"] + ":nil:api:"], heard(t, bot)
        send("bad", expect=422, ttl_s=0)
        for pid in hosts_of(s):
            os.kill(pid, signal.SIGSTOP)
        send("three")  # the instant for it is on its way
        time.sleep(0.2)
        send("late", ttl_s=1)
        time.sleep(1.4)
        for pid in hosts_of(s):
            os.kill(pid, signal.SIGCONT)
        t.wait(bot, lambda b: states()["late"] == "expired" and states()["three"] == "delivered")
        for k in range(3):
            send(f"k{k}")
            s.killed_and_back(t)  # accepted, so it is heard: before or after
        t.wait(bot, lambda b: b["state"] == "running" and all(states()[f"k{k}"] == "delivered" for k in range(3)))
        words = [h.split(":")[0] for h in heard(t, bot)]
        assert words == ["one", "two", "three", "k0", "k1", "k2"], words
        paused(t, bot)
        assert send("no", expect=409)["code"] == "conflict"
        told = replays_as_live(s, t, bot)
        assert told["compared"] >= 4, told
        assert [d["signal_id"] for d in t.all(bot, "decisions") if d["kind"] == "signal"][-1] == "mine"
        assert metric(s, "bot_divergences_total") == 0


def funded(binary):
    with market_of(binary, "sim=sim:speed=14400,seed=3,funding=1") as s:  # eight hours in two seconds
        t = Trader(s, "ada@example.org")
        bot, other = t.bot("holder", HOLDER, timeframe="1h"), t.bot("holder", HOLDER, "EURUSD", timeframe="1h", settings={"cash": "1000"})

        def charges(of):
            return [(d, c) for d in t.all(of, "decisions") if d["kind"] == "imposed" for c in d["commands"] if c["kind"] == "funding"]

        t.wait(bot, lambda b: len(charges(bot)) >= 2)
        s.killed_and_back(t)
        t.wait(bot, lambda b: len(charges(bot)) >= 4)
        paused(t, bot)
        paused(t, other)
        row, told = t.get(bot)["live"], replays_as_live(s, t, bot)
        assert told["resumes"] >= 1, told
        marks = {}
        for d, c in charges(bot):
            assert c["due_ms"] % (8 * 3600 * 1000) == 0 and d["time_ms"] == c["due_ms"], (d, c)  # at the end of the bar that ends then
            marks[c["due_ms"]] = D(c["rate"])
        assert len(marks) == len(charges(bot))  # each once
        bars = {}
        for at in marks:
            page = t.client.get(f"/api/v1/markets/BTCUSDT/bars?venue=sim&timeframe=1h&from={at - 3600000}&to={at}", expect=200).json
            bars[at] = D(str(page["items"][0]["close"]))
        executions = t.all(bot, "fills")
        paid = sum((D("0.02") * bars[at] * rate for at, rate in marks.items()), D(0))
        spent = sum(D(f["qty"]) * D(f["price"]) + D(f["fee"]) for f in executions)
        assert all(f["side"] == "buy" for f in executions) and len(executions) == 1
        value = D("0.02") * (D(executions[0]["price"]) + D(row["positions"][0]["unrealised"]) / D("0.02"))
        assert abs(D(row["equity"]) - (D(20000) - spent + value - paid)) < D("0.0001"), (row, paid, spent, value)
        assert paid != 0 and not charges(other)
        assert metric(s, "bot_divergences_total") == 0
        assert s.stop() == 0


def csv(minutes, more=0):
    start = 1767571200
    return "".join(f"{start + 60 * i},{100 + i % 7},{103 + i % 7},{98 + i % 7},{101 + more + i % 7},10\n" for i in minutes)


WATCHING = """strategy{ name="watching", api=1, data={ main={tf="1m"}, slow={tf="5m"} } }
function on_bar(ctx, bar) ctx.state.n = (ctx.state.n or 0) + 1 end
"""


MEAN = """strategy{ name="mean", api=1, ind={ m={"sma", 30} } }
function on_bar(ctx, bar) ctx:buy{qty=0.01 * (1 + math.floor(ctx.ind.m[0] * 1000) % 7)} end
"""


def past_rewritten(binary):
    """What a feed says of the past after a start does not change what bots saw: they go on with the journal's bars, as a replay does."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "PAST_1m.csv"
        head = "time,open,high,low,close,volume\n"
        path.write_text(head + csv(range(100)))
        with market_of(binary, f"mine=file:{path}:symbol=PAST,timeframe=1m,tick=0.01,lot=0.01,poll=20") as s:
            t = Trader(s, "ada@example.org")
            bot = t.bot("mean", MEAN, "PAST", venue="mine")
            t.wait(bot, lambda b: b["state"] == "running")
            for rows in (range(100, 110), range(110, 116)):
                with path.open("a") as f:
                    f.write(csv(rows))
                t.wait(bot, lambda b: b["live"] and b["live"]["instant_ms"] == (1767571200 + 60 * rows.stop) * 1000)
                time.sleep(0.3)  # they are in the journal
                if rows.stop == 110:
                    s.stop()
                    path.write_text(head + csv(range(105), 1) + csv(range(105, 110)))
                    s.start()
                    t.client = s.login("ada@example.org")
                    t.wait(bot, lambda b: b["state"] == "running")
            paused(t, bot)
            told = replays_as_live(s, t, bot)
            assert told["resumes"] == 1 and told["compared"] >= 15 and metric(s, "bot_divergences_total") == 0, told


async def heard_of(service, trader, channels, act, enough):
    """Events of those channels, from before act() until enough(events)."""
    async with websockets.connect(f"ws://127.0.0.1:{service.port}/api/v1/ws") as ws:
        await ws.send(json.dumps({"op": "auth", "token": trader.client.token}))
        await ws.send(json.dumps({"op": "subscribe", "channels": channels}))
        events = [json.loads(await asyncio.wait_for(ws.recv(), 10)) for _ in range(2)]
        assert events[0]["ok"] and len(events[1]["channels"]) == len(channels), events
        events.clear()
        await asyncio.sleep(1.2)  # what somebody watches is wanted of the hub now and then
        act()
        while not enough(events):
            events.append(json.loads(await asyncio.wait_for(ws.recv(), 10)))
        return events


def dirty_data(binary):
    """Late, repeated, contradicting, impossible and missing bars: whoever reads them is told, each kind counts, and what is traded on stays."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "DIRT_1m.csv"
        path.write_text("time,open,high,low,close,volume\n" + csv(range(100)))
        with market_of(binary, f"mine=file:{path}:symbol=DIRT,timeframe=1m,tick=0.01,poll=20") as s:
            t = Trader(s, "ada@example.org")
            bot = t.bot("watching", WATCHING, "DIRT", venue="mine")
            t.wait(bot, lambda b: b["state"] == "running")

            def dirty():
                with path.open("a") as f:
                    f.write(csv(range(100, 105)) + csv([104, 104, 104]) + csv([50]) + "1767577440,1,9,1,1,1\n" + "1767577500,5,4,6,5,1\n" + csv(range(111, 120)))

            def told():
                return sorted({line["text"].split(": ")[1] for line in t.all(bot, "logs") if line["text"].startswith("market data of DIRT")})
            kinds = ["conflict", "duplicate", "gap", "holes", "late", "refused"]
            if websockets:
                market, own = "market:DIRT:1m", f"bot:{bot}"
                events = asyncio.run(heard_of(s, t, [market, own], dirty, lambda seen: all(
                    {e["data"]["note"] for e in seen if (e["ch"], e["type"]) == what} >= set(kinds) - less for what, less in (((market, "note"), {"holes"}), ((own, "market"), set())))))
                notes = [e for e in events if (e["ch"], e["type"]) == (market, "note")]
                assert "holes" not in {e["data"]["note"] for e in notes}, notes  # of five minutes, which this channel is not about
                assert "time goes back" in next(e["data"]["detail"] for e in notes if e["data"]["note"] == "late"), notes
                gap = next(e["data"] for e in notes if e["data"]["note"] == "gap")
                assert gap["count"] == 6 and gap["venue"] == "mine", gap
            else:
                print("# skipped: Python has no websockets")
                dirty()
            t.wait(bot, lambda b: told() == kinds)
            counts = {verdict: metric(s, f'market_bars_total{{venue="mine",verdict="{verdict}"}}') for verdict in kinds}
            assert counts == {"conflict": 1, "duplicate": 3, "gap": 7, "holes": 1, "late": 1, "refused": 1}, counts
            assert metric(s, 'market_bars_total{venue="mine",verdict="delivered"}') == 14 + 3
            paused(t, bot)
            replays_as_live(s, t, bot)


# Trades by ticks alone, and keeps what it saw.
SCALPER = """strategy{ name="scalper", api=1 }
function on_tick(ctx, t)
  local s = ctx.state
  s.n, s.trades = (s.n or 0) + 1, (s.trades or 0) + t.trades
  if t.time > ctx.now or t.symbol ~= "BTCUSDT" or not t.price or t.volume == nil and t.trades > 0 then s.wrong = (s.wrong or 0) + 1 end
  if s.last and t.time < s.last then s.wrong = (s.wrong or 0) + 1 end
  s.last = t.time
  if s.n % 20 == 1 then ctx:buy{qty=0.01, tag="in"} elseif s.n % 20 == 11 then ctx:close{tag="out"} end
  if s.n % 10 == 0 then ctx:log("info", "ticks", s.n, s.trades, s.wrong or 0) end
end
"""


def ticks(binary):
    """A market of trades: on_tick is called, conflated, over a crash; a replay and a parity check have the same. Bars alone: said so."""
    with market_of(binary, "sim=sim:speed=600,seed=3,ticks=1,symbols=BTCUSDT") as s:
        t = Trader(s, "ada@example.org")

        def last(bot):
            return next(([int(float(x)) for x in line["text"].split()[1:]] for line in t.all(bot, "logs") if line["text"].startswith("ticks ")), [0, 0, 0])
        bot = t.bot("scalper", SCALPER)
        t.wait(bot, lambda b: last(bot)[0] >= 20 and fills(b) >= 1)
        paused(t, bot)
        time.sleep(0.2)
        checked = t.client.post(f"{BOTS}/{bot}/parity", expect=202).json["id"]
        row = {"state": "queued"}
        while row["state"] in ("queued", "running"):
            time.sleep(0.05)
            row = t.get(bot, f"/replays/{checked}")
        assert row["state"] == "done" and row["result"]["verdict"] == "certified", row  # a walk over bars and ticks alone does the same
        t.act(bot, "start")
        t.wait(bot, lambda b: b["state"] == "running")
        s.killed_and_back(t)
        before = last(bot)[0]
        t.wait(bot, lambda b: last(bot)[0] >= before + 20 and fills(b) >= 2)
        count, trades, wrong = last(bot)
        assert wrong == 0 and trades > count, (count, trades, wrong)  # several in one
        # Another has heard bars alone, until its new version hears ticks too.
        later = t.bot("later", 'strategy{ name="later", api=1 }\nfunction on_bar(ctx, bar) end\n')
        t.wait(later, lambda b: b["state"] == "running")
        t.client.post(f"/api/v1/strategies/{t.scripts['later']}/versions", {"source": SCALPER.replace("scalper", "later"), "activate": True}, expect=201)
        t.wait(later, lambda b: last(later)[0] >= 20 and b["live"]["version"] == 2)
        for one in (later, bot):
            paused(t, one)
        replays_as_live(s, t, later)
        told = replays_as_live(s, t, bot)
        assert told["compared"] >= 2 and told["resumes"] == 2, told
        assert metric(s, "bot_divergences_total") == 0
        assert s.stop() == 0
    with market_of(binary, "sim=sim:speed=600,seed=3,symbols=BTCUSDT") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("scalper", SCALPER)
        t.wait(bot, lambda b: any("on_tick is not called" in line["text"] for line in t.all(bot, "logs")))


# Long, flat, short, flat, by the clock; at the end of what is shown below nothing is pending.
CARRIER = """strategy{ name="carrier", api=1 }
function on_bar(ctx, bar)
  local n = bar.time // 60000 + 3
  if n % 6 == 1 then ctx:buy{qty=3} elseif n % 6 == 5 then ctx:sell{qty=2} elseif n % 6 == 4 or n % 6 == 0 then ctx:close{} end
end
"""


def funding_files(binary):
    """Rates of a file, beside a growing file and beside imported history: charged when they are due, as a backtest with --funding does."""
    with tempfile.TemporaryDirectory() as tmp:
        folder, start = pathlib.Path(tmp), 1767571200
        rates, grows, data = folder / "rates.csv", folder / "CARRY_1m.csv", folder / "data"
        head, missing = "time,open,high,low,close,volume\n", set(range(130, 180))
        # At a bar's end, within bars, several within one, and forty in a gap: more than any one answer of a feed.
        due = [*range(0, 400 * 60, 420), *range(3601, 3660, 7), *range(131 * 60, 171 * 60, 61)]
        rates.write_text("time,rate\n" + "".join(f"{start + at},{(-1) ** i * (i % 9 + 1) / 10000:.4f}\n" for i, at in enumerate(sorted(set(due)))))
        (folder / "PAST_1m.csv").write_text(head + csv(m for m in range(300) if m not in missing))
        grows.write_text(head + csv(range(10)))
        imported = subprocess.run([binary, "import", folder / "PAST_1m.csv", "--venue", "old", "--symbol", "PAST", "--timeframe", "1m", "--data-dir", data], capture_output=True, text=True)
        assert imported.returncode == 0, imported
        s = Service(binary, data=data, args=["--feed", f"mine=file:{grows}:symbol=CARRY,timeframe=1m,tick=0.01,lot=0.01,poll=20,funding={rates}",
                                             "--feed", f"past=replay:old/PAST/1m:speed=3000,from=2026-01-05T00:20:00Z,funding={rates}"]).start()
        try:
            t = Trader(s, "ada@example.org")
            account = t.client.post("/api/v1/accounts", {"venue": "paper", "name": "Free", "settings": {"balance": "100000", "fee_taker": "0"}}, expect=201).json["id"]
            bots = {"CARRY": t.bot("carrier", CARRIER, "CARRY", venue="mine", account_id=account), "PAST": t.bot("carrier", CARRIER, "PAST", venue="past", account_id=account)}
            for bot in bots.values():
                t.wait(bot, lambda b: b["state"] == "running")
            with grows.open("a") as f:
                f.write(csv(m for m in range(10, 300) if m not in missing))
            units = {"CARRY": ("--tick", "0.01", "--lot", "0.01"), "PAST": ()}  # as the feed says; as the data does
            for symbol, bot in bots.items():
                row = t.wait(bot, lambda b: b["live"]["instant_ms"] == (start + 300 * 60) * 1000, 60)
                begin_ms = [d for d in t.all(bot, "decisions") if d["kind"] == "run"][0]["time_ms"]
                deadline, charged, before = time.monotonic() + 30, [], -1
                while time.monotonic() < deadline and (len(charged) <= 32 or len(charged) != before):  # rows follow the journal
                    before = len(charged)
                    time.sleep(0.3)
                    charged = [(c["due_ms"], d["time_ms"]) for d in t.all(bot, "decisions") if d["kind"] == "imposed" for c in d["commands"] if c["kind"] == "funding"]
                live = t.get(bot)["live"]
                assert charged and len(set(charged)) == len(charged) and all(at - 60000 < due <= at or due < (start + 180 * 60) * 1000 <= at for due, at in charged), charged
                assert len([1 for _, at in charged if at == (start + 181 * 60) * 1000]) > 32, charged  # of the gap, with the bar after it
                assert any(line["text"].startswith("funding paid: ") for line in t.all(bot, "logs"))
                first, told = (begin_ms // 1000 - start) // 60, folder / "told.json"
                (folder / "seen.csv").write_text(head + csv(m for m in range(first, 300) if m not in missing))
                (folder / "carrier.lua").write_text(CARRIER)
                subprocess.run([binary, "backtest", folder / "carrier.lua", "--data", folder / "seen.csv", "--symbol", symbol, "--timeframe", "1m", *units[symbol], "--cash", "20000",
                                "--funding", rates, "--seed", str(row["seed"]), "--json", told], check=True, capture_output=True, timeout=30)
                assert json.loads(told.read_text())["hash"] == live["hash"], (symbol, live)
                replays_as_live(s, t, bot)
            assert metric(s, "bot_divergences_total") == 0
        finally:
            if s.process.poll() is None:
                s.stop()


def long_history(binary):
    """A thousand days of a synthetic market are a million minutes and more: its owner sees it begin, and how far it is."""
    if not websockets:
        return print("# skipped: Python has no websockets")
    with market_of(binary, "sim=sim:speed=60,seed=9") as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("deep", HOLDER.replace("api=1", "api=1, warmup=1000"), timeframe="1d", start=False)
        seen = asyncio.run(heard_of(s, t, [f"bot:{bot}"], lambda: t.act(bot, "start"), lambda events: events and events[-1]["data"].get("state") == "running"))
        states = [e["data"] for e in seen if e["type"] == "status"]
        share = [d["progress"] for d in states if "progress" in d]
        assert share and share == sorted(share) and 0 <= share[0] and 0 < share[-1] < 1, states
        assert {d["state"] for d in states if "progress" in d} == {"starting"} and t.get(bot)["progress"] is None, states


def main():
    binary = sys.argv[1]
    return run_cases([
        ("timers fire between the bars of a daily bot, over crashes, and a replay agrees", lambda: timers(binary)),
        ("a stop with close acts at once, at the last price, and not with the bot's next bar", lambda: stops_at_once(binary)),
        ("on_stop has the last word: it closes and cancels, no more; whatever it does, the bot stops; a replay agrees", lambda: last_words(binary)),
        ("signals are heard at once, in order, each once, over crashes; late ones are not; a replay agrees", lambda: signals(binary)),
        ("a history that takes long tells how far it is", lambda: long_history(binary)),
        ("on_tick hears the trades of a market that has them, ten times a second at most; a replay agrees", lambda: ticks(binary)),
        ("a file of funding rates beside a growing file and a replay: charged as a backtest with the same file does", lambda: funding_files(binary)),
        ("a feed that tells another past after a start: bots go on with what they saw, and a replay agrees", lambda: past_rewritten(binary)),
        ("late, repeated, impossible and missing bars: the bot's owner, the streams and /metrics say so", lambda: dirty_data(binary)),
        ("funding of a perpetual is charged to the cent, over a crash, and by a replay", lambda: funded(binary)),
    ])


if __name__ == "__main__":
    sys.exit(main())
