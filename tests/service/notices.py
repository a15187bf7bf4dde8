#!/usr/bin/env python3
"""Notices: notices.py PERIGEE. Receivers as Telegram, Discord, Slack, an SMS provider and webhooks have them check each body against what those
providers document; a mail server takes mail; they fail, ask for time and go away; the service is killed in the middle. Prints TAP."""
import base64
import contextlib
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import re
import signal
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse

from hooks import until
from live import BROKEN, EAGER, Trader
from service import Service, run_cases

N = "/api/v1/notifications"
EVIL = "<b>x</b> & *y* @everyone <!channel> [l](https://e.example) \\ `c` ünïcödé"
# Says so at its first bar, and then at every one.
TALKS = """strategy{ name="talks", api=1 }
function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  if ctx.state.n == 1 then ctx:notify([[%s]]) else ctx:notify("again " .. ctx.state.n) end
end
""" % EVIL


def unescape(text):
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def telegram(path, headers, body):
    assert path == "/bot123:ABC/sendMessage", path
    m = json.loads(body)
    assert set(m) <= {"chat_id", "text", "parse_mode", "link_preview_options"} and m["parse_mode"] == "HTML", m
    bare = re.sub(r"</?b>", "", m["text"])
    assert "<" not in bare and ">" not in bare and not re.search(r"&(?!(lt|gt|amp|quot);)", bare), m
    assert 1 <= len(m["text"].encode("utf-16-le")) // 2 <= 4096
    return unescape(bare)


def discord(path, headers, body):
    assert path.startswith("/api/webhooks/"), path
    m = json.loads(body)
    assert set(m) <= {"content", "username", "allowed_mentions"} and m["allowed_mentions"] == {"parse": []} and len(m["content"]) <= 2000 and len(m["username"]) <= 80, m
    text = re.sub(r"\nhttp\S+$", "", m["content"].replace("**", ""))
    assert not re.search(r"(?<!\\)[*_~`|>\[\]()@]", re.sub(r"\\\\", "", text)), m
    return re.sub(r"\\(.)", r"\1", text)


def slack(path, headers, body):
    assert path.startswith("/services/"), path
    m = json.loads(body)
    assert set(m) <= {"text", "mrkdwn", "unfurl_links"} and m["mrkdwn"] is False and not re.search(r"[<>]|&(?!(lt|gt|amp);)", m["text"]), m
    return unescape(m["text"])


def sms(path, headers, body):
    form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
    assert headers["Authorization"] == "Basic c2VjcmV0" and headers["Content-Type"] == "application/x-www-form-urlencoded" and set(form) == {"To", "Body"}, (headers, form)
    assert len(form["Body"][0]) <= 300 and "\n" not in form["Body"][0]
    return form["Body"][0]


class Receivers:
    """One server for all; by the first part of a path it is told what to answer."""

    def __init__(self):
        self.got, self.answers, self.wrong, self.lock = [], {}, [], threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.take(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request, body):
        if request.path.endswith("/getUpdates"):  # nobody says anything
            time.sleep(2)
            request.send_response(200)
            request.end_headers()
            request.wfile.write(b'{"ok":true,"result":[]}')
            return
        kind = request.path.split("/")[1]
        check = {"bot123:ABC": telegram, "api": discord, "services": slack, "sms": sms}.get(kind)
        with self.lock:
            at = self.answers.get(request.path) if b"test" in body else self.answers.get(request.path + "#digest") if b'"type":"digest"' in body else None  # other notices come in between
            status, headers, answer, *gate = at.pop(0) if at else (200, {}, b'{"ok":true}' if check is telegram else b"ok")
            try:
                text = check(request.path, request.headers, body) if check else json.loads(body)
            except Exception as e:
                self.wrong.append(f"{request.path}: {e!r}: {body[:300]}")
                text = None
            self.got.append((request.path, dict(request.headers), body, text, time.monotonic()))
        if gate:  # answers when the test says so
            gate[0].wait(8)
        if status is None:  # hears it, and never answers
            time.sleep(30)
            return
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer)

    def of(self, path, ident=None, event=None):
        with self.lock:
            return [g for g in self.got if g[0] == path and (not ident or g[1]["webhook-id"] == ident) and (not event or g[3]["type"] == event)]


