#!/usr/bin/env python3
"""Backup, restore and doctor: with and without the keys, and with rows changed behind the program's back: rescue.py PERIGEE. Prints TAP."""
import json
import pathlib
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from auth import totp
from crash import with_second_factor
from service import PASSWORD, Client, Service, free_port, run_cases


def main(binary):
    cases, made = [], {}
    place = pathlib.Path(tempfile.mkdtemp(prefix="perigee-rescue-"))
    copy, saved, new = place / "copy", place / "saved-keys", place / "new"

    def case(title):
        return lambda f: cases.append((title, f)) or f

    def perigee(*args, code=0):
        done = subprocess.run([binary, *map(str, args)], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"{args} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def doctor(where, code=0):
        return perigee("doctor", "--data-dir", where, code=code)

    def anew(*args):
        shutil.rmtree(new, ignore_errors=True)
        return perigee("restore", copy, "--data-dir", new, *args)

    with Service(binary) as s:
        ada = with_second_factor(s, "ada@example.org")
        made["account"] = ada.post("/api/v1/accounts", {"venue": "bybit", "name": "Main", "secrets": {"api_key": "k", "api_secret": "s"}},
                                   headers={"Idempotency-Key": "once"}, expect=201).json["id"]
        # A second person with a second factor, who has kept the recovery codes.
        bob = s.register("bob@example.org")
        seed = bob.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        made["codes"] = bob.post("/api/v1/auth/verify-2fa", {"code": totp(seed)}, expect=200).json["recovery_codes"]
        made["text"] = doctor(s.data)
        made["backup"] = perigee("backup", copy, "--data-dir", s.data, "--keys", saved)
        made["without"] = perigee("backup", place / "second", "--data-dir", s.data)
        shutil.copytree(s.data / "keys", place / "keys")

    @case("doctor of a running service: files, keys, vault and audit log, opened and followed")
    def _():
        assert "BAD" not in made["text"] and "2 tenants' keys, 2 secrets of accounts, 2 second factors open" in made["text"], made["text"]
        assert "audit: " in made["text"] and " in 3 chains" in made["text"] and "1 answers to Idempotency-Key open" in made["text"], made["text"]

    @case("a backup says that it has no keys, or copies them for their owner's eyes only")
    def _():
        assert "without the keys of" in made["without"], made["without"]
        assert not list(copy.rglob("*key*")) and sorted(p.name for p in copy.iterdir()) == ["MANIFEST", "control.db", "journal.db", "market.db"]
        assert saved.stat().st_mode & 0o777 == 0o600
        secret = (place / "keys/master-1.key").read_text().strip()
        assert secret in saved.read_text()
        assert not any(secret.encode() in p.read_bytes() or bytes.fromhex(secret) in p.read_bytes() for p in copy.iterdir())
        assert "audit: " in doctor(copy)

    @case("restored into nothing: no talk of former files; without keys unsound, refused at the start, and told how to mend")
    def _():
        text = anew()
        assert "before-restore" not in text and "put back" in text, text
        text = doctor(new, code=1)
        assert "master-1.key: no such key" in text and "2 of 2 secrets" in text and "2 of 2 second factors" in text and "Put back" in text, text
        text = perigee("serve", "--data-dir", new, "--listen", f"127.0.0.1:{free_port()}", code=1)
        assert "master-1.key is missing" in text and "put the directory of keys back" in text, text
        assert not (new / "keys").exists(), "a refused start made keys, which hide what is missing"
        (new / "keys").mkdir(0o700)
        shutil.copy(place / "keys" / "master-1.key", new / "keys")
        text = perigee("serve", "--data-dir", new, "--listen", f"127.0.0.1:{free_port()}", code=1)
        assert "site.key is missing" in text and [p.name for p in (new / "keys").iterdir()] == ["master-1.key"], text
        for name in ("master-1.key", "site.key", "audit.key"):  # another installation's
            (new / "keys" / name).write_text(secrets.token_hex(32) + "\n")
            (new / "keys" / name).chmod(0o600)
        text = perigee("serve", "--data-dir", new, "--listen", f"127.0.0.1:{free_port()}", code=1)
        assert "master key 1 is not the one" in text, text
        text = doctor(new, code=1)
        assert "does not open with this key" in text, text

    @case("with other keys there a restore leaves them and says so; with the right ones everything opens and runs")
    def _():
        text = perigee("restore", copy, "--data-dir", new, "--keys", saved, code=1)
        assert "is another key" in text, text
        assert "the keys are back" in anew("--keys", saved)
        assert "BAD" not in doctor(new)
        assert sorted(p.name for p in (new / "keys").iterdir()) == sorted(p.name for p in (place / "keys").iterdir())
        assert all(p.stat().st_mode & 0o777 == 0o600 for p in (new / "keys").iterdir())
        t = Service(binary, data=new)
        t.start()
        t.anonymous().post("/api/v1/auth/login", {"email": "ada@example.org", "password": "wrong wrong"}, expect=401)
        assert t.stop() == 0

    @case("a file of keys that is none, or names another place, writes nothing")
    def _():
        for text in ("", "perigee keys 1\n", "perigee keys 1\n../x.key " + "0" * 64 + "\n", "perigee keys 1\nmaster-1.key 00\n",
                     "perigee keys 1\nmaster-1.key " + "0" * 64 + "\nsite.key x\n", "perigee keys 1\nmaster-0.key " + "0" * 64 + "\n"):
            (place / "bad").write_text(text)
            shutil.rmtree(new, ignore_errors=True)
            answer = perigee("restore", copy, "--data-dir", new, "--keys", place / "bad", code=1)
            assert "keys are not" in answer and not list(new.glob("keys/*")), (text, answer)

    @case("a changed, a removed and a moved row: doctor names them")
    def _():
        def spoil(sql, told):
            anew("--keys", saved)
            db = sqlite3.connect(new / "control.db")
            for trigger in ("audit_no_update", "audit_no_delete"):
                db.execute(f"DROP TRIGGER {trigger}")
            db.executescript(sql)
            db.commit()
            db.close()
            text = doctor(new, code=1)
            assert told in text, (sql, text)
        spoil("UPDATE audit SET detail = '{}' WHERE seq = 2", "a row was changed")
        spoil("DELETE FROM audit_context WHERE audit_id IN (SELECT id FROM audit WHERE seq = 2); DELETE FROM audit WHERE seq = 2", "a row is missing")
        spoil("UPDATE account_secrets SET field = 'other' WHERE field = 'api_key'", "1 of 2 secrets")
        spoil("UPDATE totp SET seed = zeroblob(48)", "2 of 2 second factors")
        spoil("UPDATE idempotency SET answer = zeroblob(100)", "1 of 1 answers")
        spoil("UPDATE tenant_keys SET wrapped = zeroblob(60)", "2 do not open")

    nowhere = ["--mail", "smtp+plain://127.0.0.1:1", "--mail-from", "robot@perigee.example"]

    def abandon(*args, **kw):
        return json.loads(perigee("keys", "abandon", *args, "--data-dir", new, "--json", "-", **kw))

    def kinds(listing):
        return sorted(item["kind"] for item in listing["lost"])

    def with_a_mail_that_waits():
        anew("--keys", saved)
        t = Service(binary, nowhere, data=new)
        t.start()
        t.anonymous().post("/api/v1/auth/register", {"email": "eve@example.org", "password": PASSWORD, "name": "Eve"}, expect=202)
        assert t.stop() == 0

    def sign_in(t, email, code=None):
        return t.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, **({"code": code} if code else {})})

    @case("mails that wait: doctor opens them; nothing is abandoned while the keys are there")
    def _():
        with_a_mail_that_waits()
        assert "1 mails that wait, 1 answers to Idempotency-Key open" in doctor(new)
        assert abandon("--yes") == {"action": "abandon", "abandoned": False, "missing": [], "lost": []}
        (new / "keys" / "site.key").write_text(secrets.token_hex(32) + "\n")
        text = doctor(new, code=1)
        assert "1 of 1 mails" in text and "1 of 1 answers" in text and "perigee keys abandon" in text, text
        assert kinds(abandon()) == ["answer", "mail"]

    @case("keys lost for good: what is lost is listed and nothing changed; given up with --yes, the service starts, and a copy is left")
    def _():
        with_a_mail_that_waits()
        shutil.rmtree(new / "keys")
        told = abandon()
        assert told["abandoned"] is False and len(told["missing"]) == 4 and not (new / "keys").exists(), told
        assert kinds(told) == ["answer", "mail", "second_factor", "second_factor", "secret", "secret", "tenant_key", "tenant_key"], told
        assert {"kind": "secret", "id": made["account"], "field": "api_key"} in told["lost"], told
        assert {item.get("address") for item in told["lost"] if item["kind"] in ("second_factor", "mail")} == {"ada@example.org", "bob@example.org", "eve@example.org"}
        words = perigee("keys", "abandon", "--data-dir", new)
        assert f"lost: a secret of account {made['account']}, api_key" in words and "Nothing was changed" in words, words
        text = perigee("serve", "--data-dir", new, "--listen", f"127.0.0.1:{free_port()}", code=1)
        assert "master-1.key is missing" in text, text
        done = abandon("--yes")
        assert done["abandoned"] is True and kinds(done) == kinds(told), done
        assert "BAD" not in doctor(new) and abandon()["lost"] == []

    @case("after that: second factors are asked for, only recovery codes pass, secrets are entered anew; the copy and the old keys still open")
    def _():
        with Service(binary, data=new) as t:
            assert sign_in(t, "bob@example.org").json["second_factor_required"] is True
            assert sign_in(t, "bob@example.org", "123456").status in (401, 403)
            answer = sign_in(t, "bob@example.org", made["codes"][0])
            assert answer.status == 200, answer
            bob = Client(t, answer.json["access_token"])
            bob.post("/api/v1/accounts", {"venue": "bybit", "name": "New", "secrets": {"api_key": "k2"}}, expect=201)
            bob.post("/api/v1/auth/disable-2fa", {"password": PASSWORD, "code": made["codes"][1]}, expect=204)
            bob.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200)
        assert "BAD" not in doctor(new)
        copy_of, = new.glob("before-abandon-*")
        back = place / "back"
        perigee("restore", copy_of, "--data-dir", back, "--keys", saved)
        assert "2 secrets of accounts, 2 second factors open" in doctor(back)

    @case("second factors are dropped when that is asked for; a running server is not disturbed")
    def _():
        anew("--keys", saved)
        (new / "keys" / "master-1.key").unlink()
        assert kinds(abandon()) == ["second_factor", "second_factor", "secret", "secret", "tenant_key", "tenant_key"]
        assert abandon("--yes", "--drop-factors")["abandoned"] is True
        with Service(binary, data=new) as t:
            assert sign_in(t, "ada@example.org").status == 200
            (new / "keys" / "site.key").unlink()
            assert "perigee: " in perigee("keys", "abandon", "--yes", "--data-dir", new, code=1)
            assert not (new / "keys" / "site.key").exists()

    failed = run_cases(cases)
    shutil.rmtree(place, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
