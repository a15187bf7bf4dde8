#!/usr/bin/env python3
"""Limits and rules over bots that trade: risk_live.py PERIGEE. A file that grows bar by bar is the market, the volume of a bar tells the
script what to ask for, so every figure is known beforehand. Prints TAP."""
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service import Service, run_cases

BOTS = "/api/v1/bots"
MINUTE = 60_000
BEGIN = 1767571200000 - 60 * MINUTE  # 2026-01-05T00:00Z less an hour; midnight in Prague was 23:00Z
# What the volume asks for: 1 nothing; 2 buy 1; 3 buy 10 with a stop 50 below; 4 close; 5 buy 10 with a stop 1 below; 6 a limit 30 % away; 7 two orders that rest; 8 buy 10 with a stop 45 below; 9 cancel all
SCRIPT = """strategy{ name="told", api=1 }
function on_bar(ctx, bar)
  local v, o, err = bar.volume, nil, nil
  if v == 2 then o, err = ctx:buy{qty=1}
  elseif v == 3 then o, err = ctx:buy{qty=10, sl=bar.close-50}
  elseif v == 4 then o, err = ctx:close{}
  elseif v == 8 then o, err = ctx:buy{qty=10, sl=bar.close-45}
  elseif v == 5 then o, err = ctx:buy{qty=10, sl=bar.close-1}
  elseif v == 6 then o, err = ctx:buy{qty=1, type="limit", price=bar.close*0.7}
  elseif v == 7 then ctx:buy{qty=1, type="limit", price=bar.close*0.9} o, err = ctx:buy{qty=1, type="limit", price=bar.close*0.91} end
  if err then ctx:log("warn", "nil,err", err.code, err.limit, err.value) end
  if v == 9 then ctx:cancel_all() end
  ctx.state.bars = (ctx.state.bars or 0) + 1
  ctx:log("info", "bar", bar.time)
end
function on_risk(ctx, e) ctx:log("warn", "on_risk", e.rule, tostring(e.limit), tostring(e.value), tostring(e["until"])) end
"""


class Market:
    """The growing file. price stays until it is told another."""

    def __init__(self, path):
        self.path, self.time, self.price = path, BEGIN, 100
        path.write_text("time,open,high,low,close,volume\n")

    def bars(self, *volumes, price=None):
        lines = []
        for volume in volumes:
            before, self.price = self.price, self.price if price is None else price
            low, high = min(before, self.price), max(before, self.price)
            lines.append(f"{self.time},{before:.2f},{high:.2f},{low:.2f},{self.price:.2f},{volume}\n")
            self.time += MINUTE
        with self.path.open("a") as f:
            f.write("".join(lines))
        return self.time


def until(look, done, wait_s=15):
    deadline = time.monotonic() + wait_s
    while True:
        seen = look()
        if done(seen):
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(0.03)


