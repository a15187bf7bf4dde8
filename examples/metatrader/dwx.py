#!/usr/bin/env python3
"""A terminal of MetaTrader 5 with Darwinex' public expert DWX_Server_MT5 (github.com/darwinex/dwxconnect, unmodified) as an account of Perigee's: that
expert talks by files, this program stands beside the terminal, reads and writes them, and speaks the protocol of README.md.

    dwx.py --files ".../MQL5/Files" --url https://example.org/api/v1/ea/TOKEN --secret-file FILE --symbols symbols.json [--signals FILE] [--utc-offset 120]

symbols.json is the list `symbols` of a hello (tick, contract size, volume steps: the expert's files do not tell them). --utc-offset: minutes that the broker's clock is
ahead of UTC. --signals: a file into which somebody writes a signal a line, as JSON with an `id`; each new line goes to the account's hook, once: how far the file was
read is in DIR/perigee.signals.

For hedging accounts; the expert's own limits (MaximumOrders, MaximumLotSize) must be as large as the bots need. Nothing but this program may write
commands there: the expert's answers do not say which command they are about, so there is one at a time, and what is not seen to have happened is "unsure". Closing deals have
no comment there; whose they are is known by ticket order, side and volume, from the journal (DIR/perigee.journal), which is on the disk before a command is written.

Only Python's own library is used.
"""
import argparse
import datetime
import decimal
import hashlib
import hmac
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

D = decimal.Decimal
WAIT_S = 5.0  # for a command to show
TYPES = {("limit", "buy"): "buylimit", ("limit", "sell"): "selllimit", ("stop", "buy"): "buystop", ("stop", "sell"): "sellstop", ("market", "buy"): "buy", ("market", "sell"): "sell"}
PENDING = ("buylimit", "selllimit", "buystop", "sellstop")


def text(number):
    return format(D(str(number)).normalize(), "f")


class Files:
    """The expert's folder: commands in, JSON out. It may be in the middle of a write whenever it is read."""

    def __init__(self, folder):
        self.folder, self.number, self.last = pathlib.Path(folder) / "DWX", 0, {}

    def now(self, name):
        """What it holds; None: nothing, or the half of it."""
        try:
            self.last[name] = json.loads((self.folder / f"DWX_{name}.txt").read_text(), parse_float=D)
        except (OSError, ValueError):
            return None
        return self.last[name]

    def read(self, name):
        """The newest whole content; what was read last while there is none."""
        return self.now(name) or self.last.get(name)

    def wait(self, name):
        """What it holds as soon as that is whole; None: it was not for long."""
        until = time.monotonic() + WAIT_S
        while (found := self.now(name)) is None and time.monotonic() < until:
            time.sleep(0.002)
        return found

    def send(self, command, content=""):
        """The file that it lies in until the expert takes it. None: there was no room for it, so it was never given."""
        self.number = (self.number + 1) % 100000
        beside = self.folder / "perigee.command"
        beside.write_text(f"<:{self.number}|{command}|{content}:>")
        for i in range(50):
            path = self.folder / f"DWX_Commands_{i}.txt"
            if not path.exists():
                os.replace(beside, path)
                return path
        beside.unlink()
        return None

    def errors(self, command=""):
        """By number; the expert begins the kind of each with the command that it is about."""
        return {int(k): m for k, m in (self.read("Messages") or {}).items() if m.get("type") == "ERROR" and str(m.get("error_type")).startswith(command)}


