#!/usr/bin/env python3
"""Versions and parameters change while bots trade: reload_live.py PERIGEE [BOTS: only the case of many, with so many]. A synthetic market at many times the clock's speed; what takes over
goes on with the state, what fails leaves the old one as it is, trials end by themselves, shadows tell what they would have done. Prints TAP."""
import itertools
import re
import sqlite3
import subprocess
import sys
import time

from live import BOTS, Trader, books_agree, counted, fills, metric, replay, replays_as_live, service_of
from service import run_cases

LIVE_MS = int(time.time() * 1000) - 86_400_000  # no sample of a proof is so late
SPEED = 1800  # 30 bars a second
# A parameter that a stream comes from.
FRAMES = """strategy{ name="frames", api=1, params={ frame=tf{"1h", live=true}, size=num{0.01, min=0.0001, max=1, live=true} }, data={ main={}, h={tf="frame"} } }
function on_bar(ctx, bar) end
"""
# Counts its bars in ctx.state, trades at every bar, and keeps one order far from the market.
COUNT = """strategy{ name="count", api=1, params={ size=num{0.01, min=0.0001, max=1, live=true}, n=int{3, min=2, max=50, live=true} }, ind={ f={"sma","n"} } }
function on_bar(ctx, bar)
  ctx.state.bars = (ctx.state.bars or 0) + 1
  if ctx.state.bars == 1 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.7, tag="low"} end
  if ctx.state.bars % 2 == 1 then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
  ctx:log("info", "bar", VERSION, ctx.state.bars)
end
"""
# One order a bar and one far from the market; tells each event that it is told, with its own count of them.
EXACT = """strategy{ name="exact", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.bars or 0) + 1
  ctx.state.bars = n
  if n == 1 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.7, tag="low"} end
  if n % 2 == 1 then ctx:buy{qty=0.01, tag="in"} else ctx:close{tag="out"} end
  ctx:log("info", "bar", VERSION, n, bar.time)
end
function on_fill(ctx, f)
  ctx.state.fills = (ctx.state.fills or 0) + 1
  ctx:log("info", "fill", VERSION, ctx.state.fills, f.tag)
end
"""


def source(version, extra="", body=None):
    return (body or COUNT).replace("VERSION", str(version)) + extra


def upload(t, name, text, **more):
    return t.client.post(f"/api/v1/strategies/{t.scripts[name]}/versions", {"source": text, **more}, expect=201).json["version"]


def activate(t, name, version, expect=200, **body):
    return t.client.post(f"/api/v1/strategies/{t.scripts[name]}/versions/{version}/activate", body or None, expect=expect).json


def version_of(row):
    return (row["live"] or {}).get("version")


def logs(t, bot):
    return [line["text"] for line in reversed(t.all(bot, "logs"))]


def newest(t, bot):
    return [line["text"] for line in t.get(bot, "/logs?limit=50")["items"]]


def continuous(t, bot):
    numbers = counted(t, bot)
    assert numbers == list(range(1, len(numbers) + 1)), numbers[-20:]
    return numbers


def pause(t, bot):
    t.act(bot, "pause")
    t.wait(bot, lambda b: b["state"] == "paused")


def low(t, bot):
    orders = [o for o in t.all(bot, "orders") if o["tag"] == "low"]
    assert len(orders) == 1 and orders[0]["status"] == "open", orders
    return orders[0]


