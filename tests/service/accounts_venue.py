#!/usr/bin/env python3
"""Accounts at venues: accounts_venue.py PERIGEE. Prints TAP. The venue is `perigee exchange`: keys are tried without changing anything there, those
that may withdraw fail, balances are the venue's, live wants more than testnet, and no secret shows anywhere."""
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exchange"))
from auth import totp  # noqa: E402
from service import PASSWORD, Client, Service, run_cases  # noqa: E402
from venue import Exchange  # noqa: E402

SECRETS = {name: f"{name}-secret-4711" for name in ("good", "draws", "reads", "bound", "away")}
KEYS = [f"good:{SECRETS['good']}", f"draws:{SECRETS['draws']}:withdraw", f"reads:{SECRETS['reads']}:read", f"bound:{SECRETS['bound']}:ip=127.0.0.1,deposit=777", f"away:{SECRETS['away']}:ip=10.1.2.3"]
ACCOUNTS = "/api/v1/accounts"


class Owner:
    """A customer with a second factor."""

    def __init__(self, service, email):
        client = service.register(email)
        client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        seed = client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        client.post("/api/v1/auth/verify-2fa", {"code": totp(seed, time.time() - 30)}, expect=200)
        tokens = service.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, "code": totp(seed)}, expect=200).json
        self.client, self.weak = Client(service, tokens["access_token"]), client.token  # weak: of the session before the factor

    def account(self, name, secret=None, venue="bybit", **settings):
        body = {"venue": venue, "name": name, "secrets": {"api_key": name, "api_secret": secret or SECRETS.get(name, "wrong-secret-4711")}}
        if settings:
            body["settings"] = settings
        return f"{ACCOUNTS}/{self.client.post(ACCOUNTS, body, expect=201).json['id']}"

    def test(self, account):
        answer = self.client.post(f"{account}/test", expect=200).json
        return answer, {c["name"]: c["ok"] for c in answer["checks"]}


def seen(exchange):
    """Every request of the exchange's customers, as "METHOD /path"."""
    return [f"{r['method']} {r['path']}" for r in exchange.ledger()["requests"]]


