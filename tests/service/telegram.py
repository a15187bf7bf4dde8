#!/usr/bin/env python3
"""People who write to the service's bot on Telegram: telegram.py PERIGEE. A small server speaks the Bot API (getUpdates, sendMessage); chats are linked by codes,
command bots and send signals; messages come twice, the service is killed, strangers knock. Prints TAP."""
import contextlib
import http.server
import json
import pathlib
import re
import signal
import sys
import tempfile
import threading
import time

from hooks import FOLLOWS, HOOKS, until
from live import Trader
from service import Service, run_cases

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHATS = "/api/v1/signals/chats"


class BotApi:
    """What of the Bot API a bot that polls needs. Updates are kept until an offset beyond them is asked for."""

    def __init__(self):
        self.lock, self.updates, self.sent, self.next_id, self.failing, self.polls = threading.Condition(), [], [], 7000, None, 0
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                method = self.path.removeprefix(f"/bot{TOKEN}/")
                status, answer = api.call(method, body) if self.path.startswith(f"/bot{TOKEN}/") else (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
                text = json.dumps(answer).encode()
                with contextlib.suppress(OSError):  # it was killed meanwhile
                    self.reply(status, text)

            def reply(self, status, text):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def call(self, method, body):
        with self.lock:
            if method == "sendMessage":
                assert body["text"] and len(body["text"]) <= 4096
                self.sent.append((int(body["chat_id"]), body["text"]))
                self.lock.notify_all()
                return 200, {"ok": True, "result": {"message_id": len(self.sent)}}
            assert method == "getUpdates" and body["allowed_updates"] == ["message"], (method, body)
            self.polls += 1
            if self.failing:
                return self.failing
            self.updates = [u for u in self.updates if u["update_id"] >= body["offset"]]
            deadline = time.monotonic() + min(body["timeout"], 2)
            while not self.updates and time.monotonic() < deadline:
                self.lock.wait(0.1)
            return 200, {"ok": True, "result": self.updates[:body["limit"]]}

    def write(self, chat, text, kind="private", **more):
        """Somebody writes; the number of the update."""
        with self.lock:
            self.next_id += 1
            self.updates.append({"update_id": self.next_id, "message": {"message_id": 1, "date": int(time.time()), "chat": {"id": chat, "type": kind},
                                                                        "from": {"id": chat, "is_bot": False, "first_name": "Ann"}, "text": text, **more}})
            self.lock.notify_all()
            return self.next_id

    def answers(self, chat):
        with self.lock:
            return [text for to, text in self.sent if to == chat]

    def ask(self, chat, text):
        """Writes, and waits for the answer."""
        before = len(self.answers(chat))
        self.write(chat, text)
        return until(lambda: self.answers(chat)[before:], len)[0]


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    api = BotApi()
    with tempfile.TemporaryDirectory() as where:
        secret = pathlib.Path(where) / "token"
        secret.write_text(TOKEN + "\n")
        args = ["--feed", "sim=sim:speed=600,seed=3", "--telegram-url", api.url, "--telegram-token-file", str(secret), "--telegram-name", "test_bot"]
        with Service(binary, args=args) as s:
            ada, bob = Trader(s, "ada@example.org"), Trader(s, "bob@example.org")
            made = {}

            def code(trader, **body):
                return trader.client.post(f"{CHATS}/code", body, expect=201).json

            def deliveries(h):
                return ada.client.get(f"{HOOKS}/{h['id']}/deliveries", expect=200).json["items"]

            @case("a chat is heard once a code has linked it")
            def _():
                assert "not linked" in api.ask(1, "/status")
                assert "no such code" in api.ask(1, "/link ABCDEFGHIJKLMNOP")
                h = made["hook"] = ada.client.post(HOOKS, {"name": "phone", "body_secret": "correct horse"}, expect=201).json
                bob.client.post(f"{CHATS}/code", {"hook_id": h["id"]}, expect=422)
                first, given = code(ada), code(ada, hook_id=h["id"])
                assert given["link"] == f"https://t.me/test_bot?start={given['code']}" and given["telegram_bot"] == "test_bot", given
                assert "no such code" in api.ask(1, f"/link {first['code']}")  # another was asked for
                assert "linked" in api.ask(1, f"/start {given['code']}")
                assert "no such code" in api.ask(2, f"/start {given['code']}")  # once
                chats = ada.client.get(CHATS, expect=200).json["items"]
                assert [(c["name"], c["hook_id"]) for c in chats] == [("Ann", h["id"])] and not bob.client.get(CHATS, expect=200).json["items"], chats
                assert "/pause BOT" in api.ask(1, "/help") and "no bots" in api.ask(1, "/status@test_bot")

            @case("bots are looked at paused resumed and halted")
            def _():
                bot = made["bot"] = ada.bot("Slow Turtle", FOLLOWS)
                ada.client.put(f"{HOOKS}/{made['hook']['id']}/bots/{bot}", expect=204)
                ada.wait(bot, lambda b: b["state"] == "running")
                other = bob.bot("Not Yours", FOLLOWS)
                assert api.ask(1, "/status") == "1 running"
                assert re.match(r"Slow Turtle · BTCUSDT · running · equity ", api.ask(1, "/bots"))
                for name in ("Not Yours", other, "turtle"):
                    assert "no bot of that name" in api.ask(1, f"/pause {name}"), name
                api.ask(1, "/pause slow turtle")
                ada.wait(bot, lambda b: b["state"] == "paused")
                api.ask(1, f"/resume {bot}")
                ada.wait(bot, lambda b: b["state"] == "running")
                number = re.search(r"/halt (\d{4})$", api.ask(1, "/halt")).group(1)
                assert "not the number" in api.ask(1, "/halt 1")  # and the first is void
                assert "not the number" in api.ask(1, f"/halt {number}") and not ada.client.get("/api/v1/me/halt", expect=200).json["items"]
                number = re.search(r"/halt (\d{4})$", api.ask(1, "/halt")).group(1)
                assert "halted" in api.ask(1, f"/halt {number}")
                assert ada.client.get("/api/v1/me/halt", expect=200).json["items"] and not bob.client.get("/api/v1/me/halt", expect=200).json["items"]
                ada.client.delete("/api/v1/me/halt", expect=200)
                audit = s.operator().get("/api/v1/admin/audit?limit=100", expect=200).json["items"]
                assert any(e["action"] == "bot.pause" for e in audit)
                chat = ada.client.get(CHATS, expect=200).json["items"][0]["id"]
                assert [e["object"] for e in audit if e["action"] == "chat.link"] == [chat], audit

            @case("other messages are signals once each whatever is repeated or killed")
            def _():
                h = made["hook"]
                assert api.ask(1, "close BTCUSDT 0.5") == "Taken."
                d = until(lambda: deliveries(h), lambda d: d and d[0]["state"] == "delivered")[0]
                assert d["signal"] == {"action": "close", "symbol": "BTCUSDT", "size": 0.5, "raw": "close BTCUSDT 0.5"}, d
                assert d["address"] == "telegram" and d["body"] == "close BTCUSDT 0.5", d
                s.stop(signal.SIGKILL)  # first: a Bot API never tells one poller of an update behind its offset
                with api.lock:  # told again, as by a Bot API that did not hear of the offset
                    update = {"update_id": api.next_id, "message": {"chat": {"id": 1, "type": "private"}, "from": {"id": 1, "is_bot": False, "first_name": "Ann"}, "text": "close BTCUSDT 0.5"}}
                    api.updates = [update]
                s.start()
                ada.client = s.login("ada@example.org")
                until(lambda: [d["state"] for d in deliveries(h)], lambda states: states == ["duplicate", "delivered"])
                api.write(1, "note ETHUSDT 1", kind="group")
                api.write(1, "note ETHUSDT 2", **{"from": {"id": 1, "is_bot": True}})
                api.write(1, "", photo=[])
                assert api.ask(1, "note SOLUSDT 3") == "Taken."
                assert len(deliveries(h)) == 3
                assert not [t for _, t in api.sent if TOKEN in t] and TOKEN not in s.log_text()

            @case("a bot api that fails is asked again later and a chat can be let go")
            def _():
                for i in range(35):  # a stranger who knocks is not answered for ever
                    api.write(3, f"/link {i}")
                api.failing = (429, {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}})
                polls = api.polls
                until(lambda: api.polls, lambda n: n > polls)
                api.failing = None
                assert "running" in api.ask(1, "/status")
                assert 15 <= len(api.answers(3)) < 35, len(api.answers(3))
                bob.client = s.login("bob@example.org")
                chat = ada.client.get(CHATS, expect=200).json["items"][0]
                bob.client.delete(f"{CHATS}/{chat['id']}", expect=404)
                ada.client.delete(f"{CHATS}/{chat['id']}", expect=204)
                assert "not linked" in api.ask(1, "/status")

            return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
