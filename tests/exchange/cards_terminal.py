#!/usr/bin/env python3
"""`perigee cards mt5-ea` as its users have it: a terminal asks, and passes all cards that it claims; one with a mistake fails the card that is about
it: cards_terminal.py PERIGEE. TAP."""
import http.client
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


def judge(binary, broker, only=None):
    port, stopping = free_port(), threading.Event()
    with tempfile.NamedTemporaryFile("w", suffix=".secret") as secret:
        secret.write(SECRET + "\n")
        secret.flush()
        terminal = Terminal(Front(port), {"token": TOKEN, "secret": SECRET, "path": f"/api/v1/ea/{TOKEN}"}, broker, symbols=[symbol("BTCUSDT", step="0.01")])

        def asks():
            while not stopping.is_set():
                try:
                    terminal.poll()
                except (OSError, Refused):
                    pass
                time.sleep(0.01)
        thread = threading.Thread(target=asks, daemon=True)
        thread.start()
        try:
            run = subprocess.run([binary, "cards", "mt5-ea", "--listen", f"127.0.0.1:{port}", "--key", TOKEN, "--secret-file", secret.name, "--symbol", "BTCUSDT", "--quick", "--json", "-",
                                  *(["--card", str(only)] if only else [])], capture_output=True, text=True, timeout=100, env={**os.environ})
        finally:
            stopping.set()
            thread.join(20)
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

    for broker, number in ((Forgetful, 5), (Doubling, 16)):
        @case(f"a mistake is found: {broker.__doc__.split('.')[0]}")
        def _(broker=broker, number=number):
            run, cards = judge(binary, broker(), number)
            assert run.returncode == 1 and [c["result"] for c in cards] == ["failed"] and cards[0]["text"], (cards, run.stderr)

    return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
