#!/usr/bin/env python3
"""Every route as every role: roles.py PERIGEE. Who may do what is written down here a second time, by hand, and compared with the running
service: members of an organisation, operators with and without a second factor, operators who look at somebody's account, API keys by
scope, and somebody else. Refused must be 403 or 404, with nothing changed by all of it. A route whose permission is not listed fails."""
import re
import sys
import time

from auth import newest_mail, totp
from routes import Operation
from service import PASSWORD, Client, Service, run_cases
from work import finished, import_bars

MEMBER = {None: 0, "viewer": 1, "trader": 2, "owner": 3}
SITE = {"user": 0, "support": 1, "admin": 2, "super_admin": 3}

VARIED = """strategy{ name="varied", api=1, params={ pct=int{50,min=40,max=60} } }
function on_bar(ctx, bar)
  ctx:target{pct = bar.close > bar.open and ctx.p.pct or 0}
end
"""
# permission: least role in the tenant (None: one's own person, or the site), least role on the site, the scope of an API key (None: no key
# may), second factor needed
LEAST = {
    "me.read": (None, "user", "read", False), "me.write": (None, "user", None, False), "me.export": (None, "user", None, False),
    "sessions.read": (None, "user", None, False), "sessions.write": (None, "user", None, False), "keys.read": (None, "user", None, False),
    "keys.write": (None, "user", None, False), "orgs.create": (None, "user", None, False), "markets.read": (None, "user", "read", False),
    "orgs.read": ("viewer", "user", "read", False), "members.read": ("viewer", "user", "read", False), "members.write": ("owner", "user", None, False),
    "strategies.read": ("viewer", "user", "read", False), "strategies.write": ("trader", "user", "strategies", False),
    "backtests.read": ("viewer", "user", "read", False), "backtests.run": ("trader", "user", "strategies", False),
    "accounts.read": ("viewer", "user", "read", False), "accounts.write": ("owner", "user", None, False), "accounts.secrets": ("owner", "user", None, True),
    "bots.read": ("viewer", "user", "read", False), "bots.write": ("trader", "user", "trade", False),
    "signals.read": ("viewer", "user", "read", False), "signals.write": ("trader", "user", "trade", False),
    "notifications.read": ("viewer", "user", "read", False), "notifications.write": ("trader", "user", None, False),
    "admin.bots.read": (None, "support", "admin", False), "admin.bots.write": (None, "admin", "admin", True), "admin.halt": (None, "admin", "admin", False),
    "usage.read": ("viewer", "user", "read", False), "plans.read": ("viewer", "user", "read", False), "plans.write": ("owner", "user", None, False),
    "admin.users.read": (None, "support", "admin", False), "admin.users.write": (None, "admin", "admin", True), "admin.impersonate": (None, "admin", None, True),
    "admin.scripts.read": (None, "support", "admin", False), "admin.scripts.write": (None, "admin", "admin", True),
    "admin.business.read": (None, "admin", "admin", False), "admin.audit.read": (None, "support", "admin", False), "admin.system.read": (None, "support", "admin", False),
}
# Allowed, but they would end the caller's session or membership, or the account; or only the operator at the machine may (edition).
ENDING = ("admin_edition_load", "auth_logout", "me_delete", "sessions_delete_others", "session_delete", "key_delete", "member_delete", "subscription_cancel")


class Who:
    """A caller and what it is."""

    def __init__(self, name, client, member=None, site="user", mfa=False, scope=None, looking=False):
        self.name, self.client, self.member, self.site, self.mfa, self.scope, self.looking = name, client, member, site, mfa, scope, looking

    def refusal(self, op):
        """The code this caller must get; None: it may."""
        member, site, scope, mfa = LEAST[op.permission]
        if SITE[self.site] < SITE[site] or MEMBER[self.member] < MEMBER[member]:
            return "forbidden"
        if self.scope and self.scope != scope:
            return "forbidden"
        if self.looking and (not op.permission.endswith(".read") or site != "user"):
            return "forbidden"
        return "second_factor_missing" if mfa and not self.mfa else None


def second_factor(service, client, email):
    """The same person, signed in again with a code."""
    secret = client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
    client.post("/api/v1/auth/verify-2fa", {"code": totp(secret, time.time() - 30)}, expect=200)
    tokens = service.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, "code": totp(secret)}, expect=200).json
    again = Client(service, tokens["access_token"])
    again.me = client.me
    return again