class Journal:
    """Commands by id, on the disk before anything follows from them."""

    def __init__(self, path):
        self.entries = {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                    self.entries.setdefault(entry["id"], {}).update(entry)
                except (ValueError, KeyError):
                    pass  # torn by a kill: nothing was sent behind it
        self.file = open(path, "a")

    def write(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.entries.setdefault(entry["id"], {}).update(entry)


class Adapter:
    def __init__(self, options):
        self.o, self.files = options, Files(options.files)
        self.secret = pathlib.Path(options.secret_file).read_text().split("\n")[0].strip().encode()
        self.symbols = json.loads(pathlib.Path(options.symbols).read_text())
        self.names = {s["symbol"] for s in self.symbols}
        self.journal = Journal(self.files.folder / "perigee.journal")
        self.path = urllib.parse.urlsplit(options.url).path
        self.sequence = self.turn = self.since_ms = 0
        self.ask, self.results, self.greeted, self.started = [], [], False, time.monotonic()
        self.signals_state = self.files.folder / "perigee.signals"
        self.signals_at = self.signals_where()
        for entry in list(self.journal.entries.values())[-100:]:  # of a life before this one: whether the service has them is not in the file
            if entry.get("said"):
                self.results.append(entry["id"])

    # ---- the wire
    def sign(self, method, path, number, body):
        return hmac.new(self.secret, f"{method}\n{path}\n{number}\n".encode() + body, hashlib.sha256).hexdigest()

    def post(self, what, tree):
        """(status, tree or None); a 200 only when it is signed. Where the service tells at which number to go on, that is done."""
        for _ in range(2):
            status, answer, behind = self.post_once(what, tree)
            if not behind:
                break
        return status, answer

    def post_once(self, what, tree):
        body, path = json.dumps(tree).encode(), f"{self.path}/{what}"
        self.sequence += 1
        request = urllib.request.Request(f"{self.o.url}/{what}", body, {"Content-Type": "application/json", "X-Perigee-Sequence": str(self.sequence),
                                                                        "X-Perigee-Signature": self.sign("POST", path, self.sequence, body)})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                raw, given = answer.read(), answer.headers.get("X-Perigee-Signature", "")
        except urllib.error.HTTPError as e:
            last, detail = e.headers.get("X-Perigee-Sequence"), e.read()[:300]
            if last:
                self.sequence = max(self.sequence, int(last))
            else:
                print(f"{what}: {e.code} {detail.decode(errors='replace')}", file=sys.stderr)
            return e.code, None, last is not None
        except OSError:
            return 0, None, False
        if not hmac.compare_digest(given, self.sign("ANSWER", path, self.sequence, raw)):
            return 0, None, False
        return 200, json.loads(raw), False

    def heard(self, answer):
        self.turn, self.since_ms, self.ask = answer["turn"], answer["since_ms"], answer["ask"]

    # ---- what the terminal has
    def utc_ms(self, stamp):
        at = datetime.datetime.strptime(stamp, "%Y.%m.%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
        return int(at.timestamp() * 1000) - self.o.utc_offset * 60000

    def history(self, since_ms):
        """Deals from then on, oldest first, read anew; None: the expert did not answer."""
        days = max(1, int((time.time() * 1000 - since_ms) / 86400000) + 2)
        path = self.files.folder / "DWX_Historic_Trades.txt"
        path.unlink(missing_ok=True)
        self.files.last.pop("Historic_Trades", None)
        question = self.files.send("GET_HISTORIC_TRADES", str(days))
        if question is None:
            return None
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            found = self.files.read("Historic_Trades")
            if found is not None:
                return self.named(sorted(((int(t), d) for t, d in found.items() if d["type"] in ("buy", "sell") and d.get("entry") != "entry_out_by" and d["symbol"] in self.names), key=lambda x: x[0]))
            time.sleep(0.005)
        question.unlink(missing_ok=True)
        return None

    def named(self, deals):
        """Whose each is: by its comment, or as the oldest part of a close that fits and has none yet."""
        parts = [dict(p, client=e["id"]) for e in self.journal.entries.values() for p in e.get("parts", [])]
        taken = {p["deal"]: p["client"] for p in parts if p.get("deal")}
        rows = []
        for ticket, d in deals:
            client = d["comment"] if len(d["comment"]) == 29 and d["comment"][0] == "P" else taken.get(ticket, "")
            if not client and d.get("entry") == "entry_out":
                fits = next((p for p in parts if not p.get("deal") and p["symbol"] == d["symbol"] and p["side"] == d["type"] and D(p["volume"]) == D(str(d["lots"])) and ticket > p["after"]), None)
                if fits:
                    fits["deal"], client = ticket, fits["client"]
                    entry = self.journal.entries[client]
                    for p in entry["parts"]:
                        if p["position"] == fits["position"] and not p.get("deal"):
                            p["deal"] = ticket
                            break
                    self.journal.write(id=client, parts=entry["parts"])
            rows.append({"ticket": str(ticket), "order": str(ticket), "client": client, "symbol": d["symbol"], "side": d["type"], "volume": text(d["lots"]), "price": text(d["deal_price"]),
                         "fee": text(-(D(str(d["commission"])) + D(str(d["swap"])))), "time_ms": self.utc_ms(d["deal_time"])})
        return rows

    def orders(self):
        return (self.files.read("Orders") or {"orders": {}})["orders"]

    def open_row(self, ticket, o):
        price = {"price": text(o["open_price"])} if "limit" in o["type"] else {"trigger": text(o["open_price"])}
        return {"ticket": ticket, "client": o["comment"], "symbol": o["symbol"], "state": "open", "side": "buy" if o["type"].startswith("buy") else "sell", "volume": text(o["lots"]), "filled": "0",
                "time_ms": self.utc_ms(o["open_time"]), **price}

    def row(self, client, deals, orders):
        """An order of ours by its name, or None; orders: as they stood while the deals were collected."""
        for ticket, o in orders.items():
            if o["comment"] == client and o["type"] in PENDING:
                return self.open_row(ticket, o)
        entry = self.journal.entries.get(client, {})
        filled = sum((D(d["volume"]) for d in deals if d["client"] == client), D(0))
        if entry.get("said") != "done" and not filled:
            return None
        whole = D(entry.get("volume", text(filled)))
        return {"ticket": entry.get("ticket") or "0", "client": client, "symbol": entry["symbol"], "state": "filled" if filled >= whole or entry.get("type") == "market" else "canceled", "side": entry["side"],
                "volume": text(max(whole, filled)) if entry.get("type") != "market" else text(filled or whole), "filled": text(filled), "time_ms": entry["time_ms"]}

    def collect(self, since_ms):
        """(state, deals) of one moment, or None: an order that ends while the deals are collected may be in neither, and would look as if it had been cancelled."""
        standing = lambda state: {t: (o["type"], o["lots"]) for t, o in state["orders"].items()}  # noqa: E731
        state = self.files.wait("Orders")
        for _ in range(5):
            before, deals = state, self.history(since_ms) if state else None
            state = self.files.wait("Orders") if deals is not None else None
            if state and standing(state) == standing(before):
                return state, deals
        return None

    def report(self):
        ask = list(self.ask)
        asked = min([self.since_ms] + [self.journal.entries[c]["time_ms"] - 3600000 for c in ask if c in self.journal.entries])
        found = self.collect(asked)
        if found is None:
            return None, []
        state, deals = found
        account, rows, positions = state["account_info"], [], []
        for ticket, o in state["orders"].items():
            if o["symbol"] not in self.names:
                continue
            if o["type"] in PENDING:
                rows.append(self.open_row(ticket, o))
            else:
                positions.append({"ticket": ticket, "symbol": o["symbol"], "side": o["type"], "volume": text(o["lots"]), "price": text(o["open_price"]), "profit": text(o["pnl"])})
        open_names = {r["client"] for r in rows}
        for client, entry in self.journal.entries.items():
            if entry.get("do") == "place" and client not in open_names and entry["time_ms"] >= self.since_ms and (r := self.row(client, deals, state["orders"])):
                rows.append(r)
        told = []
        for client in ask[:16]:
            entry = self.journal.entries.get(client)
            lately = entry is not None and (time.monotonic() - self.started < 60 or abs(time.time() * 1000 - entry["time_ms"]) < 60000)
            begun = lately and entry.get("said") in (None, "unsure")
            told.append(self.row(client, deals, state["orders"]) or {"client": client, "state": "unsure" if begun else "absent"})
        sent = self.results[:100]
        equity, free = D(str(account["equity"])), D(str(account["free_margin"]))
        recent = [d for d in deals if d["time_ms"] >= self.since_ms]
        ticks = [{"symbol": s, "bid": text(t["bid"]), "ask": text(t["ask"]), "time_ms": int(time.time() * 1000)} for s, t in (self.files.read("Market_Data") or {}).items() if s in self.names and t["ask"] >= t["bid"] > 0]
        return {"turn": self.turn, "since_ms": self.since_ms, "more": len(recent) > 500,
                "account": {"balance": text(account["balance"]), "equity": text(equity), "margin": text(equity - free), "free": text(free), "trading": True},
                "orders": rows, "positions": positions, "deals": recent[:500], "told": told, "ticks": ticks,
                "results": [{k: v for k, v in self.journal.entries[i].items() if k in ("id", "said", "why", "ticket", "text") and v} for i in sent]}, sent

    # ---- commands
    def seen(self, command, done, before):
        """What the expert did: True done, False refused (with its words), None: nobody knows."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if done():
                return True, ""
            fresh = [m for k, m in self.files.errors(command).items() if k not in before]
            if fresh:
                return (True, "") if done() else (False, f"{fresh[0].get('error_type')}: {fresh[0].get('description')}")
            time.sleep(0.005)
        return None, "the expert did not show it"

    def say(self, ident, said, **more):
        self.journal.write(id=ident, said=said, **more)
        self.results.append(ident)

    def give(self, command, content, done):
        before = set(self.files.errors())
        path = self.files.send(command, content)
        if path is None:
            return False, "the expert does not take commands"
        ok, words = self.seen(command, done, before)
        if ok is None:
            path.unlink(missing_ok=True)  # whoever wakes up later does not find it
        return ok, words

    def refuse(self, ident, words):
        low = words.lower()
        why = "funds" if "10019" in words or "money" in low else "closed" if "10018" in words or "market" in low and "closed" in low else "limit" if "MAXIMUM" in words or "LARGE" in words else "other"
        self.say(ident, "refused", why=why, text=words[:120])

    def place(self, c):
        opposite, left, parts = ("sell" if c["side"] == "buy" else "buy"), D(c["volume"]), []
        if c["type"] == "stop_limit":
            return self.say(c["id"], "refused", why="unsupported", text="the expert has no stop-limit orders")
        if c["type"] == "market":
            for ticket, o in sorted(self.orders().items(), key=lambda x: int(x[0])):
                if o["symbol"] != c["symbol"] or o["type"] != opposite or int(o["magic"]) != c["magic"] or left <= 0:
                    continue
                had = D(str(o["lots"]))
                part = min(left, had)
                known = [p["deal"] for e in self.journal.entries.values() for p in e.get("parts", []) if p.get("deal")]
                parts.append({"position": ticket, "symbol": c["symbol"], "side": c["side"], "volume": text(part), "after": max([int(ticket), *known])})
                self.journal.write(id=c["id"], parts=parts)
                ok, words = self.give("CLOSE_ORDER", f"{ticket},{text(part)}", lambda t=ticket, h=had: self.lots_of(t) < h)
                if not ok:
                    if ok is False and len(parts) == 1:
                        self.journal.write(id=c["id"], parts=[])
                        return self.refuse(c["id"], words)
                    return self.say(c["id"], "unsure", text=words)
                left -= part
            if c["reduce"] or left <= 0:
                return self.say(c["id"], "done", ticket=parts[-1]["position"]) if parts else self.say(c["id"], "refused", why="reduce_only", text="nothing is held that it could reduce")
        price = c.get("price") or c.get("trigger") or "0"
        ok, words = self.give("OPEN_ORDER", f"{c['symbol']},{TYPES[c['type'], c['side']]},{text(left)},{price},0,0,{c['magic']},{c['client']},0", lambda: self.ticket_of(c["client"]))
        if ok:
            self.say(c["id"], "done", ticket=self.ticket_of(c["client"]) or "0")
        elif ok is False and not parts:
            self.refuse(c["id"], words)
        else:
            self.say(c["id"], "unsure", text=words)

    def lots_of(self, ticket):
        """What is left of a position; 0: it is gone. The file is read once, for it changes between two looks."""
        order = self.orders().get(ticket)
        return D(str(order["lots"])) if order else D(0)

    def ticket_of(self, client):
        return next((t for t, o in self.orders().items() if o["comment"] == client), None)

    def cancel(self, c):
        ticket = next((t for t, o in self.orders().items() if o["type"] in PENDING and (o["comment"] == c["client"] or t == c.get("ticket"))), None)
        if ticket is None:
            return self.say(c["id"], "refused", why="done" if c["client"] in self.journal.entries else "not_found", text="no such order works")
        ok, words = self.give("CLOSE_ORDER", f"{ticket},0", lambda: self.orders().get(ticket, {}).get("type") not in PENDING)
        if ok:
            self.say(c["id"], "done", ticket=ticket)
        else:
            self.say(c["id"], "unsure" if ok is None else "refused", why="" if ok is None else "other", text=words)

    def execute(self, c, asked):
        known = self.journal.entries.get(c["id"])
        if known is not None:
            if known.get("said"):
                self.results.append(c["id"])
            return
        if time.monotonic() - asked >= c["lease_ms"] / 1000:
            return self.say(c["id"], "missed")
        self.journal.write(id=c["id"], do=c["do"], symbol=c["symbol"], side=c.get("side"), type=c.get("type"), volume=c.get("volume"), time_ms=int(time.time() * 1000))
        (self.cancel if c["do"] == "cancel" else self.place)(c)

    def begun(self):
        """What was begun in a life before this one: found, it was done; not found in a minute, it never was."""
        for ident, entry in list(self.journal.entries.items()):
            if entry.get("said") or not entry.get("do"):
                continue
            if entry["do"] == "place" and not entry.get("parts") and self.ticket_of(ident):
                self.say(ident, "done", ticket=self.ticket_of(ident))
            elif time.monotonic() - self.started > 60:
                self.say(ident, "unsure" if entry.get("parts") else "refused", why="" if entry.get("parts") else "other", text="begun before a restart, and not found")

    # ---- signals
    def signals_taken(self, at):
        """How far the file was read goes to the disk with each line: after a restart the service would know those of the last day only by their ids, and
        act upon what is older once more."""
        self.signals_at, beside = at, self.signals_state.with_suffix(".new")
        beside.write_text(json.dumps({"file": self.o.signals, "at": at}))
        os.replace(beside, self.signals_state)

    def signals_where(self):
        try:
            state = json.loads(self.signals_state.read_text())
            return state["at"] if state["file"] == self.o.signals else 0
        except (OSError, ValueError, KeyError):
            return 0

    def signals(self):
        """Each line until it is taken; only what never will be is left out."""
        try:
            with open(self.o.signals, "rb") as f:
                if os.fstat(f.fileno()).st_size < self.signals_at:
                    self.signals_taken(0)  # written anew
                f.seek(self.signals_at)
                lines = f.read().splitlines(keepends=True)
        except FileNotFoundError:
            return
        for line in lines:
            if not line.endswith(b"\n"):
                return  # somebody is writing it
            status = 200
            if line.strip():
                try:
                    status, _ = self.post("signals", json.loads(line))
                except ValueError:
                    print(f"a line of the signals is no JSON: {line[:100]!r}", file=sys.stderr)
            if status not in (200, 400, 413, 422):
                return
            self.signals_taken(self.signals_at + len(line))

    def round(self):
        if not self.greeted:
            state = self.files.read("Orders")
            if state is None:
                return
            account = state["account_info"]
            self.files.send("SUBSCRIBE_SYMBOLS", ",".join(sorted(self.names)))
            status, answer = self.post("hello", {"protocol": 1, "platform": "mt5", "version": "dwx 1", "login": str(account["number"]), "server": self.o.server, "currency": account["currency"], "hedging": True,
                                                 "real": self.o.real, "symbols": self.symbols})
            if status != 200:
                return
            self.heard(answer)
            self.greeted = True
        if self.o.signals:
            self.signals()
        self.begun()
        report, sent = self.report()
        if report is None:
            return  # the service hears nothing, and knows what that means
        asked = time.monotonic()
        status, answer = self.post("poll", report)
        if status in (409, 422):
            self.greeted = False
        if status != 200:
            return
        del self.results[:len(sent)]
        self.heard(answer)
        for c in answer["commands"]:
            self.execute(c, asked)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--files", "--url", "--secret-file", "--symbols"):
        p.add_argument(name, required=True)
    p.add_argument("--server", default="dwxconnect")
    p.add_argument("--signals")
    p.add_argument("--utc-offset", type=int, default=0)
    p.add_argument("--real", action="store_true", help="the account is real money")
    p.add_argument("--poll-ms", type=int, default=250)
    options = p.parse_args()
    adapter = Adapter(options)
    adapter.files.send("RESET_COMMAND_IDS")
    while True:
        adapter.round()
        time.sleep(options.poll_ms / 1000)


if __name__ == "__main__":
    main()
