#!/usr/bin/env python3
"""SIGKILL of the real service at any moment while customers and operators write: crash.py PERIGEE [KILLS [SEED]] (300). Prints TAP.

Each writer keeps what it was told. What was answered with 2xx is there after every start; what got no answer is sent again with
its Idempotency-Key, which must not do it twice; at the end the files are looked at from outside: references whole, no half
writes, the audit chain as it was signed. PERIGEE_CRASH_SEED is another way to give the seed of a run that failed."""
import collections
import http.client
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from auth import claims, totp
from service import PASSWORD, Client, Service, run_cases
from work import import_bars

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = 'strategy{ name="x", api=1 }\nfunction on_bar(ctx) end\n'
TIER = (ROOT / "lua/tiers/dca.lua").read_text()


def tier(name):
    return TIER.replace('edition="dca"', f'edition="{name}"')
LOST = (OSError, http.client.HTTPException)  # the connection went with the server: nobody knows
REFUSED = collections.Counter()


class Maker:
    """Makes things under unique names. Those that were acknowledged must be listed, once, with the id that was told; those in doubt
    are sent again with the key of the first time."""

    def __init__(self, kind, client, path, body, listed, name=lambda row: row["name"]):
        self.kind, self.client, self.path, self.body, self.listed, self.name = kind, client, path, body, listed, name
        self.acked, self.doubt, self.gone, self.count, self.replayed = {}, [], set(), 0, 0

    def step(self):
        if self.doubt:
            n = self.doubt.pop()
        else:
            self.count += 1
            n = f"{self.kind}{self.count}"
        self.doubt.append(n)
        # Text of the client alone, so that a repetition is the same request.
        answer = self.client.post(self.path, self.body(n), headers={"Idempotency-Key": f"key-{n}"})
        self.doubt.remove(n)
        if 200 <= answer.status < 300:
            told = answer.json["id"]
            self.replayed += answer.headers.get("idempotent-replayed") == "true"
            assert self.acked.setdefault(n, told) == told
        else:
            assert answer.status in (409, 429, 503), f"{self.kind} {n}: {answer}"
            REFUSED[self.kind, answer.code] += 1
            if answer.status != 429:
                self.doubt.append(n)

    def settle(self):
        deadline = time.monotonic() + 30
        while self.doubt or not self.acked:
            self.step()
            assert time.monotonic() < deadline, f"{self.kind}: never answered: {self.doubt}"

    def repeat(self, rng):
        """What was acknowledged is answered again, not done again."""
        for n in rng.sample(sorted(set(self.acked) - self.gone), min(3, len(self.acked) - len(self.gone))):
            answer = self.client.post(self.path, self.body(n), headers={"Idempotency-Key": f"key-{n}"})
            assert answer.json.get("id") == self.acked[n] and answer.headers.get("idempotent-replayed") == "true", answer

    def judge(self):
        have = collections.defaultdict(list)
        for row in pages(self.client, self.listed):
            if self.name(row):  # erased users have none
                have[self.name(row)].append(row["id"])
        for n, told in self.acked.items():
            if n in self.gone:
                assert n not in have, f"{self.kind} {n} was deleted and is there"
            else:
                assert have[n] == [told], f"{self.kind} {n}: told {told}, there is {have[n]}"
        double = {n: ids for n, ids in have.items() if len(ids) > 1}
        assert not double, f"{self.kind}: made twice: {double}"


class Passing(Maker):
    """What is made is also deleted again: there may be so many of it."""
    most = 10

    def step(self):
        super().step()
        if len(self.acked) - len(self.gone) > self.most:
            n = next(n for n in self.acked if n not in self.gone)
            told = self.acked.pop(n)  # until the answer nobody knows
            answer = self.client.delete(f"{self.path}/{told}")
            assert answer.status == 204, answer
            self.acked[n] = told
            self.gone.add(n)


