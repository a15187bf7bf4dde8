#!/usr/bin/env python3
"""Tiers and scripts of a running service: shipped prices, hot reload under load, limits, editions. tiers.py PERIGEE. Prints TAP."""
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from service import Service, UnixConnection, run_cases
from work import import_bars

LIMITS = ("pairs", "pairs_per_bot", "accounts", "venues", "members", "trades_per_month", "backtests_per_day", "backtest_parallel",
          "backtest_seconds", "lua_memory_kib", "cpu_ms_per_s")


def tiers(n, edition="dca", strategies=100, calls=1000000, rate=1000, allow="", rights="custom_strategies=true"):
    """One tier whose price, bots and trades are the same number: an answer made of two versions would show two."""
    limits = ", ".join(f"{name}=1000" for name in LIMITS)
    return f"""return tiers{{ edition="{edition}", currency="USD", default="only",
  tiers={{ {{id="only", name="Only {n}", price_month="{n}", limits={{bots={n}, trades_per_day={n}, strategies={strategies},
    api_calls_per_hour={calls}, api_calls_per_minute={rate}, {limits}}}, rights={{{rights}}}}} }} {allow} }}
"""


class Operator:
    """The API over the unix socket."""

    def __init__(self, service):
        self.socket = service.data / "perigee.sock"

    def call(self, method, path, body=None, expect=None):
        conn = UnixConnection(self.socket)
        data = json.dumps(body) if body is not None else None
        conn.request(method, "/api/v1" + path, data, {"Content-Type": "application/json"} if data else {})
        response = conn.getresponse()
        text = response.read()
        conn.close()
        answer = json.loads(text) if text else None
        assert expect is None or response.status == expect, f"{method} {path}: {response.status} {text[:400]}"
        return response.status, answer

    def put(self, kind, name, source, expect=201):
        return self.call("POST", "/admin/scripts", {"kind": kind, "name": name, "source": source}, expect)[1]

    def activate(self, script, version, expect=200):
        return self.call("POST", f"/admin/scripts/{script['id']}/versions/{version}/activate", expect=expect)[1]


def numbers(plan):
    return {plan["monthly_price"], plan["name"].split()[-1], str(plan["limits"]["bots"]), str(plan["limits"]["trades_per_day"])}


