#!/usr/bin/env python3
"""Bots as their owners have them, and operators: bots.py PERIGEE. Prints TAP. What they trade is tested elsewhere: here it is what may be
set up and asked for, what is refused and how, what a plan allows, and that all of it outlives the process."""
import sys
import time
import uuid

from service import PASSWORD, Service, run_cases

PAIR = """strategy{ name="pair", api=1, params={
    fast=int{5, min=2, max=50}, side=enum{"long", "short"}, other=symbol{"ETHUSDT"}, size=num{1, min=0.1, live=true}, on=bool{true, live=true} },
  data={ main={}, other={symbol="other", tf="1h"} }, ind={ a={"sma", "fast"} } }
function on_bar(ctx) end
"""
PLAIN = """strategy{ name="plain", api=1 }
function on_bar(ctx) end
"""
BOTS = "/api/v1/bots"


class Customer:
    """Somebody with a paper account and strategies, and words for what they do."""

    def __init__(self, service, email, plan="enterprise"):
        self.client = service.register(email)
        if plan:
            self.client.post("/api/v1/subscriptions/upgrade", {"plan": plan}, expect=200)
        self.account = self.client.post("/api/v1/accounts", {"venue": "paper", "name": "Play"}, expect=201).json["id"]
        self.count = 0

    def strategy(self, name, source):
        made = self.client.post("/api/v1/strategies", {"name": name, "source": source, "activate": True}, expect=201).json
        assert made["active_version"], made["version"]["verdict"]
        return made["id"]

    def body(self, script, **more):
        self.count += 1
        return {"name": f"bot {self.count}", "account_id": self.account, "strategy_id": script, "symbol": "BTCUSDT", "timeframe": "5m", "venue": "sim", "settings": {"cash": "100"}, **more}

    def bot(self, strategy, **more):
        return self.client.post(BOTS, self.body(strategy, **more), expect=201).json

    def act(self, bot, action, body=None, expect=200, **kw):
        return self.client.post(f"{BOTS}/{bot['id'] if isinstance(bot, dict) else bot}/{action}", body, expect=expect, **kw)

    def get(self, bot):
        return self.client.get(f"{BOTS}/{bot['id']}", expect=200).json

    def stopped(self, bot):
        """Waits for the runtime, if there is one."""
        deadline = time.monotonic() + 20
        while (row := self.get(bot))["state"] not in ("stopped", "dead", "retired"):
            assert time.monotonic() < deadline, row
            time.sleep(0.05)
        return row

    def held(self, name):
        return [i["used"] for i in self.client.get("/api/v1/usage", expect=200).json["items"] if i["name"] == name][0]


