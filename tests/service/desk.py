#!/usr/bin/env python3
"""What the operators' console reads and does: desk.py PERIGEE. Prints TAP. Search, usage, bots of all tenants with logs, decisions and why,
failures, scripts with who and when, who halted, the audit log and its check, figures of the service, revenue to the cent, looking over
somebody's shoulder with the console's cookie."""
import asyncio
import decimal
import json
import sqlite3
import sys
import time

from auth import totp
from bots import Customer
from disk import until
from service import PASSWORD, Client, Service, run_cases

try:
    import websockets
except ImportError:
    websockets = None

ADMIN = "/api/v1/admin"
DAY_NS = 24 * 3600 * 10**9
# On what its proof has it trades; on what comes live it fails, now and then.
TRADES = """strategy{ name="trades", api=1 }
function on_bar(ctx, bar)
  ctx:log("info", "a bar")
  if ctx.pos.flat then ctx:buy{qty=0.0005, tag="in"} else ctx:close{} end
end
"""
FAILS = """strategy{ name="fails", api=1 }
function on_bar(ctx, bar)
  if bar.time > 1700000000000 then local nothing; return nothing.field end
end
"""


class Browser(Client):
    """Keeps cookies and the CSRF token as the console does."""

    def __init__(self, service):
        super().__init__(service)
        self.jar, self.csrf = {}, None

    def post(self, path, body=None, expect=None, **kw):
        conn = self.service.connect()
        fields = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Cookie": self.cookies(), **({"X-CSRF-Token": self.csrf} if self.csrf else {})}
        conn.request("POST", path, json.dumps(body or {}), fields)
        answer = conn.getresponse()
        for field, value in answer.getheaders():
            if field.lower() == "set-cookie":
                name, _, rest = value.partition("=")
                self.jar[name] = rest.split(";")[0]
        text = json.loads(answer.read() or "null")
        conn.close()
        assert expect is None or answer.status == expect, (path, answer.status, text)
        self.csrf = (text or {}).get("csrf_token", self.csrf)
        return text

    def get(self, path, **kw):
        return self.call("GET", path, headers={"Cookie": self.cookies()}, **kw)

    def cookies(self):
        return "; ".join(f"{k}={v}" for k, v in self.jar.items())


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary, args=["--feed", "sim=sim:speed=600"])
    with service as s:
        op = s.operator()
        ada, bob = Customer(s, "ada@example.org"), Customer(s, "bob@example.org", plan=None)
        eve = s.register("eve@example.org")
        op.patch(f"{ADMIN}/users/{eve.me['id']}", {"role": "super_admin"}, expect=200)
        secret = eve.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        eve.post("/api/v1/auth/verify-2fa", {"code": totp(secret, time.time() - 30)}, expect=200)
        boss = Browser(s)
        boss.post("/api/v1/auth/login", {"email": "eve@example.org", "password": PASSWORD, "code": totp(secret), "cookie": True}, expect=200)
        adas = ada.client.me["id"]
        trader = ada.bot(ada.strategy("Trades", TRADES), name="Trader", timeframe="1m")
        failing = bob.bot(bob.strategy("Fails", FAILS), name="Failing", timeframe="1m")
        ada.act(trader, "start")
        bob.act(failing, "start")

        def items(path):
            return boss.get(ADMIN + path, expect=200).json["items"]

        @case("people are found by part of their address, by id, by role, and those who are suspended")
        def _():
            assert [u["email"] for u in items("/users?q=DA@ex")] == ["ada@example.org"] and [u["email"] for u in items(f"/users?q={adas}")] == ["ada@example.org"]
            assert {u["role"] for u in items("/users?role=super_admin")} == {"super_admin"} and "eve@example.org" in [u["email"] for u in items("/users?role=super_admin")]
            assert items("/users?suspended=true") == []
            first = boss.get(f"{ADMIN}/users?limit=2", expect=200).json
            rest = items(f"/users?cursor={first['next_cursor']}")
            assert len(first["items"]) == 2 and len({u["id"] for u in first["items"] + rest}) == 2 + len(rest) >= 3
            one = boss.get(f"{ADMIN}/users/{adas}", expect=200).json
            assert one["subscription"]["plan"]["id"] == "enterprise" and one["exception"] is None and {i["name"]: i["used"] for i in one["usage"]["items"]}["bots"] == 1, one

        @case("tenants with their plan and what they use of it")
        def _():
            mine, = items("/tenants?q=ada@")
            assert mine["email"] == "ada@example.org" and (mine["bots"], mine["bots_started"], mine["accounts"]) == (1, 1, 1) and mine["subscription"]["plan"]["id"] == "enterprise", mine
            assert {i["name"]: i["used"] for i in mine["usage"]["items"]}["bots"] == 1 and len(items("/tenants?limit=2")) == 2

        @case("an operator looks over a shoulder with the console's cookie: only reading, in the audit log, and back by refreshing")
        def _():
            boss.post(f"{ADMIN}/users/{adas}/impersonate", {"cookie": True}, expect=200)
            me = boss.get("/api/v1/me", expect=200).json
            assert me["email"] == "ada@example.org" and me["impersonated_by"] == eve.me["id"], me
            assert [b["id"] for b in boss.get("/api/v1/bots", expect=200).json["items"]] == [trader["id"]]
            assert boss.post(f"/api/v1/bots/{trader['id']}/stop")["code"] == "forbidden" and boss.get(ADMIN + "/users").code == "forbidden"
            boss.post("/api/v1/auth/refresh", expect=200)
            me = boss.get("/api/v1/me", expect=200).json
            assert me["email"] == "eve@example.org" and me.get("impersonated_by") is None, me
            looked, = items("/audit?action=user.impersonate")
            assert (looked["user"], looked["actor"], looked["object"]) == ("ada@example.org", "eve@example.org", adas), looked

        @case("a plan for a while: in force at once, told with who and why, and over when it is")
        def _():
            until_ms = int(time.time() * 1000) + 86400000
            boss.call("PUT", f"{ADMIN}/users/{bob.client.me['id']}/plan", {"plan": "enterprise", "expires_at_ms": until_ms, "reason": "a friend"},
                      headers={"Cookie": boss.cookies(), "X-CSRF-Token": boss.csrf}, expect=200)
            his = boss.get(f"{ADMIN}/users/{bob.client.me['id']}", expect=200).json
            assert his["subscription"]["plan"]["id"] == "enterprise" and his["exception"]["reason"] == "a friend" and his["exception"]["expires_at_ms"] == until_ms, his
            assert his["exception"]["actor_id"] == eve.me["id"], his

        @case("bots of all tenants, by text, state and whose; what one logged, ordered and decided, and why")
        def _():
            assert {(b["name"], b["owner"]) for b in items("/bots")} == {("Trader", "ada@example.org"), ("Failing", "bob@example.org")}
            for query in ("q=trad", "q=ada@", f"q={trader['id']}", f"tenant_id={ada.client.me['tenant_id']}", f"account_id={ada.account}"):
                assert [b["name"] for b in items(f"/bots?{query}")] == ["Trader"], query
            assert items("/bots?q=nobody") == []
            mine = f"/bots/{trader['id']}"
            until(lambda: items(mine + "/orders"), "no order", 60)
            order = items(mine + "/orders")[-1]
            until(lambda: items(mine + "/logs"), "no log", 60)
            assert items(mine + "/logs")[0]["text"].startswith("a bar") and items(mine + "/decisions")
            why = boss.get(f"{ADMIN}{mine}/orders/{order['id']}/why", expect=200).json
            assert why["by"] == "script" and why["order"]["id"] == order["id"] and why["replay"], why

        @case("failures of all bots; of those that wait for somebody")
        def _():
            until(lambda: items("/failures"), "no failure", 60)
            fault = items("/failures")[0]
            assert (fault["bot_id"], fault["owner"], fault["what"]) == (failing["id"], "bob@example.org", "script-failed") and "nothing" in fault["detail"], fault
            held = items("/failures?held=true")
            assert all(f["bot_state"] in ("dead", "retired", "quarantined") for f in held), held

        @case("scripts of any kind: checked while they are written, put, activated, and who did it when")
        def _():
            def check(kind, source):
                return boss.post(f"{ADMIN}/scripts/check", {"kind": kind, "name": "unified", "source": source}, expect=200)
            tier, = [i for i in items("/scripts?kind=tier") if i["name"] == "unified"]
            source = boss.get(f"{ADMIN}/scripts/{tier['id']}/versions/1", expect=200).json["source"]
            good = check("tier", source)
            assert good["ok"] and good["problems"] == [] and good["header"], good
            bad = check("tier", source + "\nlocal x = = 1\n")
            assert not bad["ok"] and bad["problems"][0]["line"] == source.count("\n") + 2, bad
            assert check("strategy", TRADES)["ok"] and not check("strategy", TRADES.replace("ctx:log", "ctx:lo"))["ok"]
            put = boss.post(f"{ADMIN}/scripts", {"kind": "tier", "name": "unified", "source": source + "-- more\n", "comment": "more"}, expect=201)
            boss.post(f"{ADMIN}/scripts/{tier['id']}/versions/{put['latest_version']}/activate", expect=200)
            done = items(f"/scripts/{tier['id']}/activations")
            assert (done[0]["version"], done[0]["previous"], done[0]["actor"]) == (2, 1, "eve@example.org") and done[-1]["actor"] is None, done

        @case("who halted what, by its name")
        def _():
            boss.post(f"{ADMIN}/halt", {"level": "bot", "id": trader["id"], "mode": "reduce"}, expect=200)
            op.post(f"{ADMIN}/halt", {"level": "tenant", "id": bob.client.me["tenant_id"]}, expect=200)
            there = {h["level"]: h for h in items("/halt")}
            assert (there["bot"]["by"], there["bot"]["name"]) == ("eve@example.org", "Trader"), there
            assert (there["tenant"]["by"], there["tenant"]["name"]) == (None, "bob@example.org"), there

        @case("how the service does, when asked and live; support may look, a customer may not")
        def _():
            now = boss.get(f"{ADMIN}/system", expect=200).json
            host, = [h for h in now["hosts"] if h["bots"] > 0][:1]
            assert host["pid"] > 0 and host["up"] and host["memory_bytes"] > 2**20 and host["tenants"] >= 1, now["hosts"]
            assert now["feeds"][0]["venue"] == "sim" and now["feeds"][0]["state"] == "running" and now["free_bytes"] > 0 and now["memory_bytes"] > 2**20, now
            assert now["storage"]["journal"]["file_bytes"] > 0 and now["latency"]["journal_commit"]["count"] > 0 and now["latency"]["callbacks"]["p50_ms"] > 0, now
            assert sum(now["bots"]["states"].values()) == 2, now["bots"]
            if not websockets:
                return

            token = next(v for k, v in boss.jar.items() if k not in ("__Host-perigee-device",) and v.count(".") == 2)

            async def listen(token, then):
                async with websockets.connect(f"ws://127.0.0.1:{s.port}/api/v1/ws") as ws:
                    await ws.send(json.dumps({"op": "auth", "token": token}))
                    await ws.send(json.dumps({"op": "subscribe", "channels": ["system", "audit"]}))
                    seen, deadline = {}, time.monotonic() + 30
                    while len(seen) < 2:
                        assert time.monotonic() < deadline, seen
                        event = json.loads(await asyncio.wait_for(ws.recv(), 30))
                        if event.get("denied"):
                            return [d["code"] for d in event["denied"]]
                        if event.get("op") == "subscribed":
                            then()  # told from now on; what was done just before may be, too
                        if event.get("type") == "system" or (event.get("type") == "audit" and event["data"]["action"] == "password.forgot"):
                            seen.setdefault(event["ch"], event["data"])
                    return seen
            seen = asyncio.run(listen(token, lambda: op.post(f"{ADMIN}/users/{bob.client.me['id']}/reset-password", expect=202)))
            assert seen["system"]["hosts"] and seen["audit"]["user"] == "bob@example.org", seen
            assert asyncio.run(listen(ada.client.token, None)) == ["forbidden", "forbidden"]

        @case("revenue is exact: plans and add-ons, who goes, who came, what a customer is worth")
        def _():
            plans = {p["id"]: decimal.Decimal(p["monthly_price"]) for p in s.anonymous().get("/api/v1/subscriptions/plans", expect=200).json["items"]}
            priced = [p for p in plans if plans[p] > 0][0]

            def business():
                return boss.get(f"{ADMIN}/metrics/business", expect=200).json
            b = business()
            assert decimal.Decimal(b["mrr"]) == plans["enterprise"] and b["paying"] == 1 and b["churn"]["paying_then"] == 0 and b["ltv"] is None and b["exceptions"] == 1, b
            # Three who paid a month and a half ago; one of them has cancelled a week ago, one has gone to a plan that has no price any more.
            now = time.time_ns()
            with sqlite3.connect(s.data / "control.db", timeout=30) as db:
                for n, last in enumerate((priced, None, "gone")):
                    tenant, row = 1000 + n, "INSERT INTO subscription_event VALUES (?, ?, ?, ?, NULL, ?, '{}', NULL)"
                    db.execute(row, (10 * tenant, tenant, now - 45 * DAY_NS, "upgrade", priced))
                    if last != priced:
                        db.execute(row, (10 * tenant + 1, tenant, now - 7 * DAY_NS, "cancel" if last is None else "downgrade", last or priced))
                    db.execute("INSERT INTO subscription VALUES (?, ?, ?, ?, ?, NULL, '{}', 1)",
                               (tenant, last or priced, "active" if last else "cancelled", now - 45 * DAY_NS, None if last else now + DAY_NS))
            db.close()
            b = business()
            assert decimal.Decimal(b["mrr"]) == plans["enterprise"] + plans[priced] and decimal.Decimal(b["leaving_mrr"]) == plans[priced] and (b["leaving"], b["unpriced"]) == (1, 1), b
            assert (b["churn"]["paying_then"], b["churn"]["lost"], b["churn"]["joined"]) == (3, 2, 1) and abs(b["churn"]["rate_pct"] - 66.67) < 0.01, b
            arpu = (plans["enterprise"] + plans[priced]) / 2
            assert decimal.Decimal(b["arpu"]) == arpu and decimal.Decimal(b["ltv"]) == arpu * 3 / 2, b
            assert sum(decimal.Decimal(p["mrr"]) for p in b["plans"]) == decimal.Decimal(b["mrr"]), b

        @case("the audit log is searched by who, what and whom, and checked; a changed row is found and told by its place")
        def _():
            assert {e["action"] for e in items(f"/audit?user_id={eve.me['id']}&action=script.")} == {"script.put", "script.activate"}
            assert [e["action"] for e in items(f"/audit?object={trader['id']}&action=halt.")] == ["halt.set"]
            assert all(e["tenant_id"] == ada.client.me["tenant_id"] for e in items(f"/audit?tenant_id={ada.client.me['tenant_id']}"))
            sound = boss.post(f"{ADMIN}/audit/verify", expect=200)
            assert sound["sound"] and sound["fault"] is None and sound["rows"] >= 20 and sound["chains"] >= 3, sound
            with sqlite3.connect(s.data / "control.db", timeout=30) as db:
                db.execute("DROP TRIGGER audit_no_update")
                seq, = db.execute("SELECT min(seq) FROM audit WHERE action = 'halt.set' AND tenant_id = 0").fetchone()
                db.execute("UPDATE audit SET detail = '{}' WHERE tenant_id = 0 AND seq = ?", (seq,))
            db.close()
            broken = boss.post(f"{ADMIN}/audit/verify", expect=200)
            assert not broken["sound"] and (broken["fault"]["tenant_id"], broken["fault"]["seq"]) == (None, seq), (broken, seq)

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
