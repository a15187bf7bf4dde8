#!/usr/bin/env python3
"""SIGHUP: settings, keys and certificate are read again while requests go on; what cannot change is said: reload.py PERIGEE. Prints TAP."""
import base64
import json
import signal
import subprocess
import sys
import threading
import time

from service import PASSWORD, Client, Service, run_cases


def kid(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    # Environment beats file, so what tests usually set there is taken out.
    with Service(binary, env={"PERIGEE_RATE_PERCENT": ""}) as s:
        conf = s.data / "perigee.conf"
        anonymous = s.anonymous()

        def events(name):
            return [line for line in map(json.loads, (text for text in s.log_text().splitlines() if text.startswith("{"))) if line["event"] == name]

        def reload(settings, name="reloaded", wait_s=10):
            """Writes the file, sends the signal, waits for the log to say so."""
            conf.write_text(settings)
            before = len(events(name))
            s.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + wait_s
            while time.monotonic() < deadline:
                if len(events(name)) > before:
                    return events(name)[-1]
                time.sleep(0.02)
            raise AssertionError(f"no {name} in {wait_s} s: {s.log_text()[-1500:]}")

        @case("origins, registration, rates and mail take effect; the log names them, and what needs a restart")
        def _():
            page = {"Origin": "https://desk.example"}
            assert "access-control-allow-origin" not in anonymous.get("/health", headers=page).headers
            said = reload("origin = https://desk.example\nclosed = true\nrate-percent = 50\nmail = dir:" + str(s.data / "elsewhere") +
                          "\npublic-url = https://p.example\nproxy = 10.0.0.0/8\n")
            assert said["changed"] == "origin, mail, rate-percent, closed" and said["keys"] == "as before", said
            assert events("restart_needed")[-1]["settings"] == "proxy, public-url"
            assert anonymous.get("/health", headers=page).headers["access-control-allow-origin"] == "https://desk.example"
            body = {"email": "ada@example.org", "password": PASSWORD}
            assert anonymous.post("/api/v1/auth/register", body).code == "forbidden"
            halved = anonymous.post("/api/v1/auth/login", body).headers["ratelimit-limit"]
            reload("rate-percent = 100\nmail = dir:" + str(s.data / "elsewhere"))
            assert int(anonymous.post("/api/v1/auth/login", body).headers["ratelimit-limit"]) == 2 * int(halved), halved
            anonymous.post("/api/v1/auth/register", body, expect=202)
            deadline = time.monotonic() + 10
            while not list((s.data / "elsewhere").glob("*.txt")):
                assert time.monotonic() < deadline, "no mail where the settings say"
                time.sleep(0.02)
            assert not s.mails()
            reload("")
            s.register("bob@example.org")

        @case("the log's level")
        def _():
            conf.write_text("log-level = error\n")
            s.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 10
            while True:  # quiet: also about the reload itself
                before = len(events("request"))
                anonymous.get("/health", expect=200)
                s.log_lines()
                if len(events("request")) == before:
                    break
                assert time.monotonic() < deadline
            reload("")
            anonymous.get("/health", expect=200)
            s.log_lines()
            assert len(events("request")) > before

        @case("a mistake leaves everything as it was, and is told with its line")
        def _():
            reload("origin = https://desk.example\n")
            for wrong, why in (("origin = desk.example\nclosed = true\n", "perigee.conf:1: "), ("closed = perhaps\n", "neither true nor false"),
                               ("\nedtion = dca\n", 'did you mean "edition"'), ("edition = nobody\nclosed = true\n", "no tiers for an edition named nobody"),
                               ("mail = smtp://mail.example\nclosed = true\n", "mail-from"), ("mail-password-file = /nowhere\nclosed = true\n", "/nowhere")):
                said = reload(wrong, "reload_failed")
                assert why in said["error"], said
                assert anonymous.get("/health", headers={"Origin": "https://desk.example"}).headers["access-control-allow-origin"] == "https://desk.example"
                anonymous.post("/api/v1/auth/register", {"email": "eve@example.org", "password": PASSWORD}, expect=202)

        @case("another edition's prices are in force at once")
        def _():
            def plans():
                return [p["id"] for p in anonymous.get("/api/v1/subscriptions/plans", expect=200).json["items"]]
            dca = plans()
            reload("edition = luno\n")
            luno = plans()
            assert luno != dca, luno
            reload("edition = dca\n")
            assert plans() == dca

        @case("a new key for tokens signs after SIGHUP; tokens of the former one go on")
        def _():
            before = s.login("bob@example.org")
            subprocess.run([binary, "keys", "rotate-tokens", "--data-dir", str(s.data)], check=True, capture_output=True)
            assert reload("")["keys"] == "new"
            after = s.login("bob@example.org")
            assert kid(before.token) != kid(after.token)
            for token in (before.token, after.token):
                Client(s, token).get("/api/v1/me", expect=200)
            anonymous.post("/api/v1/auth/refresh", {"refresh_token": before.tokens["refresh_token"]}, expect=200)
            assert reload("")["keys"] == "as before"

        @case("no request is dropped by thirty reloads")
        def _():
            stop, failures, count = threading.Event(), [], [0]

            def load():
                while not stop.is_set():
                    try:
                        answer = anonymous.get("/api/v1/subscriptions/plans")
                        count[0] += 1
                        if answer.status not in (200, 429):
                            failures.append(repr(answer))
                    except Exception as error:  # noqa: BLE001 - a dropped request is what this is about
                        failures.append(repr(error))
            threads = [threading.Thread(target=load) for _ in range(3)]
            for thread in threads:
                thread.start()
            try:
                for i in range(30):
                    reload(f"edition = {('luno', 'dca')[i % 2]}\norigin = https://o{i}.example\n")
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            assert not failures and count[0] > 100, (failures[:3], count)

        failed = run_cases(cases)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