def swaps(binary):
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        bot, pinned = t.bot("count", source(1)), t.bot("count", source(1), "ETHUSDT", version=1)
        for b in (bot, pinned):
            t.wait(b, lambda row: fills(row) >= 4)
        resting = low(t, bot)
        migrate = "function migrate(state, from) state.from = from; return state end\n" \
                  "function on_params(ctx, old) ctx:log('info', 'params', old.size, ctx.p.size) end\n"
        assert upload(t, "count", source(2, migrate), activate=True) == 2
        row = t.wait(bot, lambda b: version_of(b) == 2)
        assert row["live"]["reload"] is None and row["live"]["run"] == 1 and row["state"] == "running", row
        was = fills(row)
        t.wait(bot, lambda b: fills(b) > was + 2)
        assert version_of(t.get(pinned)) == 1
        t.act(bot, "params", {"params": {"size": 0.02}})  # on_params
        t.wait(bot, lambda b: any("params 0.01 0.02" in line for line in newest(t, bot)))
        t.act(bot, "params", {"params": {"n": 7}})  # an indicator is made of it: built anew, like a version
        t.wait(bot, lambda b: any("other parameters" in line for line in newest(t, bot)[:8]))
        t.act(pinned, "reload", {"version": 2})
        t.wait(pinned, lambda b: version_of(b) == 2)
        t.act(pinned, "rollback")
        row = t.wait(pinned, lambda b: version_of(b) == 1)
        assert row["previous_version"] == 2
        for b in (bot, pinned):
            pause(t, b)
            continuous(t, b)
            books_agree(t, b)
        now = low(t, bot)  # no order touched that the script did not touch
        assert (now["id"], now["order"], now["version"]) == (resting["id"], resting["order"], 1), (now, resting)
        by_version = {o["version"] for o in t.all(bot, "orders")}
        assert by_version == {1, 2}, by_version
        kinds = [d["kind"] for d in t.all(bot, "decisions")]
        assert kinds.count("version") == 2 and kinds.count("params") == 1 and "resume" not in kinds, kinds
        told = replays_as_live(s, t, bot)
        assert told["resumes"] == 0 and told["compared"] > 10, told
        replays_as_live(s, t, pinned)
        assert metric(s, "bot_divergences_total") == 0


def refused(binary):
    """Whatever is wrong with a version, the old one goes on: no bar lost, nothing touched."""
    faults = {
        "its migrate fails": ("function migrate(state, from) error('no way from ' .. from) end\n", "no way from 1"),
        "its on_init fails": ("function on_init(ctx) if ctx.state.bars then error('not over ' .. ctx.state.bars) end end\n", "not over"),
    }
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("count", source(1))
        t.wait(bot, lambda b: fills(b) >= 4)
        for what, (extra, why) in faults.items():
            version = upload(t, "count", source(1, extra))
            t.act(bot, "reload", {"version": version})
            row = t.wait(bot, lambda b: (b["live"]["reload"] or {}).get("stage") == "refused")
            reload = row["live"]["reload"]
            assert reload["version"] == version and why in reload["why"], (what, reload)
            assert row["state"] == "running" and version_of(row) == 1 and row["live"]["errors"] == 0, (what, row)
            row = t.wait(bot, lambda b: why in b["reason"])
            assert f"version {version} was refused, version 1 goes on" in row["reason"], row["reason"]
        # Only at the switch: on the newest bars all was well.
        version = upload(t, "count", source(1, "function on_init(ctx) if ctx:orders('low')[1] then ctx:buy{qty=1}; error('late') end end\n"))
        t.act(bot, "reload", {"version": version})
        t.wait(bot, lambda b: "late" in ((b["live"]["reload"] or {}).get("why") or ""))
        # Parameters that the new version does not take: asked of those who follow it, before it is active.
        t.act(bot, "params", {"params": {"size": 0.02}})
        t.act(bot, "reload", {"version": None})
        narrow = upload(t, "count", source(9).replace("max=1,", "max=0.015,").replace("ind=", 'data={ main={}, h={tf="1h"} }, ind='))
        said = activate(t, "count", narrow, expect=409)
        assert bot in said["detail"] and "size" in said["detail"], said
        t.act(bot, "params", {"params": {"size": 0.01}})
        # Other data: said at once, with what to do; that of an activation, which concerns many, in the bot. Stopped and started it is the bot's.
        said = t.client.post(f"{BOTS}/{bot}/reload", {"version": narrow}, expect=409).json["detail"]
        assert f"Version {narrow} cannot take over in this run: it reads BTCUSDT 1h as \"h\", which this run does not: stop the bot and start it again" in said, said
        assert t.get(bot)["version"] is None
        activate(t, "count", narrow)
        t.wait(bot, lambda b: "reads BTCUSDT 1h as \"h\", which this run does not: stop the bot and start it again" in ((b["live"]["reload"] or {}).get("why") or ""))
        was = fills(t.get(bot))
        t.wait(bot, lambda b: fills(b) > was + 2)
        pause(t, bot)
        continuous(t, bot)
        low(t, bot)
        assert t.get(bot)["live"]["run"] == 1
        replays_as_live(s, t, bot)
        assert metric(s, "bot_divergences_total") == 0
        t.act(bot, "stop", {"close": True})
        t.wait(bot, lambda b: b["state"] == "stopped")
        t.act(bot, "start")
        row = t.wait(bot, lambda b: (b["live"] or {}).get("run") == 2 and fills(b) >= 2)
        assert version_of(row) == narrow, row
        # Nor can the one before take over again in this run, nor a parameter that makes other streams of it.
        framed = t.bot("frames", FRAMES)
        t.wait(framed, lambda b: b["state"] == "running" and (b["live"] or {}).get("version") == 1)
        said = t.client.post(f"{BOTS}/{framed}/params", {"params": {"frame": "4h"}}, expect=409).json["detail"]
        assert "cannot be changed in this run: it reads BTCUSDT 4h as \"h\" where this run reads BTCUSDT 1h" in said, said
        assert "frame" not in t.get(framed)["params"]
        t.act(framed, "params", {"params": {"size": 0.02}})
        said = t.client.post(f"{BOTS}/{bot}/rollback", None, expect=409).json["detail"]
        assert "cannot take over in this run: it does not read BTCUSDT 1h as \"h\", as this run does: stop the bot" in said, said
        assert t.get(bot)["version"] is None


