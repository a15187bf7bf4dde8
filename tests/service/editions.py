#!/usr/bin/env python3
"""The five editions of examples/, each loaded into a fresh service: prices, branding and presets as the API shows them, strategies
proven, and the limits that today's routes can reach. editions.py PERIGEE. Prints TAP."""
import base64
import json
import pathlib
import subprocess
import sys
import time

from service import Service, run_cases

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
SOURCE = 'strategy{{name="x", api=1}}\nfunction on_bar(ctx, bar) end\n-- {}'

# Plan ids with prices, typed from the products' price lists; the first is what a customer without a subscription has.
PRICES = {
    "mikrobot": {"basic": "99", "professional": "199", "enterprise": "499"},
    "dca": {"starter": "29", "pro": "79", "enterprise": "199"},
    "unified": {"free": "0", "premium": "29", "enterprise": "99"},
    "luno": {"free": "0", "basic": "29.99", "premium": "99.99", "enterprise": "299.99"},
    "marketpilot": {"free": "0", "pro": "29", "enterprise": "99", "white-label": "299"},
}


class Customer:
    """A customer who tries what plans differ in; every try answers "ok" or the problem's code."""

    def __init__(self, service):
        self.client, self.uploads = service.register("ada@editions.example"), 0

    def code(self, answer):
        return "ok" if answer.status < 300 else answer.code

    def upload(self):
        self.uploads += 1
        body = {"name": f"s{self.uploads}", "source": SOURCE.format(self.uploads)}
        return self.code(self.client.post("/api/v1/strategies", body))

    def key(self):
        return self.code(self.client.post("/api/v1/me/api-keys", {"name": "k", "scopes": ["read"]}))

    def member(self):
        org = self.client.post("/api/v1/orgs", {"name": "Desk"}, expect=201).json["id"]
        return self.code(self.client.post(f"/api/v1/orgs/{org}/invitations", {"email": "b@editions.example", "role": "viewer"}))

    def plan(self, plan):
        self.client.post("/api/v1/subscriptions/upgrade", {"plan": plan}, expect=200)
        return self.client.get("/api/v1/subscriptions/current", expect=200).json

    def usage(self, name):
        return next(i for i in self.client.get("/api/v1/usage", expect=200).json["items"] if i["name"] == name)


def mikrobot(c, _service):
    assert c.upload() == "tier_forbids" and c.key() == "tier_forbids", "Basic: shipped strategies, no programs"
    assert c.usage("trades_per_day")["limit"] == 10
    c.plan("professional")
    assert c.upload() == "tier_forbids" and c.usage("trades_per_day")["limit"] == 50
    c.plan("enterprise")
    assert c.key() == "ok" and c.usage("trades_per_day")["limit"] is None


def dca(c, _service):
    assert [c.upload() for _ in range(4)] == ["ok", "ok", "ok", "tier_limit"], "Starter: three strategies"
    assert c.key() == "tier_forbids" and c.usage("bots")["limit"] == 1
    c.plan("pro")
    assert c.upload() == "ok" and c.usage("bots")["limit"] == 5 and c.key() == "tier_forbids"
    c.plan("enterprise")
    assert c.key() == "ok" and c.usage("bots")["limit"] == 20


def unified(c, _service):
    assert [c.upload(), c.upload()] == ["ok", "tier_limit"], "Free: one strategy"
    assert c.key() == "tier_forbids" and c.usage("accounts")["limit"] == 1
    c.plan("premium")
    assert c.upload() == "ok" and c.key() == "ok" and c.usage("accounts")["limit"] is None
    c.plan("free")  # what exceeds the smaller plan stays, nothing new is let in
    assert len(c.client.get("/api/v1/strategies", expect=200).json["items"]) == 2 and c.upload() == "tier_limit"


def luno(c, service):
    c.plan("premium")
    assert c.upload() == "ok"
    strategy = c.client.get("/api/v1/strategies/offered", expect=200).json["items"][0]["id"]
    test = {"strategy_id": strategy, "data": [{"venue": "demo", "symbol": "SP500", "timeframe": "1d"}]}
    job = c.client.post("/api/v1/backtests", test, expect=202).json["id"]
    deadline = time.monotonic() + 60
    while (state := c.client.get(f"/api/v1/backtests/{job}", expect=200).json["state"]) in ("queued", "running"):
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    assert state == "done", state
    c.plan("free")
    assert c.client.post("/api/v1/backtests", test).code == "tier_forbids", "Free has no backtests"
    assert c.upload() == "tier_forbids"
    if time.time() % 3600 > 3590:  # not across the end of an hour, where counting begins anew
        time.sleep(3600 - time.time() % 3600)
    answers = [c.client.get("/api/v1/strategies") for _ in range(101)]
    refused = [a for a in answers if a.status != 200]
    assert refused and answers[-1].code == "tier_limit", answers[-1]
    assert all(a.code == "tier_limit" and 1 <= int(a.headers["retry-after"]) <= 3600 for a in refused), refused
    bob = service.register("bob@editions.example")
    assert bob.get("/api/v1/strategies").status == 200, "another customer's hour is another's"


