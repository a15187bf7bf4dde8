#!/usr/bin/env python3
"""Every fault of the table does what it says, to the byte, and the ledger tells what truly happened; and the exchange itself survives
being killed: faults.py PERIGEE."""
import json
import re
import subprocess
import sys
import threading
import time

from venue import Client, Dropped, Exchange, Stream, scratch
from tap import run_cases

BINARY = sys.argv[1]
CASES = []
DONE = set()  # faults that a case has shown


def case(title):
    return lambda function: CASES.append((title, function))


def told(e, *faults):
    """Notes faults as shown, and that they fired."""
    fired = {f["fault"]: f["fired"] for f in e.admin("faults")["faults"]}
    for name in faults:
        assert fired.get(name, 0) > 0, (name, fired)
        DONE.add(name)


def one(name, **rule):
    return {"fault": name, "count": 1, **rule}


def dropped(function):
    try:
        answer = function()
    except Dropped as why:
        return why.bytes
    raise AssertionError(f"answered: {answer}")


def started():
    e = Exchange(BINARY, "--feed", "none", "--no-limits", "--seed", "3")
    e.admin("price", symbol="BTCUSDT", price="60000")
    return e


@case("requests: dropped before or after, delayed, answered wrongly; the effect is there or not")
def requests():
    with started() as e:
        c = Client(e)

        def create(link, *rules):
            e.faults(*rules)
            return c.create(link, price="50000")

        assert dropped(lambda: create("before", one("drop_before"))) == b"" and e.order("before") is None
        told(e, "drop_before")
        assert dropped(lambda: create("after", one("drop_after"))) == b"" and e.order("after")["orderStatus"] == "New"
        told(e, "drop_after")
        for status in (500, 502, 504):
            assert create(f"eb{status}", one("error_before", value=status))[0] == status and e.order(f"eb{status}") is None
            told(e, "error_before")
            assert create(f"ea{status}", one("error_after", value=status))[0] == status and e.order(f"ea{status}")
            told(e, "error_after")
        assert create("ib", one("internal_before"))[2]["retCode"] == 10016 and e.order("ib") is None
        told(e, "internal_before")
        assert create("ia", one("internal_after", value=10000))[2]["retCode"] == 10000 and e.order("ia")
        told(e, "internal_after")
        half = dropped(lambda: create("half", one("half_reply")))
        assert half.startswith(b'{"retCode":0') and not half.endswith(b"}") and e.order("half")
        told(e, "half_reply")
        status, headers, answer = create("thr", one("throttle", value=4000))
        assert answer["retCode"] == 10006 and headers["X-Bapi-Limit-Status"] == "0" and e.order("thr") is None
        assert 2000 < int(headers["X-Bapi-Limit-Reset-Timestamp"]) - c.now() < 4500
        told(e, "throttle")
        assert create("ban", one("ban"))[0] == 403 and e.order("ban") is None
        told(e, "ban")
        begin = time.monotonic()
        assert create("slow", one("delay", value=300))[2]["retCode"] == 0 and time.monotonic() - begin >= 0.3
        told(e, "delay")
        seen = {r["orderLinkId"]: r for r in e.ledger()["requests"] if r["path"].endswith("create")}
        assert seen["after"]["fault"] == "drop_after" and seen["after"]["effect"] and seen["after"]["retCode"] == -1
        assert seen["before"]["fault"] == "drop_before" and not seen["before"]["effect"] and seen["before"]["orderId"] == ""
        assert seen["slow"]["retCode"] == 0


@case("effects that come late: a query in between sees nothing")
def late():
    with started() as e:
        c = Client(e)
        for name in ("delay_before", "late"):
            e.faults(one(name, value=400, on="order/create"))
            result = []

            def create(link=name):
                try:
                    result.append(c.create(link, price="50000")[2]["retCode"])
                except Dropped:
                    result.append("dropped")

            thread = threading.Thread(target=create)
            thread.start()
            time.sleep(0.15)
            assert c.ok("order/realtime?", category="linear", symbol="BTCUSDT", orderLinkId=name)["list"] == []
            thread.join()
            assert result == [0 if name == "delay_before" else "dropped"]
            end = time.monotonic() + 5
            while not e.order(name) and time.monotonic() < end:
                time.sleep(0.02)
            assert c.ok("order/realtime?", category="linear", symbol="BTCUSDT", orderLinkId=name)["list"][0]["orderStatus"] == "New"
            told(e, name)