def trials(binary):
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        bots = [t.bot("count", source(1), settings={"cash": "20000"}) for _ in range(12)]
        for b in bots:
            t.wait(b, lambda row: fills(row) >= 2)
        good = upload(t, "count", source(2))
        bad = upload(t, "count", source(3).replace("  ctx.state.bars = (", f"  if bar.time > {LIVE_MS} and ctx:orders('low')[1] and ctx.state.bars % 10 == 0 then error('tenth') end\n  ctx.state.bars = ("))

        def versions():
            found = {b["id"]: version_of(b) for b in t.client.get(f"{BOTS}?limit=200", expect=200).json["items"]}
            return [found[b] for b in bots]

        def wait_for(done):
            deadline = time.monotonic() + 20
            while not done(versions()):
                assert time.monotonic() < deadline, (versions(), t.client.get(f"/api/v1/strategies/{t.scripts['count']}", expect=200).json["trial"])
                time.sleep(0.05)

        strategy = f"/api/v1/strategies/{t.scripts['count']}"

        def ended():
            deadline = time.monotonic() + 20
            while t.client.get(strategy, expect=200).json["trial"]["state"] == "running":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            return t.client.get(strategy, expect=200).json["trial"]

        said = activate(t, "count", bad, canary_percent=50)
        assert said["active_version"] == 1 and said["trial"]["state"] == "running", said
        wait_for(lambda v: bad in v)
        trial = ended()
        assert trial["state"] == "rolled_back" and "tenth" in trial["reason"] and trial["errors"] >= 1, trial
        wait_for(lambda v: set(v) == {1})
        # At what the smallest loss of any of them is, too.
        activate(t, "count", good, canary_percent=50, drawdown_limit="0.00000001")
        trial = ended()
        assert trial["state"] == "rolled_back" and re.search(r"the equity of bot_\w+ fell by more than 1e-06% since", trial["reason"]), trial
        wait_for(lambda v: set(v) == {1})
        # A restart goes on with a trial; the same bots are in it.
        activate(t, "count", good, canary_percent=50, errors_max=3, drawdown_limit="0.5")
        wait_for(lambda v: v.count(good) >= 1)
        time.sleep(0.3)
        share = versions()
        assert set(share) == {1, good}, share
        s.killed_and_back(t, "UPDATE canary_bots SET peak_e8 = equity_e8 / 2")
        for b in bots:
            t.wait(b, lambda row: row["state"] == "running" and row["live"])
        assert versions() == share
        deadline, risen = time.monotonic() + 20, 0
        while not risen:  # the most that each was worth, from which it falls, was read and is written as it rises
            assert time.monotonic() < deadline
            with sqlite3.connect(s.data / "control.db") as db:
                risen = db.execute("SELECT count(*) FROM canary_bots WHERE peak_e8 > equity_e8 * 0.9 AND canary_id = (SELECT max(id) FROM canaries)").fetchone()[0]
            db.close()
            time.sleep(0.05)
        t.client.post(f"{strategy}/rollback", expect=200)
        wait_for(lambda v: set(v) == {1})
        activate(t, "count", good, canary_percent=50)
        wait_for(lambda v: v == share)
        said = activate(t, "count", good)  # promoted by hand
        assert said["active_version"] == good and said["trial"]["state"] == "promoted", said
        wait_for(lambda v: set(v) == {good})
        t.client.post(f"{strategy}/rollback", expect=200)
        wait_for(lambda v: set(v) == {1})
        # When its time is over, all have it, and it is the active one.
        activate(t, "count", good, canary_percent=50, for_minutes=1)
        wait_for(lambda v: v == share)
        assert t.client.get(strategy, expect=200).json["trial"]["until_ms"] > time.time() * 1000
        s.killed_and_back(t, "UPDATE canaries SET until_ns = 1 WHERE state = 'running'")
        trial = ended()
        assert trial["state"] == "promoted" and "time is over" in trial["reason"], trial
        assert t.client.get(strategy, expect=200).json["active_version"] == good
        wait_for(lambda v: set(v) == {good})
        for b in bots[:3]:
            pause(t, b)
            numbers = counted(t, b)
            assert all(y - x == 1 for x, y in zip(numbers, numbers[1:])), numbers[-20:]
        assert metric(s, "bot_divergences_total") == 0


