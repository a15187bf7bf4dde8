#!/usr/bin/env python3
"""`perigee cards mt5-ea` as its users have it: a terminal asks, and passes all cards that it claims; one with a mistake fails the card that is about
it: cards_terminal.py PERIGEE. TAP."""
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
from service import Client, free_port, run_cases  # noqa: E402
from terminal import Broker, Refused, Terminal, symbol  # noqa: E402

TOKEN, SECRET = "T" * 43, "S" * 43
UNSUPPORTED = {"market", "wrong secret", "amend", "post only", "leverage", "cancel all", "clock", "rights"}


class Front:
    """Where `perigee cards` listens, as a service for terminal.py."""

    def __init__(self, port):
        self.port = port

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def anonymous(self):
        return Client(self)


class Forgetful(Broker):
    """Loses what orders are called: a broker that cuts comments, with an expert that keeps no journal."""

    def place(self, c):
        return super().place({**c, "client": ""})


class Doubling(Broker):
    """Sends each market order twice."""

    def place(self, c):
        if c["type"] == "market" and not c["reduce"]:
            super().place(c)
        return super().place(c)


class Faulty(Terminal):
    """Loses what it is told to, and says every poll twice and an old one behind it: none of those may be taken."""

    drop, repeated = None, 0

    def request(self, method, what, tree=None, **kw):
        answer = super().request(method, what, tree, **kw)
        if what == "poll" and self.sequence % 10 == 0:
            for number in (self.sequence, self.sequence - 5):
                try:
                    super().request(method, what, tree, number=number)
                    raise AssertionError("a poll was taken twice")
                except Refused as e:
                    assert e.status == 409, e
                    self.repeated += 1
        return answer

    def heard(self, answer):
        commands = super().heard(answer)
        if self.drop == "before" and any(c["do"] == "place" for c in commands):
            self.drop = None
            return []  # the answer was lost on its way
        return commands

    def execute(self, c, asked, alone=False):
        if self.drop == "after" and c["do"] == "place":
            self.drop = None
            self.journal[c["id"]] = {"said": None}
            self.broker.place(c)
            return True  # it ends before it can tell
        return super().execute(c, asked, alone)


class Admin:
    """The /admin of a simulated terminal: faults, prices, the broker's own book."""

    def __init__(self, terminal):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(outer.ledger() if self.path == "/admin/ledger" else {"time": int(time.time() * 1000)})

            def do_POST(self):
                self.answer(outer.told(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

            def answer(self, tree):
                text = json.dumps(tree).encode()
                self.send_response(200 if tree is not None else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass
        self.terminal, self.server = terminal, http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def ledger(self):
        t = self.terminal
        with t.lock:
            return {"orders": [{"orderLinkId": o["client"]} for o in t.broker.orders.values()], "requests": [{"orderLinkId": c, "path": "order/create"} for c in t.broker.sent]}

    def told(self, path, body):
        t = self.terminal
        with t.lock:
            if path == "/admin/faults":
                t.drop = {"": None, "drop_before": "before", "drop_after": "after"}[(body["faults"] or [""])[0].split(":")[0]]
            elif path == "/admin/price":
                t.broker.move(body["symbol"], body["price"])
            else:
                return None
        return {}


def judge(binary, broker, only=None, kind=Terminal):
    port, stopping = free_port(), threading.Event()
    with tempfile.NamedTemporaryFile("w", suffix=".secret") as secret:
        secret.write(SECRET + "\n")
        secret.flush()
        terminal = kind(Front(port), {"token": TOKEN, "secret": SECRET, "path": f"/api/v1/ea/{TOKEN}"}, broker, symbols=[symbol("BTCUSDT", step="0.01")])

        def asks():
            while not stopping.is_set():
                try:
                    terminal.poll()
                except (OSError, Refused):
                    pass
                time.sleep(0.01)
        admin = Admin(terminal) if kind is Faulty else None
        thread = threading.Thread(target=asks, daemon=True)
        thread.start()
        try:
            run = subprocess.run([binary, "cards", "mt5-ea", "--listen", f"127.0.0.1:{port}", "--key", TOKEN, "--secret-file", secret.name, "--symbol", "BTCUSDT", "--quick", "--json", "-",
                                  *(["--card", str(only)] if only else []), *(["--url", admin.url] if admin else [])], capture_output=True, text=True, timeout=100, env={**os.environ})
        finally:
            stopping.set()
            thread.join(20)
    if admin:
        admin.server.shutdown()
        assert terminal.repeated > 0
    return run, json.loads(run.stdout)["cards"] if run.stdout else []


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    for hedging in (True, False):
        @case(f"a terminal that {'hedges' if hedging else 'nets'} passes what it claims, and says what it does not")
        def _(hedging=hedging):
            broker = Broker(hedging=hedging)
            run, cards = judge(binary, broker)
            results = {c["name"]: c["result"] for c in cards}
            assert run.returncode == 0 and not [c for c in cards if c["result"] == "failed"], (run.stderr, [c for c in cards if c["result"] == "failed"])
            assert {n for n, r in results.items() if r == "unsupported"} >= UNSUPPORTED, results
            assert sum(r == "passed" for r in results.values()) >= 12, results
            assert broker.net() == 0 and not [o for o in broker.orders.values() if o["state"] == "open"] and len(broker.sent) == len(set(broker.sent))

    for name, number in (("lost answer", 19), ("lost request", 20), ("trigger", 30)):
        @case(f"with faults: {name}; polls that come twice, or late, are not taken")
        def _(name=name, number=number):
            run, cards = judge(binary, Broker(), number, Faulty)
            assert run.returncode == 0 and [(c["name"], c["result"]) for c in cards] == [(name, "passed")], (run.stderr, cards)

    for broker, number in ((Forgetful, 5), (Doubling, 16)):
        @case(f"a mistake is found: {broker.__doc__.split('.')[0]}")
        def _(broker=broker, number=number):
            run, cards = judge(binary, broker(), number)
            assert run.returncode == 1 and [c["result"] for c in cards] == ["failed"] and cards[0]["text"], (cards, run.stderr)

    return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
