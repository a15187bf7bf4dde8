#!/usr/bin/env python3
"""Terminals of MetaTrader: ea.py PERIGEE. A scripted expert (terminal.py) speaks the whole protocol: who it is, what is forged, repeated and overtaken,
signals up, orders of bots down; the expert and the engine are killed, and the broker's own book says what is true. TAP."""
import argparse
import collections
import contextlib
import decimal
import hashlib
import hmac
import http.server
import importlib.util
import io
import json
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from auth import totp
from dwx_terminal import DwxTerminal
from live import Trader
from service import PASSWORD, Client, Service, run_cases
from terminal import Broker, Refused, Terminal, symbol

D = decimal.Decimal
DWX = str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "metatrader" / "dwx.py")
BTC = [symbol("BTCUSDT", profit="USD")]
BUSY = """strategy{ name="busy", api=1 }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  if n % 4 == 1 then ctx:buy{qty=0.02, sl=bar.close*0.5, tp=bar.close*2, tag="in"} end
  if n % 4 == 2 then ctx:buy{qty=0.01, type="limit", price=bar.close*0.97, tag="low"} end
  if n % 4 == 3 then ctx:close{tag="out"} end
  if n % 4 == 0 then ctx:cancel_all("low") end
end
"""
ONCE = """strategy{ name="once", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.sent then ctx.state.sent = true; ctx:buy{qty=0.02, tag="in"} end
end
function on_order(ctx, e)  -- the session may not have reconciled yet
  if e.status == "REJECTED" then ctx.state.sent = nil end
end
"""
HEARS = """strategy{ name="hears", api=1 }
function on_bar(ctx, bar) end
function on_signal(ctx, s) ctx:log("info", "heard", s.action, s.symbol) end
"""


class EaTrader(Trader):
    """A customer with a second factor, and an account at a terminal."""

    def __init__(self, service, email, venue="mt5-ea", **settings):
        super().__init__(service, email)
        self.paper, seed = self.account, self.client.post("/api/v1/auth/enable-2fa", {"password": PASSWORD}, expect=200).json["secret"]
        self.client.post("/api/v1/auth/verify-2fa", {"code": totp(seed, time.time() - 30)}, expect=200)
        tokens = service.anonymous().post("/api/v1/auth/login", {"email": email, "password": PASSWORD, "code": totp(seed)}, expect=200).json
        self.client = Client(service, tokens["access_token"])
        self.made = self.client.post("/api/v1/accounts", {"venue": venue, "name": "MT5", "settings": {"balance": "50000", "leverage": "5", **settings}}, expect=201).json
        self.account, self.keys = self.made["id"], self.made["ea"]

    def link(self):
        return self.client.get(f"/api/v1/accounts/{self.account}/ea", expect=200).json


TICKS = """strategy{ name="ticks", api=1, data={ main={tf="1m"}, h1={tf="1h"} }, ind={ mean={"sma",30}, slow={"sma",10,on="h1"} } }
function on_bar(ctx, bar) end
function on_tick(ctx, t)
  if ctx.state.sent then return end
  ctx.state.sent = true
  ctx:log("info", "saw", t.bid, t.ask, ctx.ind.mean[0], ctx.ind.slow[0])
  ctx:buy{qty=0.02, tag="in"}
end
function on_order(ctx, e)  -- the session may not have reconciled yet
  if e.status == "REJECTED" then ctx.state.sent = nil end
end
"""


def refused(status, code, ask):
    try:
        ask()
    except Refused as e:
        assert e.status == status and e.code == code, e
        return e.answer
    raise AssertionError("it was taken")


def agree(t, terminal, bots, wait_s=30):
    """The broker's book and the bots' books say the same, and nothing was sent twice."""
    deadline = time.monotonic() + wait_s
    while True:
        with terminal.lock:
            true, sent = terminal.broker.net(), collections.Counter(terminal.broker.sent)
        assert max(sent.values(), default=0) <= 1, [k for k, n in sent.items() if n > 1]
        mine = sum((D(p["qty"]) for bot in bots for p in ((t.get(bot)["live"] or {}).get("positions") or [])), D(0))
        if true == mine:
            return sent
        assert time.monotonic() < deadline, f"the broker holds {true}, the bots {mine}"
        time.sleep(0.1)