def told_to_many(s):
    """Of each bot that there is, by its number: its symbol, what its script told (the engine tells of gaps, too), its order far away and its others, oldest first. From the
    databases: of a thousand bots page after page would take longer than all else."""
    with sqlite3.connect(f"file:{s.data}/control.db?mode=ro", uri=True) as control, sqlite3.connect(f"file:{s.data}/journal.db?mode=ro", uri=True) as journal:
        journal.row_factory = sqlite3.Row
        found = {bot: (symbol, [], [], []) for bot, symbol in control.execute("SELECT id, symbol FROM bots")}
        for bot, text in journal.execute("SELECT bot_id, text FROM bot_log ORDER BY bot_id, n"):
            words = text.split()
            if words[0] in ("bar", "fill"):
                found[bot][1].append(words)
        for row in journal.execute("SELECT * FROM bot_order ORDER BY bot_id, intent"):
            found[row["bot_id"]][2 if row["tag"] == "low" else 3].append(dict(row))
    control.close()
    journal.close()
    return found


def exactly(lines, sent, market, versions):
    """Every bar (of the market's, by their times) and fill was told once, in order, to the version of its instant; each bar's order was sent and executed once."""
    bars = [line for line in lines if line[0] == "bar"]
    count, begin = len(bars), market.index(int(bars[0][3]))
    wanted = []
    for n, told in enumerate(bars, 1):
        wanted.append(["bar", told[1], str(n), str(market[begin + n - 1])])
        if n < count:  # its order is executed in the next instant, before that one's bar
            wanted.append(["fill", bars[n][1], str(n), "in" if n % 2 else "out"])
    assert lines == wanted, next((i, got, want) for i, (got, want) in enumerate(itertools.zip_longest(lines, wanted)) if got != want)
    assert [int(v) for v, _ in itertools.groupby(told[1] for told in bars)] == versions, [told[1] for told in bars]
    assert [(o["tag"], o["version"]) for o in sent] == [("in" if n % 2 else "out", int(told[1])) for n, told in enumerate(bars, 1)]
    assert all(o["filled"] == o["qty"] and o["ended_ns"] for o in sent[:-1]) and [o["order_id"] for o in sent] == sorted({o["order_id"] for o in sent})
    return count