class Stage:
    """An organisation with something of everything in it, and all who will try."""

    def __init__(self, s):
        def person(name):
            return s.register(f"{name}@example.org")
        self.ada, olga, tina, vic, bob = second_factor(s, person("ada"), "ada@example.org"), person("olga"), person("tina"), person("vic"), person("bob")
        plan = {"plan": s.anonymous().get("/api/v1/subscriptions/plans").json["items"][-1]["id"]}
        for client in (self.ada, tina, vic, bob):
            client.post("/api/v1/subscriptions/upgrade", plan, expect=200)
        self.org = self.ada.post("/api/v1/orgs", {"name": "Works"}, expect=201).json["id"]
        tenant = {"Perigee-Tenant": self.org}

        def within(client):
            inside = Client(s, client.token, tenant)
            inside.me = client.me
            return inside
        within(self.ada).post("/api/v1/subscriptions/upgrade", plan, expect=200)
        for client, role in ((olga, "owner"), (tina, "trader"), (vic, "viewer")):
            address = client.me["email"]
            self.ada.post(f"/api/v1/orgs/{self.org}/invitations", {"email": address, "role": role}, expect=201)
            token = "pgi_" + newest_mail(s, address, "pgi_").split("pgi_")[1][:43]
            client.post("/api/v1/orgs/invitations/accept", {"token": token}, expect=200)
        owner = within(self.ada)
        invitation = owner.post(f"/api/v1/orgs/{self.org}/invitations", {"email": "late@example.org", "role": "viewer"}, expect=201).json["id"]
        account = owner.post("/api/v1/accounts", {"venue": "bybit", "name": "Main", "secrets": {"api_key": "k", "api_secret": "s"}}, expect=201).json["id"]
        strategy = owner.post("/api/v1/strategies", {"name": "Owned", "source": VARIED, "activate": True}, expect=201).json["id"]
        backtest = owner.post("/api/v1/backtests", {"strategy_id": strategy, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}, expect=202).json["id"]
        optimization = owner.post("/api/v1/optimizations", {"strategy_id": strategy, "ranges": {"pct": "50..51"}, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}]}, expect=202).json["id"]
        finished(owner, backtest)
        finished(owner, optimization, "optimizations")
        paper = owner.post("/api/v1/accounts", {"venue": "paper", "name": "Play"}, expect=201).json["id"]
        bot = owner.post("/api/v1/bots", {"name": "Trader", "account_id": paper, "strategy_id": strategy, "venue": "sim", "symbol": "BTCUSDT", "timeframe": "1h"}, expect=201).json["id"]
        owner.post("/api/v1/risk/news", {"items": [{"from_ms": 3_999_999_999_999, "title": "Far away"}]}, expect=200)
        news = owner.get("/api/v1/risk/news?from_ms=3999999999999", expect=200).json["items"][0]["id"]
        channel = owner.post("/api/v1/notifications/channels", {"kind": "mail", "address": "desk@example.org"}, expect=201).json["id"]
        self.owner = owner
        self.ids = {"org_id": self.org, "user_id": self.ada.me["id"], "invitation_id": invitation, "account_id": account, "strategy_id": strategy, "version": 1,
                    "backtest_id": backtest, "optimization_id": optimization, "bot_id": bot, "news_id": news, "channel_id": channel, "symbol": "BTCUSDT", "session_id": self.ada.get("/api/v1/me/sessions").json["items"][0]["id"]}
        self.ids["key_id"] = owner.post("/api/v1/me/api-keys", {"name": "ada's", "scopes": ["read"]}, expect=201).json["id"]
        script = s.operator().get("/api/v1/admin/scripts?kind=tier", expect=200).json["items"]
        if script:
            self.ids["script_id"] = script[0]["id"]

        def key(client, scope):
            return Client(s, client.post("/api/v1/me/api-keys", {"name": scope, "scopes": [scope]}, expect=201).json["key"])
        staff = {}
        for role in ("support", "admin", "super_admin"):
            staff[role] = person(role.replace("_", "-"))
            s.operator().patch(f"/api/v1/admin/users/{staff[role].me['id']}", {"role": role}, expect=200)
        root = person("root")
        s.operator().patch(f"/api/v1/admin/users/{root.me['id']}", {"role": "super_admin"}, expect=200)
        root = second_factor(s, root, "root@example.org")
        look = Client(s, root.post(f"/api/v1/admin/users/{self.ada.me['id']}/impersonate", expect=200).json["access_token"], tenant)

        self.members = [Who("viewer", within(vic), "viewer"), Who("trader", within(tina), "trader"), Who("owner without a second factor", within(olga), "owner")]
        self.keys = [Who(f"a trader's key, scope {scope}", key(within(tina), scope), "trader", scope=scope) for scope in ("read", "trade", "strategies")]
        self.staff = [Who(role, client, "owner", role) for role, client in staff.items()]
        self.root = Who("super_admin with a second factor", root, "owner", "super_admin", True)
        self.looking = Who("an operator who looks at the owner's account", look, "owner", looking=True)
        self.tina = Who("trader", within(tina), "trader")
        # To these the organisation does not exist.
        self.strangers = [("another tenant", within(bob)), ("another tenant's key", Client(s, key(bob, "read").token, tenant)),
                          ("the owner's key for their own tenant", Client(s, key(self.ada, "read").token, tenant)),
                          *((f"{role}, no member", within(client)) for role, client in staff.items()), ("super_admin with a second factor, no member", within(root))]

    def everything(self):
        """What the organisation and its owner have, as they see it."""
        got = [self.owner.get(path, expect=200).body for path in (
            f"/api/v1/orgs/{self.org}", f"/api/v1/orgs/{self.org}/members", f"/api/v1/orgs/{self.org}/invitations", "/api/v1/accounts", "/api/v1/strategies",
            f"/api/v1/strategies/{self.ids['strategy_id']}/versions", "/api/v1/risk/news?from_ms=3999999999999&to_ms=4000000000000", "/api/v1/backtests", "/api/v1/optimizations", "/api/v1/bots", f"/api/v1/bots/{self.ids['bot_id']}", "/api/v1/subscriptions/current", "/api/v1/me")]
        return got + [[k["id"] for k in self.owner.get("/api/v1/me/api-keys").json["items"]]]


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary)
    import_bars(binary, service.data, count=200)
    with service as s:
        doc = s.anonymous().get("/api/v1/openapi.json", expect=200).json
        closed = [op for op in (Operation(doc, path, method, op) for path, item in doc["paths"].items() for method, op in item.items()) if not op.open]
        for op in closed:
            op.permission = op.op["description"].split("Permission `")[1].split("`")[0]
        stage = Stage(s)
        before = stage.everything()

        def refused(who, ops):
            """All that this caller may not do is refused, with the code for it."""
            tried = 0
            for op in ops:
                wanted = who.refusal(op)
                if wanted:
                    answer = op.call(who.client, stage.ids)
                    assert answer.status in (403, 404) and answer.code in (wanted, "not_found"), f"{who.name}: {op.id}: {answer} instead of {wanted}"
                    tried += 1
            assert tried >= 5, tried

        def allowed(who, ops):
            """All that it may do is not refused for who it is."""
            tried = 0
            for op in sorted(ops, key=lambda op: op.method == "DELETE"):
                if who.refusal(op) is None and op.id not in ENDING:
                    answer = op.call(who.client, stage.ids)
                    assert answer.code not in ("forbidden", "second_factor_missing", "unauthenticated", "token_expired"), f"{who.name}: {op.id}: {answer}"
                    tried += 1
            assert tried >= 5, tried

        @case(f"who may call each of {len(closed)} operations has been decided")
        def _():
            assert not {op.permission for op in closed} - set(LEAST), {op.permission for op in closed} - set(LEAST)

        @case("the document says of which operations Perigee-Tenant names the organisation: a tenant's affairs, and keys that are made for it")
        def _():
            for op in closed:
                said = [p for p in op.op.get("parameters", []) if p["name"] == "Perigee-Tenant"]
                honoured = op.id == "key_create" or (LEAST[op.permission][0] is not None and "{org_id}" not in op.template)
                assert bool(said) == honoured, op.id
                for p in said:
                    schema = doc["components"]["schemas"][p["schema"]["$ref"].rsplit("/", 1)[1]]
                    assert p["in"] == "header" and not p["required"] and re.search(schema["pattern"], stage.org), p
            assert any(op.id == "strategies_list" for op in closed)
            mine, ours = (stage.ada.get("/api/v1/strategies", headers=h, expect=200).json["items"] for h in ({}, {"Perigee-Tenant": stage.org}))
            assert not mine and len(ours) == 1, (mine, ours)

        for name, client in stage.strangers:
            @case(f"refused: {name}, everything within the organisation")
            def _(name=name, client=client):
                for op in closed:
                    answer = op.call(client, stage.ids)
                    assert answer.status in (403, 404), f"{name}: {op.id}: {answer}"

        for who in [*stage.members, *stage.keys, *stage.staff, stage.looking]:
            case(f"refused: {who.name}, what is more than it may")(lambda who=who: refused(who, closed))

        @case("leaving an organisation is for the member alone; removing one for its owner")
        def _():
            op = [op for op in closed if op.id == "member_delete"][0]
            for who in [*stage.members[:2], *stage.keys]:
                answer = op.call(who.client, stage.ids)
                assert answer.code == "forbidden", f"{who.name}, another: {answer}"
            itself = {**stage.ids, "user_id": stage.tina.client.me["id"]}
            for who in stage.keys:
                answer = op.call(who.client, itself)
                assert answer.code == "forbidden", f"{who.name}, the key's maker: {answer}"
            answer = op.call(stage.looking.client, stage.ids)
            assert answer.code == "forbidden", f"{stage.looking.name}: {answer}"

        @case("nothing above has changed anything")
        def _():
            after = stage.everything()
            assert after == before, [(a, b) for a, b in zip(before, after) if a != b]

        for who in [stage.looking, *stage.keys, *stage.members]:
            case(f"allowed: {who.name}")(lambda who=who: allowed(who, closed))
        for who in [*stage.staff, stage.root]:
            case(f"allowed: {who.name}, operators' routes")(lambda who=who: allowed(who, [op for op in closed if op.admin]))

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