class Register:
    """One value that is written over and over by one writer: it is the last acknowledged one, or the one under way."""
    def __init__(self, kind, write, read):
        self.kind, self.write, self.read, self.count, self.acked = kind, write, read, 0, 0
        self.possible = {read()}

    def step(self):
        self.count += 1
        self.possible = {self.value(self.count), *self.possible}
        self.write(self.value(self.count))
        self.possible = {self.value(self.count)}
        self.acked += 1

    def value(self, count):
        return 1 + count % 2

    def settle(self):
        self.step()

    def repeat(self, rng):
        pass

    def judge(self):
        now = self.read()
        assert now in self.possible, f"{self.kind}: it is {now}, it must be one of {self.possible}"
        self.possible = {now}


class OneOf(Register):
    def __init__(self, kind, values, write, read):
        super().__init__(kind, write, read)
        self.values = values

    def value(self, count):
        return self.values[count % len(self.values)]


class Name(Register):
    def value(self, count):
        return f"Ada {count}"


class Tokens:
    """A refresh token is good until its successor was told, and the successor from then on. What was under way is asked for again
    within the seconds of grace, which is what a client does whose answer was lost."""
    kind = "refreshed token"

    def __init__(self, client):
        self.client, self.token, self.acked, self.replayed = client.service.anonymous(), client.tokens["refresh_token"], [], 0

    def step(self):
        answer = self.client.post("/api/v1/auth/refresh", {"refresh_token": self.token})
        assert answer.status == 200, f"the newest token that was told is not good: {answer}"
        self.token = answer.json["refresh_token"]
        self.acked.append(self.token)

    def settle(self):
        self.step()

    def repeat(self, rng):
        pass

    def judge(self):
        self.step()


class Sessions:
    """Signing in and out: who was told to be in is in, who was told to be out stays out, also with an access token of before."""
    kind = "session"

    def __init__(self, service, email):
        self.service, self.email, self.acked, self.ended = service, email, {}, {}

    def step(self):
        client = Client(self.service)
        answer = client.post("/api/v1/auth/login", {"email": self.email, "password": PASSWORD})
        if answer.status != 200:
            assert answer.status in (429, 503), answer
            REFUSED[self.kind, answer.code] += 1
            return
        token = answer.json["access_token"]
        self.acked[claims(token)["sid"]] = token
        if len(self.acked) > 3:
            sid = next(iter(self.acked))
            token = self.acked.pop(sid)  # until the answer nobody knows
            assert Client(self.service, token).post("/api/v1/auth/logout").status == 204
            self.ended[sid] = token

    def settle(self):
        while not self.ended:
            self.step()

    def repeat(self, rng):
        pass

    def judge(self):
        for sid, token in [*self.acked.items()][-3:]:
            have = {row["id"] for row in pages(Client(self.service, token), "/api/v1/me/sessions")}
            assert sid in have, f"signed in and not there: {sid}"
            assert not have & set(self.ended), f"signed out and there: {have & set(self.ended)}"
        for token in [*self.ended.values()][-5:]:
            assert Client(self.service, token).get("/api/v1/me").status == 401, "signed out, and the access token is good again"


class Leavers:
    """Made by the operator, signed in, erased: nobody is erased in part, and nobody comes back."""
    kind = "erasure"

    def __init__(self, service, operator):
        self.service, self.operator, self.acked, self.count, self.waiting = service, operator, set(), 0, None

    def step(self):
        if not self.waiting:
            self.count += 1
            email = f"leaver{self.count}@example.org"
            if self.operator.post("/api/v1/admin/users", {"email": email, "password": PASSWORD}).status != 201:
                return
            self.waiting = email
        answer = self.service.anonymous().post("/api/v1/auth/login", {"email": self.waiting, "password": PASSWORD})
        if answer.status == 200:
            gone = Client(self.service, answer.json["access_token"]).delete("/api/v1/me", {"password": PASSWORD})
            assert gone.status in (204, 429, 503), gone
            if gone.status == 204:
                self.acked.add(self.waiting)
        else:
            assert answer.status in (401, 429, 503), answer
        if answer.status == 401 or self.waiting in self.acked:  # 401: it was erased by what got no answer
            self.waiting = None

    def settle(self):
        while not self.acked:
            self.step()

    def repeat(self, rng):
        pass

    def judge(self):
        back = self.acked & {u["email"] for u in pages(self.operator, "/api/v1/admin/users")}
        assert not back, f"erased and there: {back}"