def cases(binary):
    def keys():
        with Exchange(binary, "--feed", "none", keys=KEYS) as exchange, Service(binary, ["--venue-url", f"bybit=http://127.0.0.1:{exchange.port}"]) as service:
            owner = Owner(service, "ada@example.org")
            answer, checks = owner.test(good := owner.account("good"))
            assert answer["ok"] and answer["environment"] == "testnet", answer
            assert checks == {"connection": True, "clock": True, "key": True, "withdraw": True, "trade": True, "ip": None, "balances": True}, answer
            assert [b for b in answer["balances"] if b["currency"] == "USDT"][0]["balance"] == "100000", answer
            answer, checks = owner.test(draws := owner.account("draws"))
            assert not answer["ok"] and checks["withdraw"] is False and checks["trade"] is True, answer
            answer, checks = owner.test(owner.account("reads"))
            assert not answer["ok"] and checks["trade"] is False and checks["withdraw"] is True, answer
            answer, checks = owner.test(owner.account("bound"))
            assert answer["ok"] and checks["ip"] is True, answer
            # One that is bound to another address is refused by the venue, and its owner is told what to look at. No session is made with that, nor with one that may withdraw.
            answer, checks = owner.test(away := owner.account("away"))
            assert not answer["ok"] and checks == {"connection": True, "key": False} and "IP" in [c["text"] for c in answer["checks"] if c["name"] == "key"][0], answer
            for account, words in ((away, "bound IP addresses"), (draws, "the key may withdraw")):
                refused = owner.client.get(f"{account}/balances")
                assert refused.code == "unavailable" and words in refused.json["detail"], refused
            answer, checks = owner.test(wrong := owner.account("nobody"))
            assert not answer["ok"] and checks == {"connection": True, "key": False}, answer
            # Nothing was changed there, and a wrong signature is said to be one.
            assert all(r.startswith("GET ") for r in seen(exchange)), seen(exchange)
            # Balances are the venue's; asked again they are not asked for again.
            balances = owner.client.get(f"{good}/balances", expect=200).json
            assert [b["equity"] for b in balances["items"] if b["currency"] == "USDT"] == ["100000"], balances
            count = len(seen(exchange))
            assert owner.client.get(f"{good}/balances", expect=200).json == balances
            assert len(seen(exchange)) == count
            assert owner.client.get(f"{wrong}/balances").code == "unavailable"
            # Others' accounts are none, paper has no credentials, a venue without a dialect cannot be tried.
            eve = Owner(service, "eve@example.org")
            assert eve.client.post(f"{good}/test").status == 404 and eve.client.get(f"{good}/balances").status == 404
            paper = owner.client.post(ACCOUNTS, {"venue": "paper", "name": "Play"}, expect=201).json["id"]
            assert owner.client.post(f"{ACCOUNTS}/{paper}/test").code == "conflict"
            assert owner.client.post(f"{owner.account('x', venue='nowhere')}/test").code == "conflict"
            # The same from the shell.
            for name, code, words in ((good, 0, "ok      withdraw"), (wrong, 1, "FAILED  key")):
                shell = subprocess.run([binary, "account", "test", name.split("/")[-1], "--tenant", "ada@example.org", "--data-dir", str(service.data)], capture_output=True, text=True, timeout=30)
                assert shell.returncode == code and words in shell.stdout, shell
            shell = subprocess.run([binary, "account", "balances", good.split("/")[-1], "--tenant", "ada@example.org", "--data-dir", str(service.data)], capture_output=True, text=True, timeout=30)
            assert shell.returncode == 0 and "balance 100000" in shell.stdout, shell
            # New credentials count from the next question on.
            owner.client.put(f"{wrong}/secrets", {"secrets": {"api_key": "bound", "api_secret": SECRETS["bound"]}}, expect=204)
            assert owner.test(wrong)[0]["ok"]
            owner.client.put(f"{good}/secrets", {"secrets": {"api_key": "nobody", "api_secret": "x-secret-4711"}}, expect=204)
            assert owner.client.get(f"{good}/balances").code == "unavailable"
            assert [b["balance"] for b in owner.client.get(f"{wrong}/balances", expect=200).json["items"] if b["currency"] == "USDT"] == ["777"]
            service.stop()
            log = service.log_text()
            assert "→ reconciling" in log and not any(s in log for s in SECRETS.values()) and "wrong-secret" not in log

    def trouble():
        with Exchange(binary, "--feed", "none", keys=KEYS) as exchange, Service(binary, ["--venue-url", f"bybit=http://127.0.0.1:{exchange.port}"]) as service:
            owner = Owner(service, "ada@example.org")
            exchange.admin("clock", skew_ms=3600000)
            account = owner.account("good")
            answer, _ = owner.test(account)  # an hour ahead of us: its clock counts
            ahead = re.search(r"([0-9.]+) s ahead", [c["text"] for c in answer["checks"] if c["name"] == "clock"][0])
            assert answer["ok"] and ahead and 3595 < float(ahead.group(1)) < 3605, answer
            live = {"environment": "live", "max_order": "100", "max_exposure": "1000"}
            body = {"venue": "bybit", "name": "Real", "secrets": {"api_key": "good", "api_secret": SECRETS["good"]}}
            for settings, pointer in ((live, "risk_acknowledged"), ({**live, "risk_acknowledged": True}, "day_loss"), ({"environment": "moon"}, "environment")):
                refused = owner.client.post(ACCOUNTS, {**body, "settings": settings})
                assert refused.status == 422 and refused.json["errors"][0]["pointer"] == f"/settings/{pointer}", refused
            agreed = {**live, "risk_acknowledged": True, "day_loss": "50"}
            real = f"{ACCOUNTS}/{owner.client.post(ACCOUNTS, {**body, 'settings': agreed}, expect=201).json['id']}"
            assert owner.test(real)[0]["environment"] == "live"
            # The same customer without the second factor: neither makes an account live nor tries one that is.
            weak = Client(service, owner.weak)
            assert weak.post(f"{real}/test").code == "second_factor_missing"
            assert weak.patch(account, {"settings": agreed}).code == "second_factor_missing"
            assert weak.patch(account, {"settings": {"max_order": "5"}}).status == 200
            changed = owner.client.patch(account, {"settings": agreed}, expect=200).json["settings"]
            assert changed["environment"] == "live" and changed["risk_acknowledged"] is True, changed
            exchange.kill()
            answer, checks = owner.test(account)
            assert not answer["ok"] and checks == {"connection": False}, answer
            service.stop()  # with sessions that try again
            exchange.start()

    return [("keys, rights and balances", keys), ("a clock that is wrong, live, a venue that is away", trouble)]


if __name__ == "__main__":
    sys.exit(1 if run_cases(cases(sys.argv[1])) else 0)