class Load(threading.Thread):
    """Asks for the plans over one kept connection until told to stop."""

    def __init__(self, service):
        super().__init__()
        self.service, self.stopped, self.seen, self.failures = service, False, [], []

    def run(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=10)
        while not self.stopped:
            try:
                sent = time.monotonic()
                conn.request("GET", "/api/v1/subscriptions/plans")
                response = conn.getresponse()
                body = response.read()
                if response.status == 429:  # the address's own rate, not what is tried here
                    time.sleep(0.05)
                    continue
                if response.status != 200:
                    self.failures.append(f"{response.status} {body[:200]}")
                    continue
                plans = json.loads(body)["items"]
                if len(plans) != 1 or len(numbers(plans[0])) != 1:
                    self.failures.append(f"mixed: {plans}")
                self.seen.append((sent, time.monotonic(), plans[0]["limits"]["bots"]))
            except Exception as error:  # a dropped request is what this is about
                self.failures.append(repr(error))
                conn.close()
        conn.close()


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary, env={"PERIGEE_RATE_PERCENT": "100"})
    import_bars(binary, service.data)
    with service as s:
        op = Operator(s)

        @case("the shipped price list of the default edition")
        def _():
            plans = {p["id"]: p for p in op.call("GET", "/subscriptions/plans", expect=200)[1]["items"]}
            assert {k: (p["monthly_price"], p["yearly_price"]) for k, p in plans.items()} == {
                "starter": ("29", "290"), "pro": ("79", "790"), "enterprise": ("199", "1990")}, plans
            assert plans["enterprise"]["limits"]["pairs_per_bot"] is None
            addons = {a["id"]: a for a in op.call("GET", "/subscriptions/plans", expect=200)[1]["addons"]}
            assert addons["bot_slot"]["monthly_price"] == "15" and addons["bot_slot"]["limits"]["bots"] == 1, addons

        @case("add-ons add up; an operator's exception holds until it expires or is taken back")
        def _():
            zoe = s.register("zoe@tiers.example")

            def limits():
                return zoe.get("/api/v1/subscriptions/current", expect=200).json["plan"]["limits"]
            bare = zoe.post("/api/v1/subscriptions/upgrade", {"plan": "pro"}, expect=200).json["plan"]["limits"]["bots"]
            answer = zoe.post("/api/v1/subscriptions/upgrade", {"plan": "pro", "addons": {"bot_slot": 3}}, expect=200).json
            assert answer["addons"] == {"bot_slot": 3} and answer["plan"]["limits"]["bots"] == bare + 3, answer
            for body, pointer in (({"plan": "pro", "addons": {"bot_slott": 1}}, "/addons"), ({"plan": "por"}, "/plan"), ({"plan": "pro", "addons": {"bot_slot": 10001}}, "/addons/bot_slot")):
                refused = zoe.post("/api/v1/subscriptions/upgrade", body)
                assert refused.code == "validation_failed" and refused.json["errors"][0]["pointer"] == pointer, refused
            path = f"/admin/users/{zoe.me['id']}/plan"
            until = int(time.time() * 1000) + 1500
            granted = op.call("PUT", path, {"limits": {"bots": 99, "pairs": None}, "expires_at_ms": until, "reason": "trial"}, expect=200)[1]
            assert granted["exception"] and granted["exception_until_ms"] == until, granted
            assert limits()["bots"] == 99 and limits()["pairs"] is None
            time.sleep(max(0, until / 1000 + 0.05 - time.time()))
            assert limits()["bots"] == bare + 3, "expired"
            op.call("PUT", path, {"plan": "enterprise", "reason": "for good"}, expect=200)
            current = zoe.get("/api/v1/subscriptions/current", expect=200).json
            assert (current["plan"]["id"], current["state"], current["exception_until_ms"]) == ("enterprise", "granted", None), current
            op.call("DELETE", path, expect=204)
            assert limits()["bots"] == bare + 3
            for body in ({"plan": "por", "reason": "x"}, {"limits": {"botz": 1}, "reason": "x"}, {"limits": {"bots": -1}, "reason": "x"}, {"plan": "pro"}):
                assert op.call("PUT", path, body)[0] == 422, body
            assert zoe.put("/api/v1" + path, {"plan": "enterprise", "reason": "me"}).status == 403

        @case("activation with If-Match: only what was read is replaced")
        def _():
            script = op.put("tier", "other", tiers(7, edition="other"))
            op.put("tier", "other", tiers(8, edition="other"))
            path = f"/api/v1/admin/scripts/{script['id']}"
            operator = s.operator()
            seen = operator.get(path, expect=200).headers["etag"]
            assert operator.get(path, headers={"If-None-Match": seen}).status == 304
            first = operator.post(path + "/versions/1/activate", headers={"If-Match": seen}, expect=200)
            late = operator.post(path + "/versions/2/activate", headers={"If-Match": seen})
            assert (late.status, late.code) == (412, "precondition_failed"), late
            assert operator.post(path + "/versions/2/activate", headers={"If-Match": "r1"}).code == "malformed_request"
            assert operator.get(path).json["active_version"] == 1
            operator.post(path + "/versions/2/activate", headers={"If-Match": first.headers["etag"]}, expect=200)
            assert operator.post(path + "/rollback", headers={"If-Match": seen}).status == 412
            assert operator.post(path + "/rollback", expect=200).json["active_version"] == 1

        @case("a script that is wrong is refused, with line and suggestion, and the old one stays")
        def _():
            status, problem = op.call("POST", "/admin/scripts", {"kind": "tier", "name": "dca", "source": tiers(5).replace("bots=", "botz=")})
            assert status == 422 and problem["code"] == "script_rejected", problem
            assert "dca.lua:2:" in problem["detail"] and "did you mean 'bots'?" in problem["detail"], problem
            for allow in ("while true do end", "error('x')", "return 1"):
                status, problem = op.call("POST", "/admin/scripts", {"kind": "tier", "name": "dca", "source": tiers(5, allow=f", allow=function() {allow} end")})
                assert status == 422 and "allow('bot_start')" in problem["detail"], problem
            assert len(op.call("GET", "/subscriptions/plans")[1]["items"]) == 3

        @case("activation under load: no request dropped or mixed, in force when it is answered")
        def _():
            versions = []
            for n in (11, 12, 13):
                script = op.put("tier", "dca", tiers(n))
                versions.append(script["latest_version"])
            op.activate(script, versions[0])
            loads = [Load(s) for _ in range(4)]
            for load in loads:
                load.start()
            switches = []  # begun, answered, what is then in force
            for i in range(40):
                begun = time.monotonic()
                op.activate(script, versions[i % 3])
                switches.append((begun, time.monotonic(), 11 + i % 3))
                time.sleep(0.02)
            for load in loads:
                load.stopped = True
            for load in loads:
                load.join()
                assert not load.failures, load.failures[:3]
                assert load.seen, "no request at all"
            took = sorted(done - begun for begun, done, _ in switches)
            print(f"# activation answered and in force after {took[20] * 1e3:.1f} ms (median of 40), {took[-1] * 1e3:.1f} ms (longest)", flush=True)
            # Whoever asks after a switch was answered sees it; while it is under way, either.
            for load in loads:
                for sent, received, n in load.seen:
                    settled = [v for _, done, v in switches if done <= sent][-1:] or [11]
                    under_way = [v for begun, done, v in switches if begun <= received and done >= sent]
                    assert n in settled + under_way, (n, settled, under_way)

        @case("rollback, and what is active survives kill -9")
        def _():
            script = [x for x in op.call("GET", "/admin/scripts?kind=tier")[1]["items"] if x["name"] == "dca"][0]
            first = [v["version"] for v in op.call("GET", f"/admin/scripts/{script['id']}/versions")[1]["items"] if v["version"] <= 4 and v["version"] >= 2][-1]
            op.activate(script, first)
            op.activate(script, first + 1)
            answer = op.call("POST", f"/admin/scripts/{script['id']}/rollback", expect=200)[1]
            assert answer["active_version"] == first, answer
            s.stop(9)
            s.start()
            assert op.call("GET", "/subscriptions/plans")[1]["items"][0]["limits"]["bots"] == 11

        @case("limits hold for customers as soon as they are activated, and are metered")
        def _():
            ada = s.register("ada@tiers.example")
            source = 'strategy{name="x", api=1}\nfunction on_bar(ctx, bar) end\n-- '
            ada.post("/api/v1/strategies", {"name": "one", "source": source + "1"}, expect=201)
            script = op.put("tier", "dca", tiers(20, strategies=1, allow=', allow=function(a, u) if a == "key_add" then return false, "no keys today" end return true end',
                                                rights="custom_strategies=true, api_access=true"))
            op.activate(script, script["latest_version"])
            refused = ada.post("/api/v1/strategies", {"name": "two", "source": source + "2"})
            assert refused.status == 429 and refused.code == "tier_limit", refused
            usage = {i["name"]: i for i in ada.get("/api/v1/usage", expect=200).json["items"]}
            assert (usage["strategies"]["used"], usage["strategies"]["limit"]) == (1, 1), usage
            assert usage["api_calls_per_hour"]["used"] >= 3, usage
            script = op.put("tier", "dca", tiers(21, rights=""))
            op.activate(script, script["latest_version"])
            refused = ada.post("/api/v1/strategies", {"name": "two", "source": source + "2"})
            assert refused.status == 403 and refused.code == "tier_forbids", refused
            script = op.put("tier", "dca", tiers(23, rate=4))
            op.activate(script, script["latest_version"])
            answers = [ada.get("/api/v1/strategies") for _ in range(5)]  # two at once (less what was asked just before), then one every 15 s
            assert answers[0].status == 200, answers
            assert answers[4].code == "rate_limited" and answers[4].headers["ratelimit-limit"] == "2", answers[4]
            script = op.put("tier", "dca", tiers(22, calls=2))
            op.activate(script, script["latest_version"])
            refused = ada.get("/api/v1/strategies")
            assert refused.code == "tier_limit" and 1 <= int(refused.headers["retry-after"]) <= 3600, refused
            for path in ("/usage", "/subscriptions/current"):  # who has used up their requests can see it, and take a larger plan
                ada.get("/api/v1" + path, expect=200)
            ada.post("/api/v1/subscriptions/upgrade", {"plan": "only"}, expect=200)

        @case("members of an organisation are limited by its plan, when they are invited and when they accept")
        def _():
            script = op.put("tier", "dca", tiers(33, rights="team=true").replace("members=1000", "members=3"))
            op.activate(script, script["latest_version"])
            owner = s.register("owner@tiers.example")
            org = owner.post("/api/v1/orgs", {"name": "Three"}, expect=201).json["id"]
            team = {"Perigee-Tenant": org}
            guests = [s.register(f"guest{i}@tiers.example") for i in range(3)]
            tokens = []
            for i, guest in enumerate(guests):
                owner.post(f"/api/v1/orgs/{org}/invitations", {"email": f"guest{i}@tiers.example", "role": "viewer"}, expect=201)
                deadline = time.monotonic() + 10
                while not (found := [m for m in s.mails() if f"guest{i}@" in m and "invited" in m]):
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                tokens.append(found[-1].split("itself: ")[1].split()[0])
            answers = [guest.post("/api/v1/orgs/invitations/accept", {"token": token}) for guest, token in zip(guests, tokens)]
            assert [a.status for a in answers] == [200, 200, 429] and answers[2].code == "tier_limit", answers
            members = [i for i in owner.get("/api/v1/usage", headers=team, expect=200).json["items"] if i["name"] == "members"][0]
            assert (members["used"], members["limit"]) == (3, 3), members
            refused = owner.post(f"/api/v1/orgs/{org}/invitations", {"email": "fourth@tiers.example", "role": "viewer"})
            assert refused.code == "tier_limit", refused
            owner.delete(f"/api/v1/orgs/{org}/members/{guests[0].me['id']}", expect=204)
            guests[2].post("/api/v1/orgs/invitations/accept", {"token": tokens[2]}, expect=200)

        @case("Lua memory of the plan holds for jobs, and shows while they run; what exceeds a smaller plan is told")
        def _():
            mia = s.register("mia@tiers.example")
            script = op.put("tier", "dca", tiers(40, strategies=2, rights="custom_strategies=true, backtest=true"))
            op.activate(script, script["latest_version"])
            # Harmless by default, so that their proofs are quick.
            hungry = 'strategy{name="hungry", api=1, params={n=int{0}}}\nlocal t = {}\nfunction on_bar(ctx, bar) if #t < ctx.p.n then t[#t + 1] = string.rep("x", 1000) .. #t end end\n'
            slow = 'strategy{name="slow", api=1, params={n=int{0}}}\nfunction on_bar(ctx) local n = 0 for i = 1, ctx.p.n do n = n + i end end\n'
            ids = [mia.post("/api/v1/strategies", {"name": name, "source": source}, expect=201).json["id"] for name, source in (("hungry", hungry), ("slow", slow))]
            plan = f"/admin/users/{mia.me['id']}/plan"

            def run(strategy, kib, n, look=None):
                op.call("PUT", plan, {"limits": {"lua_memory_kib": kib, "backtest_parallel": 1}, "reason": "test"}, expect=200)
                job = mia.post("/api/v1/backtests", {"strategy_id": strategy, "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}], "params": {"n": n}}, expect=202).json["id"]
                while (row := mia.get(f"/api/v1/backtests/{job}", expect=200).json)["state"] in ("queued", "running"):
                    if look and row["state"] == "running":
                        look()
                    time.sleep(0.1)  # its plan counts these calls
                return row
            assert run(ids[0], 8192, 1500)["state"] == "done"
            failed = run(ids[0], 512, 1500)
            assert failed["state"] == "failed" and "memory" in failed["error"], failed

            def usage():
                return {i["name"]: i for i in mia.get("/api/v1/usage", expect=200).json["items"]}
            seen = set()
            assert run(ids[1], 3000, 20000, lambda: seen.add((usage()["lua_memory_kib"]["used"], usage()["lua_memory_kib"]["limit"])))["state"] == "done"
            assert (3000, 3000) in seen, seen
            assert usage()["lua_memory_kib"]["used"] == 0
            op.call("DELETE", plan, expect=204)
            script = op.put("tier", "dca", tiers(41, strategies=1, rights="custom_strategies=true, backtest=true"))
            op.activate(script, script["latest_version"])
            answer = mia.get("/api/v1/usage", expect=200).json
            assert answer["standing"] == "wind_down" and [i["over"] for i in answer["items"] if i["name"] == "strategies"] == [1], answer

        @case("an edition is loaded whole or not at all, by the command, while the service runs")
        def _():
            with tempfile.TemporaryDirectory() as tmp:
                root = pathlib.Path(tmp)
                (root / "tiers.lua").write_text(tiers(31, edition="acme"))
                (root / "phases.lua").write_text('rule{name="Phases", api=1}\nfunction on_signal(s) return true end\n')
                (root / "edition.json").write_text(json.dumps({"edition": "acme", "tiers": "tiers.lua", "rules": ["phases.lua"], "branding": {"title": "Acme"}}))
                command = [binary, "edition", "load", tmp, "--data-dir", str(s.data)]
                done = subprocess.run(command, capture_output=True, text=True)
                assert done.returncode == 0 and "edition acme is in force" in done.stdout, done
                assert op.call("GET", "/subscriptions/plans")[1]["items"][0]["limits"]["bots"] == 31
                (root / "tiers.lua").write_text(tiers(32, edition="acme"))
                (root / "phases.lua").write_text('rule{name="Phases", api=1}\n')
                done = subprocess.run(command, capture_output=True, text=True)
                assert done.returncode == 1 and "must define the function on_signal" in done.stderr, done
                assert op.call("GET", "/subscriptions/plans")[1]["items"][0]["limits"]["bots"] == 31
                refused = s.anonymous().post("/api/v1/admin/edition", {"dir": tmp})
                assert refused.status == 401, refused

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
