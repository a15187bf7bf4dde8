#!/usr/bin/env python3
"""Hooks: hooks.py PERIGEE. Messages as TradingView and others send them, over HTTP; who may post; what rules say; one signal to bots of several
accounts; nothing accepted is lost and nothing acted upon twice over kill -9. Prints TAP."""
import asyncio
import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import signal
import socket
import sys
import time

try:
    import websockets
except ImportError:
    websockets = None

from auth import totp
from live import Trader
from service import PASSWORD, Client, Service, run_cases

HOOKS = "/api/v1/hooks"
# Buys what a signal says, and keeps count of what it heard.
FOLLOWS = """strategy{ name="follows", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s)
  ctx.state.heard = (ctx.state.heard or "") .. (s.id or "?") .. " " .. (s.action or "?") .. " " .. (s.symbol or "?") .. " " .. tostring(s.size) .. ";"
  ctx:log("info", "heard", s.id, s.action, s.symbol, tostring(s.size), s.source)
  if s.action == "buy" then ctx:buy{qty=s.size or 0.01, tag="hook"} elseif s.action == "close" then ctx:close{tag="hook"} end
end
"""
TV = {"ticker": "BTCUSDT", "strategy": {"order": {"action": "buy", "contracts": "0.02"}}, "time": "2026-03-30T07:00:00Z"}


class Poster:
    """Somebody outside, who has no token but the hook's."""

    def __init__(self, service, hook):
        self.client, self.path = service.anonymous(), hook["path"]

    def post(self, body, expect=200, headers=None):
        raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        return self.client.call("POST", self.path, raw=raw, headers={"Content-Type": "text/plain", **(headers or {})}, expect=expect)


COUNTS = """strategy{ name="counts", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s)
  local n = ctx.state
  if s.size <= (n.last or 0) then n.wrong = (n.wrong or 0) + 1 end
  n.count, n.sum, n.last = (n.count or 0) + 1, (n.sum or 0) + s.size, s.size
  if n.count % 100 == 0 then ctx:log("info", string.format("heard %d %d %d", n.count, n.sum, n.wrong or 0)) end
end
"""


def until(read, done, wait_s=20):
    deadline = time.monotonic() + wait_s
    while True:
        value = read()
        if done(value):
            return value
        assert time.monotonic() < deadline, value
        time.sleep(0.03)


def rules_processes(service, rules=True):
    """Of the service, those that ask rules; else its other ones."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == service.process.pid and (b"--rules" in (path.parent / "cmdline").read_bytes()) == rules:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            pass  # it has ended
    return found


def operator_of(service):
    """A customer who is one of the operators, too, with a second factor."""
    client = service.register("house@example.org")
    seed = client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
    client.post("/api/v1/auth/verify-2fa", {"code": totp(seed, time.time() - 30)}, expect=200)
    service.operator().patch(f"/api/v1/admin/users/{client.get('/api/v1/me', expect=200).json['id']}", {"role": "admin"}, expect=200)
    tokens = service.anonymous().post("/api/v1/auth/login", {"email": "house@example.org", "password": PASSWORD, "code": totp(seed)}, expect=200).json
    return Client(service, tokens["access_token"])


async def told(service, trader, act, count):
    """States and reasons of the tenant's next deliveries, from before act() on."""
    async with websockets.connect(f"ws://127.0.0.1:{service.port}/api/v1/ws") as ws:
        await ws.send(json.dumps({"op": "auth", "token": trader.client.token}))
        await ws.send(json.dumps({"op": "subscribe", "channels": ["signals"]}))
        assert [json.loads(await asyncio.wait_for(ws.recv(), 20)) for _ in range(2)][1]["op"] == "subscribed"
        act()
        events = [json.loads(await asyncio.wait_for(ws.recv(), 20)) for _ in range(count)]
        assert all((e["ch"], e["type"], e["data"]["bots"]) == ("signals", "delivery", 0) for e in events), events
        return [(e["data"]["state"], e["data"]["reason"]) for e in events]