class Registrations:
    """Answered the same whether the address is known, so there is no key: each is sent once."""
    kind = "registration"

    def __init__(self, service, operator):
        self.service, self.operator, self.acked, self.count = service, operator, set(), 0

    def step(self):
        self.count += 1
        email = f"r{self.count}@example.org"
        answer = self.service.anonymous().post("/api/v1/auth/register", {"email": email, "password": PASSWORD})
        if answer.status == 202:
            self.acked.add(email)
        else:
            assert answer.status in (429, 503), answer
            REFUSED[self.kind, answer.code] += 1

    def settle(self):
        self.step()

    def repeat(self, rng):
        pass

    def judge(self):
        lost = self.acked - {u["email"] for u in pages(self.operator, "/api/v1/admin/users")}
        assert not lost, f"registered and lost: {lost}"


def pages(client, path):
    cursor, rows = "", []
    while cursor is not None:
        page = client.get(f"{path}{'&' if '?' in path else '?'}limit=100" + (f"&cursor={cursor}" if cursor else ""), expect=200).json
        rows += page["items"]
        cursor = page.get("next_cursor")
    return rows


def with_second_factor(s, email):
    client = s.register(email)
    client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
    seed = client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
    client.post("/api/v1/auth/verify-2fa", {"code": totp(seed, time.time() - 30)}, expect=200)
    answer = s.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, "code": totp(seed)}, expect=200)
    return Client(s, answer.json["access_token"])


def writers(s):
    operator, ada = s.operator(), with_second_factor(s, "ada@example.org")
    org = ada.post("/api/v1/orgs", {"name": "Lovelace & Co"}, expect=201).json["id"]
    ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, headers={"Perigee-Tenant": org}, expect=200)
    mine = "/api/v1/strategies/" + ada.post("/api/v1/strategies", {"name": "mine", "source": SOURCE, "activate": True}, expect=201).json["id"]
    ada.post(f"{mine}/versions", {"source": SOURCE + "-- two\n"}, expect=201)
    site = "/api/v1/admin/scripts/" + operator.post("/api/v1/admin/scripts", {"kind": "tier", "name": "crash", "source": tier("crash")}, expect=201).json["id"]
    operator.post("/api/v1/admin/scripts", {"kind": "tier", "name": "crash", "source": tier("crash") + "-- two\n"}, expect=201)
    eve = s.register("eve@example.org")
    bob = operator.post("/api/v1/admin/users", {"email": "bob@example.org", "password": PASSWORD}, expect=201).json["id"]
    ada.post(f"/api/v1/orgs/{org}/invitations", {"email": "bob@example.org", "role": "viewer"}, expect=201)
    s.login("bob@example.org").post("/api/v1/orgs/invitations/accept", {"token": s.mailed_token("bob@example.org")}, expect=200)
    return [
        Passing("key", ada, "/api/v1/me/api-keys", lambda n: {"name": n, "scopes": ["read"]}, "/api/v1/me/api-keys"),
        Passing("account", ada, "/api/v1/accounts", lambda n: {"venue": "bybit", "name": n, "secrets": {"api_key": n, "api_secret": n}}, "/api/v1/accounts"),
        Maker("strategy", ada, "/api/v1/strategies", lambda n: {"name": n, "source": SOURCE + f"-- {n}\n"}, "/api/v1/strategies"),
        Maker("org", ada, "/api/v1/orgs", lambda n: {"name": n}, "/api/v1/orgs"),
        Maker("invitation", ada, f"/api/v1/orgs/{org}/invitations", lambda n: {"email": f"{n}@example.org", "role": "viewer"},
              f"/api/v1/orgs/{org}/invitations", lambda row: row["email"].split("@")[0]),
        Maker("user", operator, "/api/v1/admin/users", lambda n: {"email": f"{n}@example.org", "password": PASSWORD}, "/api/v1/admin/users",
              lambda row: row["email"].split("@")[0]),
        Maker("backtest", ada, "/api/v1/backtests", lambda n: {"strategy_id": mine.rsplit("/", 1)[1], "data": [{"symbol": "BTCUSDT", "timeframe": "1h"}],
                                                               "config": {"cash": f"{1000 + int(n[8:])}"}},
              "/api/v1/backtests", lambda row: f"backtest{int(row['request']['config']['cash']) - 1000}"),
        Maker("script", operator, "/api/v1/admin/scripts", lambda n: {"kind": "tier", "name": n, "source": tier(n)}, "/api/v1/admin/scripts?kind=tier"),
        Registrations(s, operator),
        Tokens(eve),
        Sessions(s, "eve@example.org"),
        Leavers(s, operator),
        Register("activation by a customer", lambda v: ada.post(f"{mine}/versions/{v}/activate", expect=200),
                 lambda: ada.get(mine, expect=200).json["active_version"]),
        Register("activation by an operator", lambda v: operator.post(f"{site}/versions/{v}/activate", expect=200),
                 lambda: operator.get(site, expect=200).json["active_version"]),
        OneOf("plan", ["pro", "enterprise"], lambda v: eve.post("/api/v1/subscriptions/upgrade", {"plan": v}, expect=200),
              lambda: eve.get("/api/v1/subscriptions/current", expect=200).json["plan"]["id"]),
        OneOf("member's role", ["viewer", "trader"], lambda v: ada.patch(f"/api/v1/orgs/{org}/members/{bob}", {"role": v}, expect=204),
              lambda: next(m["role"] for m in pages(ada, f"/api/v1/orgs/{org}/members") if m["user_id"] == bob)),
        Name("name of a user", lambda v: ada.patch("/api/v1/me", {"name": v}, expect=200), lambda: ada.get("/api/v1/me", expect=200).json["name"]),
    ]