class Mail(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a sender needs; whoever is never@ is refused."""
    mails = []

    def handle(self):
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (row := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(row[1:] if row.startswith(b".") else row)
                Mail.mails.append((self.to, email.message_from_bytes(b"".join(lines), policy=email.policy.default)))
            elif word == "RCPT":
                self.to = line.split("<")[1].split(">")[0]
                if self.to.startswith("never@"):
                    self.wfile.write(b"550 5.1.1 Nobody of that name\r\n")
                    continue
            self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 yes\r\n")
            if word == "QUIT":
                return


def signed(secret, headers, body):
    """Standard Webhooks 1.0, by its text and not by ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    return wanted in headers["webhook-signature"].split(" ")


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    r = Receivers()
    mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    mail.daemon_threads = True
    threading.Thread(target=mail.serve_forever, daemon=True).start()
    args = ["--edition", "luno", "--feed", "sim=sim:speed=600,seed=3", "--notice-reach", "127.0.0.0/8", "--notice-percent", "1", "--proxy", "127.0.0.0/8", "--telegram-url", r.url, "--telegram-name", "perigee_bot",
            "--sms-url", r.url + "/sms", "--sms-body", "To={to}&Body={text}"]
    service = Service(binary)
    for name, text in (("telegram", "123:ABC"), ("sms", "Basic c2VjcmV0")):
        (service.data / name).write_text(text + "\n")
    service.args += args + ["--telegram-token-file", str(service.data / "telegram"), "--sms-auth-file", str(service.data / "sms")]
    with service as s:
        ada, bob, nobody = Trader(s, "ada@example.org"), s.register("bob@example.org"), s.register("never@example.org")
        made = {}

        def channel(kind, address, expect=201):
            return ada.client.post(N + "/channels", {"kind": kind, "address": address}, expect=expect).json

        def proven(kind, address, code):
            c = channel(kind, address)
            assert c["state"] == "unverified"
            got = until(code, bool)
            assert ada.client.post(f"{N}/channels/{c['id']}/verify", {"code": f"{(int(got) + 1) % 10 ** 8:08}"}, expect=422).json["errors"][0]["pointer"] == "/code"
            return ada.client.post(f"{N}/channels/{c['id']}/verify", {"code": got}, expect=200).json

        def spoken(path):
            said = [g[3] for g in r.of(path) if g[3] and "code that proves" in g[3]]
            return re.search(r"\d{8}", said[-1]).group() if said else None

        def test(c):
            return ada.client.post(f"{N}/channels/{c['id']}/test", expect=202).json["notice_id"]

        def sending(notice, c):
            all_of_it = ada.client.get(f"{N}/{notice}", expect=200).json["sendings"]
            return next((x for x in all_of_it if x["channel_id"] == c["id"]), {"state": ""})

        def ends(notice, c, state):
            return until(lambda: sending(notice, c), lambda x: x["state"] == state)

        def notices(event):
            return ada.client.get(f"{N}?limit=200&event={event}", expect=200).json["items"]

        def prefer(**what):
            return ada.client.put(N + "/preferences", {"events": {"plan.changed": {"all": "off"}}, **what}, expect=200)

        prefer()
        ada.bot("broken", BROKEN)  # looked at in the end, when it has failed three times

        @case("a channel proves itself by a code that was sent there")
        def _():
            made["telegram"] = proven("telegram", "-100123", lambda: spoken("/bot123:ABC/sendMessage"))
            made["sms"] = proven("sms", "+4915112345678", lambda: spoken("/sms"))
            assert made["sms"]["address"] == "+49…678"
            c = channel("mail", "desk@example.org")
            code = until(lambda: [m for m in (s.data / "outbox").glob("*.txt") if "To: desk@" in m.read_text()], bool)[0].read_text()
            for _ in range(5):
                ada.client.post(f"{N}/channels/{c['id']}/verify", {"code": "00000000"}, expect=422)
            late = ada.client.post(f"{N}/channels/{c['id']}/verify", {"code": re.search(r"\b\d{8}\b", code).group()}, expect=409)
            assert "too often" in late.json["detail"], late
            assert ada.client.post(f"{N}/channels/{c['id']}/test", expect=409).code == "conflict"
            made["discord"], made["slack"] = channel("discord", r.url + "/api/webhooks/1/secret"), channel("slack", r.url + "/services/T/B/secret")
            assert all(made[k]["state"] == "active" and "secret" not in json.dumps(made[k]) for k in ("discord", "slack"))
            made["hook"] = channel("webhook", r.url + "/hook")
            assert made["hook"]["sign_secret"].startswith("whsec_") and "sign_secret" not in ada.client.get(f"{N}/channels/{made['hook']['id']}").json

        @case("fills go to who wants them, with the instant that they are in")
        def _():
            prefer(events={"plan.changed": {"all": "off"}, "order.filled": {made["hook"]["id"]: "now"}})
            trader = ada.bot("eager", EAGER)
            got = until(lambda: [g[3]["data"]["details"] for g in r.of("/hook") if g[3]["type"] == "order.filled"], bool)[0]
            fill = ada.get(trader, "/fills?limit=200")["items"][-1]
            assert (got["bot"], got["symbol"], got["side"], got["price"]) == ("eager", "BTCUSDT", "buy", fill["price"]) and float(got["qty"]) == 0.01, (got, fill)
            ada.act(trader, "stop")
            # Left in the journal once more, as by a kill between the two files: it is the same notice.
            with contextlib.closing(sqlite3.connect(s.data / "control.db", timeout=20)) as db:
                once, tenant, event, data, at = db.execute("SELECT once, tenant_id, event, data, created_ns FROM notices WHERE once LIKE 'journal:%' ORDER BY id LIMIT 1").fetchone()
                with contextlib.closing(sqlite3.connect(s.data / "journal.db", timeout=20)) as journal:
                    with journal:
                        journal.execute("INSERT INTO notice_events VALUES (?, ?, 1, ?, ?, ?)", (int(once.removeprefix("journal:")), tenant, event, data, at))
                    until(lambda: journal.execute("SELECT count(*) FROM notice_events").fetchone(), lambda n: n == (0,))
                assert db.execute("SELECT count(*) FROM notices WHERE event = ? AND data = ? AND created_ns = ?", (event, data, at)).fetchone() == (1,)
            assert not any("eager" in (g[3] or "") for g in r.of("/services/T/B/secret"))

        @case("a script's notify reaches every channel, escaped as each wants it, and a storm of them is counted")
        def _():
            prefer(events={"plan.changed": {"all": "off"}, "bot.message": {"all": "now", made["sms"]["id"]: "now"}})
            made["talker"] = ada.bot("talks", TALKS)
            for path in ("/bot123:ABC/sendMessage", "/api/webhooks/1/secret", "/services/T/B/secret"):
                got = until(lambda path=path: [g[3] for g in r.of(path) if g[3] and "talks" in g[3]], bool)[0]
                assert EVIL in got, (path, got)
            assert "ünïcödé" in until(lambda: [g[3] for g in r.of("/sms") if "talks" in g[3]], bool)[0]
            hooked = until(lambda: r.of("/hook", event="bot.message"), bool)[0]
            assert signed(made["hook"]["sign_secret"], hooked[1], hooked[2]) and not signed("whsec_" + base64.b64encode(b"x" * 32).decode(), hooked[1], hooked[2])
            m = hooked[3]
            assert m["type"] == "bot.message" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", m["timestamp"]) and m["data"]["text"] == EVIL and m["data"]["subject"] == made["talker"], m
            until(lambda: notices("bot.message"), lambda all: sum(n["folded"] for n in all) > 10)
            one_by_one = [n for n in notices("bot.message") if not n["folded"]]
            assert len(one_by_one) == 5, one_by_one
            ada.act(made["talker"], "stop")

        @case("failures are tried again with the same id, 429 when it asks to, and each attempt is in the log")
        def _():
            c = made["b"] = channel("webhook", r.url + "/b")
            r.answers["/b"] = [(500, {}, b"<html>inner secrets</html>"), (503, {"Retry-After": "1"}, b""), (302, {"Location": r.url + "/elsewhere"}, b""), (200, {}, b"<html>" * 20000)]  # taken, however much it says about it
            notice = test(c)
            ends(notice, c, "sent")
            got = r.of("/b", ident=notice)
            assert len(got) == 4 and got[2][4] - got[1][4] >= 0.9 and not r.of("/elsewhere"), [g[4] for g in got]
            log = ada.client.get(f"{N}/{notice}/attempts", expect=200).json["items"]
            assert [(a["status"], a["outcome"]) for a in log] == [(500, "later"), (503, "later"), (302, "later"), (200, "sent")] and "secrets" not in json.dumps(log), log
            t = made["telegram"]
            before = len(r.of("/bot123:ABC/sendMessage"))
            r.answers["/bot123:ABC/sendMessage"] = [(429, {}, json.dumps({"ok": False, "error_code": 429, "parameters": {"retry_after": 1}}).encode())]
            ends(test(t), t, "sent")
            again = [g for g in r.of("/bot123:ABC/sendMessage")[before:] if "A test" in g[3]]
            assert len(again) == 2 and again[1][4] - again[0][4] >= 0.9
            # Replayed: the same id once more.
            ada.client.post(f"{N}/{notice}/replay", {"channel_id": c["id"]}, expect=202)
            until(lambda: r.of("/b", ident=notice), lambda got: len(got) == 5)
            # A new secret, and the old one for a day.
            fresh = ada.client.post(f"{N}/channels/{c['id']}/secret", expect=200).json["sign_secret"]
            notice = test(c)
            last = until(lambda: r.of("/b", ident=notice), bool)[0]
            assert fresh != c["sign_secret"] and signed(fresh, last[1], last[2]) and signed(c["sign_secret"], last[1], last[2])

        @case("who asks for time is left alone by all, then what is critical comes first; a queue has an end, and a channel its pace")
        def _():
            c, answer = channel("webhook", r.url + "/wait"), threading.Event()
            r.answers["/wait"] = [(429, {"Retry-After": "1"}, b"", answer)]
            first, behind = test(c), test(c)
            ends(behind, c, "waiting")
            until(lambda: r.of("/wait", ident=first), bool)
            ada.client.post("/api/v1/me/halt", {}, expect=200)
            ada.client.delete("/api/v1/me/halt", expect=200)
            until(lambda: notices("halt.set"), lambda all: all and any(x["channel_id"] == c["id"] for x in all[0]["sendings"]))
            answer.set()
            answered = time.monotonic()
            ends(first, c, "sent"), ends(behind, c, "sent")
            got = [(g[3]["type"], g[4]) for g in r.of("/wait") if g[4] > answered]
            assert got[0][0] == "halt.set" and got[0][1] - answered >= 0.9, (answered, got)
            # So many wait there that no more are taken.
            with contextlib.closing(sqlite3.connect(s.data / "control.db", timeout=20)) as db:
                with db:
                    db.execute("INSERT INTO notice_sendings (id, notice_id, channel_id, tenant_id, state, next_ns, began_ns, created_ns) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                               " SELECT i, notice_id, channel_id, tenant_id, 'waiting', 9000000000000000000, began_ns, created_ns FROM n, notice_sendings s WHERE s.id = (SELECT max(id) FROM notice_sendings WHERE channel_id ="
                               " (SELECT max(id) FROM notice_channels))")
                refused = test(c)
                ends(refused, c, "skipped")
                assert "Too many wait" in sending(refused, c)["reason"]
            ada.client.delete(f"{N}/channels/{c['id']}", expect=204)
            # Five SMS at once, five in a minute of this service.
            sent = [test(made["sms"]) for _ in range(7)]
            for notice in sent:
                ends(notice, made["sms"], "sent")
            at = sorted(a["at_ms"] for notice in sent for a in ada.client.get(f"{N}/{notice}/attempts", expect=200).json["items"])
            assert len(at) == 7 and at[6] - at[0] >= 200, at

        @case("who is gone is disabled and its owner is told elsewhere")
        def _():
            c = channel("webhook", r.url + "/gone")
            r.answers["/gone"] = [(410, {}, b"")]
            ends(test(c), c, "failed")
            off = until(lambda: ada.client.get(f"{N}/channels/{c['id']}").json, lambda x: x["state"] == "disabled")
            assert "gone for good" in off["reason"]
            until(lambda: [g for g in r.of("/b") if g[3]["type"] == "channel.disabled" and g[3]["data"]["subject"] == c["id"]], bool)
            assert any(f["channel_id"] == c["id"] for f in s.operator().get("/api/v1/admin/notifications/failures", expect=200).json["items"])
            assert ada.client.patch(f"{N}/channels/{c['id']}", {"enabled": True}, expect=200).json["state"] == "active"
            ada.client.delete(f"{N}/channels/{c['id']}", expect=204)

        @case("a customer's url leads nowhere inside")
        def _():
            for bad in ("http://example.org/x", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/x", "https://100.64.0.1/", "https://[fd00::1]/", "https://[2002:a00:1::]/",
                        "https://user:pass@example.org/", "https://0.0.0.0/"):
                assert ada.client.post(N + "/channels", {"kind": "webhook", "address": bad}, expect=422).json["errors"][0]["pointer"] == "/address", bad
            for kind, bad in (("discord", "https://example.org/api/webhooks/1/x"), ("slack", "https://hooks.slack.com.evil.example/services/x"), ("sms", "0151"), ("telegram", "x y"), ("mail", "a@b@c")):
                ada.client.post(N + "/channels", {"kind": kind, "address": bad}, expect=422)
            c = channel("webhook", "https://localhost:1/x")  # a name is judged when it is looked up
            notice = test(c)
            log = until(lambda: ada.client.get(f"{N}/{notice}/attempts", expect=200).json["items"], bool)
            assert "not a public one" in log[0]["detail"] and log[0]["status"] is None, log
            ada.client.delete(f"{N}/channels/{c['id']}", expect=204)

        @case("mail is plain and html, and what the server refuses for good is told")
        def _():
            (s.data / "perigee.conf").write_text(f"mail = smtp+plain://127.0.0.1:{mail.server_address[1]}\nmail-from = desk@perigee.example\n")
            s.process.send_signal(signal.SIGHUP)
            until(lambda: "settings_reread" in s.log_text() or "reread" in s.log_text() or "reload" in s.log_text(), bool)
            c = proven("mail", "ops@example.org", lambda: next((re.search(r"\b\d{8}\b", m.get_content()).group() for to, m in Mail.mails if to == "ops@example.org"), None))
            notice = test(c)
            x = ends(notice, c, "sent")
            m = next(m for to, m in Mail.mails if to == "ops@example.org" and m["Subject"] == "A test")
            plain, html = m.get_body(("plain",)).get_content(), m.get_body(("html",)).get_content()
            assert m.get_content_type() == "multipart/alternative" and "It works." in plain and "It works." in html and "<a href=" in html and m["Message-ID"] and x["attempts"] == 1
            # The owner's own address, which the server refuses.
            nobody.post("/api/v1/me/halt", {}, expect=200)
            refused = until(lambda: nobody.get(N, expect=200).json["items"], lambda all: all and all[0]["sendings"] and all[0]["sendings"][0]["state"] == "failed")[0]
            assert "Nobody of that name" in refused["sendings"][0]["reason"], refused
            assert nobody.get(f"{N}/{refused['id']}/attempts").json["items"][0]["outcome"] == "never"
            ada.client.delete(f"{N}/channels/{c['id']}", expect=204)

        @case("quiet hours hold what is not critical, and what was held goes out as one")
        def _():
            now = time.gmtime()
            prefer(quiet={"from": f"{(now.tm_hour - 1) % 24:02}:00", "to": f"{(now.tm_hour + 2) % 24:02}:00"}, events={"halt.cleared": {"all": "now", made["b"]["id"]: "off", made["hook"]["id"]: "digest"}})
            before, had, t = len(r.of("/bot123:ABC/sendMessage")), len(notices("halt.cleared")), made["telegram"]
            r.answers["/hook#digest"] = [(500, {}, b"")]
            for _ in range(2):
                ada.client.post("/api/v1/me/halt", {}, expect=200)
                ada.client.delete("/api/v1/me/halt", expect=200)
            held = until(lambda: notices("halt.cleared"), lambda all: len(all) == had + 2 and all[0]["sendings"] and all[1]["sendings"])[:2]
            assert {x["state"] for n in held for x in n["sendings"] if x["channel_id"] == t["id"]} == {"held"} and not any(x["channel_id"] == made["b"]["id"] for n in held for x in n["sendings"]), held
            critical = until(lambda: [g[3] for g in r.of("/bot123:ABC/sendMessage")[before:]], lambda got: len(got) >= 2)
            assert all("kill switch is on" in text for text in critical), critical
            prefer()
            digest = until(lambda: [g[3] for g in r.of("/bot123:ABC/sendMessage")[before:] if g[3].count("The kill switch is off") == 2], bool)[0]
            assert re.match(r"\d+ notices", digest), digest  # a bot may have failed meanwhile
            ends(held[0]["id"], t, "sent"), ends(held[1]["id"], t, "sent")
            # Of several a webhook has all, under an id of their own, and the same when it failed.
            together = until(lambda: r.of("/hook", event="digest"), lambda got: len(got) == 2)
            assert {n["id"] for n in held} <= {x["id"] for x in together[0][3]["data"]["items"]}, together
            assert together[0][1]["webhook-id"].startswith("snd_") and together[0][1]["webhook-id"] == together[1][1]["webhook-id"] and together[0][2] == together[1][2]
            assert signed(made["hook"]["sign_secret"], together[1][1], together[1][2])

        @case("a sign-in from elsewhere, and what a plan lacks")
        def _():
            elsewhere = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Elsewhere/1"}
            s.anonymous().post("/api/v1/auth/login", {"email": "ada@example.org", "password": "correct horse battery staple"}, headers=elsewhere, expect=200)
            n = until(lambda: notices("login.new"), lambda all: all and all[0]["sendings"])[0]
            assert "203.0.113.9" in n["text"] and "Elsewhere/1" in n["text"] and n["critical"]
            assert bob.post(N + "/channels", {"kind": "webhook", "address": r.url + "/bob"}, expect=403).code == "tier_forbids"
            assert not bob.get(f"{N}/channels", expect=200).json["items"] and bob.get(f"{N}/{n['id']}", expect=404).code == "not_found"
            assert bob.post(f"{N}/channels/{made['b']['id']}/test", expect=404).code == "not_found"
            assert not bob.get(N + "?event=login.new").json["items"], "the first sign-in is none from elsewhere"
            # What is critical goes out whatever the plan's notices of the day are, by the owner's mail; a channel of a plan that was larger stays silent.
            s.operator().put(f"/api/v1/admin/users/{bob.me['id']}/plan", {"plan": "enterprise", "reason": "a test"}, expect=200)
            lost = bob.post(N + "/channels", {"kind": "webhook", "address": r.url + "/bob"}, expect=201).json["id"]
            s.operator().put(f"/api/v1/admin/users/{bob.me['id']}/plan", {"limits": {"notices_per_day": 1}, "reason": "a test"}, expect=200)
            for _ in range(2):
                bob.post("/api/v1/me/halt", {}, expect=200)
                bob.delete("/api/v1/me/halt", expect=200)
            told = until(lambda: [n for n in bob.get(N).json["items"] if n["event"].startswith("halt")], lambda found: len(found) == 4 and all(len(n["sendings"]) == 2 for n in found))
            mailed = [next(x for x in n["sendings"] if x["kind"] == "mail") for n in told]
            assert [(n["event"], x["state"] == "skipped") for n, x in zip(told, mailed)] == [("halt.cleared", True), ("halt.set", False), ("halt.cleared", False), ("halt.set", False)], told
            assert "used up" in mailed[0]["reason"]
            assert all(x["state"] == "skipped" and "plan does not include" in x["reason"] for n in told for x in n["sendings"] if x["channel_id"] == lost) and not r.of("/bob"), told
            own = next(x["channel_id"] for x in told[0]["sendings"] if x["kind"] == "mail")  # nor can it be made silent
            for change in ({"enabled": False}, {"address": "else@example.org"}):
                assert "must reach somebody" in bob.patch(f"{N}/channels/{own}", change, expect=409).json["detail"]
            bob.delete(f"{N}/channels/{own}", expect=409)

        @case("killed in the middle of a sending: it is sent again, with the same id, and nothing is lost")
        def _():
            c = channel("webhook", r.url + "/kill")
            r.answers["/kill"] = [(None, {}, b"")]
            first = test(c)
            until(lambda: r.of("/kill", ident=first), bool)  # heard, not answered
            second = test(c)                    # written, waits behind it
            s.killed_and_back(ada)
            until(lambda: r.of("/kill", ident=second), bool)
            got = r.of("/kill", ident=first)
            assert len(got) == 2
            assert got[0][2] == got[1][2] and signed(c["sign_secret"], got[1][1], got[1][2])
            ends(first, c, "sent"), ends(second, c, "sent")

        @case("an order of which nobody knows what became, and a signal that a rule refused")
        def _():
            prefer(events={"hook.rejected": {"all": "now"}})
            h = ada.client.post("/api/v1/hooks", {"name": "TV", "settings": {"stages": [{"rule": "daily_cap", "settings": {"max": 1}}]}}, expect=201).json
            for side in ("buy", "sell"):
                s.anonymous().call("POST", h["path"], raw=json.dumps({"symbol": "BTCUSDT", "action": side}).encode(), headers={"Content-Type": "text/plain"}, expect=200)
            n = until(lambda: notices("hook.rejected"), bool)
            assert len(n) == 1 and n[0]["subject"] == h["id"] and "daily_cap" in n[0]["text"], n
            lost = ada.client.post("/api/v1/accounts", {"venue": "paper", "name": "Lost", "settings": {"balance": "1000000", "fault_lost": "1", "fault_absent": "1"}}, expect=201).json["id"]
            bot = ada.bot("eager", EAGER, account_id=lost)
            n = until(lambda: [x for x in notices("order.unknown") if x["subject"] == bot], bool)
            assert n[0]["critical"] and "buy 0.01 BTCUSDT" in n[0]["text"], n
            ada.act(bot, "stop")

        @case("what is muted stays silent, what is critical cannot be; a signal that was lost is told")
        def _():
            assert "always goes out at once" in ada.client.put(N + "/preferences", {"events": {"halt.set": {"all": "off"}}}, expect=422).json["errors"][0]["detail"]
            prefer(events={"halt.cleared": {"all": "off"}, "order.rejected": {"all": "off"}})
            before, set_ = len(r.of("/bot123:ABC/sendMessage")), len(notices("halt.set"))
            for _ in range(2):
                ada.client.delete("/api/v1/me/halt")
                ada.client.post("/api/v1/me/halt", {}, expect=200)
            ada.client.delete("/api/v1/me/halt", expect=200)
            told = until(lambda: notices("halt.set"), lambda all: len(all) >= set_ + 2 and all[0]["sendings"])
            ends(told[0]["id"], made["telegram"], "sent")
            said = [g[3] for g in r.of("/bot123:ABC/sendMessage")[before:]]
            assert sum("kill switch is on" in text for text in said) >= 2 and not any("kill switch is off" in text for text in said), said
            # A rule whose version is gone cannot be asked: what comes is lost, and its owner hears of it.
            ada.client.post("/api/v1/rules", {"name": "mine", "source": 'rule{ name="mine", api=1 }\nfunction on_signal(s, env) return true end', "activate": True}, expect=201)
            h = ada.client.post("/api/v1/hooks", {"name": "Lost", "settings": {"stages": [{"rule": "mine"}]}}, expect=201).json
            ada.client.delete("/api/v1/rules/mine", expect=204)
            s.anonymous().call("POST", h["path"], raw=b'{"symbol": "BTCUSDT", "action": "buy"}', headers={"Content-Type": "text/plain"}, expect=200)
            n = until(lambda: notices("hook.failed"), bool)
            assert n[0]["subject"] == h["id"] and "mine" in n[0]["text"], n
            prefer()

        @case("a channel through which nothing went for a day is disabled, and its owner told elsewhere")
        def _():
            c = channel("webhook", r.url + "/dead")
            r.answers["/dead"] = [(500, {}, b"")] * 500
            notice = test(c)
            until(lambda: ada.client.get(f"{N}/channels/{c['id']}").json, lambda x: x["failing_since_ms"])
            with contextlib.closing(sqlite3.connect(s.data / "control.db", timeout=20)) as db, db:  # a day of this service is fourteen minutes: they are over
                db.execute("UPDATE notice_channels SET failing_ns = failing_ns - 1000000000000 WHERE id = (SELECT max(id) FROM notice_channels)")
                db.execute("UPDATE notice_sendings SET began_ns = began_ns - 1000000000000 WHERE state = 'waiting' AND channel_id = (SELECT max(id) FROM notice_channels)")
            off = until(lambda: ada.client.get(f"{N}/channels/{c['id']}").json, lambda x: x["state"] == "disabled")
            assert off["reason"] and sending(notice, c)["state"] == "failed", off
            until(lambda: [g for g in r.of("/b") if g[3]["type"] == "channel.disabled" and g[3]["data"]["subject"] == c["id"]], bool)
            # Enabled again it has another day, and so has what is sent once more.
            assert ada.client.patch(f"{N}/channels/{c['id']}", {"enabled": True}, expect=200).json["failing_since_ms"] is None
            r.answers["/dead"] = [(500, {}, b"")] * 2
            ada.client.post(f"{N}/{notice}/replay", {"channel_id": c["id"]}, expect=202)
            ends(notice, c, "sent")
            ada.client.delete(f"{N}/channels/{c['id']}", expect=204)

        @case("operators look at notices, test a channel and send once more, from a shell")
        def _():
            def shell(*words, code=0):
                done = subprocess.run([binary, "notices", *words, "--data-dir", str(s.data), "--json", "-"], capture_output=True, text=True, timeout=30)
                assert done.returncode == code, (words, done.stdout, done.stderr)
                return json.loads(done.stdout) if code == 0 else done.stderr
            who, hook = ("--tenant", "ada@example.org"), made["hook"]["id"]
            assert {c["id"] for c in shell("channels", *who)["items"]} >= {hook, made["telegram"]["id"]}
            notice = shell("test", hook, *who)["notice_id"]
            until(lambda: shell("show", notice, *who)["attempts"], bool)
            assert shell("list", "--event", "test", "--limit", "1", *who)["items"][0]["id"] == notice
            until(lambda: r.of("/hook", ident=notice), bool)
            assert shell("replay", notice, "--channel", hook, *who)["id"] == notice
            until(lambda: r.of("/hook", ident=notice), lambda got: len(got) == 2)
            assert {"sending_id", "tenant_id", "reason"} <= set(shell("failures", "--limit", "1")["items"][0])
            assert "whose?" in shell("list", code=2) and "no channel's id" in shell("test", "x", *who, code=2)
            plain = subprocess.run([binary, "notices", "show", notice, "--tenant", "ada@example.org", "--data-dir", str(s.data)], capture_output=True, text=True, timeout=30)
            assert plain.returncode == 0 and "sent" in plain.stdout and notice in plain.stdout, plain

        @case("a bot that fails for good is told of, and the storm as one")
        def _():
            retired = until(lambda: notices("bot.retired"), bool)[0]
            assert "broken" in retired["title"] and "three times" in retired["text"] and retired["critical"] and len(notices("bot.failed")) == 2, retired
            more = until(lambda: [g[3]["data"] for g in r.of("/hook") if g[3]["data"].get("more", 0) > 5], bool)
            assert re.search(r"\d+ more like this\.", more[0]["text"]), more
            # All that were folded are counted, in one or two windows.
            until(lambda: notices("bot.message"), lambda all: sum(n["more"] + 1 for n in all if not n["folded"] and n["sendings"] and n["more"]) == sum(n["folded"] for n in all))

        @case("no body was other than its provider documents, and no secret is in log or database")
        def _():
            assert not r.wrong, r.wrong[:3]
            log = s.log_text()
            files = b"".join(p.read_bytes() for p in s.data.glob("control.db*"))
            export = ada.client.get("/api/v1/me/export", expect=200).json
            assert {c["kind"] for c in export["channels"]} >= {"mail", "telegram", "webhook"} and "B/secret" not in json.dumps(export["channels"])
            # Who leaves takes it all along.
            assert nobody.get(N, expect=200).json["items"]
            nobody.call("DELETE", "/api/v1/me", {"password": "correct horse battery staple"}, expect=204)
            with sqlite3.connect(s.data / "control.db") as db:
                for table in ("notices", "notice_channels", "notice_sendings", "notice_storms"):
                    assert db.execute(f"SELECT count(*) FROM {table} WHERE tenant_id NOT IN (SELECT tenant_id FROM users WHERE erased_ns IS NULL)").fetchone() == (0,), table
            db.close()
            for secret in ("123:ABC", "webhooks/1/secret", "B/secret", made["hook"]["sign_secret"], "+4915112345678", "c2VjcmV0"):
                assert secret not in log and secret.encode() not in files, secret

        run_cases(cases)


if __name__ == "__main__":
    main(sys.argv[1])