@case("not found, then found")
def not_found():
    with started() as e:
        c = Client(e)
        order = c.ok("order/create", category="linear", symbol="BTCUSDT", side="Buy", qty="0.01", price="50000", orderType="Limit", orderLinkId="x")
        rule = {"fault": "not_found", "value": 400}
        e.faults(rule)
        query = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "x"}
        assert c.ok("order/realtime?", **query)["list"] == []
        assert c.post("order/cancel", **query)[2]["retCode"] == 110001
        assert c.post("order/amend", **query, qty="0.02")[2]["retCode"] == 110001
        time.sleep(0.45)
        assert c.ok("order/realtime?", **query)["list"][0]["orderId"] == order["orderId"]
        assert c.post("order/cancel", **query)[2]["retCode"] == 0
        told(e, "not_found")


@case("a reply cut at every byte: the bytes before are the true answer's, and the order is there each time")
def cut_reply():
    with started() as e:
        c = Client(e)
        whole = e.raw(c.request_bytes("order/create", category="linear", symbol="BTCUSDT", side="Buy", qty="0.001", price="50000", orderType="Limit", orderLinkId="cut0000"))
        head = whole.index(b"\r\n\r\n") + 4
        for n in [*range(1, 40), head - 1, head, head + 1, len(whole) - 1]:
            e.faults(one("cut_reply", value=n))
            got = e.raw(c.request_bytes("order/create", category="linear", symbol="BTCUSDT", side="Buy", qty="0.001", price="50000", orderType="Limit", orderLinkId=f"cut{n:04}"))
            assert len(got) == n and got[:17] == whole[:17][:n], (n, got)
        orders = {o["orderLinkId"] for o in e.ledger()["orders"]}
        assert {f"cut{n:04}" for n in range(1, 40)} <= orders
        told(e, "cut_reply")


