#!/usr/bin/env python3
"""SIGKILL of the real service at any moment while customers and operators write: crash.py PERIGEE [KILLS [SEED]] (60). Prints TAP.

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

from auth import totp
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
            have[self.name(row)].append(row["id"])
        for n, told in self.acked.items():
            if n in self.gone:
                assert n not in have, f"{self.kind} {n} was deleted and is there"
            else:
                assert have[n] == [told], f"{self.kind} {n}: told {told}, there is {have[n]}"
        double = {n: ids for n, ids in have.items() if len(ids) > 1}
        assert not double, f"{self.kind}: made twice: {double}"


class Keys(Maker):
    """API keys are also deleted."""

    def step(self):
        super().step()
        if len(self.acked) - len(self.gone) > 10:  # there may be 50
            n = next(n for n in self.acked if n not in self.gone)
            told = self.acked.pop(n)  # until the answer nobody knows
            answer = self.client.delete(f"/api/v1/me/api-keys/{told}")
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


class Name(Register):
    def value(self, count):
        return f"Ada {count}"


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
    return [
        Keys("key", ada, "/api/v1/me/api-keys", lambda n: {"name": n, "scopes": ["read"]}, "/api/v1/me/api-keys"),
        Maker("account", ada, "/api/v1/accounts", lambda n: {"venue": "bybit", "name": n, "secrets": {"api_key": n, "api_secret": n}}, "/api/v1/accounts"),
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
        Register("activation by a customer", lambda v: ada.post(f"{mine}/versions/{v}/activate", expect=200),
                 lambda: ada.get(mine, expect=200).json["active_version"]),
        Register("activation by an operator", lambda v: operator.post(f"{site}/versions/{v}/activate", expect=200),
                 lambda: operator.get(site, expect=200).json["active_version"]),
        Name("name of a user", lambda v: ada.patch("/api/v1/me", {"name": v}, expect=200), lambda: ada.get("/api/v1/me", expect=200).json["name"]),
    ]


# What must not be, asked of control.db.
HALVES = {
    "a user without a tenant and membership of its own":
        "SELECT id FROM users u WHERE erased_ns IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id)",
    "an organisation without an owner": "SELECT id FROM tenants t WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = t.id AND m.role = 3)",
    "an account without its two secrets":
        "SELECT id FROM accounts a WHERE (SELECT count(*) FROM account_secrets s WHERE s.account_id = a.id) <> 2",
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
            time.sleep(rng.uniform(0.002, 0.2))
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
                if isinstance(w, Register):
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
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60) != 0)