def dwx_module():
    spec = importlib.util.spec_from_file_location("dwx", DWX)
    dwx = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # nothing of it stays beside the examples
    spec.loader.exec_module(dwx)
    sys.dont_write_bytecode = before
    return dwx


def dwx_options(folder, **more):
    at = pathlib.Path(folder)
    (at / "secret").write_text("secret\n")
    (at / "symbols").write_text(json.dumps([symbol("BTCUSDT", step="0.01")]))
    return argparse.Namespace(**{"files": folder, "secret_file": at / "secret", "symbols": at / "symbols", "url": "http://127.0.0.1/ea", "utc_offset": 0, "signals": None, **more})


def signals_of_a_file():
    """dwx.py beside a service that is not always there: each line is taken once, in order, by whichever process; none is lost, none told again."""
    told, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("id"))
            status, last = answers.pop(0) if answers else (200, None)
            number = self.headers["X-Perigee-Sequence"]
            self.send_response(status)
            if last:
                self.send_header("X-Perigee-Sequence", str(last))
            self.send_header("X-Perigee-Signature", hmac.new(b"secret", f"ANSWER\n{self.path}\n{number}\n{{}}".encode(), hashlib.sha256).hexdigest())
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    dwx = dwx_module()
    try:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "DWX").mkdir()
            lines = pathlib.Path(folder) / "lines"
            options = dwx_options(folder, url=f"http://127.0.0.1:{server.server_port}/ea", signals=str(lines))
            adapter = dwx.Adapter(options)
            adapter.signals()  # there is no file yet
            lines.write_text('{"id": "a"}\nno JSON\n{"id": "b"}\n\n{"id": "c"}\n{"id": "d"')

            def after(*statuses):
                """What was told while the service answered so."""
                told.clear()
                answers[:] = statuses
                with contextlib.redirect_stderr(io.StringIO()):
                    adapter.signals()
                return list(told)
            assert after((503, None)) == ["a"] and after((502, None)) == ["a"] and after((404, None)) == ["a"]
            assert after((409, 1000), (200, None), (409, None)) == ["a", "a", "b"] and adapter.sequence > 1000  # a service that was killed has skipped numbers
            assert after((422, None)) == ["b", "c"] and after() == []
            adapter = dwx.Adapter(options)
            assert after() == []
            lines.open("a").write("}\n")
            assert after() == ["d"] and after() == []
            lines.write_text('{"id": "e"}\n')  # written anew
            assert after() == ["e"]
            adapter = dwx.Adapter(options)
            assert after() == []
    finally:
        server.shutdown()
        server.server_close()