@case("a request cut at every byte: no order unless the last one has come")
def cut_request():
    with started() as e:
        c = Client(e)
        body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "0.001", "price": "50000", "orderType": "Limit"}
        size = len(c.request_bytes("order/create", **body, orderLinkId="q0000"))
        places = [0, 1, 16, 30, size // 3, size // 2, size - 50, size - 2, size - 1, size, size + 1]
        for n in places:
            e.faults(one("cut_request", value=n, on="order/create"))
            got = e.raw(c.request_bytes("order/create", **body, orderLinkId=f"q{n:04}"))
            assert (got == b"") == (n <= size), (n, size, got)
        orders = {o["orderLinkId"] for o in e.ledger()["orders"]}
        assert orders == {f"q{n:04}" for n in places if n >= size}, orders
        told(e, "cut_request")


@case("a new order is filled in part and cancelled by the exchange")
def partial():
    with Exchange(BINARY, "--feed", "none", "--no-limits", keys=("testkey:testsecret", "b:b")) as e:
        c = Client(e)
        Client(e, "b", "b").create("offer", "Sell", "1", "60000")
        e.faults(one("partial_cancel", value=30))
        c.create("p", "Buy", "0.1", "60000")
        o = e.order("p")
        assert o["orderStatus"] == "Cancelled" and o["cumExecQty"] == "0.03" and o["cancelType"] == "CancelByAdmin", o
        c.create("q", "Buy", "0.1", "60000")
        assert e.order("q")["orderStatus"] == "Filled"
        told(e, "partial_cancel")


@case("frames: twice, out of order, missing, late, cut")
def frames():
    with started() as e:
        c = Client(e)

        def run(*rules, count=3):
            s = Stream(e, "/v5/private", c, ["order"])
            e.faults(*rules)
            run.number += 1
            for i in [*range(count), 99]:  # the last is spared by rules that fire once, and tells that all has come
                c.create(f"w{run.number}-{i}", price="50000")
            got = []
            while not got or got[-1] not in (99, None):
                message = s.hear()
                got.append(int(message["data"][0]["orderLinkId"].rpartition("-")[2]) if message else None)
            s.close()
            return got[:-1] if got[-1] == 99 else got

        run.number = 0
        assert run() == [0, 1, 2]
        assert run(one("ws_duplicate", after=1)) == [0, 1, 1, 2]
        told(e, "ws_duplicate")
        assert run(one("ws_reorder")) == [1, 0, 2]
        told(e, "ws_reorder")
        assert run(one("ws_drop", on="order", after=1)) == [0, 2]
        told(e, "ws_drop")
        assert run(one("ws_cut", after=1)) == [0, None]
        told(e, "ws_cut")
        begin = time.monotonic()
        assert run(one("ws_delay", value=200)) == [0, 1, 2] and time.monotonic() - begin > 0.2
        told(e, "ws_delay")
        assert run({"fault": "ws_drop", "link": "w7-1"}) == [0, 2]
        s = Stream(e, "/v5/private", c, ["order"])
        e.faults(one("disconnect"))
        assert s.hear() is None
        told(e, "disconnect")
        s.close()


@case("of the market: skew, funding, liquidation, a jump")
def market():
    with Exchange(BINARY, "--feed", "none", "--no-limits", keys=("testkey:testsecret", "b:b")) as e:
        c = Client(e)
        c.create("a", "Buy", "0.1", "60000")
        Client(e, "b", "b").create("b", "Sell", "0.1", "60000")

        def wait(fits):
            end = time.monotonic() + 5
            while not fits():
                assert time.monotonic() < end, e.ledger()["accounts"]
                time.sleep(0.02)

        e.faults(one("funding", value=10000))
        wait(lambda: e.ledger()["accounts"][0]["books"]["funding"] == "-60")
        told(e, "funding")
        e.faults(one("jump", value=500))
        wait(lambda: e.admin("state")["symbols"][0]["lastPrice"] in ("63000", "57000"))
        told(e, "jump")
        e.faults(one("liquidation"))
        wait(lambda: sum(a["liquidations"] for a in e.ledger()["accounts"]) == 1)
        told(e, "liquidation")
        e.faults(one("skew", value=-9000))
        wait(lambda: e.admin("state")["skew"] == -9000)
        assert c.get("account/info")[2]["retCode"] == 10002
        told(e, "skew")


@case("chance: the same seed gives the same faults, another gives others, and about as many as asked for")
def chance():
    def run(seed):
        with started() as e:
            c = Client(e)
            e.faults("internal_before:p=0.3,on=order/create", seed=seed)
            return [c.create(f"o{i}", price="50000", qty="0.001")[2]["retCode"] for i in range(60)]

    first, again, other = run(5), run(5), run(6)
    assert first == again and first != other and set(first) == {0, 10016}
    assert 6 < first.count(10016) < 32, first.count(10016)


@case("rules that cannot be are refused whole, by command line and by call")
def wrong():
    with started() as e:
        e.faults("drop_after:p=0.5")
        for rule in ("drop_afterr", "delay:p=2", "delay:value=x", "delay:q=1", "delay:p", "error_after:value=200", "partial_cancel:value=0", {"p": 1}, {"fault": "delay", "after": -1}):
            status, _, answer = e.call("POST", "/admin/faults", json.dumps({"replace": True, "faults": ["delay", rule]}))
            assert status == 400 and "faults" in answer["error"], (rule, answer)
        assert [f["fault"] for f in e.admin("faults")["faults"]] == ["drop_after"]
        e.faults("hell")
        assert len(e.admin("faults")["faults"]) > 10
    for args in (["--faults", "nope"], ["--faults", "delay:p=7"], ["--key", "K"], ["--key", "K:S:fly"], ["--feed", "moon"], ["--feed", "replay:/nonexistent_1m.csv"], ["--symbol", "NOPE"]):
        r = subprocess.run([BINARY, "exchange", "--listen", "127.0.0.1:0", *args], capture_output=True, text=True, timeout=10)
        assert r.returncode in (1, 2) and args[0].lstrip("-").split()[0][:3] in r.stderr.lower() + "nonexistent sym fee", (args, r)


@case("killed with -9 between any two requests, it comes back with the ledger it had")
def killed():
    with scratch() as data:
        args = ("--feed", "sim", "--no-limits", "--seed", "9")
        e = Exchange(BINARY, *args, keys=("testkey:testsecret", "b:b"), data=data)
        try:
            known, compared = {}, 0
            e.admin("price", symbol="BTCUSDT", price="55000")
            for life in range(4):
                c, b = Client(e), Client(e, "b", "b")
                for i in range(6):
                    link = f"k{life}-{i}"
                    answer = (c if i % 2 else b).create(link, "Buy" if i % 3 else "Sell", "0.01", None if i % 2 else "50000" if i % 3 else "60000")
                    known[link] = answer[2]["result"]["orderId"] if answer[2]["retCode"] == 0 else None
                for far in ("gone", "other"):
                    c.create(f"{far}{life}", price="10000")
                assert c.post("order/cancel", category="linear", symbol="BTCUSDT", orderLinkId=f"gone{life}")[2]["retCode"] == 0
                assert c.post("order/amend", category="linear", symbol="BTCUSDT", orderLinkId=f"other{life}", qty="0.02")[2]["retCode"] == 0
                assert c.post("position/set-leverage", category="linear", symbol="ETHUSDT", buyLeverage=str(20 + life), sellLeverage=str(20 + life))[2]["retCode"] == 0
                before = e.ledger()
                e.kill()
                e.start()
                after = e.ledger()
                # What was acknowledged is there, and what was there is the same; prices since the last command may be gone.
                assert [(e.order(f"{far}{life}")["orderStatus"], e.order(f"{far}{life}")["qty"]) for far in ("gone", "other")] == [("Cancelled", "0.01"), ("New", "0.02")]
                assert Client(e).ok("position/list?", category="linear", symbol="ETHUSDT")["list"][0]["leverage"] == str(20 + life)
                for link, order in known.items():
                    assert (e.order(link) or {}).get("orderId") == order, link
                assert after["executions"][:len(before["executions"])] == before["executions"]
                assert [o["orderId"] for o in after["orders"]] == [o["orderId"] for o in before["orders"]]
                if len(after["executions"]) == len(before["executions"]):  # else the market has gone on since the start
                    compared += 1
                    assert [a["books"]["cash"] for a in after["accounts"]] == [a["books"]["cash"] for a in before["accounts"]]
            assert compared, "the market never stood still"
            assert c.create("k0-1", "Buy", "0.01", "50000")[2]["retCode"] == 110072
            other = subprocess.run([BINARY, "exchange", "--listen", "127.0.0.1:0", "--data", data, *args], capture_output=True, text=True, timeout=10)
            assert other.returncode == 1 and "another exchange" in other.stderr, other
        finally:
            e.kill()
        with open(f"{data}/exchange.log", "rb") as f:
            log = f.read()
        # A torn last line is cut off; damage before it is refused.
        last = log.rstrip(b"\n").rfind(b"\n") + 1
        for cut in (last + 1, last + 9, len(log) - 1):
            with open(f"{data}/exchange.log", "wb") as f:
                f.write(log[:cut])
            with Exchange(BINARY, *args, keys=("testkey:testsecret", "b:b"), data=data) as again:
                assert again.ledger()["orders"]
        with open(f"{data}/exchange.log", "wb") as f:
            f.write(re.sub(rb'"c":"create"', b'"c":"cancel"', log, count=1))
        r = subprocess.run([BINARY, "exchange", "--listen", "127.0.0.1:0", "--data", data, *args], capture_output=True, text=True, timeout=10)
        assert r.returncode == 2 and "damaged" in r.stderr, r


@case("killed with -9 under load: what was acknowledged is there, and nothing twice")
def loaded():
    with scratch() as data:
        e = Exchange(BINARY, "--feed", "none", "--no-limits", data=data)
        acknowledged, lock = {}, threading.Lock()
        for life in range(3):
            e.admin("price", symbol="BTCUSDT", price="60000")

            def trade(worker, life=life):
                c = Client(e)
                for i in range(10000):
                    link = f"{life}-{worker}-{i}"
                    try:
                        answer = c.create(link, "Buy" if i % 2 else "Sell", "0.001", "60000")[2]
                    except (Dropped, OSError):
                        return
                    with lock:
                        acknowledged[link] = answer["result"]["orderId"]

            threads = [threading.Thread(target=trade, args=(w,)) for w in range(4)]
            for t in threads:
                t.start()
            time.sleep(0.15 + 0.07 * life)
            e.kill()
            for t in threads:
                t.join()
            e.start()
        orders = e.ledger()["orders"]
        e.kill()
        links = [o["orderLinkId"] for o in orders]
        assert len(links) == len(set(links)) and len(acknowledged) > 30, len(acknowledged)
        there = {o["orderLinkId"]: o["orderId"] for o in orders}
        assert all(there.get(link) == order for link, order in acknowledged.items())
        assert len(orders) - len(acknowledged) <= 12  # of each thread and life one at most nobody heard of


@case("the table: every fault was shown by a case above, and is in the help")
def table():
    text = subprocess.run([BINARY, "help", "exchange"], capture_output=True, text=True, timeout=10).stdout
    names = set(re.findall(r"^  (\w+) +\S", text.rpartition("faults:\n")[2].partition("options:")[0], re.M))
    assert len(names) > 20 and names - {"hell", "rain"} == DONE, names ^ DONE


sys.exit(1 if run_cases(CASES) else 0)