# What must not be, asked of control.db.
HALVES = {
    "a user without a tenant and membership of its own":
        "SELECT id FROM users u WHERE erased_ns IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id)",
    "an organisation without an owner": "SELECT id FROM tenants t WHERE deleted_ns IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = t.id AND m.role = 3)",
    "an account without its two secrets":
        "SELECT id FROM accounts a WHERE deleted_ns IS NULL AND (SELECT count(*) FROM account_secrets s WHERE s.account_id = a.id) <> 2",
    "secrets of a deleted account": "SELECT id FROM accounts a JOIN account_secrets s ON s.account_id = a.id WHERE deleted_ns IS NOT NULL",
    "a session with no good refresh token, or two":
        "SELECT id FROM sessions s WHERE revoked_ns IS NULL AND 1 <> (SELECT count(*) FROM refresh_tokens r WHERE r.session_id = s.id AND r.used_ns IS NULL)",
    "something left of who was erased":
        "SELECT id FROM users u WHERE erased_ns IS NOT NULL AND (email IS NOT NULL OR EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id) OR"
        " EXISTS (SELECT 1 FROM outbox o WHERE o.user_id = u.id) OR EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id AND revoked_ns IS NULL))",
    "an active version that is not there, or that nobody activated":
        "SELECT id FROM script s WHERE active_version IS NOT (SELECT a.version FROM script_activation a JOIN script_version v USING (script_id, version)"
        " WHERE a.script_id = s.id ORDER BY a.revision DESC LIMIT 1)",
    "a plan that is not its newest event's":
        "SELECT tenant_id FROM subscription s WHERE plan IS NOT (SELECT plan_to FROM subscription_event e WHERE e.tenant_id = s.tenant_id ORDER BY id DESC LIMIT 1)",
    "backtests that are not counted, or counted and not there":
        "SELECT tenant_id FROM usage_window w WHERE meter = 'backtests_per_day' AND used <>"
        " (SELECT count(*) FROM backtests b WHERE b.tenant_id = w.tenant_id AND b.created_ns / 86400000000000 = w.start_ns / 86400000000000)",
    "a secret whose tenant has no key": "SELECT account_id FROM account_secrets s WHERE NOT EXISTS (SELECT 1 FROM tenant_keys k WHERE k.tenant_id = s.tenant_id)",
    "a script without a version": "SELECT id FROM script s WHERE NOT EXISTS (SELECT 1 FROM script_version v WHERE v.script_id = s.id)",
    "a registration without its mail":
        "SELECT id FROM users u WHERE email LIKE 'r%@example.org' AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.user_id = u.id)",
}


