#!/usr/bin/env python3
"""Who may be whom: tokens, second factor, lockout, cookies, keys, organisations, erasure: auth.py PERIGEE. Prints TAP."""
import base64
import hashlib
import hmac
import json
import struct
import sys
import time

from service import PASSWORD, Client, Service, run_cases


def totp(secret, at=None):
    """RFC 6238, written from the RFC."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(at if at is not None else time.time()) // 30), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def newest_mail(service, address, text, wait_s=10):
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        for mail in reversed(service.mails()):
            if address in mail and text in mail:
                return mail
        time.sleep(0.02)
    raise AssertionError(f"no mail to {address} with {text!r}")


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary) as s:
        anonymous, operator = s.anonymous(), s.operator()
        ada, bob = s.register("ada@example.org"), s.register("bob@example.org")
        for client in (ada, bob):
            client.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
        two = {}

        @case("registering tells nothing, weak passwords are refused")
        def _():
            fresh = anonymous.post("/api/v1/auth/register", {"email": "new@example.org", "password": PASSWORD}, expect=202)
            known = anonymous.post("/api/v1/auth/register", {"email": "Ada@Example.org", "password": PASSWORD}, expect=202)
            assert fresh.body == known.body
            for weak in ("short", "password123", "aaaaaaaaaa"):
                answer = anonymous.post("/api/v1/auth/register", {"email": "x@example.org", "password": weak})
                assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == "/password", (weak, answer)
            assert anonymous.post("/api/v1/auth/register", {"email": "not a mail", "password": PASSWORD}).code == "validation_failed"
            assert anonymous.post("/api/v1/auth/verify-email", {"token": "pgm_" + "A" * 43}).code == "bad_token"

        @case("a wrong password and an unknown address answer alike; five failures lock, for both")
        def _():
            for email in ("bob@example.org", "nobody@example.org"):
                answers = [anonymous.post("/api/v1/auth/login", {"email": email, "password": "wrong wrong"}) for _ in range(6)]
                assert [a.code for a in answers[:5]] == ["invalid_credentials"] * 5, answers
                assert answers[5].status == 429 and int(answers[5].headers["retry-after"]) >= 1, answers[5]

        @case("a stranger's guesses do not lock the owner out: a known device passes, another's token does not help")
        def _():
            erin, eve = s.register("irma@example.org"), s.register("ivan@example.org")

            def attempt(password, **more):
                return anonymous.post("/api/v1/auth/login", {"email": "irma@example.org", "password": password, **more})
            while attempt("wrong wrong").status != 429:
                pass
            assert attempt(PASSWORD).status == 429, "an unknown device waits, whatever it knows"
            for token in (eve.tokens["device_token"], erin.tokens["device_token"][:-1] + ("A" if erin.tokens["device_token"][-1] != "A" else "Q"), "pgd_AAAA", "x"):
                assert attempt(PASSWORD, device_token=token).status == 429, token
            device = {"device_token": erin.tokens["device_token"]}
            assert attempt(PASSWORD, **device).status == 200
            assert attempt(PASSWORD).status == 429, "which tells nothing about strangers"
            # A stolen token is worth five guesses.
            assert [attempt("wrong wrong", **device).status for _ in range(6)] == [401] * 5 + [429]
            # The console has it as a cookie of its own.
            frank = s.register("frank@example.org")
            with_cookie = {"Cookie": f"__Host-perigee-device={frank.tokens['device_token']}"}
            while anonymous.post("/api/v1/auth/login", {"email": "frank@example.org", "password": "wrong wrong"}).status != 429:
                pass
            anonymous.post("/api/v1/auth/login", {"email": "frank@example.org", "password": PASSWORD, "cookie": True}, headers=with_cookie, expect=200)

        @case("a refresh token works once; its reuse ends the session")
        def _():
            carol = s.register("carol@example.org")
            first = carol.tokens["refresh_token"]
            second = anonymous.post("/api/v1/auth/refresh", {"refresh_token": first}, expect=200).json
            again = anonymous.post("/api/v1/auth/refresh", {"refresh_token": first}, expect=200).json
            assert again["refresh_token"] == second["refresh_token"], "the answer that was lost is given again within seconds"
            third = anonymous.post("/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]}, expect=200).json
            assert anonymous.post("/api/v1/auth/refresh", {"refresh_token": first}).code == "invalid_credentials"
            assert Client(s, third["access_token"]).get("/api/v1/me").status == 401, "the family is revoked"
            assert anonymous.post("/api/v1/auth/refresh", {"refresh_token": third["refresh_token"]}).status == 401

        @case("signing out ends the token at once; a session can be ended from another")
        def _():
            one, other = s.login("carol@example.org"), s.login("carol@example.org")
            sessions = one.get("/api/v1/me/sessions", expect=200).json["items"]
            mine = [x["id"] for x in sessions if x["current"]]
            assert len(sessions) >= 2 and len(mine) == 1
            theirs = [x["id"] for x in other.get("/api/v1/me/sessions").json["items"] if x["current"]][0]
            one.delete(f"/api/v1/me/sessions/{theirs}", expect=204)
            assert other.get("/api/v1/me").status == 401
            assert ada.delete(f"/api/v1/me/sessions/{mine[0]}").status == 404
            one.post("/api/v1/auth/logout", expect=204)
            assert one.get("/api/v1/me").status == 401

        @case("nobody can fill a customer's mailbox: five mails of a kind an hour, the same answer always")
        def _():
            s.register("gus@example.org")
            for path, body in (("forgot-password", {}), ("register", {"password": PASSWORD})):
                answers = {anonymous.post("/api/v1/auth/" + path, {"email": "gus@example.org", **body}, expect=202).body for _ in range(9)}
                assert answers == {b'{"accepted":true}'}, answers
            deadline = time.monotonic() + 20
            while s.operator().get("/api/v1/admin/system").json["mail_waiting"]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            mails = [mail for mail in s.mails() if "gus@example.org" in mail]
            assert [sum(subject in mail for mail in mails) for subject in ("Set a new password", "have an account already")] == [5, 5], len(mails)

        @case("a forgotten password is set by mail, once, and ends all sessions")
        def _():
            carol = s.login("carol@example.org")
            carol.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
            key = Client(s, carol.post("/api/v1/me/api-keys", {"name": "Robot 7", "scopes": ["read"]}, expect=201).json["key"])
            anonymous.post("/api/v1/auth/forgot-password", {"email": "nobody@example.org"}, expect=202)
            before = len(s.mails())
            anonymous.post("/api/v1/auth/forgot-password", {"email": "carol@example.org"}, expect=202)
            while len(s.mails()) == before:
                time.sleep(0.02)
            token = s.mailed_token("carol@example.org")
            anonymous.post("/api/v1/auth/reset-password", {"token": token, "password": "another fine password"}, expect=204)
            assert anonymous.post("/api/v1/auth/reset-password", {"token": token, "password": "another fine password"}).code == "bad_token"
            assert carol.get("/api/v1/me").status == 401
            s.login("carol@example.org", "another fine password")
            key.get("/api/v1/usage", expect=200)
            told = newest_mail(s, "carol@example.org", "was changed")
            assert "Robot 7" in told and key.token[:12] in told and key.token not in told, told
            anonymous.post("/api/v1/auth/forgot-password", {"email": "carol@example.org"}, expect=202)
            while token == (fresh := s.mailed_token("carol@example.org")):
                time.sleep(0.02)
            anonymous.post("/api/v1/auth/reset-password", {"token": fresh, "password": "another fine password", "delete_api_keys": True}, expect=204)
            assert key.get("/api/v1/usage").status == 401

        @case("changing the password needs the present one")
        def _():
            carol = s.login("carol@example.org", "another fine password")
            assert carol.patch("/api/v1/me", {"new_password": PASSWORD, "password": "wrong"}).code == "invalid_credentials"
            assert carol.patch("/api/v1/me", {"new_password": PASSWORD}).code == "validation_failed"
            carol.patch("/api/v1/me", {"new_password": PASSWORD, "password": "another fine password", "name": "Carol"}, expect=200)
            answer = carol.get("/api/v1/me", expect=200)
            assert answer.json["name"] == "Carol"
            changed = carol.patch("/api/v1/me", {"name": "Caroline"}, headers={"If-Match": answer.headers["etag"]}, expect=200)
            assert changed.headers["etag"] != answer.headers["etag"]
            assert carol.patch("/api/v1/me", {"name": "Carla"}, headers={"If-Match": answer.headers["etag"]}).code == "precondition_failed"
            assert carol.get("/api/v1/me", expect=200).json["name"] == "Caroline"

        @case("Idempotency-Key: a key and a user are made once, and told again")
        def _():
            carol = s.login("carol@example.org")
            once, body = {"Idempotency-Key": "k1"}, {"name": "Once", "scopes": ["read"]}
            first, again = (carol.post("/api/v1/me/api-keys", body, headers=once, expect=201) for _ in range(2))
            assert first.json == again.json and again.headers["idempotent-replayed"] == "true"
            assert [k["name"] for k in carol.get("/api/v1/me/api-keys").json["items"]].count("Once") == 1
            assert carol.post("/api/v1/me/api-keys", {"name": "Other", "scopes": ["read"]}, headers=once).code == "idempotency_mismatch"
            user = {"email": "made@example.org", "password": PASSWORD}
            made = [s.operator().post("/api/v1/admin/users", user, headers=once, expect=201).json["id"] for _ in range(2)]
            assert made[0] == made[1]
            assert s.operator().post("/api/v1/admin/users", user).code == "already_exists"

        @case("two-factor authentication: enabled by a code, asked for at login, each code once, recovery codes once")
        def _():
            dora = s.register("dora@example.org")
            assert dora.post("/api/v1/auth/enable-2fa", {"password": "wrong"}).code == "invalid_credentials"
            begun = dora.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json
            assert begun["otpauth_uri"].startswith("otpauth://totp/") and begun["secret"] in begun["otpauth_uri"]
            assert dora.post("/api/v1/auth/verify-2fa", {"code": "000000"}).code == "invalid_credentials"
            code = totp(begun["secret"], time.time() - 30)
            codes = dora.post("/api/v1/auth/verify-2fa", {"code": code}, expect=200).json["recovery_codes"]
            assert len(set(codes)) == 10
            pending = anonymous.post("/api/v1/auth/login", {"email": "dora@example.org", "password": PASSWORD}, expect=200).json
            assert pending["second_factor_required"] and "access_token" not in pending
            assert Client(s, pending["pending_token"]).get("/api/v1/me").status == 401, "a pending token is no access token"
            step = {"pending_token": pending["pending_token"]}
            assert anonymous.post("/api/v1/auth/verify-2fa", {**step, "code": code}).code == "invalid_credentials", "spent"
            fresh = totp(begun["secret"])
            tokens = anonymous.post("/api/v1/auth/verify-2fa", {**step, "code": fresh}, expect=200).json
            assert claims(tokens["access_token"])["sub"] == dora.me["id"]
            assert anonymous.post("/api/v1/auth/verify-2fa", {**step, "code": fresh}).code == "invalid_credentials", "replayed"
            anonymous.post("/api/v1/auth/login", {"email": "dora@example.org", "password": PASSWORD, "code": codes[0]}, expect=200)
            assert anonymous.post("/api/v1/auth/login", {"email": "dora@example.org", "password": PASSWORD, "code": codes[0]}).code == "invalid_credentials"
            two["dora"] = Client(s, tokens["access_token"])
            two["dora"].me = two["dora"].get("/api/v1/me", expect=200).json
            assert two["dora"].me["two_factor"]
            two["codes"] = codes

        @case("venue credentials need the second factor, are never shown, and stand nowhere in plain")
        def _():
            body = {"venue": "bybit", "name": "Main", "secrets": {"api_key": "CANARY-7f3a", "api_secret": "CANARY-91bc"}}
            assert ada.post("/api/v1/accounts", body).code == "second_factor_missing"
            dora = two["dora"]
            made = dora.post("/api/v1/accounts", body, expect=201)
            assert sorted(made.json["fields"]) == ["api_key", "api_secret"] and b"CANARY" not in made.body
            assert ada.delete(f"/api/v1/accounts/{made.json['id']}").status in (403, 404)
            dora.put(f"/api/v1/accounts/{made.json['id']}/secrets", {"secrets": {"api_key": "CANARY-other"}}, expect=204)
            assert dora.get("/api/v1/accounts").json["items"][0]["fields"] == ["api_key"]
            # Starter has one venue, however many accounts there.
            refused = dora.post("/api/v1/accounts", {**body, "venue": "kraken"})
            assert refused.code == "tier_limit" and "venues" in refused.json["detail"], refused
            usage = {i["name"]: i for i in dora.get("/api/v1/usage", expect=200).json["items"]}
            assert (usage["venues"]["used"], usage["venues"]["limit"]) == (1, 1), usage["venues"]
            second = dora.post("/api/v1/accounts", {**body, "name": "Second"})
            assert second.status == 201 or "accounts" in second.json["detail"], second
            if second.status == 201:
                dora.delete(f"/api/v1/accounts/{second.json['id']}", expect=204)
            everything = b"".join(p.read_bytes() for p in s.data.rglob("*") if p.is_file()) + s.log_text().encode() + anonymous.get("/metrics").body
            assert b"CANARY" not in everything

        @case("the console's cookie: HttpOnly, and no change without the CSRF token")
        def _():
            answer = anonymous.post("/api/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD, "cookie": True}, expect=200)
            assert "access_token" not in answer.json
            jar = answer.headers["set-cookie"]
            assert "HttpOnly" in jar and "SameSite=Strict" in jar and "Secure" in jar
            conn = s.connect()
            conn.request("POST", "/api/v1/auth/login", json.dumps({"email": "ada@example.org", "password": PASSWORD, "cookie": True}), {"Content-Type": "application/json"})
            response = conn.getresponse()
            csrf = json.loads(response.read())["csrf_token"]
            cookies = "; ".join(v.split(";")[0] for k, v in response.getheaders() if k.lower() == "set-cookie")
            assert "__Host-perigee-device=pgd_" in cookies, cookies
            conn.close()
            console = Client(s, headers={"Cookie": cookies})
            console.get("/api/v1/me", expect=200)
            assert console.patch("/api/v1/me", {"name": "Mallory"}).code == "csrf_failed"
            assert console.patch("/api/v1/me", {"name": "Mallory"}, headers={"X-CSRF-Token": "A" * 43}).code == "csrf_failed"
            assert console.patch("/api/v1/me", {"name": "Mallory"}, headers={"X-CSRF-Token": csrf, "Sec-Fetch-Site": "cross-site"}).code == "csrf_failed"
            console.patch("/api/v1/me", {"name": "Ada"}, headers={"X-CSRF-Token": csrf, "Sec-Fetch-Site": "same-origin"}, expect=200)
            refreshed = console.post("/api/v1/auth/refresh", expect=200)
            assert refreshed.json["csrf_token"] == csrf and "refresh_token" not in refreshed.json

        @case("API keys: scopes, networks, deletion at once")
        def _():
            read = Client(s, ada.post("/api/v1/me/api-keys", {"name": "r", "scopes": ["read"]}, expect=201).json["key"])
            read.get("/api/v1/strategies", expect=200)
            assert read.post("/api/v1/strategies", {"name": "x", "source": "x"}).code == "forbidden"
            assert read.get("/api/v1/me/sessions").code == "forbidden"
            elsewhere = Client(s, ada.post("/api/v1/me/api-keys", {"name": "n", "scopes": ["read"], "networks": ["203.0.113.0/24"]}, expect=201).json["key"])
            assert elsewhere.get("/api/v1/strategies").status == 401
            assert ada.post("/api/v1/me/api-keys", {"name": "n", "scopes": ["read"], "networks": ["203.0.113.7/24"]}).code == "validation_failed"
            for key in ada.get("/api/v1/me/api-keys", expect=200).json["items"]:
                ada.delete(f"/api/v1/me/api-keys/{key['id']}", expect=204)
            assert read.get("/api/v1/strategies").status == 401

        @case("an organisation: invited by mail, roles hold, the last owner stays")
        def _():
            org = ada.post("/api/v1/orgs", {"name": "Lovelace & Co"}, expect=201).json
            base = f"/api/v1/orgs/{org['id']}"
            assert bob.get(base).status == 404
            assert ada.post(f"{base}/invitations", {"email": "bob@example.org", "role": "viewer"}).code == "tier_forbids", "its own plan counts"
            ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, headers={"Perigee-Tenant": org["id"]}, expect=200)
            ada.post(f"{base}/invitations", {"email": "bob@example.org", "role": "viewer"}, expect=201)
            token = None
            for _ in range(200):
                found = [m for m in s.mails() if "bob@example.org" in m and "pgi_" in m]
                if found:
                    token = "pgi_" + found[-1].split("pgi_")[1][:43]
                    break
                time.sleep(0.02)
            assert ada.post("/api/v1/orgs/invitations/accept", {"token": token}).code == "bad_token", "it was sent to bob"
            assert bob.post("/api/v1/orgs/invitations/accept", {"token": token}, expect=200).json["my_role"] == "viewer"
            for_org = {"Perigee-Tenant": org["id"]}
            bob.get("/api/v1/strategies", headers=for_org, expect=200)
            assert bob.post("/api/v1/backtests", {"strategy_id": "str_0000000000ABC", "data": [{"symbol": "X", "timeframe": "1h"}]}, headers=for_org).code == "forbidden"
            assert bob.post(f"{base}/invitations", {"email": "x@example.org", "role": "viewer"}).code == "forbidden"
            assert sorted(m["role"] for m in bob.get(f"{base}/members", expect=200).json["items"]) == ["owner", "viewer"]
            assert ada.delete(f"{base}/members/{ada.me['id']}").code == "conflict"
            ada.patch(f"{base}/members/{bob.me['id']}", {"role": "trader"}, expect=204)
            bob.delete(f"{base}/members/{bob.me['id']}", expect=204)
            assert bob.get("/api/v1/strategies", headers=for_org).status == 404

        @case("operators: suspended at once, seen as they are without a change, everything in the log")
        def _():
            erin = s.register("erin@example.org")
            path = f"/api/v1/admin/users/{erin.me['id']}"
            operator.patch(f"/api/v1/admin/users/{two['dora'].me['id']}", {"role": "admin"}, expect=200)
            tokens = anonymous.post("/api/v1/auth/login", {"email": "dora@example.org", "password": PASSWORD, "code": two["codes"][1]}, expect=200).json
            admin = Client(s, tokens["access_token"])
            assert ada.post(f"{path}/impersonate").code == "forbidden"
            look = Client(s, admin.post(f"{path}/impersonate", expect=200).json["access_token"])
            assert look.get("/api/v1/me", expect=200).json["email"] == "erin@example.org"
            assert look.patch("/api/v1/me", {"name": "Mallory"}).code == "forbidden"
            assert admin.patch(path, {"role": "admin"}).code == "forbidden"
            admin.patch(path, {"suspended": True, "reason": "asked for"}, expect=200)
            assert erin.get("/api/v1/me").status == 401
            assert anonymous.post("/api/v1/auth/login", {"email": "erin@example.org", "password": PASSWORD}).status in (401, 403)
            operator.patch(path, {"suspended": False}, expect=200)
            s.login("erin@example.org")
            actions = [e["action"] for e in operator.get("/api/v1/admin/audit?limit=200", expect=200).json["items"]]
            assert len(actions) > 20 and any("suspend" in a for a in actions) and any("impersonate" in a for a in actions), actions

        @case("export shows what is stored; erasure takes it away and leaves the log sound")
        def _():
            frida = s.register("frida@example.org")
            source = 'strategy{ name="x", api=1 }\nfunction on_bar(ctx) end\n'
            strategy = frida.post("/api/v1/strategies", {"name": "Mine", "source": source}, expect=201).json["id"]
            frida.post(f"/api/v1/strategies/{strategy}/versions", {"source": source + "-- two\n"}, expect=201)
            export = frida.get("/api/v1/me/export", expect=200).json
            assert export["me"]["email"] == "frida@example.org" and export["sessions"] and export["audit"]
            assert [(x["name"], [v["source"] for v in x["versions"]]) for x in export["strategies"]] == [("Mine", [source, source + "-- two\n"])], export["strategies"]
            assert export["subscription"]["plan"]["id"] and export["usage"]["items"] and export["backtests"] == []
            mine = two["dora"].get("/api/v1/me/export", expect=200)
            assert mine.json["accounts"][0]["venue"] == "bybit" and b"CANARY" not in mine.body
            assert frida.delete("/api/v1/me", {"password": "wrong"}).code == "invalid_credentials"
            frida.delete("/api/v1/me", {"password": PASSWORD}, expect=204)
            assert frida.get("/api/v1/me").status == 401
            assert anonymous.post("/api/v1/auth/login", {"email": "frida@example.org", "password": PASSWORD}).code == "invalid_credentials"
            assert not operator.get("/api/v1/admin/users?q=frida", expect=200).json["items"]

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