def errors(answer, status=422):
    assert answer.status == status, answer
    return {e["pointer"]: e["detail"] for e in answer.json.get("errors", [])}


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary)
    with service as s:
        ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org")
        plain, pair, bobs = ada.strategy("Plain", PLAIN), ada.strategy("Pair", PAIR), bob.strategy("Bob's", PLAIN)

        @case("a paper account needs neither secrets nor a second factor, and shows what it is made of")
        def _():
            settings = {"balance": "2500.50", "currency": "EUR", "leverage": "3", "fee_maker": "0.0002", "fee_taker": "0.0005", "participation": "0.1", "latency_ms": 50, "slippage_ticks": 1,
                        "maintenance_pct": "1.25", "fill_model": "classic", "path": "adverse", "slippage_pct": "0.01", "spread_pct": "0.02", "fee_fixed": "0.1", "fee_per_unit": "0.00000001"}
            made = ada.client.post("/api/v1/accounts", {"venue": "paper", "name": "Euros", "settings": settings}, expect=201).json
            assert made["paper"] and made["settings"] == settings and made["fields"] == [], made
            listed = {a["id"]: a for a in ada.client.get("/api/v1/accounts", expect=200).json["items"]}
            assert listed[made["id"]] == made and listed[ada.account]["settings"]["balance"] == "10000", listed
            url = f"/api/v1/accounts/{made['id']}"
            assert ada.client.get(url + "/balances", expect=200).json["items"] == [{"currency": "EUR", "balance": "2500.5", "free": "2500.5", "allocated": "0", "pnl": "0", "equity": "2500.5"}]
            assert ada.client.get(url + "/positions", expect=200).json["items"] == []
            for path in (url + "/balances", url + "/positions"):
                bob.client.get(path, expect=404)
            for body, at in (({"secrets": {"api_key": "k"}}, "/secrets"), ({"settings": {"balance": "much"}}, "/settings/balance"), ({"settings": {"latency_ms": -1}}, "/settings/latency_ms"),
                             ({"settings": {"money": "1"}}, "/settings/money"), ({"settings": {"leverage": "0.5"}}, "/settings/leverage"), ({"settings": {"balance": "0"}}, "/settings/balance"),
                             ({"settings": {"fee_taker": "0.5"}}, "/settings/fee_taker"),
                             ({"settings": {"maintenance_pct": "50.1"}}, "/settings/maintenance_pct"), ({"settings": {"maintenance_pct": "-1"}}, "/settings/maintenance_pct"),
                             ({"settings": {"fill_model": "compat-backtrader"}}, "/settings/fill_model"), ({"settings": {"path": "best"}}, "/settings/path"),
                             ({"settings": {"spread_pct": "51"}}, "/settings/spread_pct"), ({"settings": {"fee_per_unit": "-1"}}, "/settings/fee_per_unit")):
                assert at in errors(ada.client.post("/api/v1/accounts", {"venue": "paper", "name": "x", **body})), (body, at)
            assert "/secrets" in errors(ada.client.post("/api/v1/accounts", {"venue": "bybit", "name": "x"}))
            assert "/settings/environment" in errors(ada.client.post("/api/v1/accounts", {"venue": "paper", "name": "x", "settings": {"environment": "testnet"}}))
            assert ada.client.post("/api/v1/accounts", {"venue": "bybit", "name": "x", "secrets": {"k": "v"}}).code == "second_factor_missing"
            assert ada.client.put(url + "/secrets", {"secrets": {"k": "v"}}).code == "second_factor_missing"
            assert ada.held("accounts") == 0 and ada.held("venues") == 0
            ada.client.delete(url, expect=204)

        @case("a bot is set up, shown with a reason for its state, changed and deleted")
        def _():
            answer = ada.client.post(BOTS, ada.body(pair, params={"fast": 7, "side": "short"}, settings={"max_open": 5, "day_loss": "100"}, seed=9), expect=201)
            bot = answer.json
            assert bot["state"] == "stopped" and bot["wanted"] == "stopped" and bot["reason_code"] == "new" and bot["reason"] == "It has not been started yet.", bot
            assert bot["paper"] and bot["version"] is None and bot["pairs"] == ["BTCUSDT", "ETHUSDT"] and bot["params"] == {"fast": 7, "side": "short"} and bot["seed"] == 9, bot
            assert bot["settings"] == {"max_open": 5, "day_loss": "100"} and bot["strikes"] == 0, bot
            got = ada.client.get(f"{BOTS}/{bot['id']}", expect=200)
            assert got.json == {**bot, "live": None, "progress": None} and got.headers["etag"] == answer.headers["etag"], got
            changed = ada.client.patch(f"{BOTS}/{bot['id']}", {"name": "Neu ✓", "params": {"other": "SOLUSDT"}, "timeframe": "1h"}, headers={"If-Match": got.headers["etag"]}, expect=200)
            assert changed.json["name"] == "Neu ✓" and changed.json["params"] == {"other": "SOLUSDT"} and changed.json["pairs"] == ["BTCUSDT", "SOLUSDT"], changed
            assert changed.json["revision"] == bot["revision"] + 1 and changed.headers["etag"] != got.headers["etag"]
            assert ada.client.patch(f"{BOTS}/{bot['id']}", {"name": "late"}, headers={"If-Match": got.headers["etag"]}, expect=412).code == "precondition_failed"
            assert ada.get(bot)["name"] == "Neu ✓"
            ada.client.delete(f"{BOTS}/{bot['id']}", headers={"If-Match": got.headers["etag"]}, expect=412)
            ada.client.delete(f"{BOTS}/{bot['id']}", expect=204)
            ada.client.get(f"{BOTS}/{bot['id']}", expect=404)
            ada.client.delete(f"{BOTS}/{bot['id']}", expect=404)

        @case("what does not fit is told by its place, all of it at once")
        def _():
            def wrong(**more):
                return errors(ada.client.post(BOTS, {k: v for k, v in ada.body(pair, **more).items() if v is not None}))
            got = wrong(params={"fast": 1, "side": "up", "fsat": 3, "size": "much", "on": 7, "a/b~": 1})
            assert got.keys() == {"/params/fast", "/params/side", "/params/fsat", "/params/size", "/params/on", "/params/a~1b~0"}, got
            assert "minimum 2" in got["/params/fast"] and '"long"' in got["/params/side"] and "fast" in got["/params/fsat"], got
            assert wrong(params={"fast": 2.5}).keys() == {"/params/fast"} and wrong(params={"other": "X" * 40}).keys() == {"/params/other"}
            assert wrong(account_id=bob.account).keys() == {"/account_id"} and wrong(strategy_id=bobs).keys() == {"/strategy_id"}
            assert wrong(strategy_id=None).keys() == {"/strategy_id"} and wrong(strategy_id=None, strategy="Nobody's").keys() == {"/strategy"}
            assert wrong(preset="Careful").keys() == {"/strategy"}
            assert wrong(symbol="").keys() == {"/symbol"} and wrong(timeframe="7x").keys() == {"/timeframe"} and wrong(settings={"max_opne": 1}).keys() == {"/settings/max_opne"}
            got = wrong(settings={"max_order": "-1"})
            assert got.keys() == {"/settings/max_order"} and "must be from 0 to" in got["/settings/max_order"], got
            assert ada.client.post(BOTS, ada.body(pair, version=9), expect=404).code == "not_found"
            refused = ada.client.post("/api/v1/strategies", {"name": "Later", "source": PLAIN.replace("plain", "later")}, expect=201).json
            assert refused["active_version"] is None
            assert ada.client.post(BOTS, ada.body(refused["id"]), expect=422).code == "not_proven"  # nothing is active
            assert ada.client.post(BOTS, ada.body(refused["id"], version=1), expect=201).json["version"] == 1

        @case("start, pause and stop: what is wanted, what state, and in which order they make sense")
        def _():
            bot = ada.bot(plain)
            assert ada.act(bot, "pause", expect=409).json["detail"] == "It is not running, so there is nothing to pause."
            started = ada.act(bot, "start").json
            assert started["wanted"] == "running" and started["state"] in ("starting", "running") and ada.held("bots") == 1 and ada.held("pairs") == 1, started
            again = ada.act(bot, "start").json
            assert again["revision"] == started["revision"] and ada.held("bots") == 1, again
            assert ada.client.delete(f"{BOTS}/{bot['id']}", expect=409).code == "conflict"
            for body in ({"symbol": "ETHUSDT"}, {"timeframe": "1h"}, {"params": {}}, {"account_id": ada.account}, {"version": 1}):
                assert ada.client.patch(f"{BOTS}/{bot['id']}", body, expect=409).code == "conflict", body
            assert ada.client.patch(f"{BOTS}/{bot['id']}", {"name": "any time", "settings": {"max_open": 3}}, expect=200).json["settings"] == {"max_open": 3}
            paused = ada.act(bot, "pause").json
            assert paused["wanted"] == "paused" and paused["state"] == "paused" and ada.held("bots") == 1, paused
            assert ada.act(bot, "pause").json["state"] == "paused"
            assert ada.act(bot, "start").json["wanted"] == "running"
            before = ada.get(bot)["revision"]
            assert ada.act(bot, "restart").json["revision"] == before + 1
            stopped = ada.act(bot, "stop", {"close": True}).json
            assert stopped["wanted"] == "stopped" and stopped["state"] in ("stopping", "stopped") and ada.held("bots") == 0 and ada.held("pairs") == 0, stopped
            assert ada.stopped(bot)["reason"] == "It was stopped."
            assert ada.act(bot, "stop").json["state"] == "stopped"
            ada.client.delete(f"{BOTS}/{bot['id']}", expect=204)

        @case("an idempotency key makes one bot, and one start")
        def _():
            key, body = {"Idempotency-Key": str(uuid.uuid4())}, ada.body(plain)
            first, second = (ada.client.post(BOTS, body, headers=key, expect=201) for _ in range(2))
            assert first.body == second.body
            assert ada.client.post(BOTS, {**body, "name": "other"}, headers=key, expect=422).code == "idempotency_mismatch"
            key = {"Idempotency-Key": str(uuid.uuid4())}
            started, again = (ada.act(first.json, "start", headers=key) for _ in range(2))
            assert started.body == again.body and ada.held("bots") == 1
            ada.act(first.json, "stop")
            ada.stopped(first.json)
            ada.client.delete(f"{BOTS}/{first.json['id']}", expect=204)

        @case("live parameters change while it is started, the others do not")
        def _():
            bot = ada.bot(pair, start=True)
            assert bot["wanted"] == "running" and ada.held("pairs") == 2
            assert ada.act(bot, "params", {"params": {"size": 2.5, "on": False}}).json["params"] == {"size": 2.5, "on": False}
            got = errors(ada.act(bot, "params", {"params": {"fast": 9, "size": 3}}, expect=422))
            assert got.keys() == {"/params/fast"} and "stop it first" in got["/params/fast"], got
            assert errors(ada.act(bot, "params", {"params": {"size": 0}}, expect=422)).keys() == {"/params/size"}
            assert ada.get(bot)["params"] == {"size": 2.5, "on": False}
            ada.act(bot, "stop")
            ada.stopped(bot)
            assert ada.act(bot, "params", {"params": {"fast": 9, "other": "SOLUSDT"}}).json["params"] == {"fast": 9, "other": "SOLUSDT", "size": 2.5, "on": False}
            assert ada.get(bot)["pairs"] == ["BTCUSDT", "SOLUSDT"]

        @case("versions: reload and back again; only proven ones, and parameters must fit")
        def _():
            strategy = ada.strategy("Versions", PAIR)
            other = PAIR.replace("fast=int{5, min=2, max=50}", "fast=int{5, min=2, max=6}")
            assert ada.client.post(f"/api/v1/strategies/{strategy}/versions", {"source": other}, expect=201).json["version"] == 2
            bot = ada.bot(strategy, params={"fast": 6}, start=True)
            assert ada.act(bot, "rollback", expect=409).code == "conflict"
            reloaded = ada.act(bot, "reload", {"version": 2}).json
            assert reloaded["version"] == 2 and reloaded["previous_version"] == 1, reloaded
            back = ada.act(bot, "rollback").json
            assert back["version"] == 1 and back["previous_version"] == 2, back
            assert ada.act(bot, "reload", {"version": 7}, expect=404).code == "not_found"
            ada.act(bot, "stop")
            ada.stopped(bot)
            ada.act(bot, "params", {"params": {"fast": 7}})
            assert errors(ada.act(bot, "reload", {"version": 2}, expect=422)).keys() == {"/params/fast"}
            assert ada.act(bot, "reload").json["version"] is None
            assert ada.client.delete(f"/api/v1/strategies/{strategy}", expect=409).code == "conflict"
            assert ada.client.delete(f"/api/v1/accounts/{ada.account}", expect=409).code == "conflict"

        @case("a clone is like it, and has a life of its own")
        def _():
            bot = ada.bot(pair, params={"fast": 8}, settings={"max_open": 4}, seed=5)
            copy = ada.act(bot, "clone", {"symbol": "SOLUSDT", "params": {"side": "short"}}, expect=201).json
            assert copy["id"] != bot["id"] and copy["name"] == bot["name"] + " (copy)" and copy["symbol"] == "SOLUSDT" and copy["pairs"] == ["ETHUSDT", "SOLUSDT"], copy
            assert copy["params"] == {"fast": 8, "side": "short"} and copy["settings"] == {"max_open": 4} and copy["seed"] == 5 and copy["state"] == "stopped", copy
            assert ada.act(bot, "clone", expect=201).json["params"] == {"fast": 8}
            assert errors(ada.act(bot, "clone", {"params": {"fast": 99}}, expect=422)).keys() == {"/params/fast"}

        @case("lists: newest first, page by page, by state, account and strategy")
        def _():
            seen, cursor = [], ""
            while cursor is not None:
                page = ada.client.get(f"{BOTS}?limit=2" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
                seen += [b["id"] for b in page["items"]]
                cursor = page["next_cursor"]
            assert len(seen) > 4 and seen == sorted(set(seen), reverse=True), seen
            stopped = ada.client.get(f"{BOTS}?state=stopped&limit=200", expect=200).json["items"]
            assert stopped and all(b["state"] == "stopped" for b in stopped)
            of_pair = ada.client.get(f"{BOTS}?strategy_id={pair}&limit=200", expect=200).json["items"]
            assert of_pair and all(b["strategy_id"] == pair for b in of_pair)
            assert ada.client.get(f"{BOTS}?account_id={bob.account}", expect=200).json["items"] == []
            assert ada.client.get(f"{BOTS}?state=flying").code == "validation_failed"

        @case("another tenant's bot does not exist")
        def _():
            bot = ada.bot(plain)
            before = ada.get(bot)
            url = f"{BOTS}/{bot['id']}"
            bob.client.get(url, expect=404)
            bob.client.patch(url, {"name": "mine"}, expect=404)
            bob.client.delete(url, expect=404)
            for action in ("start", "pause", "stop", "restart", "clone", "reload", "rollback"):
                bob.act(bot, action, expect=404)
            bob.act(bot, "params", {"params": {}}, expect=404)
            bob.client.get(url + "/failures", expect=404)
            assert bot["id"] not in [b["id"] for b in bob.client.get(f"{BOTS}?limit=200").json["items"]]
            assert ada.get(bot) == before

        @case("the plan's bots, pairs, pairs of one bot and parameters")
        def _():
            cy = Customer(s, "cy@example.org", None)
            plan = {"plan": "enterprise", "limits": {"bots": 2, "pairs": 3, "pairs_per_bot": 2, "strategies": 5}, "reason": "test"}
            s.operator().put(f"/api/v1/admin/users/{cy.client.me['id']}/plan", plan, expect=200)
            one, two = cy.strategy("One", PLAIN), cy.strategy("Two", PAIR)
            first, second, third = cy.bot(two, start=True), cy.bot(one, start=True), cy.bot(one)
            answer = cy.act(third, "start", expect=429)
            assert answer.code == "tier_limit" and "bots" in answer.json["detail"], answer
            assert cy.get(third)["wanted"] == "stopped" and cy.held("bots") == 2 and cy.held("pairs") == 3
            cy.act(second, "pause")  # keeps its place
            assert cy.act(third, "start", expect=429).code == "tier_limit"
            cy.act(second, "stop")
            cy.stopped(second)
            assert cy.act(third, "start").json["wanted"] == "running"
            cy.act(third, "stop")
            cy.stopped(third)
            more = cy.bot(two)
            answer = cy.act(more, "start", expect=429)  # 2 + 2 pairs
            assert answer.code == "tier_limit" and "pairs" in answer.json["detail"] and cy.held("bots") == 1 and cy.held("pairs") == 2, answer
            three = PAIR.replace('other={', 'third={symbol="SOLUSDT", tf="1h"}, other={')
            answer = cy.client.post(BOTS, cy.body(cy.strategy("Three", three)), expect=429)
            assert answer.code == "tier_limit" and "pairs of one bot" in answer.json["detail"], answer
            cy.act(first, "stop")

        @case("operators see, stop, restart and release anybody's; nobody else does")
        def _():
            bot = ada.bot(plain, start=True)
            operator = s.operator()
            row = operator.get(f"/api/v1/admin/bots/{bot['id']}", expect=200).json
            assert row["id"] == bot["id"] and row["tenant_id"].startswith("org_"), row
            listed = operator.get("/api/v1/admin/bots?limit=200", expect=200).json["items"]
            assert bot["id"] in [b["id"] for b in listed]
            assert operator.get("/api/v1/admin/bots?held=true", expect=200).json["items"] == []
            assert operator.get(f"/api/v1/admin/bots?tenant_id={row['tenant_id']}&limit=200", expect=200).json["items"]
            assert operator.get(f"/api/v1/admin/bots/{bot['id']}/failures", expect=200).json["items"] == []
            assert operator.post(f"/api/v1/admin/bots/{bot['id']}/release").code == "conflict"
            assert operator.post(f"/api/v1/admin/bots/{bot['id']}/restart", expect=200).json["wanted"] == "running"
            stopped = operator.post(f"/api/v1/admin/bots/{bot['id']}/force-stop", expect=200).json
            assert stopped["wanted"] == "stopped" and ada.held("bots") == 0, stopped
            assert ada.stopped(bot)["reason_code"] in ("forced", "stopped")
            assert operator.post(f"/api/v1/admin/bots/{bot['id']}/restart").code == "conflict"
            for who in (ada, bob):
                assert who.client.get("/api/v1/admin/bots").code == "forbidden"
                assert who.client.post(f"/api/v1/admin/bots/{bot['id']}/force-stop").code == "forbidden"
            actions = [e["action"] for e in operator.get("/api/v1/admin/audit?limit=200", expect=200).json["items"]]
            for action in ("bot.create", "bot.start", "bot.pause", "bot.stop", "bot.restart", "bot.params", "bot.reload", "bot.rollback", "bot.change", "bot.delete",
                           "admin.bot.stop", "admin.bot.restart"):
                assert action in actions, (action, set(actions))

        @case("who leaves takes their bots along")
        def _():
            dan = Customer(s, "dan@example.org")
            bot = dan.bot(dan.strategy("Dan's", PLAIN), start=True)
            export = dan.client.get("/api/v1/me/export", expect=200).json
            assert [b["id"] for b in export["bots"]] == [bot["id"]] and export["accounts"][0]["settings"]["balance"] == "10000", export
            dan.client.delete("/api/v1/me", {"password": PASSWORD}, expect=204)
            s.operator().get(f"/api/v1/admin/bots/{bot['id']}", expect=404)

        @case("all of it is there after a restart")
        def _():
            bot = ada.bot(plain, start=True)
            other = ada.bot(plain)
            s.stop()
            s.start()
            ada.client = s.login("ada@example.org")
            assert ada.get(bot)["wanted"] == "running" and ada.get(other)["state"] == "stopped" and ada.held("bots") == 1
            ada.act(bot, "stop")
            ada.stopped(bot)

        failed = run_cases(cases)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