def seeds():
    given = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("PERIGEE_CRASH_SEED")
    return int(given) if given else random.SystemRandom().randrange(1 << 31)


def work(writer, stop, faults):
    try:
        while not stop.is_set():
            writer.step()
    except LOST:
        pass
    except Exception as e:  # noqa: BLE001 - told by the main thread
        faults.append(f"{writer.kind}: {e!r}")


def main(binary, kills):
    seed, cases, took = seeds(), [], []
    rng = random.Random(seed)
    service = Service(binary)
    import_bars(binary, service.data, count=500)
    print(f"# seed {seed}", flush=True)
    s = service.start()
    all_of_them = writers(s)

    def case(title):
        return lambda f: cases.append((title, f)) or f

    def doctor():
        done = subprocess.run([s.binary, "doctor", "--data-dir", str(s.data)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    @case(f"{kills} kills under load; every start is ready, and every value the last acknowledged one (seed {seed})")
    def _():
        for kill in range(kills):
            stop, faults = threading.Event(), []
            # A few at a time: with all of them slow ones would be under way at most kills.
            threads = [threading.Thread(target=work, args=(w, stop, faults)) for w in rng.sample(all_of_them, 5)]
            for t in threads:
                t.start()
            time.sleep(rng.uniform(0.002, 0.2 if kill % 8 else 1))  # now and then so long that passwords are hashed in time
            s.process.kill()
            s.process.wait()
            stop.set()
            for t in threads:
                t.join()
            assert not faults, f"kill {kill}: {faults}"
            if kill % 10 == 0:
                doctor()
            s.log.close()
            begin = time.monotonic()
            s.start()
            took.append(time.monotonic() - begin)
            for w in all_of_them:
                if isinstance(w, (Register, Tokens)):
                    w.judge()
        print(f"# slowest start {max(took):.2f} s, mean {sum(took) / len(took):.2f} s")

    @case("what got no answer is sent again with its key; what was answered is answered again")
    def _():
        for w in all_of_them:
            w.settle()
            w.repeat(rng)

    @case("nothing that was acknowledged is lost, nothing is there twice, nothing deleted came back")
    def _():
        for w in all_of_them:
            w.judge()
        counts = {w.kind: w.acked if isinstance(w, Register) else len(w.acked) for w in all_of_them}
        done = sum(w.replayed for w in all_of_them if isinstance(w, Maker))
        print(f"# acknowledged {counts}, refused {dict(REFUSED)}; without an answer at first, but done: {done}")
        assert all(counts.values()), "a kind of write was never acknowledged: the run proves nothing about it"

    @case("a backtest that was queued when the service died is run, or told as failed")
    def _():
        deadline = time.monotonic() + 60
        backtests = next(w for w in all_of_them if w.kind == "backtest")
        while open_ones := [b["id"] for b in pages(backtests.client, backtests.listed) if b["state"] in ("queued", "running")]:
            assert time.monotonic() < deadline, f"still open: {open_ones[:5]}"
            time.sleep(0.1)

    @case("no half writes, references whole, the audit chain whole, doctor content")
    def _():
        assert s.stop() == 0
        doctor()
        audit = subprocess.run([s.binary, "keys", "audit", "--data-dir", str(s.data)], capture_output=True, text=True)
        assert audit.returncode == 0 and re.search(r"[1-9][0-9]* rows", audit.stdout), audit.stdout + audit.stderr
        db = sqlite3.connect(s.data / "control.db")
        for what, query in HALVES.items():
            found = db.execute(query).fetchall()
            assert not found, f"{what}: {found[:5]}"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()

    failed = run_cases(cases)
    if s.process.poll() is None:
        s.process.kill()
        s.process.wait()
    if failed:
        print(f"# again with: PERIGEE_CRASH_SEED={seed}; the data is in {s.data}")
    else:
        shutil.rmtree(s.data, ignore_errors=True)
        s.log_path.unlink(missing_ok=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300) != 0)