def start_at_once(binary):
    """In a market at the clock's pace, bots whose own bars are a day long."""
    with Service(binary, args=["--feed", "sim=sim:speed=1,seed=3"]) as s:
        eve = Trader(s, "eve@example.org")
        h = eve.client.post(HOOKS, {"name": "TV"}, expect=201).json
        bots = [eve.bot("many", FOLLOWS, timeframe="1d") for _ in range(15)]
        for bot in bots:
            eve.client.put(f"{HOOKS}/{h['id']}/bots/{bot}", expect=204)
        s.stop()
        s.start()
        eve.client = s.login("eve@example.org")
        for bot in bots:
            eve.wait(bot, lambda b: b["state"] == "running", 60)
        time.sleep(1)  # all that their start asks of the clock has been given
        Poster(s, h).post("note BTCUSDT")
        for bot in bots:
            until(lambda: eve.get(bot, "/logs")["items"], len)  # noqa: B023


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary, args=["--feed", "sim=sim:speed=600,seed=3"]) as s:
        ada, bob = Trader(s, "ada@example.org"), Trader(s, "bob@example.org")
        made = {}

        def hook(trader=ada, expect=201, **body):
            return trader.client.post(HOOKS, {"name": "TV", **body}, expect=expect).json

        def deliveries(h, trader=ada):
            return trader.client.get(f"{HOOKS}/{h['id']}/deliveries?limit=200", expect=200).json["items"]

        def last(h, state=None):
            """The newest delivery, once it is worked off."""
            return until(lambda: deliveries(h)[:1], lambda d: d and d[0]["state"] != "accepted" and state in (None, d[0]["state"]))[0]

        def heard(trader, bot):
            return [line["text"] for line in trader.get(bot, "/logs?limit=200")["items"] if line["text"].startswith("heard")]

        def listens(h, trader, name):
            bot = trader.bot(name, FOLLOWS)
            trader.client.put(f"{HOOKS}/{h['id']}/bots/{bot}", expect=204)
            trader.wait(bot, lambda b: b["state"] == "running")
            return bot

        def rules_deaths():
            text = s.anonymous().get("/metrics").body.decode()
            return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("perigee_rules_process_deaths_total "))

        @case("a signal as tradingview sends it is a trade")
        def _():
            h = made["h"] = hook()
            assert h["token"] and h["path"].endswith(h["token"]) and "token" not in ada.client.get(f"{HOOKS}/{h['id']}", expect=200).json
            bot = made["bot"] = listens(h, ada, "one")
            taken = Poster(s, h).post(TV).json
            assert taken["id"].startswith("dlv_") and not taken["duplicate"]
            d = last(h, "delivered")
            assert d["bots"] == 1 and d["signal"]["symbol"] == "BTCUSDT" and d["signal"]["size"] == 0.02 and json.loads(d["body"]) == TV, d
            ada.wait(bot, lambda b: (b["live"] or {}).get("fills"))
            assert heard(ada, bot)[0].startswith(f"heard {taken['id']} buy BTCUSDT 0.02 TV"), heard(ada, bot)
            receipts = ada.client.get(f"{HOOKS}/{h['id']}/deliveries/{taken['id']}/receipts", expect=200).json["items"]
            assert [(r["bot_id"], r["account_id"]) for r in receipts] == [(bot, ada.account)], receipts
            again = Poster(s, h).post(TV).json
            assert again["duplicate"] and deliveries(h)[0]["state"] == "duplicate"
            Poster(s, h).post("close BTCUSDT")
            until(lambda: len(heard(ada, bot)), lambda n: n == 2)

        @case("who may not post is told so and its owner sees it")
        def _():
            h = hook(settings={"addresses": ["192.0.2.0/24"]})
            assert Poster(s, h).post(TV, expect=403).code == "forbidden"
            assert last(h, "refused")["reason"] == "127.0.0.1 is not among the addresses that may post (settings.addresses of the hook)"
            ada.client.patch(f"{HOOKS}/{h['id']}", {"settings": {"addresses": ["127.0.0.0/8"]}, "body_secret": "correct horse"}, expect=200)
            for body in (TV, {**TV, "secret": "wrong"}, "buy BTCUSDT secret=correct"):
                assert "JSON must have it at secret, text cannot" in Poster(s, h).post(body, expect=403).json["detail"]
            Poster(s, h).post('{"secret":"correct horse", "symbol":"BTCUSDT", "action":"note", "price":43000.10}')
            d = last(h, "delivered")  # kept without the secret, and else to the last digit as it came
            assert "correct horse" not in json.dumps(deliveries(h)) and d["body"] == d["signal"]["raw"] == '{"symbol":"BTCUSDT", "action":"note", "price":43000.10}', d
            assert ada.client.get(f"{HOOKS}/{h['id']}", expect=200).json["body_secret"] is True
            key = b"a key of thirty-two bytes, or so"
            ada.client.patch(f"{HOOKS}/{h['id']}", {"body_secret": None, "sign_secret": "whsec_" + base64.b64encode(key).decode()}, expect=200)

            def signed(body, at=None, ident="msg_1", key=key):
                stamp = str(int(time.time()) if at is None else at)
                mac = base64.b64encode(hmac.new(key, f"{ident}.{stamp}.{body}".encode(), hashlib.sha256).digest()).decode()
                return {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": f"v1,AAAA v1,{mac}"}

            body = json.dumps({"symbol": "BTCUSDT", "action": "sell"})
            for headers in ({}, signed(body + " "), signed(body, key=b"another"), signed(body, at=time.time() - 400), signed(body, at=int(time.time()) + 400)):
                assert Poster(s, h).post(body, expect=403, headers=headers).code == "forbidden"
            assert not Poster(s, h).post(body, headers=signed(body)).json["duplicate"]
            assert Poster(s, h).post(body, headers=signed(body)).json["duplicate"]
            assert not Poster(s, h).post(body, headers=signed(body, ident="msg_2")).json["duplicate"]
            ada.client.patch(f"{HOOKS}/{h['id']}", {"enabled": False}, expect=200)
            assert Poster(s, h).post(body, expect=409).code == "conflict"
            assert s.anonymous().call("POST", HOOKS + "/" + "A" * 43, raw=b"buy", expect=404).code == "not_found"

            def again():  # what never comes to the rules is told, too
                Poster(s, h).post(body, expect=403)
                Poster(s, h).post(body, headers=signed(body))
            if websockets:
                ada.client.patch(f"{HOOKS}/{h['id']}", {"enabled": True}, expect=200)
                events = asyncio.run(told(s, ada, again, 2))
                assert sorted(state for state, _ in events) == ["duplicate", "refused"] and "webhook-id" in dict(events)["refused"], events
            else:
                print("# skipped: Python has no websockets")
            old = dict(h)
            new = ada.client.post(f"{HOOKS}/{h['id']}/token", expect=200).json
            ada.client.patch(f"{HOOKS}/{h['id']}", {"enabled": True, "sign_secret": None}, expect=200)
            Poster(s, old).post(body, expect=404)
            Poster(s, new).post(body)

        @case("what is no signal is refused and what was asked wrongly is pointed at")
        def _():
            h = hook()
            refused = Poster(s, h).post({"symbol": "BTCUSDT", "action": "buy", "size": "lots"}, expect=422)
            assert "size: 'lots' is no number" in refused.json["detail"], refused
            assert Poster(s, h).post(b"\xff\xfe", expect=422).code == "validation_failed"
            assert Poster(s, h).post(b"x" * 16001, expect=413).code == "body_too_large"
            assert Poster(s, h).post("", expect=422).code == "validation_failed"
            assert "is no JSON: line 1, column" in Poster(s, h).post('{"symbol": "BTCUSDT", "action": buy}', expect=422).json["detail"]
            cut = Poster(s, h).post({"symbol": "BTCUSDT", "action": "buy", "size": "a" + "€" * 30}, expect=422)  # quoted, and cut within a character
            assert "size: 'a€€€" in cut.json["detail"], cut
            until(lambda: deliveries(h)[:1], lambda d: d and "size: 'a€€€" in d[0]["reason"])
            for settings, pointer in (({"mapping": {"symbl": "a"}}, "/settings/mapping/symbl"), ({"addresses": ["10.0.0.0/99"]}, "/settings/addresses/0"),
                                      ({"stages": [{"rule": "nosuch"}]}, "/settings/stages/0/rule"), ({"stages": [{"rule": "daily_cap", "settings": {"mx": 1}}]}, "/settings/stages/0/settings"),
                                      ({"stages": [{"rule": "dedupe"}, {"rule": "dedupe"}]}, "/settings/stages/1/name"), ({"stages": [{"rule": "session_filter", "settings": {"zone": "Mars/Base"}}]}, "/settings/stages/0/settings"),
                                      ({"route": "some"}, "/settings/route"), ({"secret_path": "a..b"}, "/settings/secret_path")):
                wrong = hook(settings=settings, expect=422)
                assert wrong["errors"][0]["pointer"] == pointer, wrong
            assert hook(settings={"stages": [{"rule": "dedup"}]}, expect=422)["errors"][0]["detail"] == "there is no active rule named dedup; is 'dedupe' meant?"
            assert hook(shared=True, expect=422)["errors"][0]["pointer"] == "/shared"
            operator = s.operator()
            rows = operator.get(f"/api/v1/admin/signals?hook_id={h['id']}", expect=200).json["items"]
            assert [(r["state"], r["hook_name"], r["owner"]) for r in rows] == [("refused", "TV", "ada@example.org")] * 6 and "body" not in rows[0], rows
            assert not operator.get(f"/api/v1/admin/signals?hook_id={h['id']}&state=delivered", expect=200).json["items"]
            ada.client.get("/api/v1/admin/signals", expect=403)
            bob.client.get(f"{HOOKS}/{h['id']}", expect=404)
            bob.client.patch(f"{HOOKS}/{h['id']}", {"name": "mine"}, expect=404)
            bob.client.put(f"{HOOKS}/{h['id']}/bots/{made['bot']}", expect=404)
            ada.client.put(f"{HOOKS}/{h['id']}/bots/bot_0000000000000", expect=404)

        @case("what comes too late or too often and how much goes out at most")
        def _():
            now_s = int(time.time())
            ahead = hook(settings={"max_age_s": 60})
            Poster(s, ahead).post({"symbol": "BTCUSDT", "action": "note", "time": now_s + 200})
            assert "300 seconds ahead" in Poster(s, ahead).post({"symbol": "BTCUSDT", "action": "note", "time": now_s + 400}, expect=422).json["detail"]
            h = hook(settings={"max_age_s": 60, "ttl_s": 1, "per_minute": 12})
            refused = Poster(s, h).post({"symbol": "BTCUSDT", "action": "note", "time": now_s - 90}, expect=422)
            assert "more than 60 seconds ago" in refused.json["detail"] and "60 seconds" in last(h, "refused")["reason"], refused
            assert not Poster(s, h).post({"symbol": "BTCUSDT", "action": "note", "time": now_s - 30}).json["duplicate"]
            d = last(h, "delivered")
            assert d["expires_at_ms"] - d["received_at_ms"] == 1000, d
            limited = Poster(s, h).post({"symbol": "BTCUSDT", "action": "note", "n": 3}, expect=429)  # a sixth of twelve at once
            assert limited.code == "rate_limited" and "takes 12 messages in a minute, 2 of them at once" in limited.json["detail"] and 1 <= int(limited.headers["retry-after"]) <= 5, limited.headers
            # Its time is over before the rules can be asked: the process that asks them stands still, and is left behind by the signal's time.
            slow = hook(settings={"stages": [{"rule": "daily_cap"}], "ttl_s": 1})
            Poster(s, slow).post("note BTCUSDT 1")
            last(slow, "delivered")
            for pid in rules_processes(s):
                os.kill(pid, signal.SIGSTOP)
            Poster(s, slow).post("note BTCUSDT 2")
            Poster(s, slow).post("note BTCUSDT 3")
            time.sleep(1.1)
            for pid in rules_processes(s):
                os.kill(pid, signal.SIGCONT)
            until(lambda: deliveries(slow)[0]["state"], lambda state: state == "failed")
            assert deliveries(slow)[0]["reason"] == "its time was over before the rules could be asked", deliveries(slow)[0]
            # The bots' sizes together: 0.02 each, 0.05 in all, so two of three, and with a signal of 0.06 none.
            capped = hook(settings={"cap": {"size": 0.05}})
            for bot in [ada.bot(f"capped {i}", FOLLOWS) for i in range(3)]:
                ada.client.put(f"{HOOKS}/{capped['id']}/bots/{bot}", expect=204)
            for size, bots in ((0.02, 2), (0.06, 0), (0.05, 1)):
                Poster(s, capped).post({"symbol": "BTCUSDT", "action": "note", "size": size})
                assert last(capped, "delivered")["bots"] == bots, (size, deliveries(capped)[0])
            Poster(s, capped).post("note BTCUSDT")  # of no size
            assert last(capped, "delivered")["bots"] == 3
            for bot in [b for b in ada.client.get("/api/v1/bots?limit=200", expect=200).json["items"] if b["name"].startswith("capped")]:
                ada.act(bot["id"], "stop")
            # Of a hook that operators share the cap holds for the bots of all customers together.
            operator = operator_of(s)
            shared = operator.post(HOOKS, {"name": "all", "shared": True, "settings": {"cap": {"size": 0.05}}}, expect=201).json
            bots = [(t, t.bot("shared", FOLLOWS)) for t in (ada, bob, bob)]
            for t, bot in bots:
                t.client.put(f"{HOOKS}/{shared['id']}/bots/{bot}", expect=204)
            Poster(s, shared).post({"symbol": "BTCUSDT", "action": "note", "size": 0.02})
            until(lambda: operator.get(f"{HOOKS}/{shared['id']}/deliveries", expect=200).json["items"][0], lambda d: d["state"] == "delivered" and d["bots"] == 2)
            waiting = [len(t.all(bot, "signals")) for t, bot in bots]
            assert sum(waiting) == 2, waiting
            for t, bot in bots:
                t.act(bot, "stop")

        @case("rules stage by stage")
        def _():
            rules = {r["name"]: r for r in ada.client.get("/api/v1/rules", expect=200).json["items"]}
            assert {"session_filter", "risk_filter", "four_phases", "tech_filter"} <= set(rules) and rules["daily_cap"]["settings"][1]["name"] == "max", rules.get("daily_cap")
            h = hook(settings={"stages": [{"rule": "symbol_map", "settings": {"map": {"XBT": "BTCUSDT"}}}, {"rule": "dedupe", "settings": {"within_s": 600}}, {"rule": "daily_cap", "settings": {"max": 2}}], "per_minute": 100000})
            bot = listens(h, ada, "ruled")
            Poster(s, h).post("buy XBT 0.01")
            d = last(h, "delivered")
            assert d["signal"]["symbol"] == "BTCUSDT" and [e["stage"] for e in d["log"]] == ["symbol_map", "dedupe", "daily_cap"] and d["log"][0]["note"] == "XBT is BTCUSDT", d
            Poster(s, h).post("buy XBT 0.02")
            assert last(h, "rejected")["reason"].startswith("dedupe: the same was accepted")
            Poster(s, h).post("sell XBT 0.02")
            last(h, "delivered")
            Poster(s, h).post("buy XBT 0.02")
            assert last(h, "rejected")["reason"] == "daily_cap: 2 signals were accepted today, 2 are allowed"
            until(lambda: len(heard(ada, bot)), lambda n: n == 2)
            tested = ada.client.post(f"{HOOKS}/{h['id']}/test", {"body": "close XBT"}, expect=200).json
            assert tested["accept"] and tested["signal"]["symbol"] == "BTCUSDT" and len(deliveries(h)) == 4, tested
            tested = ada.client.post(f"{HOOKS}/{h['id']}/test", {"body": "size=lots"}, expect=200).json
            assert not tested["accept"] and "no number" in tested["reason"]
            other = {"body": json.dumps({"what": {"pair": "XBT"}}), "mapping": {"symbol": "what.pair", "action": "=buy"}, "stages": []}
            tested = ada.client.post(f"{HOOKS}/{h['id']}/test", other, expect=200).json
            assert (tested["signal"]["symbol"], tested["signal"]["action"]) == ("XBT", "buy") and tested["log"] == [], tested
            wrong = ada.client.post(f"{HOOKS}/{h['id']}/test", {**other, "mapping": {"symbol": "what..pair"}}, expect=422).json
            assert wrong["errors"][0]["pointer"] == "/mapping/symbol", wrong
            rule = """rule{ name="draft", api=1, settings={ least={default=100} } }
function on_signal(s, env) if (s.size or 0) < env.settings.least then return false, "too small" end return true end
"""
            run = lambda status=200, **body: ada.client.post(f"{HOOKS}/{h['id']}/rule-run", {"source": rule, **body}, expect=status).json  # noqa: E731
            none, all_ = run(), run(settings={"least": 0})
            assert none["accepted"] == 0 and all_["rejected"] == 0 and none["items"][0]["reason"] == "too small" and [i["log"][-1]["stage"] for i in none["items"]] == ["draft"] * len(none["items"]), (none, all_)
            assert run(422, source="rule{ name=1")["errors"][0]["pointer"] == "/source" and not any(r["name"] == "draft" for r in ada.client.get("/api/v1/rules", expect=200).json["items"])
            wrong = Poster(s, h)
            for _ in range(100):  # what is no signal hides none of the latest hundred
                wrong.post("size=lots", expect=422)
            dry = ada.client.post(f"{HOOKS}/{h['id']}/dry-run", {"stages": []}, expect=200).json
            assert (dry["accepted"], dry["rejected"]) == (4, 0), dry
            dry = ada.client.post(f"{HOOKS}/{h['id']}/dry-run", expect=200).json
            assert [i["accept"] for i in dry["items"]] == [True, False, True, False], dry
            ada.client.put("/api/v1/signals/stages", {"stages": [{"rule": "session_filter", "settings": {"from": "00:00", "to": "00:00", "days": "8"}}]}, expect=200)
            Poster(s, h).post("close XBT")
            assert last(h, "rejected")["reason"].startswith("session_filter: no session begins")
            ada.client.put("/api/v1/signals/stages", {"stages": []}, expect=200)

        @case("the same message many times at once is acted upon and counted once")
        def _():
            h = hook(settings={"stages": [{"rule": "daily_cap", "settings": {"max": 2}}]})
            bot = listens(h, ada, "once")
            Poster(s, h).post({"id": "first", "symbol": "BTCUSDT", "action": "note"})
            last(h, "delivered")  # the rules are awake: from now on they are asked before the acceptance is committed
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                taken = list(pool.map(lambda _: Poster(s, h).post({"id": "same", "symbol": "BTCUSDT", "action": "note"}).json["duplicate"], range(8)))
            assert sorted(taken) == [False] + [True] * 7, taken
            until(lambda: [d["state"] for d in deliveries(h)], lambda states: collections.Counter(states) == {"delivered": 2, "duplicate": 7})
            until(lambda: s.anonymous().get("/metrics").body.decode(), lambda text: "perigee_signals_waiting 0\n" in text)
            until(lambda: len(heard(ada, bot)), lambda n: n == 2)
            Poster(s, h).post({"id": "third", "symbol": "BTCUSDT", "action": "note"})
            assert last(h, "rejected")["reason"] == "daily_cap: 2 signals were accepted today, 2 are allowed"
            assert len(heard(ada, bot)) == 2

        @case("an operator changes a rule and the next signal meets the new one")
        def _():
            h = hook(settings={"stages": [{"rule": "house"}]}, expect=422)
            assert h["errors"][0]["pointer"] == "/settings/stages/0/rule"
            operator = s.operator()

            def put(body):
                made = operator.post("/api/v1/admin/scripts", {"kind": "rule", "name": "house", "source": "rule{name='House', api=1}\nfunction on_signal(s, env) " + body + " end"}).json
                operator.post(f"/api/v1/admin/scripts/{made['id']}/versions/{made['latest_version']}/activate", expect=200)

            put("return false, 'the first'")
            h = hook(settings={"stages": [{"rule": "house"}]})
            for body, state, reason in (("return true", "delivered", ""), ("while true do end", "rejected", "house: the rule failed"), ("error('no')", "rejected", "house: the rule failed"),
                                        ("return 1 == 1", "delivered", ""), ("return false, 'the last'", "rejected", "house: the last")):
                put(body)
                Poster(s, h).post("buy BTCUSDT")
                d = last(h, state)
                assert d["reason"] == reason, d

        @case("rules of customers own run elsewhere and nobody else meets them")
        def _():
            bad = ada.client.post("/api/v1/rules", {"name": "mine", "source": "rule{name='x', api=1}\nfunction on_signl() end"}, expect=422)
            assert bad.code == "script_rejected" and "is 'on_signl' meant?" in bad.json["detail"] and "mine.lua:1" in bad.json["detail"], bad
            spin = ada.client.post("/api/v1/rules", {"name": "mine", "source": "rule{name='x', api=1}\nwhile true do end"}, expect=422)
            assert spin.code == "script_rejected", spin
            looked = ada.client.post("/api/v1/signals/rule-check", {"name": "mine", "source": "-- a line\nrule{name='x', api=1, setings={}}\nfunction on_signal() end"}, expect=200).json
            assert not looked["ok"] and looked["header"] is None and looked["problems"][0]["line"] == 2, looked
            looked = ada.client.post("/api/v1/signals/rule-check", {"source": "rule{name='x', api=1}\nfunction on_signal() end"}, expect=200).json
            assert looked["ok"] and looked["header"]["name"] == "x" and not looked["problems"], looked
            ada.client.post("/api/v1/rules", {"name": "idle", "source": "rule{name='x', api=1}\nfunction on_signal() end"}, expect=201)
            idle = [r for r in ada.client.get("/api/v1/rules", expect=200).json["items"] if r["name"] == "idle"]
            assert [(r["active_version"], r["latest_version"]) for r in idle] == [(None, 1)], idle
            source = "rule{name='Mine', api=1, settings={word={default='%s'}}}\nfunction on_signal(s, env) return false, env.settings.word end"
            made = ada.client.post("/api/v1/rules", {"name": "mine", "source": source % "one", "activate": True}, expect=201).json
            assert made["active_version"] == 1 and made["header"]["settings"][0]["name"] == "word", made
            assert [r["own"] for r in ada.client.get("/api/v1/rules", expect=200).json["items"] if r["name"] == "mine"] == [True]
            assert not [r for r in bob.client.get("/api/v1/rules", expect=200).json["items"] if r["name"] == "mine"]
            bob.client.get("/api/v1/rules/mine", expect=404)
            assert hook(bob, expect=422, settings={"stages": [{"rule": "mine"}]})["errors"][0]["pointer"] == "/settings/stages/0/rule"
            assert hook(expect=422, settings={"stages": [{"rule": "mine", "settings": {"wrd": "x"}}]})["errors"][0]["pointer"] == "/settings/stages/0/settings"
            h = hook(settings={"stages": [{"rule": "mine"}]})
            Poster(s, h).post("buy BTCUSDT")
            assert last(h, "rejected")["reason"] == "mine: one"
            ada.client.post("/api/v1/rules", {"name": "mine", "source": source % "two"}, expect=201)
            assert ada.client.post("/api/v1/rules/mine/versions/2/activate", expect=200).json["active_version"] == 2
            assert "'one'" in ada.client.get("/api/v1/rules/mine/versions/1", expect=200).json["source"]
            bob.client.get("/api/v1/rules/mine/versions/1", expect=404)
            Poster(s, h).post("buy BTCUSDT 2")
            until(lambda: last(h)["reason"], lambda reason: reason == "mine: two")
            ada.client.delete("/api/v1/rules/mine", expect=204)
            assert ada.client.post(f"{HOOKS}/{h['id']}/test", {"body": "buy"}, expect=409).code == "conflict"
            assert ada.client.post(f"{HOOKS}/{h['id']}/test", {"body": "buy", "stages": [{"rule": "mine"}]}, expect=422).json["errors"][0]["pointer"] == "/stages/0/rule"
            Poster(s, h).post("buy BTCUSDT 3")
            assert "no active rule named mine" in last(h, "failed")["reason"]

        @case("a rule that burns its budget is held for its owner alone until an operator lets it go")
        def _():
            spin, fair = "rule{name='x', api=1}\nfunction on_signal(s, env) while true do end end", "rule{name='x', api=1}\nfunction on_signal(s, env) return s.action == 'note' end"
            ada.client.post("/api/v1/rules", {"name": "heavy", "source": spin, "activate": True}, expect=201)
            bob.client.post("/api/v1/rules", {"name": "heavy", "source": spin, "activate": True}, expect=201)
            bob.client.post("/api/v1/rules", {"name": "light", "source": fair, "activate": True}, expect=201)
            evil, good = hook(settings={"stages": [{"rule": "daily_cap"}, {"rule": "heavy"}]}), hook(bob, settings={"stages": [{"rule": "light"}]})
            # Each process counts for itself, and one that was slow three times is asked in another.
            sent, worn = 0, "heavy: its budgets had to stop it eight times; put another version"
            while sent < 24 and (sent < 9 or deliveries(evil)[0]["reason"] != worn):
                Poster(s, evil).post({"id": f"e{sent}", "symbol": "BTCUSDT", "action": "note"})
                Poster(s, good).post({"id": f"g{sent}", "symbol": "BTCUSDT", "action": "note"})
                sent += 1
                until(lambda: [d["state"] for d in deliveries(evil)], lambda states: states == ["rejected"] * sent)
            until(lambda: [d["state"] for d in deliveries(good, bob)], lambda states: states == ["delivered"] * sent)
            reasons = {d["reason"] for d in deliveries(evil)}
            assert reasons == {"heavy: the rule failed", worn}, reasons
            assert deliveries(evil)[0]["signal"]["symbol"] == "BTCUSDT" and "instructions" in deliveries(evil)[-1]["log"][1]["error"]
            rules = {r["name"]: r["held"] for r in ada.client.get("/api/v1/rules", expect=200).json["items"]}
            assert rules["heavy"].startswith("its budgets had to stop it") and rules["daily_cap"] is None and ada.client.get("/api/v1/rules/heavy", expect=200).json["held"] == rules["heavy"]
            assert bob.client.get("/api/v1/rules/heavy", expect=200).json["held"] is None  # the same source, another customer
            operator = s.operator()
            held = until(lambda: operator.get("/api/v1/admin/signals/held", expect=200).json["items"], len)
            assert [h["rule"] for h in held] == ["heavy"] and held[0]["reason"] == rules["heavy"], held
            operator.post(f"/api/v1/admin/signals/held/{held[0]['id']}/release", expect=204)
            operator.post(f"/api/v1/admin/signals/held/{held[0]['id']}/release", expect=404)
            assert ada.client.get("/api/v1/rules/heavy", expect=200).json["held"] is None
            assert ada.client.post(f"{HOOKS}/{evil['id']}/test", {"body": "note BTCUSDT"}, expect=200).json["reason"] == "the rule failed"  # it was asked
            assert not rules_deaths(), "budgets inside were enough"

        @case("the process that asks rules is killed under load and each signal is heard once")
        def _():
            h = hook(settings={"stages": [{"rule": "symbol_map"}, {"rule": "daily_cap", "settings": {"max": 0}}], "ttl_s": 3600, "per_minute": 100000})
            bot = listens(h, ada, "unshaken")
            killed = 0
            for i in range(90):
                Poster(s, h).post({"id": f"k{i}", "symbol": "BTCUSDT", "action": "note"})
                if i % 15 == 7:
                    for pid in rules_processes(s):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
            until(lambda: {d["state"] for d in deliveries(h)}, lambda states: states == {"delivered"})
            lines = until(lambda: heard(ada, bot), lambda n: len(n) >= 90)
            assert killed >= 3 and len(lines) == 90 and len(set(lines)) == 90, (killed, len(lines))
            assert rules_deaths() >= killed and not s.operator().get("/api/v1/admin/signals/held", expect=200).json["items"]

        @case("more signals at once than a bot keeps in memory are all heard, once each, and in their order")
        def _():
            h, count = hook(settings={"ttl_s": 600, "per_minute": 100000}), 2100
            bot = ada.bot("flooded", COUNTS)
            ada.client.put(f"{HOOKS}/{h['id']}/bots/{bot}", expect=204)
            ada.wait(bot, lambda b: b["state"] == "running")
            bodies = [json.dumps({"symbol": "BTCUSDT", "action": "note", "size": i}) for i in range(1, count + 1)]
            hosts = rules_processes(s, rules=False)
            for pid in hosts:  # it hears nothing meanwhile
                os.kill(pid, signal.SIGSTOP)
            try:
                with socket.create_connection(("127.0.0.1", s.port)) as to:
                    to.sendall("".join(f"POST {h['path']} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {len(b)}\r\n\r\n{b}" for b in bodies).encode())
                    answers = b""
                    while answers.count(b"HTTP/1.1 200 ") < count:
                        answers += to.recv(1 << 20) or (_ for _ in ()).throw(AssertionError(answers[-300:]))
                until(lambda: [d for d in deliveries(h) if d["state"] == "accepted"], lambda d: not d)
            finally:
                for pid in hosts:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
            lines = until(lambda: [line["text"] for line in ada.get(bot, "/logs?limit=5")["items"]], lambda lines: lines and lines[0].startswith(f"heard {count} "), 60)
            assert lines[0] == f"heard {count} {count * (count + 1) // 2} 0", lines
            ada.act(bot, "stop")

        @case("one signal to several bots drawn by lot where there is a cap and by symbol")
        def _():
            h = hook(settings={"cap": {"bots": 2}, "route": "symbol"})
            bots = [listens(h, ada, f"fan {i}") for i in range(3)]
            other = ada.bot("elsewhere", FOLLOWS, symbol="ETHUSDT")
            ada.client.put(f"{HOOKS}/{h['id']}/bots/{other}", expect=204)
            ada.wait(other, lambda b: b["state"] == "running")
            told = set()
            for i in range(6):
                Poster(s, h).post({"id": str(i), "symbol": "BTCUSDT", "action": "hold"})
                d = last(h, "delivered")
                receipts = ada.client.get(f"{HOOKS}/{h['id']}/deliveries/{d['id']}/receipts", expect=200).json["items"]
                assert d["bots"] == 2 and len(receipts) == 2 and other not in {r["bot_id"] for r in receipts}, (d, receipts)
                told.add(tuple(r["bot_id"] for r in receipts))
            assert len(told) > 1 and {b for t in told for b in t} <= set(bots), told  # drawn by lot
            h = hook(settings={"cap": {"size": 0.3}})
            for bot in bots:
                ada.client.put(f"{HOOKS}/{h['id']}/bots/{bot}", expect=204)
            for size, most in ((0.1, 3), (0.15, 2), (-0.3, 1), (0.31, 0)):
                Poster(s, h).post({"id": f"of {size}", "symbol": "BTCUSDT", "action": "hold", "size": size})
                assert last(h, "delivered")["bots"] == most, size

        @case("killed at any moment nothing accepted is lost or acted upon twice")
        def _():
            h = hook(settings={"stages": [{"rule": "dedupe", "settings": {"within_s": 1}}], "ttl_s": 3600, "per_minute": 100000})
            today = hook(settings={"stages": [{"rule": "dedupe", "settings": {"within_s": 600}}, {"rule": "daily_cap", "settings": {"max": 2}}]})
            bot = listens(h, ada, "killed")
            Poster(s, today).post({"symbol": "BTCUSDT", "action": "note"})
            last(today, "delivered")
            accepted = []
            for round_ in range(3):
                for i in range(25):
                    try:
                        answer = Poster(s, h).post({"id": f"{round_}-{i}", "symbol": f"S{round_}x{i}", "action": "note"})
                        accepted.append(answer.json["id"])
                    except OSError:
                        pass
                asked = rules_processes(s)
                for pid in asked if round_ == 1 else ():  # accepted and not asked about: taken up at the next start
                    os.kill(pid, signal.SIGSTOP)
                accepted += [Poster(s, h).post({"id": f"{round_}-open-{i}", "symbol": f"S{round_}x{i + 25}", "action": "note"}).json["id"] for i in range(5)]
                if round_ == 1:
                    assert [d["state"] for d in deliveries(h)[:5]] == ["accepted"] * 5
                s.stop(signal.SIGKILL)
                for pid in asked:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                s.start()
                ada.client = s.login("ada@example.org")
            until(lambda: [d for d in deliveries(h) if d["state"] == "accepted"], lambda d: not d)
            rows = {d["id"]: d for d in deliveries(h)}
            assert len(accepted) == 90 and set(accepted) <= set(rows), len(accepted)
            ada.wait(bot, lambda b: b["state"] == "running", 60)
            assert all(rows[a]["state"] == "delivered" for a in accepted), [d for d in rows.values() if d["state"] != "delivered"]
            lines = until(lambda: heard(ada, bot), lambda n: len(n) >= 90)
            assert len(lines) == 90 and len(set(lines)) == 90, len(lines)
            # Rules know what was accepted before.
            for action, state, reason in (("note", "rejected", "dedupe: the same was accepted"), ("hold", "delivered", ""), ("other", "rejected", "daily_cap: 2 signals were accepted today")):
                Poster(s, today).post({"symbol": "BTCUSDT", "action": action})
                assert last(today, state)["reason"].startswith(reason), (action, last(today))

        @case("bots that all start at once hear the next signal and do not wait for a bar")
        def _():
            start_at_once(binary)

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