def marketpilot(c, _service):
    assert c.upload() == "tier_forbids" and c.usage("trades_per_month")["limit"] == 5
    c.plan("pro")
    assert c.upload() == "ok" and c.key() == "tier_forbids" and c.usage("trades_per_month")["limit"] is None
    c.plan("enterprise")
    assert c.key() == "ok"


LIMITS = {"mikrobot": mikrobot, "dca": dca, "unified": unified, "luno": luno, "marketpilot": marketpilot}


def offered(client, manifest):
    """The edition's strategies as a customer of the smallest plan chooses them: their header and presets, never their text."""
    items = client.get("/api/v1/strategies/offered", expect=200).json["items"]
    assert {o["name"] for o in items} == set(manifest["shipped"]), items
    for o in items:
        assert [p["name"] for p in o["presets"]] == [p["name"] for p in manifest["presets"] if p["strategy"] == o["name"]], o
        one = client.get(f"/api/v1/strategies/{o['id']}", expect=200).json
        assert one["offered"] is True and one["version"]["header"] == o["header"] and one["trial"] is None, one
    where = f"/api/v1/strategies/{items[0]['id']}"
    version = client.get(f"{where}/versions/1", expect=200).json
    assert version["header"] and not version.get("source") and version["author_id"] is None and version["verdict"] is None, version
    assert [v["author_id"] for v in client.get(f"{where}/versions", expect=200).json["items"]] == [None]
    for refused in (client.get(f"{where}/diff?from=1&to=1"), client.delete(where), client.post(f"{where}/versions/1/activate", {}), client.post(f"{where}/rollback", {}),
                    client.get(f"{where}/versions/1/shadow")):
        assert refused.status == 404, (refused.status, refused.json)
    assert client.get("/api/v1/strategies", expect=200).json["items"] == [], "the list is of one's own"


def try_edition(binary, name):
    manifest = json.loads((EXAMPLES / name / "edition.json").read_text())
    service = Service(binary, env={"PERIGEE_RATE_PERCENT": "100000"})  # rates of routes out of the way; 0 would let hourly limits pass too
    data = EXAMPLES / "data" / "SP500_1d.csv"
    subprocess.run([binary, "import", str(data), "--venue", "demo", "--symbol", "SP500", "--timeframe", "1d", "--data-dir", str(service.data)],
                   check=True, capture_output=True)
    with service as s:
        done = subprocess.run([binary, "edition", "load", str(EXAMPLES / name), "--data-dir", str(s.data)], capture_output=True, text=True)
        assert done.returncode == 0 and f"edition {name} is in force" in done.stdout, done

        plans = s.anonymous().get("/api/v1/subscriptions/plans", expect=200).json["items"]
        assert [(p["id"], p["monthly_price"]) for p in plans] == list(PRICES[name].items()), plans

        product = s.anonymous().get("/api/v1/edition", expect=200).json
        logo = "data:image/svg+xml;base64," + base64.b64encode((EXAMPLES / name / "logo.svg").read_bytes()).decode()
        assert product["edition"] == name and product["branding"] == {**manifest["branding"], "logo": logo}, product
        assert [(p["strategy"], p["name"], len(p["params"])) for p in product["presets"]] == \
            [(p["strategy"], p["name"], len(p["params"])) for p in manifest["presets"]], product

        scripts = s.operator().get("/api/v1/admin/scripts?kind=strategy&limit=200", expect=200).json["items"]
        assert {x["name"]: x["active_version"] for x in scripts} == {x: 1 for x in manifest["shipped"]}, scripts

        customer = Customer(s)
        assert customer.client.get("/api/v1/subscriptions/current").json["plan"]["id"] == plans[0]["id"]
        offered(customer.client, manifest)
        LIMITS[name](customer, s)


def main(binary):
    assert set(PRICES) == {p.parent.name for p in EXAMPLES.glob("*/edition.json")}, "an edition without a test"
    return run_cases([(f"{name}: loaded, its plans shown, its limits hold", lambda name=name: try_edition(binary, name)) for name in PRICES])


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
