#!/usr/bin/env python3
"""Operators' commands: each tells its result as words or as JSON, and what comes next: operators.py PERIGEE. Prints TAP."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from service import Service, run_cases

# Their result is a service, a child process, a text for people or shells, or (indicators) a table as CSV.
WITHOUT_JSON = {"serve", "host", "help", "completion", "indicators"}
STRATEGY = "strategy{{ name='Wanderer', api=1 }}\nfunction on_bar(ctx, bar) end\n-- {}\n"


def main(binary):
    cases = []
    place = pathlib.Path(tempfile.mkdtemp(prefix="perigee-operators-"))

    def case(title):
        return lambda f: cases.append((title, f)) or f

    def perigee(*args, code=0, data=None):
        done = subprocess.run([binary, *map(str, args), *(["--data-dir", str(data)] if data else [])], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, f"{args} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def result(*args, code=0, data=None):
        """What --json - prints, which must be one JSON text and nothing else; the same as --json FILE."""
        return json.loads(perigee(*args, "--json", "-", code=code, data=data).stdout)

    commands = re.findall(r"^  ([a-z]+) {2,}\S", perigee("help").stdout.split("usage:")[1], re.M)

    @case("each command's help tells what comes next; each with a result has --json")
    def _():
        assert len(commands) >= 17, commands
        for name in commands:
            text = perigee(name, "--help").stdout
            assert re.search(r"^next:\n  \S", text, re.M), f"{name}: {text[-300:]}"
            assert ("--json" in text) != (name in WITHOUT_JSON), name

    with Service(binary) as s:
        @case("accounts: made, listed, given a role, suspended, resumed, as JSON")
        def _():
            ann = result("user", "add", "ann@example.org", "--name", "Ann", data=s.data)
            assert ann["email"] == "ann@example.org" and ann["id"].startswith("usr_") and len(ann["password"]) == 24, ann
            s.login("ann@example.org", ann["password"])
            words = perigee("user", "add", "bob@example.org", data=s.data).stdout
            assert "password: " in words, words
            file = place / "eve"
            assert perigee("user", "add", "eve@example.org", "--json", file, data=s.data).stdout == ""
            assert json.loads(file.read_text())["password"] and file.stat().st_mode & 0o777 == 0o600
            assert {u["email"] for u in result("user", "list", data=s.data)} >= {"ann@example.org", "bob@example.org", "eve@example.org"}
            assert result("user", "role", "ann@example.org", "support", data=s.data)["role"] == "support"
            assert result("user", "suspend", "ann@example.org", data=s.data)["state"] == "suspended"
            assert result("user", "resume", "ann@example.org", data=s.data)["state"] == "active"
            result("user", "reset-password", "ann@example.org", data=s.data)
            assert "nobody has the address" in perigee("user", "role", "nobody@example.org", "user", "--json", "-", code=1, data=s.data).stderr

        @case("script list names the edition in force; all kinds are in one JSON text")
        def _():
            edition = s.anonymous().get("/api/v1/edition", expect=200).json
            words = perigee("script", "list", data=s.data).stdout
            assert f"edition {edition['edition']} is in force: {edition['name']}" in words, words
            got = result("script", "list", data=s.data)
            assert got["edition"] == edition["edition"] and {i["kind"] for i in got["items"]} >= {"tier"}, got
            file = place / "list"
            perigee("script", "list", "--json", file, data=s.data)
            assert json.loads(file.read_text()) == got
            assert "--kind" in perigee("script", "list", "--kind", "plan", code=2, data=s.data).stderr

        @case("versions of a strategy: put, list, show, diff, activate, rollback, shadow")
        def _():
            for n in (1, 2):
                (place / "wanderer.lua").write_text(STRATEGY.format("first" if n == 1 else "second"))
                put = perigee("script", "put", "strategy", place / "wanderer.lua", "--activate", "--comment", f"no. {n}", data=s.data).stdout
                assert f"version {n}" in put, put
            mine, = [i for i in result("script", "list", "--kind", "strategy", data=s.data)["items"] if i["name"] == "wanderer"]
            assert (mine["active_version"], mine["latest_version"]) == (2, 2), mine
            assert [v["comment"] for v in result("script", "show", "strategy", "wanderer", data=s.data)["items"]] == ["no. 2", "no. 1"]
            assert perigee("script", "show", "strategy", "wanderer", "1", data=s.data).stdout == STRATEGY.format("first")
            diff = perigee("script", "diff", "strategy", "wanderer", "1", "2", data=s.data).stdout
            assert "-- first" in diff and "-- second" in diff, diff
            assert "version 1 is active" in perigee("script", "activate", "strategy", "wanderer", "1", data=s.data).stdout
            assert "version 2 is active" in perigee("script", "rollback", "strategy", "wanderer", data=s.data).stdout
            assert result("script", "rollback", "strategy", "wanderer", data=s.data)["active_version"] == 1
            shadow = perigee("script", "shadow", "strategy", "wanderer", "2", data=s.data).stdout
            assert "version 2 runs beside the live one of 0 bots" in shadow and "next: perigee script shadow" in shadow, shadow
            assert "9" in perigee("script", "shadow", "strategy", "wanderer", "9", code=1, data=s.data).stderr
            assert "shadow" in perigee("script", "nonsense", code=2, data=s.data).stderr

        @case("doctor, backup and restore as JSON")
        def _():
            health = result("doctor", data=s.data)
            assert health["sound"] is True and len(health["checks"]) >= 6 and all(c["ok"] for c in health["checks"]), health
            copy = place / "copy"
            made = result("backup", copy, "--keys", place / "keys", data=s.data)
            assert made["backup"] == str(copy) and made["verified"] is True and made["bytes"] > 100000 and made["keys"] == str(place / "keys"), made
            assert result("restore", "--verify", copy) == {"backup": str(copy), "sound": True}
            back = result("restore", copy, data=place / "new")
            assert back == {"data_dir": str(place / "new"), "replaced": False, "keys_restored": False, "keys_there": False}, back
            ill = result("doctor", code=1, data=place / "new")
            assert ill["sound"] is False and any(not c["ok"] and "key" in c["what"] for c in ill["checks"]), ill
            perigee("restore", copy, "--keys", place / "keys", "--json", "-", code=0, data=place / "other")
            assert result("doctor", data=place / "other")["sound"] is True

        @case("keys as JSON, and only without a server where they need that")
        def _():
            assert "perigee: " in perigee("keys", "audit", "--json", "-", code=1, data=s.data).stderr
            assert result("keys", "rotate-tokens", data=s.data) == {"action": "rotate-tokens"}
            audit = result("keys", "audit", data=place / "other")
            assert audit["sound"] is True and audit["rows"] > 3, audit
            assert result("keys", "rotate-master", data=place / "other") == {"action": "rotate-master", "master_key": 2, "tenants": 0}

        failed = run_cases(cases)
    shutil.rmtree(place, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