def between_files():
    """dwx.py without a service: what it makes of files that change between two looks."""
    dwx = dwx_module()
    with tempfile.TemporaryDirectory() as folder:
        terminal = DwxTerminal(folder)
        adapter = dwx.Adapter(dwx_options(folder))
        adapter.started -= 3600  # it has run for long

        def place(n, asked_s=0, **more):
            """The order's name, and what was said of the command."""
            ident = f"P{n:028}"
            adapter.execute({"id": ident, "client": ident, "do": "place", "symbol": "BTCUSDT", "side": "buy", "type": "limit", "volume": "0.02", "price": "50000", "magic": 7, "reduce": False, "lease_ms": 60000, **more},
                            time.monotonic() - asked_s)
            return ident, adapter.journal.entries[ident]["said"]

        def error():
            terminal.say("ERROR", error_type="SUBSCRIBE_SYMBOL", description="Could not subscribe")
            time.sleep(0.1)  # it is read before the order is there
        try:
            while adapter.files.read("Orders") is None:
                time.sleep(0.005)
            terminal.at_open = error
            ident, said = place(1)
            assert said == "done", adapter.journal.entries[ident]
            terminal.in_history = terminal.fill
            rows = [r for r in adapter.report()[0]["orders"] if r["client"] == ident]
            assert [(r["state"], r["filled"]) for r in rows] == [("filled", "0.02")], rows
            # Its lease is over: it is left, and stays left when it comes once more. What was done is not done again.
            opened, (late, said) = len(terminal.opened), place(3, asked_s=60)
            assert said == "missed" and place(3)[1] == "missed" and place(1)[1] == "done" and len(terminal.opened) == opened, terminal.opened
            # A position of another magic number is somebody else's: it is not closed by our order.
            with terminal.lock:
                for ticket, magic in (("501", 8), ("502", 7)):
                    terminal.orders[ticket] = {"magic": magic, "symbol": "BTCUSDT", "lots": 0.03, "type": "buy", "open_price": 1.0, "open_time": terminal.stamp(), "SL": 0.0, "TP": 0.0, "pnl": 0.0, "swap": 0.0, "comment": ""}
            until = time.monotonic() + 20
            while "502" not in adapter.orders():
                assert time.monotonic() < until
                time.sleep(0.005)
            ident, said = place(4, side="sell", type="market", volume="0.05", reduce=True)
            with terminal.lock:
                assert said == "done" and terminal.orders["501"]["lots"] == 0.03 and "502" not in terminal.orders, (said, terminal.orders)
            assert place(5, side="sell", type="market", volume="0.05", reduce=True, magic=9)[1] == "refused" and "501" in terminal.orders
            terminal.deaf, dwx.WAIT_S = True, 0.2
            ident, said = place(2)
            assert said == "unsure" and adapter.report() == (None, []), adapter.journal.entries[ident]
            terminal.deaf, dwx.WAIT_S = False, 20
            adapter.ask = [ident]
            assert adapter.report()[0]["told"] == [{"client": ident, "state": "unsure"}] and ident not in terminal.opened  # and never will be
            adapter.journal.entries[ident]["time_ms"] -= 60000
            assert adapter.report()[0]["told"] == [{"client": ident, "state": "absent"}]
        finally:
            terminal.stop()


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary, args=["--feed", "mt5-ea=sim:speed=600,seed=3", "--hosts", "1"]) as s:
        ada, made = EaTrader(s, "ada@example.org"), {}
        terminal = Terminal(s, ada.keys, symbols=BTC)

        @case("an account at a terminal: keys are shown once, a terminal is who it was first, and what is not as it should be is refused")
        def _():
            accounts = "/api/v1/accounts"
            assert set(ada.keys) == {"token", "secret", "path"} and ada.keys["path"].endswith(ada.keys["token"])
            assert "ea" not in ada.client.get(f"{accounts}/{ada.account}", expect=200).json and ada.link()["state"] == "never"
            assert ada.client.get(f"{accounts}/{ada.account}", expect=200).json["settings"]["currency"] == "USD"
            wrong = lambda **body: ada.client.post(accounts, {"name": "x", "venue": "mt5-ea", **body}, expect=422).json["errors"][0]["pointer"]  # noqa: E731
            assert wrong(secrets={"api_key": "x"}) == "/secrets" and wrong(settings={"environment": "moon"}) == "/settings/environment"
            assert wrong(settings={"environment": "live"}) == "/settings/risk_acknowledged"
            ada.client.put(f"{accounts}/{ada.account}/secrets", {"secrets": {"ea_secret": "mine"}}, expect=422)
            ada.client.get(f"{accounts}/{ada.paper}/ea", expect=404)
            # Before a hello nothing is known; then it is who it is.
            refused(409, "conflict", lambda: terminal.request("POST", "poll", terminal.report()))
            terminal.hello()
            assert terminal.poll() == [] and ada.link()["state"] == "connected" and ada.link()["login"] == "12345"
            assert terminal.heard(terminal.request("GET", "commands")) == []
            assert (ada.link()["sequence"], ada.link()["account"]["equity"], ada.link()["positions"]) == (terminal.sequence, "50000", [])
            for other in (Terminal(s, ada.keys, login="54321", symbols=BTC), Terminal(s, ada.keys, platform="mt4", symbols=BTC)):
                refused(409, "conflict", other.hello)
                terminal.sequence = other.sequence
            refused(422, "validation_failed", lambda: terminal.request("POST", "poll", {**terminal.report(), "turn": terminal.turn + 9}))
            assert "/account" in refused(422, "validation_failed", lambda: terminal.request("POST", "poll", {**terminal.report(), "account": {}})).json["detail"]

        @case("what is forged, repeated, overtaken, cut or too long is refused, and changes nothing")
        def _():
            before, body = ada.link(), json.dumps(terminal.report()).encode()
            path, number = f"{ada.keys['path']}/poll", terminal.sequence + 1
            good = terminal.sign("POST", path, number, body)
            post = lambda **kw: terminal.request("POST", kw.pop("what", "poll"), **{"raw": body, "number": number, "signature": good, **kw})  # noqa: E731
            for forged in ({"raw": body + b" "}, {"number": number + 1}, {"what": "hello"}, {"signature": "0" * 64}, {"signature": good[:-1]}, {"signature": good.upper()}, {"number": f"0{number}"}, {"number": -1},
                           {"signature": terminal.sign("GET", path, number, body)}, {"raw": body[:-1]}, {"raw": b""}):
                refused(403, "forbidden", lambda forged=forged: post(**forged))
            refused(413, "body_too_large", lambda: post(raw=b" " * (256 * 1024 + 1)))
            stranger = dict(ada.keys, path=ada.keys["path"][:-3] + "AAA")
            refused(404, "not_found", Terminal(s, stranger).hello)
            refused(403, "forbidden", Terminal(s, dict(ada.keys, secret="guessed")).hello)
            post()
            again = refused(409, "conflict", post)
            assert again.headers["x-perigee-sequence"] == str(number)
            older = number - 1
            refused(409, "conflict", lambda: post(number=older, signature=terminal.sign("POST", path, older, body)))
            assert {**ada.link(), "heard_at_ms": 0} == {**before, "heard_at_ms": 0, "sequence": number}
            # After a kill numbers that may have been used are not taken either, and the terminal is told where to go on.
            s.stop(signal.SIGKILL)
            s.start()
            assert int(refused(409, "conflict", post).headers["x-perigee-sequence"]) >= number
            assert terminal.sequence >= number and terminal.poll() == [] and ada.link()["state"] != "never"
            assert terminal.poll() == [] and ada.link()["state"] == "connected"

        @case("signals up: through the hook that is set, once")
        def _():
            signal_ = {"id": "s1", "symbol": "BTCUSDT", "action": "buy"}
            refused(409, "conflict", lambda: terminal.request("POST", "signals", signal_))
            hook = ada.client.post("/api/v1/hooks", {"name": "EA"}, expect=201).json
            ada.client.put(f"/api/v1/accounts/{ada.account}/ea/hook", {"hook_id": hook["id"]}, expect=204)
            ada.client.put(f"/api/v1/accounts/{ada.account}/ea/hook", {"hook_id": "hok_0000000000ABC"}, expect=422)
            account, ada.account = ada.account, ada.paper
            bot = ada.bot("hears", HEARS, venue="mt5-ea")
            ada.account = account
            ada.client.put(f"/api/v1/hooks/{hook['id']}/bots/{bot}", expect=204)
            ada.wait(bot, lambda b: b["state"] == "running")
            first, again = terminal.request("POST", "signals", signal_), terminal.request("POST", "signals", signal_)
            assert not first["duplicate"] and again["duplicate"] and first["id"].startswith("dlv_")
            assert refused(422, "validation_failed", lambda: terminal.request("POST", "signals", raw=b"\xff"))
            ada.wait(bot, lambda b: any(line["text"].startswith("heard buy BTCUSDT") for line in ada.get(bot, "/logs?limit=50")["items"]))
            ada.act(bot, "stop")

        @case("a command whose name was handed out in a life before this one is not handed out again: nobody knows what became of it")
        def _():
            account = ada.account
            other = ada.client.post("/api/v1/accounts", {"venue": "mt5-ea", "name": "Twice", "settings": {"balance": "50000", "leverage": "5"}}, expect=201).json
            twice = made["twice"] = Terminal(s, other["ea"], Broker(), symbols=BTC)
            with contextlib.closing(sqlite3.connect(s.data / "control.db", timeout=20)) as db:
                with db:  # as if each had been written before
                    db.execute("CREATE TRIGGER before_this BEFORE INSERT ON ea_commands WHEN NEW.account_id = (SELECT max(id) FROM accounts) BEGIN INSERT INTO ea_commands (id, account_id, name, command, state, leased_ns)"
                               " VALUES (1, NEW.account_id, NEW.name, '{}', 'leased', 1); END")
                try:
                    twice.start()
                    ada.account = other["id"]
                    bot = ada.bot("once", ONCE, venue="mt5-ea")
                    deadline = time.monotonic() + 20
                    while not (seen := [line for line in s.log_text().splitlines() if '"ea_twice"' in line]):
                        assert time.monotonic() < deadline, "it was not seen"
                        time.sleep(0.02)
                    ada.wait(bot, lambda b: any(o["status"] == "unknown" for o in ada.get(bot, "/orders?limit=5")["items"]))
                finally:
                    ada.account = account
                    with db:
                        db.execute("DROP TRIGGER before_this")
            with twice.lock:
                name = json.loads(seen[0])["text"]
                assert name[0] == "P" and name not in twice.journal and name not in twice.broker.sent, twice.journal
            ada.act(bot, "stop")  # when it is proven that there is no such order, which takes until later cases

        @case("a bot trades through it, its books are the broker's; kill -9 of the engine and of the expert at bad moments; it stops flat")
        def _():
            terminal.start()
            bot = made["bot"] = ada.bot("busy", BUSY, venue="mt5-ea")
            ada.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 4)
            agree(ada, terminal, [bot])
            with terminal.lock:
                assert len({o["magic"] for o in terminal.broker.orders.values()}) == 1 and all(o["magic"] > 0 for o in terminal.broker.orders.values())
            # The expert dies before an order has left, and when one has: another comes, and tells.
            now = terminal
            for moment in ("before", "after"):
                had = len(now.broker.sent)
                now.lose = moment
                deadline = time.monotonic() + 20
                while now.thread.is_alive() and now.lose:
                    assert time.monotonic() < deadline, "no command came"
                    time.sleep(0.01)
                now = now.restarted().start()
                deadline = time.monotonic() + 20
                while len(now.broker.sent) < had + 3:
                    assert time.monotonic() < deadline, "it does not go on"
                    time.sleep(0.02)
            with now.lock:  # what it was handed is done, and nobody has been told; an answer that is lost on the way would take half a minute to be proven
                s.stop(signal.SIGKILL)
            s.start()
            fills = ada.wait(bot, lambda b: b["state"] == "running")["live"]["fills"]
            ada.wait(bot, lambda b: b["live"]["fills"] >= fills + 4)
            agree(ada, now, [bot])
            deadline = time.monotonic() + 30
            while (connection := ada.client.get(f"/api/v1/accounts/{ada.account}/connection", expect=200).json)["state"] != "ready" or connection["differs"]:
                assert time.monotonic() < deadline, connection
                time.sleep(0.05)
            assert [b["currency"] for b in ada.client.get(f"/api/v1/accounts/{ada.account}/balances", expect=200).json["items"]] == ["USD"]
            tested = ada.client.post(f"/api/v1/accounts/{ada.account}/test", expect=200).json
            assert tested["ok"], tested
            ada.act(bot, "stop", {"close": True})
            ada.wait(bot, lambda b: b["state"] == "stopped")
            sent = agree(ada, now, [bot])
            assert now.broker.net() == 0 and not [o for o in now.broker.orders.values() if o["state"] == "open"]
            handed = ada.client.get(f"/api/v1/accounts/{ada.account}/ea/commands?limit=200", expect=200).json["items"]
            names = [c["name"] for c in handed]
            assert len(names) == len(set(names)) and {"done"} <= {c["state"] for c in handed} and len(sent) >= 8, handed[:3]
            figures = s.anonymous().get("/metrics").body.decode()
            assert "\nperigee_terminals_connected 2\n" in figures and re.search(r"perigee_terminal_commands_done_total [1-9]", figures), figures[-3000:]
            made["now"] = now

        @case("a terminal that talks by files (dwxconnect): signals of a file, a bot's orders, kill -9 of who stands between; the files' book is the bot's")
        def _():
            account, keys = ada.account, ada.keys
            made_ = ada.client.post("/api/v1/accounts", {"venue": "mt5-ea", "name": "DWX", "settings": {"balance": "50000", "leverage": "5"}}, expect=201).json
            with tempfile.TemporaryDirectory() as folder:
                dwx, adapter = DwxTerminal(folder), None
                at = pathlib.Path(folder)
                (at / "secret").write_text(made_["ea"]["secret"] + "\n")
                (at / "symbols.json").write_text(json.dumps([symbol("BTCUSDT", step="0.01")]))
                (at / "signals").write_text('{"id": "f1", "symbol": "BTCUSDT", "action": "buy"}\n')
                hook = ada.client.post("/api/v1/hooks", {"name": "Files"}, expect=201).json
                ada.client.put(f"/api/v1/accounts/{made_['id']}/ea/hook", {"hook_id": hook["id"]}, expect=204)
                start = lambda: subprocess.Popen([sys.executable, DWX, "--files", folder, "--url", f"http://127.0.0.1:{s.port}{made_['ea']['path']}", "--secret-file", str(at / "secret"),  # noqa: E731
                                                  "--symbols", str(at / "symbols.json"), "--signals", str(at / "signals"), "--poll-ms", "20"], stderr=subprocess.PIPE)
                try:
                    adapter = start()
                    ada.account = made_["id"]
                    bot = ada.bot("busy", BUSY, venue="mt5-ea", timeframe="5m")
                    ada.wait(bot, lambda b: b["live"] and b["live"]["fills"] >= 2)
                    commands = f"/api/v1/accounts/{made_['id']}/ea/commands?limit=200"
                    while any(c["state"] == "leased" for c in ada.client.get(commands, expect=200).json["items"]):
                        time.sleep(0.01)  # one that it has fetched and not begun would take half a minute to be known as absent
                    adapter.kill()
                    adapter.wait()
                    time.sleep(0.2)
                    adapter = start()
                    fills = ada.get(bot)["live"]["fills"]
                    ada.wait(bot, lambda b: b["live"]["fills"] >= fills + 2)
                    ada.act(bot, "stop", {"close": True})
                    ada.wait(bot, lambda b: b["state"] == "stopped", 60)
                    with dwx.lock:
                        assert dwx.net() == 0 and not dwx.orders and len(dwx.opened) == len(set(dwx.opened)) >= 2, (dwx.orders, dwx.opened)
                        true = sorted((d["type"], D(str(d["lots"]))) for d in dwx.deals.values())
                    assert sorted((f["side"], D(f["qty"])) for f in ada.all(bot, "fills")) == true, (ada.all(bot, "fills"), true)  # each deal has found its order
                    items = ada.client.get(f"/api/v1/hooks/{hook['id']}/deliveries", expect=200).json["items"]
                    assert [d["signal"]["id"] for d in items if d["state"] == "delivered"] == ["f1"], items
                finally:
                    adapter.kill()
                    said = adapter.communicate()[1].decode()
                    dwx.stop()
                    ada.account, ada.keys = account, keys
                    assert "Traceback" not in said, said

        @case("between files: what changes while a report is collected, an error of another command, a command that nobody takes; signals of a file, each once")
        def _():
            between_files()
            signals_of_a_file()

        @case("a bot trades on the terminal's own prices: warmed up by its chart, woken by its ticks; nobody else sees that market")
        def _():
            account, keys = ada.account, ada.keys
            mt4 = ada.client.post("/api/v1/accounts", {"venue": "mt4-ea", "name": "MT4", "settings": {"balance": "50000", "leverage": "5"}}, expect=201).json
            ada.account, market = mt4["id"], f"mt4-ea-{mt4['id']}"
            own = Terminal(s, mt4["ea"], Broker(), symbols=[symbol("XYZUSD", profit="USD")], platform="mt4")
            own.broker.prices["XYZUSD"], own.broker.chart = D("321.5"), lambda name, ms: D("300") + ms // 3600000 % 2
            try:
                bot = ada.client.post("/api/v1/bots", {"name": "ticks", "account_id": ada.account, "strategy_id": ada.upload("ticks", TICKS)["id"], "symbol": "XYZUSD", "timeframe": "1m",
                                                       "settings": {"cash": "20000"}, "start": True}, expect=201).json["id"]  # before the terminal has come
                assert ada.get(bot)["venue"] == market
                own.wait_ms, own.broker.refuse = 1500, ("funds", "No money today")
                own.start(every_s=0)
                ada.wait(bot, lambda b: any(line["text"].endswith("was refused: No money today") for line in ada.get(bot, "/logs?limit=50")["items"]))  # the broker's own words
                own.broker.refuse = None
                ada.wait(bot, lambda b: any(line["text"].startswith("saw 321.5 321.5 30") for line in ada.get(bot, "/logs?limit=50")["items"]))
                line = next(x["text"] for x in ada.get(bot, "/logs?limit=50")["items"] if x["text"].startswith("saw")).split()
                assert line[4].startswith("300.5"), line  # the mean of ten hours
                ada.wait(bot, lambda b: b["live"] and b["live"]["fills"] == 1)
                with own.lock:
                    assert own.broker.net("XYZUSD") == D("0.02")
                listed = lambda who: [m["symbol"] for m in who.get(f"/api/v1/markets?venue={market}", expect=200).json["items"]]  # noqa: E731
                other = s.register("eve@example.org")
                assert listed(ada.client) == ["XYZUSD"] and listed(other) == []
                eve = Trader(s, "eve2@example.org")
                refused_ = eve.client.post("/api/v1/bots", {"name": "x", "account_id": eve.account, "strategy_id": eve.upload("ticks", TICKS)["id"], "symbol": "XYZUSD", "timeframe": "1m", "venue": market,
                                                            "settings": {"cash": "20000"}}, expect=422).json
                assert refused_["errors"][0]["pointer"] == "/venue", refused_
                bars = ada.client.get(f"/api/v1/markets/XYZUSD/bars?timeframe=1h&venue={market}&limit=5", expect=200).json["items"]
                assert bars and all(D(b["high"]) - D(b["low"]) == 2 for b in bars), bars
                wish = {"data": [{"venue": market, "symbol": "XYZUSD", "timeframe": "1h"}]}
                eve.client.post("/api/v1/backtests", {**wish, "strategy_id": eve.upload("hears", HEARS)["id"]}, expect=422)
                job = ada.client.post("/api/v1/backtests", {**wish, "strategy_id": ada.scripts["busy"]}, expect=202).json["id"]
                deadline = time.monotonic() + 30
                while (done := ada.client.get(f"/api/v1/backtests/{job}", expect=200).json)["state"] in ("queued", "running"):
                    assert time.monotonic() < deadline, done
                    time.sleep(0.05)
                assert done["state"] == "done", done
                polls = len(own.held_ms)
                while len(own.held_ms) == polls:
                    time.sleep(0.005)
                time.sleep(0.3)  # another has just begun, and is held
                ada.act(bot, "stop", {"close": True})
                ada.wait(bot, lambda b: b["state"] == "stopped")
                assert own.broker.net("XYZUSD") == 0
                # Polls are held until there is a command, and no longer than they say.
                with own.lock:
                    held = list(own.held_ms)
                assert any(ms >= 1500 and not brought for ms, brought in held) and any(20 < ms < 1490 and brought for ms, brought in held), held
            finally:
                own.stop()
                ada.account, ada.keys = account, keys

        @case("a new token ends the old one; an account that is deleted has none")
        def _():
            now = made.pop("now")
            now.stop()
            keys = ada.client.post(f"/api/v1/accounts/{ada.account}/ea/token", expect=200).json
            refused(404, "not_found", now.poll)
            fresh = Terminal(s, keys, Broker(hedging=False), symbols=BTC, login="777")
            fresh.hello()
            assert fresh.poll() == [] and ada.link()["login"] == "777" and not ada.link()["hedging"]
            twice = made.pop("twice")
            made.clear()
            for bot in ada.client.get("/api/v1/bots", expect=200).json["items"]:
                ada.wait(bot["id"], lambda b: b["state"] == "stopped")
                ada.client.delete(f"/api/v1/bots/{bot['id']}", expect=204)
            twice.stop()
            ada.client.delete(f"/api/v1/accounts/{ada.account}", expect=204)
            refused(404, "not_found", fresh.poll)

        @case("a terminal that asks too often is told to wait, and goes on after that")
        def _():
            with Service(binary, args=["--hosts", "1"], env={"PERIGEE_RATE_PERCENT": "100"}) as own:
                bob = EaTrader(own, "bob@example.org")
                eager = Terminal(own, bob.keys, symbols=BTC)
                eager.hello()
                began, polls = time.monotonic(), 0
                while True:
                    try:
                        eager.poll()
                        polls += 1
                    except Refused as e:
                        assert e.status == 429 and e.code == "rate_limited", e
                        wait_s = int(e.answer.headers["retry-after"])
                        break
                    assert polls < 5000, "there is no limit"
                # 240 at once and 20 a second, as examples/metatrader/README.md promises.
                assert 230 <= polls <= 240 + 20 * (time.monotonic() - began), polls
                time.sleep(wait_s)
                eager.poll()

        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