def main(binary):
    cases = []
    case = lambda name: lambda f: cases.append((name, f))
    folder = tempfile.TemporaryDirectory()
    market = Market(Path(folder.name) / "prices.csv")
    market.bars(*[1] * 30)
    feeds = ["--feed", f"mine=file:{market.path}:symbol=XYZ,timeframe=1m,tick=0.01,lot=0.001,poll=20"]
    with folder, Service(binary, feeds) as s:
        ada = s.register("ada@example.org")
        ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        script = ada.post("/api/v1/strategies", {"name": "told", "source": SCRIPT, "activate": True}, expect=201).json["id"]
        state = {}

        def account(**settings):
            return ada.post("/api/v1/accounts", {"venue": "paper", "name": "A", "settings": {"balance": "10000", "leverage": "10", "fee_taker": "0", "fee_maker": "0", **settings}}, expect=201).json["id"]

        def bot(account_id, name="B", **settings):
            row = ada.post(BOTS, {"name": name, "account_id": account_id, "strategy_id": script, "symbol": "XYZ", "timeframe": "1m", "venue": "mine", "settings": settings, "start": True}, expect=201).json
            until(lambda: get(row["id"]), lambda r: r["state"] == "running")
            return row["id"]

        def noticed(event, bot_id):
            """The newest notice of it."""
            return until(lambda: [n for n in ada.get(f"/api/v1/notifications?event={event}", expect=200).json["items"] if bot_id in json.dumps(n)], bool)[0]

        def get(bot_id):
            return ada.get(f"{BOTS}/{bot_id}", expect=200).json

        def logs(bot_id):
            return [log["text"] for log in ada.get(f"{BOTS}/{bot_id}/logs?limit=200", expect=200).json["items"]][::-1]

        def seen(bot_id, *volumes, price=None):
            """The bars happen; its log from then on."""
            n = len(logs(bot_id))
            last = market.bars(*volumes, price=price) - MINUTE
            return until(lambda: logs(bot_id)[n:], lambda lines: f"bar {last}" in lines)

        def denials(lines):
            return [line for line in lines if "refused" in line]

        def decisions(bot_id, kind):
            return ada.get(f"{BOTS}/{bot_id}/decisions?kind={kind}&limit=50", expect=200).json["items"]

        def stop(bot_id):
            ada.post(f"{BOTS}/{bot_id}/stop", {"close": True}, expect=200)
            market.bars(1, 1)
            until(lambda: get(bot_id), lambda r: r["state"] == "stopped" and not r["live"])

        @case("what is no limit is refused by its place, with what was given and what may be")
        def _():
            acc = state["acc"] = account(max_exposure="100000")
            for settings, pointer, words in (({"max_open": 99999999}, "/settings/max_open", "100000"), ({"collar": "11"}, "/settings/collar", 'from 0 to 10, with at most 8 decimals; "11"'),
                                             ({"max_leverage": "1.23456"}, "/settings/max_leverage", "4 decimals"), ({"rate_burst": 5, "rate_period_ms": 0}, "/settings/rate_period_ms", "above 0"),
                                             ({"max_ordr": "5"}, "/settings/max_ordr", ""), ({"protections": [{"kind": "cooldown", "pause_s": 60, "trades": 3}]}, "/settings/protections/0/trades", "absent"),
                                             ({"protections": [{"kind": "window_drawdown", "pause_s": 60, "window_s": 60, "trades": 1, "drawdown_pct": "101"}]}, "/settings/protections/0/drawdown_pct", "to \"100\"")):
                answer = ada.post(BOTS, {"name": "x", "account_id": acc, "strategy_id": script, "symbol": "XYZ", "timeframe": "1m", "venue": "mine", "settings": settings})
                assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer and words in answer.json["errors"][0]["detail"], answer.json
            answer = ada.patch(f"/api/v1/accounts/{acc}", {"settings": {"max_oder": "5"}})
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/settings/max_oder", answer.json
            assert ada.patch(f"/api/v1/accounts/{acc}", {"settings": {"balance": "5"}}).status == 422
            assert ada.put("/api/v1/risk/limits", {"limits": {"max_open": 100001}}).status == 422

        @case("limits of bot, account and tenant deny with their numbers; changed while it runs they hold at the next order, and the audit log has both")
        def _():
            b = state["bot"] = bot(state["acc"], max_order="50")
            lines = seen(b, 2, 1)
            assert "nil,err MAX_ORDER 50 100" in lines and any("MAX_ORDER" in line for line in denials(lines)), lines
            assert any(line.startswith("on_risk MAX_ORDER 50") for line in lines), lines
            url = f"{BOTS}/{b}"
            ada.patch(url, {"settings": {"max_order": "150"}}, expect=200)
            lines = seen(b, 2, 1)
            assert not denials(lines) and get(b)["live"]["positions"][0]["qty"] == "1", lines
            assert get(b)["live"]["run"] == 1 and not decisions(b, "resume") and decisions(b, "limits")[0]["settings"] == {"max_order": "150"}
            ada.patch(f"/api/v1/accounts/{state['acc']}", {"settings": {"max_exposure": "150"}}, expect=200)
            lines = seen(b, 2, 1, 1)  # the script's own limits let it through; the core does not
            assert any("MAX_POSITION: account: all positions could be worth 200, at most 150" in line for line in denials(lines)), lines
            assert any(line.startswith("on_risk MAX_POSITION 150") and "200" in line for line in lines), lines
            deny = decisions(b, "deny")[0]
            assert (deny["code"], deny["rule"], deny["level"], deny["limit"], deny["value"]) == ("MAX_POSITION", "exposure_max", "account", "150", "200"), deny
            assert get(b)["live"]["positions"][0]["qty"] == "1"
            ada.patch(f"/api/v1/accounts/{state['acc']}", {"settings": {"max_exposure": None}}, expect=200)
            ada.put("/api/v1/risk/limits", {"limits": {"max_open": 1}}, expect=200)
            lines = seen(b, 7, 1, 9)
            assert any("MAX_OPEN: tenant: 1 orders are working, at most 1" in line for line in denials(lines)), lines
            ada.put("/api/v1/risk/limits", {"limits": {"collar": "0.2", "max_leverage": "0.01"}}, expect=200)
            lines = seen(b, 6, 2, 1, 9)
            assert any("COLLAR: tenant: 30 % away from the last price, at most 20 %" in line for line in denials(lines)), lines
            assert any("MARGIN: tenant: all positions could be worth 200, equity and leverage allow 100" in line for line in denials(lines)), lines
            ada.put("/api/v1/risk/limits", {"limits": {}}, expect=200)
            audit = [(e["action"], e["detail"]) for e in s.operator().get("/api/v1/admin/audit?limit=50", expect=200).json["items"]]
            assert any(a == "bot.change" and "150" in json.dumps(d) and "50" in json.dumps(d) for a, d in audit), audit
            assert any(a == "risk.limits" and "max_open" in json.dumps(d) for a, d in audit) and any(a == "account.change" for a, _ in audit), audit

        @case("protections: after a trade no entries for a while, and not one longer when they are taken off")
        def _():
            b = state["bot"]
            ada.patch(f"{BOTS}/{b}", {"settings": {"protections": [{"kind": "cooldown", "pause_s": 3600}]}}, expect=200)
            lines = seen(b, 4, 1, 2, 1, 1)
            assert any("HALTED: bot: a pause after a trade, until 2026-01-05" in line for line in denials(lines)), lines
            ada.patch(f"{BOTS}/{b}", {"settings": {}}, expect=200)
            assert not denials(seen(b, 2, 4, 1))
            stop(b)

        @case("the fuse behind all limits: more orders than it allows halt the bot until somebody has looked")
        def _():
            b = bot(state["acc"], "fuse", fuse_orders=1)
            lines = seen(b, 7, 1, 1)  # two orders at one time
            row = until(lambda: get(b), lambda r: r["state"] == "halted")
            assert row["reason_code"] == "halted" and "last_check_tripped" in s.log_text(), row
            halt = [h for h in s.operator().get("/api/v1/admin/halt", expect=200).json["items"] if h["cause"] == "last_check"]
            assert halt and halt[0]["level"] == "bot" and halt[0]["mode"] == "silent", halt
            assert "engine itself" in json.dumps(noticed("bot.halted", b))
            assert any("HALTED" in line for line in seen(b, 2, 1, 1)) and not get(b)["live"]["open_orders"], lines
            assert s.operator().delete(f"/api/v1/admin/halt?level=bot&id={b}").status < 300
            until(lambda: get(b), lambda r: r["state"] == "running")
            market.bars(1, 1, 1)
            assert not denials(seen(b, 2, 1, 1, 1))  # minutes enough before the close, which is an order too
            stop(b)

        # 10,000; the day may lose 5 % of it from Prague's midnight, flat at 80 % of that: floors at 9,500 and 9,600. In all 10 %.
        rules = {"day": {"reset": "00:00", "zone": "Europe/Prague", "basis": "balance", "loss_pct_of_initial": "5", "soft_pct": "80"},
                 "total": {"trail": "static", "loss_pct_of_initial": "10", "soft_pct": "90"}}
        midnight = BEGIN + 24 * 60 * MINUTE

        def standing():
            return ada.get(f"/api/v1/accounts/{state['acc']}/rules", expect=200).json

        def again(signum):
            nonlocal ada
            s.stop(signum)
            s.start()
            ada = s.login("ada@example.org")

        @case("rule sets: shipped, of the installation, of one's own; a wrong one is refused by its place; an unknown one does not come on an account")
        def _():
            shipped = {r["name"]: r for r in ada.get("/api/v1/risk/rule-sets", expect=200).json["items"]}
            assert shipped["challenge_two_step"]["owner"] == "shipped" and shipped["challenge_two_step"]["rules"]["day"]["zone"] == "Europe/Prague"
            for wrong, pointer in (({"day": {"soft_pc": "80"}}, "/rules/day"), ({"day": {"loss": "5", "zone": "Europe/Prag"}}, "/rules/day/zone"), ({"total": {"loss": 5}}, "/rules/total/loss"),
                                   ({"total": {"trail": "static", "loss": "5", "lock_at": "initial"}}, "/rules/total")):
                answer = ada.put("/api/v1/risk/rule-sets/mine", {"rules": {"name": "Mine", **wrong}})
                assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer, answer.json
            assert ada.put("/api/v1/risk/rule-sets/mine", {"rules": {"name": "Mine", **rules}}, expect=200).json["owner"] == "tenant"
            s.operator().put("/api/v1/admin/rule-sets/house", {"rules": {"name": "House", **rules}}, expect=200)
            assert ada.get("/api/v1/risk/rule-sets/house", expect=200).json["owner"] == "installation" and ada.get("/api/v1/risk/rule-sets/nothing").status == 404
            answer = ada.post("/api/v1/accounts", {"venue": "paper", "name": "A", "settings": {"rules": "nothing"}})
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/settings/rules", answer.json
            state["acc"] = account(rules="mine")
            now = standing()
            assert (now["state"], now["day"]["floor"], now["day"]["soft_floor"], now["total"]["floor"], now["total"]["room"]) == ("open", "9500", "9600", "9000", "1000"), now

        @case("an order whose stop-out would break the rule is denied with the numbers, of whichever bot of the account")
        def _():
            a, b = state["bot"], state["other"] = bot(state["acc"], "A", cash="5000"), bot(state["acc"], "B", cash="5000")
            assert standing()["next_reset_ms"] == midnight
            lines = seen(a, 3, 1)
            assert any("PROP_RULE: account: all stops hit would leave 9500, the day's floor is 9500" in line for line in denials(lines)), lines
            assert f"on_risk PROP_RULE 9500.0 9500.0 {midnight}" in lines, lines
            ada.post(f"{BOTS}/{b}/pause", expect=200)
            assert not denials(seen(a, 8, 1)) and get(a)["live"]["positions"][0]["qty"] == "10"
            ada.post(f"{BOTS}/{b}/start", expect=200)
            until(lambda: get(b), lambda r: r["state"] == "running")
            lines = seen(b, 2, 1, 1)  # 450 are at risk by the other; 100 more would be 550
            assert any("PROP_RULE: account: all stops hit would leave 9450, the day's floor is 9500" in line for line in denials(lines)), lines

        @case("a kill in between: the day's start, the floors and the distance are what they were")
        def _():
            a = state["bot"]
            seen(a, 1, price=70)  # 300 under water
            before = standing()
            assert (before["equity"], before["balance"], before["day"]["reference"], before["day"]["soft_room"], before["state"]) == ("9700", "10000", "10000", "100", "open"), before
            again(signal.SIGKILL)
            until(lambda: get(a), lambda r: r["state"] == "running" and r["live"])
            assert until(standing, lambda now: now == before) == before

        @case("flat before the floor is reached: closed at the soft level, halted with a reason, told to the script, on the stream of decisions")
        def _():
            a, b = state["bot"], state["other"]
            lines = seen(a, 1, price=60)  # 400 under water: the soft level
            lines += seen(a, 1, 1)
            now = standing()
            assert (now["state"], now["equity"], now["balance"], now["day"]["room"]) == ("day_done", "9600", "9600", "100"), now
            row = get(a)
            assert row["state"] == "halted" and row["reason_code"] == "rule" and "9600" in row["reason"] and "loss limit" in row["reason"] and not row["live"]["positions"], row
            assert get(b)["state"] == "halted"
            assert "loss limit" in json.dumps(noticed("bot.halted", a))
            heard = f"on_risk PROP_RULE 9600.0 9600.0 {midnight}"
            lines += seen(a, 1) if heard not in lines else []  # the script hears of it with an instant that begins after it
            assert heard in lines, lines
            told = decisions(a, "risk")[0]
            assert (told["code"], told["limit"], told["value"], told["until_ms"]) == ("PROP_RULE", "9600", "9600", midnight), told
            assert any(c["kind"] == "submit" for d in decisions(a, "imposed") for c in d["commands"]), decisions(a, "imposed")
            lines = seen(a, 2, 1, 1)
            assert any("PROP_RULE" in line and "9600" in line for line in denials(lines)), lines
            assert ada.post(f"{BOTS}/{a}/start").status == 409

        @case("what was reached is known after a restart, and over when the day turns in its zone: it goes on by itself")
        def _():
            a = state["bot"]
            again(signal.SIGTERM)
            until(lambda: get(a), lambda r: r["live"])
            assert standing()["state"] == "day_done" and get(a)["state"] == "halted"
            market.time = midnight - MINUTE  # the bar that ends at midnight is of the new day
            market.bars(1)
            until(lambda: get(a), lambda r: r["state"] == "running")
            now = standing()
            assert (now["state"], now["day"]["reference"], now["day"]["floor"], now["total"]["floor"], now["next_reset_ms"]) == ("open", "9600", "9100", "9000", midnight + 24 * 60 * MINUTE), now
            again(signal.SIGKILL)  # the day began with 9,600, which no bot's own history says
            until(lambda: get(a), lambda r: r["state"] == "running" and r["live"])
            assert standing() == now, (standing(), now)
            lines = seen(a, 2, 1)
            assert not denials(lines) and get(a)["live"]["positions"], lines

        @case("a stop that was allowed for is not taken away: the cancel is denied with the numbers, and the core sets it again")
        def _():
            a = state["bot"]
            seen(a, 4, 1)
            assert not denials(seen(a, 8, 1, price=60)) and get(a)["live"]["positions"][0]["qty"] == "10"
            lines = seen(a, 9, 1)
            assert any("PROP_RULE: account: all stops hit would leave 9000, the account's floor is 9000" in line for line in denials(lines)), lines
            assert any(line.startswith("on_risk PROP_RULE 9000.0 9000.0") for line in lines), lines
            open_orders = [o for o in ada.get(f"{BOTS}/{a}/orders?limit=50", expect=200).json["items"] if o["status"] == "open"]
            assert [(o["type"], o["side"], o["trigger"], o["qty"], o["reduce"], o["tag"]) for o in open_orders] == [("stop", "sell", "15", "10", True, "sl")], open_orders
            seen(a, 4, 1)
            assert not get(a)["live"]["positions"]

        @case("news: nothing is opened of what they concern while they hold, what is held is closed as they begin, and they are over by themselves")
        def _():
            a = state["bot"]
            ada.put("/api/v1/risk/rule-sets/mine", {"rules": {"name": "Mine", **rules, "news": {"before_s": 60, "after_s": 30, "impact": "medium", "flat": True}}}, expect=200)
            for wrong, pointer in (({"from_ms": 5, "to_ms": 4}, "/items/0/to_ms"), ({"from_ms": 5, "concerns": ["U$D"]}, "/items/0/concerns"), ({"from_ms": 5, "impact": "grave"}, "/items/0/impact")):
                answer = ada.post("/api/v1/risk/news", {"items": [wrong]})
                assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer, answer.json
            assert not denials(seen(a, 2, 1)) and get(a)["live"]["positions"]
            at = market.time + 4 * MINUTE  # it holds from the third bar on
            s.operator().post("/api/v1/admin/risk/news", {"items": [{"from_ms": at, "concerns": ["usd", "xy"], "impact": "high", "title": "Rates"}, {"from_ms": 0, "concerns": ["EUR"]}]}, expect=200)
            ada.post("/api/v1/risk/news", {"items": [{"from_ms": market.time - MINUTE, "to_ms": at, "impact": "low", "title": "Harmless"}]}, expect=200)
            both = ada.get(f"/api/v1/risk/news?from_ms={market.time - MINUTE}", expect=200).json["items"]
            assert [(n["title"], n["owner"], n["impact"], n["concerns"]) for n in both] == [("Harmless", "tenant", "low", []), ("Rates", "installation", "high", ["USD", "XY"])], both
            lines = seen(a, 7, 1)
            assert not denials(lines) and get(a)["live"]["positions"]
            lines = seen(a, 2, 1)
            over = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((at + 30_000) / 1000))
            assert any(f"no entries around news until {over} UTC" in line for line in denials(lines)), lines
            row = until(lambda: get(a), lambda r: not r["live"]["positions"])
            assert row["state"] == "running" and row["live"]["open_orders"] == 0, row
            seen(a, 1, 1)
            assert not denials(seen(a, 2, 1)) and get(a)["live"]["positions"]
            # Entries that come while it runs hold at once, and go at once; those of others are nobody else's to delete.
            now = market.time
            ada.post("/api/v1/risk/news", {"items": [{"from_ms": now - MINUTE, "to_ms": now + 60 * MINUTE}], "replace": True}, expect=200)
            until(lambda: get(a), lambda r: not r["live"]["positions"])
            mine = [n for n in ada.get(f"/api/v1/risk/news?from_ms={now}", expect=200).json["items"] if n["owner"] == "tenant"]
            assert len(mine) == 1, mine
            assert ada.delete(f"/api/v1/risk/news/{both[1]['id']}").status == 404
            ada.delete(f"/api/v1/risk/news/{mine[0]['id']}", expect=204)
            assert not denials(seen(a, 2, 1)) and get(a)["live"]["positions"]

        @case("a smaller plan: the newest of too many bots open nothing, close what they hold, and start again for nobody; with a larger one they go on")
        def _():
            old, new = bot(account(), "Old"), bot(account(), "New")
            plan = f"/api/v1/admin/users/{ada.me['id']}/plan"
            seen(new, 2, 1)
            assert get(new)["live"]["positions"] and get(old)["live"]["positions"]
            started = len([b for b in ada.get(f"{BOTS}?limit=100", expect=200).json["items"] if b["wanted"] != "stopped"])
            s.operator().put(plan, {"limits": {"bots": started - 1}, "reason": "smaller"}, expect=200)
            assert ada.get("/api/v1/usage", expect=200).json["standing"] == "wind_down"
            lines = seen(new, 7, 1)
            assert all("TIER_VENUE: tenant: the plan has no place for this bot" in line for line in denials(lines)) and len(denials(lines)) == 2, lines
            assert any("the plan has no place for it any more" in line for line in logs(new)) and not denials(logs(old)), logs(new)
            assert get(new)["live"]["positions"] and get(new)["state"] == "running"  # nothing is closed for it
            again(signal.SIGKILL)  # nor forgotten
            until(lambda: get(new), lambda r: r["state"] == "running" and r["live"])
            assert len(denials(seen(new, 2, 1))) == 1 and get(old)["live"]["positions"]
            assert not denials(seen(new, 4, 1)) and not get(new)["live"]["positions"]
            ada.post(f"{BOTS}/{new}/pause", expect=200)
            until(lambda: get(new), lambda r: r["state"] == "paused")
            answer = ada.post(f"{BOTS}/{new}/start")
            assert answer.code == "tier_limit", answer
            s.operator().delete(plan, expect=204)
            ada.post(f"{BOTS}/{new}/start", expect=200)
            until(lambda: get(new), lambda r: r["state"] == "running")
            assert not denials(seen(new, 2, 1)) and get(new)["live"]["positions"]
            # Pairs count with their bots, and what one bot may have on its own.
            s.operator().put(plan, {"limits": {"pairs": started - 1}, "reason": "smaller"}, expect=200)
            assert len(denials(seen(new, 2, 1))) == 1
            s.operator().put(plan, {"limits": {"pairs_per_bot": 1}, "reason": "smaller"}, expect=200)
            assert not denials(seen(new, 2, 1))
            s.operator().delete(plan, expect=204)
            stop(old), stop(new)

        @case("from the shell: calendars from a file, rule sets, an account's money and limits")
        def _():
            def perigee(*args, code=0):
                done = subprocess.run([binary, *map(str, args), "--data-dir", str(s.data)], capture_output=True, text=True, timeout=20)
                assert done.returncode == code, done
                return done.stderr if code else done.stdout

            def result(*args):
                return json.loads(perigee(*args, "--json", "-"))
            whose = ("--tenant", "ada@example.org")
            calendar, rule_file = Path(folder.name) / "calendar.csv", Path(folder.name) / "house.json"
            calendar.write_text("from,currency,impact,title\n" + "".join(f"{4000000000 - i},EUR,low,n{i}\n" for i in range(700)))
            assert result("news", "import", calendar, "--replace", *whose) == {"added": 700, "entries": 700}
            items = result("news", "list", "--from", "2096-10-01", *whose)["items"]
            assert len(items) == 700 and items[0]["title"] == "n699" and items[0]["concerns"] == ["EUR"], items[0]
            assert "n699" in perigee("news", "list", "--from", "2096-10-01", *whose)
            perigee("news", "delete", items[0]["id"], *whose)
            calendar.write_text("from\nnever\n")
            assert "calendar.csv:2:1" in perigee("news", "import", calendar, code=1) and "replaces" not in perigee("news", "delete", "bot_1", code=2)
            assert {"mine", "house", "challenge_two_step"} <= {r["name"] for r in result("rules", "list", *whose)["items"]}
            assert "mine" not in {r["name"] for r in result("rules", "list")["items"]}
            rule_file.write_text(json.dumps({"name": "House", "day": {"loss": "77"}}))
            assert result("rules", "put", "house", rule_file)["owner"] == "installation" and result("rules", "show", "house", *whose)["rules"]["day"]["loss"] == "77"
            rule_file.write_text('{"name": "House", "day": {"los": "77"}}')
            assert "unknown key los" in perigee("rules", "put", "house", rule_file, code=1)
            assert "holds at once" not in perigee("rules", "delete", "house") and "challenge_one_step" in perigee("rules", "show", "challenge_one_step")
            own = account()
            assert own in {a["id"] for a in result("account", "list", *whose)["items"]} and "whose account" in perigee("account", "list", code=2)
            assert result("account", "deposit", own, "250.5", *whose)["balance"] == "10250.5" and "next: perigee account show" in perigee("account", "withdraw", own, "50.5", *whose)
            assert "free" in perigee("account", "withdraw", own, "999999", *whose, code=1)
            perigee("account", "set", own, "max_open=3", *whose)
            assert result("account", "set", own, "rules=mine", *whose)["settings"]["max_open"] == 3
            shown = result("account", "show", own, *whose)
            assert shown["account"]["money"]["balance"] == "10200" and shown["rules"]["rules"] == "mine", shown
            assert "max_open" in perigee("account", "set", own, "max_open=-3", *whose, code=1)
            assert "rules" not in result("account", "set", own, "rules=", *whose)["settings"]
            assert result("account", "reset", own, "--balance", "500", *whose)["balance"] == "500"
            assert "nobody has" in perigee("account", "list", "--tenant", "eve@example.org", code=1)

        @case("another set for the name holds at once; none, and the account is free; the journal replays every decision")
        def _():
            a = state["bot"]
            ada.put("/api/v1/risk/rule-sets/mine", {"rules": {"name": "Mine", "day": {"loss": "50", "zone": "Europe/Prague"}}}, expect=200)
            assert standing()["day"]["floor"] == "9550"
            lines = seen(a, 2, 1, 1)
            assert any("the day's floor is 9550" in line for line in denials(lines)), lines
            ada.patch(f"/api/v1/accounts/{state['acc']}", {"settings": {"rules": None}}, expect=200)
            assert standing()["state"] == "none"
            assert not denials(seen(a, 2, 1))
            stop(a)
            out = subprocess.run([binary, "replay", a, "--verify", "--data-dir", s.data], capture_output=True, text=True, timeout=30)
            assert out.returncode == 0, out.stdout + out.stderr

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