def many(binary, count):
    """All bots of several tenants from one version to the other and back, while they trade."""
    each = 20 if count > 100 else count // 2  # a plan allows so many
    with service_of(binary, 240 if count <= 100 else 30) as s:  # minutes of the market in one of the clock
        def script(*args):  # the server's own, for all tenants at once
            subprocess.run([s.binary, "script", *args, "--data-dir", str(s.data)], check=True, capture_output=True, text=True)

        file = s.data / "exact.lua"
        file.write_text(source(1, "", EXACT))
        script("put", "strategy", str(file), "--activate")
        tenants = [Trader(s, f"user{i}@example.org") for i in range(count // each)]
        for t in tenants:
            for i in range(each):
                t.client.post(BOTS, {"name": "exact", "account_id": t.account, "strategy": "exact", "symbol": ("BTCUSDT", "ETHUSDT")[i % 2], "timeframe": "1m", "venue": "sim",
                                     "settings": {"cash": "20000"}}, expect=201)
        # Opened all at once, before the market goes on; beside a market that runs they would come one by one between its instants.
        s.killed_and_back(between="UPDATE bots SET wanted = 'running'")
        for i, t in enumerate(tenants):
            t.client = s.login(f"user{i}@example.org")

        def wait_for(version, more):
            deadline = time.monotonic() + 30 + count / 5
            was = {}
            while True:
                rows = {b["id"]: b for t in tenants for b in t.client.get(f"{BOTS}?limit=200", expect=200).json["items"]}
                late = [b for b in rows.values() if version_of(b) != version or fills(b) < was.setdefault(b["id"], fills(b)) + more]
                if not late:
                    assert len(rows) == count
                    return
                assert time.monotonic() < deadline, (len(late), late[0])
                time.sleep(0.2)

        wait_for(1, 2)
        resting = {bot: low for bot, (_, _, low, _) in told_to_many(s).items()}
        assert len(resting) == count and all(len(low) == 1 and not low[0]["filled"] and not low[0]["ended_ns"] for low in resting.values())
        file.write_text(source(2, "function migrate(state, from) return state end\n", EXACT))
        script("put", "strategy", str(file))
        for version in (2, 1, 2):
            script("activate", "strategy", "exact", str(version))
            wait_for(version, 2)
        assert metric(s, "bot_divergences_total") == 0 and metric(s, "host_restarts_total") == 0
        assert s.stop() == 0
        told = told_to_many(s)
        market = {symbol: sorted({int(x[3]) for own, lines, _, _ in told.values() if own == symbol for x in lines if x[0] == "bar"}) for symbol in ("BTCUSDT", "ETHUSDT")}
        seen = [exactly(lines, sent, market[symbol], [1, 2, 1, 2]) for symbol, lines, _, sent in told.values()]
        assert len(seen) == count and min(seen) > 8, (len(seen), min(seen))
        print(f"# {count} bots: {sum(seen)} bars told, {min(seen)} to {max(seen)} a bot, three switches each", flush=True)
        assert {bot: low for bot, (_, _, low, _) in told.items()} == resting  # no order touched that the script did not touch


def groups(binary):
    """What one bot of a group could not take over in its run is refused for all of them, whichever was asked."""
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        first = t.bot("frames", FRAMES)
        other = t.client.post("/api/v1/accounts", {"venue": "paper", "name": "Other", "settings": {"balance": "1000000"}}, expect=201).json["id"]
        twin = t.client.post(f"{BOTS}/{first}/accounts", {"account_ids": [other], "start": True}, expect=201).json["items"][1]["id"]
        both = (first, twin)

        def refused(action, body, says):
            before = [(t.get(b)["version"], t.get(b)["params"]) for b in both]
            for asked in both:
                said = t.client.post(f"{BOTS}/{asked}/{action}?group=true", body, expect=409).json
                assert said["code"] == "conflict" and says in said["detail"], said
            assert [(t.get(b)["version"], t.get(b)["params"]) for b in both] == before

        def stop(bot):
            t.act(bot, "stop")
            t.wait(bot, lambda b: b["state"] == "stopped" and b["live"] is None)

        for b in both:
            t.wait(b, lambda row: row["state"] == "running" and version_of(row) == 1)
        t.act(first, "params?group=true", {"params": {"size": 0.02}})
        assert [t.get(b)["params"]["size"] for b in both] == [0.02, 0.02]
        stop(first)  # what it is asked is refused because of the other, which runs
        refused("params", {"params": {"frame": "4h"}}, "cannot be changed in this run: it reads BTCUSDT 4h as \"h\" where this run reads BTCUSDT 1h")
        upload(t, "frames", FRAMES.replace(', h={tf="frame"}', ""))
        refused("reload", {"version": 2}, "Version 2 cannot take over in this run")
        stop(twin)
        t.act(twin, "reload?group=true", {"version": 2})
        assert [t.get(b)["version"] for b in both] == [2, 2]
        t.act(twin, "start")
        t.wait(twin, lambda row: row["state"] == "running" and version_of(row) == 2)
        refused("rollback", None, "Version 1 cannot take over in this run: it reads BTCUSDT 1h as \"h\", which this run does not")
        t.act(first, "rollback")
        stop(twin)
        assert [t.get(b)["version"] for b in both] == [1, 2]
        t.act(first, "reload", {"version": 2})
        t.act(first, "rollback?group=true")
        assert [t.get(b)["version"] for b in both] == [1, 1]


def shadows(binary):
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("count", source(1))
        t.wait(bot, lambda b: fills(b) >= 4)
        versions = f"/api/v1/strategies/{t.scripts['count']}/versions"
        assert t.client.get(f"{BOTS}/{bot}/shadow", expect=404).status == 404

        def beside(version, done):
            t.client.post(f"{versions}/{version}/shadow", None, expect=200)
            deadline = time.monotonic() + 20
            while True:
                told = t.get(bot, "/shadow")
                if told["version"] == version and told["state"] != "waiting" and done(told):
                    return told
                assert time.monotonic() < deadline, told
                time.sleep(0.05)

        same = beside(1, lambda x: x["same"] >= 20)  # the same version never differs from itself
        assert same["different"] == 0 and same["live_version"] == 1 and not same["items"], same
        other = upload(t, "count", source(3).replace("% 2 == 1", "% 4 == 1").replace("tag=\"in\"", "tag=\"in\", sl=bar.close*0.9"))
        told = beside(other, lambda x: x["different"] >= 5)
        item = told["items"][0]
        assert item["live"] != item["shadow"] and any(x["live"] and x["live"][0].startswith(("buy 0.01 BTCUSDT market", "sell 0.01 BTCUSDT market")) for x in told["items"]), told["items"][:3]
        said = subprocess.run([s.binary, "script", "shadow", "strategy", "count", str(other), "--status", "--data-dir", str(s.data)], capture_output=True, text=True)
        assert said.returncode == 1 and "there is no strategy" in said.stderr, said  # a customer's is not the operator's
        # What was compared is there after a kill, and goes on; how it goes on is told.
        time.sleep(1.2)  # written twice a second
        s.killed_and_back(t)
        again = beside(other, lambda x: x["starts"] > told["starts"] and x["different"] > told["different"])
        assert again["began_at_ms"] == told["began_at_ms"] and again["started_at_ms"] > told["started_at_ms"] and again["starts"] == told["starts"] + 1, (told, again)
        assert again["instants"] > told["instants"] and [x for x in again["items"] if x == item], (item, again["items"][-3:])
        bad = upload(t, "count", source(4).replace("  ctx.state.bars = (", f"  if bar.time > {LIVE_MS} then while true do end end\n  ctx.state.bars = ("))
        told = beside(bad, lambda x: x["state"] == "ended")
        assert "time budget" in told["why"] and t.get(bot)["live"]["errors"] == 0, told
        t.client.post(f"{versions}/{bad}/shadow", {"off": True}, expect=200)
        with sqlite3.connect(s.data / "control.db") as db:
            assert db.execute("SELECT count(*) FROM bot_shadows").fetchone() == (0,)
        db.close()
        assert t.client.get(f"{BOTS}/{bot}/shadow", expect=404).status == 404
        pause(t, bot)
        continuous(t, bot)
        low(t, bot)
        assert not [o for o in t.all(bot, "orders") if o["version"] != 1]
        replays_as_live(s, t, bot)
        assert metric(s, "bot_divergences_total") == 0 and metric(s, "host_restarts_total") == 0


def killed(binary):
    """kill -9 right after a switch: it goes on with the version that the journal has, and replays the same."""
    with service_of(binary, SPEED) as s:
        t = Trader(s, "ada@example.org")
        bot = t.bot("count", source(1))
        t.wait(bot, lambda b: fills(b) >= 4)
        upload(t, "count", source(2))
        for at in (2, 1, 2, 1, 2):
            activate(t, "count", at)
            t.wait(bot, lambda b: version_of(b) == at)
            s.killed_and_back(t)
            t.wait(bot, lambda b: b["state"] == "running" and version_of(b) == at)
        was = fills(t.get(bot))
        t.wait(bot, lambda b: fills(b) > was + 2)
        pause(t, bot)
        numbers = counted(t, bot)
        assert all(y - x == 1 for x, y in zip(numbers, numbers[1:])), numbers[-30:]
        assert re.search(r"bar 2 \d+", logs(t, bot)[-1]), logs(t, bot)[-3:]
        low(t, bot)
        books_agree(t, bot)
        told = replays_as_live(s, t, bot)
        assert told["resumes"] >= 5, told
        assert metric(s, "bot_divergences_total") == 0
        assert s.stop() == 0
        assert replay(s, bot, "--verify")["same"]


def main():
    binary = sys.argv[1]
    if len(sys.argv) > 2:
        return run_cases([(f"{sys.argv[2]} bots", lambda: many(binary, int(sys.argv[2])))])
    return run_cases([
        ("two dozen bots go to another version and back while they trade: no event lost, doubled or reordered, no order touched", lambda: many(binary, 24)),
        ("what one bot of a group cannot take over is refused for all of them: parameters, versions, rollback", lambda: groups(binary)),
        ("versions and parameters take over between two bars: state, orders and names go on, and it replays", lambda: swaps(binary)),
        ("what is wrong with a version leaves the old one running, and says why", lambda: refused(binary)),
        ("a share of the bots tries a version: back by itself after errors and losses, over a restart, by hand both ways, promoted by time", lambda: trials(binary)),
        ("a version runs beside the one that trades, tells what it would have done, also over a kill, and harms nobody", lambda: shadows(binary)),
        ("the service is killed right after switches", lambda: killed(binary)),
    ])


if __name__ == "__main__":
    sys.exit(main())
