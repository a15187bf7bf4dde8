#!/usr/bin/env python3
"""The simulated exchange as its API has it: who may ask, how often, what answers look like, what streams tell: api.py PERIGEE."""
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time

from venue import KEY, SECRET, Client, Exchange, Stream, scratch, sign
from tap import Skip, run_cases

BINARY = sys.argv[1]
CASES = []


def case(title):
    return lambda function: CASES.append((title, function))


@case("signing: every way to get it wrong has its code")
def signing():
    with Exchange(BINARY, "--feed", "none", keys=(f"{KEY}:{SECRET}", "reader:s2:read", "away:s3:ip=192.0.2.7", "rich:s4:withdraw,deposit=5")) as e:
        c, query = Client(e), "accountType=UNIFIED"
        path = "/v5/account/wallet-balance?" + query

        def code(headers, path=path):
            status, _, answer = e.call("GET", path, headers=headers)
            assert status == 200
            return answer["retCode"]

        good = c.headers(query)
        assert code(good) == 0
        assert code({}) == 10003
        assert code({**good, "X-BAPI-API-KEY": "other"}) == 10003
        assert code({**good, "X-BAPI-SIGN": "0" * 64}) == 10004
        assert code({**good, "X-BAPI-SIGN": good["X-BAPI-SIGN"].upper()}) == 10004
        assert code({k: v for k, v in good.items() if k != "X-BAPI-SIGN"}) == 10004
        assert code({**good, "X-BAPI-RECV-WINDOW": "5001"}) == 10004  # signed with 5000
        assert code(good, path + "&x=1") == 10004
        assert code(c.headers(query, c.now() - 4000)) == 0
        assert code(c.headers(query, c.now() - 6000)) == 10002
        assert code(c.headers(query, c.now() + 500)) == 0
        assert code(c.headers(query, c.now() + 2500)) == 10002
        assert code({**good, "X-BAPI-TIMESTAMP": "soon"}) == 10002
        e.admin("clock", skew_ms=7000)
        assert code(c.headers(query)) == 10002 and code(c.headers(query, c.now() + 7000)) == 0
        assert abs(int(e.call("GET", "/v5/market/time")[2]["result"]["timeSecond"]) * 1000 - c.now() - 7000) < 2000
        e.admin("clock", skew_ms=0)
        reader = Client(e, "reader", "s2")
        assert reader.get("position/list", category="linear", settleCoin="USDT")[2]["retCode"] == 0
        assert reader.create("r1", price="100")[2]["retCode"] == 10005
        assert Client(e, "away", "s3").get("account/info")[2]["retCode"] == 10010
        rights = Client(e, "rich", "s4").ok("user/query-api?")
        assert "Withdraw" in rights["permissions"]["Wallet"] and rights["readOnly"] == 0
        assert "Withdraw" not in c.ok("user/query-api?")["permissions"]["Wallet"] and reader.ok("user/query-api?")["readOnly"] == 1
        assert Client(e, "rich", "s4").ok("account/wallet-balance?", accountType="UNIFIED")["list"][0]["coin"][0]["walletBalance"] == "5"
        seen = e.ledger()["requests"]
        assert {r["retCode"] for r in seen} >= {0, 10002, 10003, 10004, 10005, 10010} and not [o for o in e.ledger()["orders"]]


@case("limits: the eleventh order of a second is refused, and the headers say how many are left")
def limits():
    with Exchange(BINARY, "--feed", "none") as e:
        c = Client(e)
        for _ in range(3):  # a second may turn while we count
            answers = [c.create(price="100", qty="0.05") for _ in range(14)]
            codes = [a[2]["retCode"] for a in answers]
            if 10006 in codes[:11]:
                break
        assert codes.count(10006) >= 1 and codes.index(10006) <= 10, codes
        first, last = answers[0][1], answers[-1][1]
        assert first["X-Bapi-Limit"] == "10" and int(first["X-Bapi-Limit-Status"]) <= 9 and last["X-Bapi-Limit-Status"] == "0"
        assert abs(int(last["X-Bapi-Limit-Reset-Timestamp"]) - c.now()) < 3000
        time.sleep(1.05)
        assert c.create(price="100", qty="0.05")[2]["retCode"] == 0
        for _ in range(2):  # 600 in five seconds, whoever asks; the five may turn too
            statuses = [e.call("GET", "/v5/market/time")[0] for _ in range(620)]
            if 403 in statuses:
                break
        assert statuses[-1] == 403 and e.call("GET", "/admin/state")[0] == 200


@case("pages: cursors lead through all orders and executions, each once")
def pages():
    with Exchange(BINARY, "--feed", "none", "--no-limits", keys=(f"{KEY}:{SECRET}", "b:b")) as e:
        a, b = Client(e), Client(e, "b", "b")
        for i in range(23):
            a.create(f"s{i}", "Sell", "0.001", "60000")
            b.create(f"b{i}", "Buy", "0.001", "60000")
        for i in range(7):
            a.create(f"open{i}", "Buy", "0.001", "50000")

        def walk(path, **query):
            rows, cursor = [], None
            for _ in range(40):
                page = a.ok(path, category="linear", symbol="BTCUSDT", limit=5, **query, **({"cursor": cursor} if cursor else {}))
                rows += page["list"]
                cursor = page["nextPageCursor"]
                if not cursor:
                    return rows
            raise AssertionError("no end")

        assert [o["orderLinkId"] for o in walk("order/history?")] == [f"s{i}" for i in reversed(range(23))]
        assert [o["orderLinkId"] for o in walk("order/realtime?")] == [f"open{i}" for i in reversed(range(7))]
        assert [x["orderLinkId"] for x in walk("execution/list?")] == [f"s{i}" for i in reversed(range(23))]
        assert a.ok("order/realtime?", category="linear", symbol="BTCUSDT", orderLinkId="s3")["list"][0]["orderStatus"] == "Filled"
        assert a.ok("order/realtime?", category="linear", symbol="BTCUSDT", orderLinkId="b3")["list"] == []
        assert len(a.ok("order/history?", category="linear", symbol="BTCUSDT", orderStatus="Cancelled")["list"]) == 0
        assert a.get("order/history", category="linear", limit=51)[2]["retCode"] == 10001
        week, now = 7 * 86400000, a.now()
        for path in ("order/history", "execution/list", "position/closed-pnl"):
            assert a.get(path, category="linear", startTime=now - week - 1, endTime=now)[2]["retCode"] == 10001, path
            assert a.get(path, category="linear", startTime=now - week, endTime=now)[2]["retCode"] == 0
        assert a.ok("order/history?", category="linear", startTime=now - 2 * week)["list"] == []  # the week that begins there
        assert a.ok("order/history?", category="linear", endTime=now + 1000)["list"]


@case("private stream: an order's life, in order, with the fields of the answers")
def private():
    with Exchange(BINARY, "--feed", "none", "--no-limits") as e:
        e.admin("price", symbol="BTCUSDT", price="60000")
        c = Client(e)
        late = Stream(e, "/v5/private")
        assert late.ask("subscribe", "order")["success"] is False
        expires = str(c.now() + 5000)
        assert late.ask("auth", KEY, expires, sign("wrong", "GET/realtime" + expires))["success"] is False
        past = str(c.now() - 1)
        assert late.ask("auth", KEY, past, sign(SECRET, "GET/realtime" + past))["success"] is False
        late.close()
        s = Stream(e, "/v5/private", c, ["order", "execution", "position", "wallet"])
        assert s.ask("ping")["op"] == "pong"
        assert s.ask("subscribe", "nonsense")["success"] is False and s.ask("subscribe", "order")["success"] is False
        c.create("one", "Sell", "0.02", "60000")
        c.create("two", "Buy", "0.01", "60000")
        heard = s.until(lambda m: m["topic"] == "order" and m["data"][0]["orderLinkId"] == "two")
        heard += s.until(lambda m: m["topic"] == "wallet")
        states = [(m["data"][0]["orderLinkId"], m["data"][0]["orderStatus"]) for m in heard if m["topic"] == "order"]
        assert states == [("one", "New"), ("one", "PartiallyFilled"), ("two", "Filled")], states
        fills = [m["data"][0] for m in heard if m["topic"] == "execution"]
        assert [(f["orderLinkId"], f["execQty"], f["isMaker"]) for f in fills] == [("one", "0.01", True), ("two", "0.01", False)]
        rest = {x["execId"]: x for x in c.ok("execution/list?", category="linear")["list"]}
        for f in fills:
            assert {k: f[k] for k in rest[f["execId"]]} == rest[f["execId"]]
        assert {m["topic"] for m in heard} >= {"order", "execution", "position", "wallet"}
        e.admin("disconnect", now=True)
        assert s.hear() is None or True
        s.close()


@case("public streams: snapshots, then changes that make the same book, ticker and candles as REST tells")
def public():
    with Exchange(BINARY, "--feed", "none", "--no-limits", "--clock", "virtual", "--start", "2024-01-01T00:00:30Z") as e:
        c = Client(e)
        c.now = lambda: e.admin("state")["time"]
        s = Stream(e, "/v5/public/linear", topics=["orderbook.50.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT", "publicTrade.BTCUSDT"])
        assert s.ask("subscribe", "orderbook.7.BTCUSDT")["success"] is False and s.ask("subscribe", "tickers.NOPE")["success"] is False
        assert s.ask("ping")["ret_msg"] == "pong"
        c.create("a", "Sell", "0.05", "60010")
        c.create("b", "Buy", "0.03", "59990")
        c.create("c", "Sell", "0.01", "60010")
        c.create("d", "Buy", "0.02", "60010")
        e.admin("clock", advance_ms=60000)
        c.create("e", "Buy", "0.01", "60010")
        e.admin("clock", advance_ms=61000)
        heard = s.until(lambda m: m["topic"].startswith("kline") and m["data"][0]["confirm"] and m["data"][0]["volume"] == "0.01")
        book, ticker = {"b": {}, "a": {}}, {}
        for m in heard:
            if m["topic"].startswith("orderbook"):
                if m["type"] == "snapshot":
                    book = {"b": {}, "a": {}}
                for side in "ba":
                    for price, size in m["data"][side]:
                        book[side].pop(price, None) if size == "0" else book[side].update({price: size})
            elif m["topic"].startswith("tickers"):
                ticker = {**(ticker if m["type"] == "delta" else {}), **m["data"]}
        told = e.call("GET", "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=50")[2]["result"]
        assert book == {"b": dict(told["b"]), "a": dict(told["a"])} == {"b": {"59990": "0.03"}, "a": {"60010": "0.03"}}, (book, told)
        told = e.call("GET", "/v5/market/tickers?category=linear&symbol=BTCUSDT")[2]["result"]["list"][0]
        assert ticker.pop("tickDirection") in ("PlusTick", "MinusTick")
        assert ticker == told, {k: (v, ticker.get(k)) for k, v in told.items() if ticker.get(k) != v}
        trades = [(t["p"], t["v"], t["S"]) for m in heard if m["topic"].startswith("publicTrade") for t in m["data"]]
        assert trades == [("60010", "0.02", "Buy"), ("60010", "0.01", "Buy")]
        candles = [m["data"][0] for m in heard if m["topic"].startswith("kline") and m["data"][0]["confirm"]]
        assert [k["volume"] for k in candles] == ["0.02", "0.01"], candles
        rows = e.call("GET", "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1")[2]["result"]["list"]
        assert [(int(r[0]), r[5]) for r in reversed(rows)] == [(k["start"], k["volume"]) for k in candles]
        assert e.call("GET", "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=7")[2]["retCode"] == 10001
        five = e.call("GET", "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=5")[2]["result"]["list"]
        assert [r[5] for r in five] == ["0.03"] and int(five[0][0]) % 300000 == 0
        s.close()


@case("funding, liquidation and deposits by hand are in the ledger, and it adds up")
def by_hand():
    with Exchange(BINARY, "--feed", "none", "--no-limits", keys=(f"{KEY}:{SECRET}", "b:b")) as e:
        a, b = Client(e), Client(e, "b", "b")
        a.create("a", "Sell", "0.1", "60000")
        b.create("b", "Buy", "0.1", "60000")
        e.admin("funding", symbol="BTCUSDT", rate="0.001")
        e.admin("deposit", key="b", amount="-50")
        e.admin("liquidation", symbol="BTCUSDT", key="b")
        accounts = e.ledger()["accounts"]
        assert accounts[1]["books"]["funding"] == "-6" and accounts[0]["books"]["funding"] == "6"
        assert accounts[1]["positions"] == [] and accounts[1]["liquidations"] == 1
        assert b.ok("execution/list?", category="linear", execType="BustTrade")["list"][0]["execQty"] == "0.1"
        assert a.ok("market/funding/history?", category="linear", symbol="BTCUSDT")["list"][0]["fundingRate"] == "0.001"
        status, _, _ = e.call("POST", "/admin/price", '{"symbol":"BTCUSDT","price":"60000.05"}')
        assert status == 400


def virtual(*args, seed="4"):
    e = Exchange(BINARY, "--clock", "virtual", "--start", "2024-03-01T00:00:00Z", "--no-limits", "--seed", seed, *args)
    c = Client(e)
    c.now = lambda: e.admin("state")["time"]
    return e, c


@case("the same seed and the same requests: the same exchange, to the last id and fee")
def same():
    def run(seed):
        e, c = virtual("--feed", "sim", seed=seed)
        with e:
            e.admin("clock", advance_ms=5000)
            for i in range(12):
                c.create(f"o{i}", "Buy" if i % 3 else "Sell", "0.02", **({"takeProfit": "900000"} if i == 4 else {}))
                e.admin("clock", advance_ms=7000)
            return e.ledger()

    first, again, other = run("4"), run("4"), run("5")
    assert first == again and len(first["executions"]) >= 12
    assert [x["execPrice"] for x in first["executions"]] != [x["execPrice"] for x in other["executions"]]


@case("a replay: what is before the start is history, what comes moves the market, at its speed")
def replay():
    with scratch() as folder:
        path = f"{folder}/BTCUSDT_1m.csv"
        with open(path, "w") as f:
            f.write("time,open,high,low,close,volume\n")
            for i in range(40):
                p = 50000 + 10 * i
                f.write(f"{1600000020 + 60 * i},{p},{p + 5}.5,{p - 5},{p + 2},1.25\n")
        e, c = virtual("--feed", "replay:" + path, "--history", "1", "--speed", "2")
        with e:
            rows = e.call("GET", "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1")[2]["result"]["list"]
            assert len(rows) == 20 and rows[0][1:6] == ["50190", "50195.5", "50185", "50192", "1.25"] and int(rows[0][0]) == c.now() - 60000, rows[0]
            c.create("low", "Buy", "0.001", "50190")
            c.create("stop", "Sell", "0.001", triggerPrice="50180", triggerDirection=2, reduceOnly=True)
            e.admin("clock", advance_ms=59000)  # the first bar is known after 30 s, and told within the next 30
            prices = [t["price"] for t in reversed(c.ok("market/recent-trade?", category="linear", symbol="BTCUSDT")["list"])]
            assert prices[:4] == ["50200", "50195", "50205.5", "50202"], prices
            assert e.order("low")["orderStatus"] == "New"
            state = e.admin("state")["symbols"]
            assert [s["symbol"] for s in state] == ["BTCUSDT"]
            e.admin("price", symbol="BTCUSDT", price="50170")
            assert e.order("low")["orderStatus"] == "Filled" and e.order("low")["avgPrice"] == "50190"
    r = subprocess.run([BINARY, "exchange", "--listen", "127.0.0.1:0", "--tls-cert", "x.pem"], capture_output=True, text=True, timeout=10)
    assert r.returncode == 2 and "belong together" in r.stderr


@case("TLS: a client that verifies the name is served")
def tls():
    folder = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "tls"
    with Exchange(BINARY, "--feed", "none", "--tls-cert", str(folder / "localhost.pem"), "--tls-key", str(folder / "localhost.key")) as e:
        assert e.address["rest"].startswith("https://") and e.address["private"].startswith("wss://")
        trusting = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        with socket.create_connection(("127.0.0.1", e.port)) as plain, trusting.wrap_socket(plain, server_hostname="localhost") as s:
            s.sendall(b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b'"retCode":0' in s.makefile("rb").read()


@case("hostile bodies and queries: refused, and the books still add up")
def hostile():
    import random
    rng = random.Random(5)
    values = ["", "0", "-1", "1e400", "99999999999999999999", "0.000000000000000001", "NaN", None, True, [], {}, 1, 10 ** 30, 1.5, "Buy", "Sell", "Limit", "Market", "x" * 3000, "\u0000", "60000", "0.01", "USDT"]
    keys = ["category", "symbol", "side", "orderType", "qty", "price", "orderLinkId", "orderId", "timeInForce", "positionIdx", "triggerPrice", "triggerDirection", "takeProfit", "stopLoss", "reduceOnly",
            "buyLeverage", "sellLeverage", "mode", "trailingStop", "setMarginMode", "limit", "cursor", "startTime", "settleCoin"]
    posts = ["order/create", "order/amend", "order/cancel", "order/cancel-all", "position/set-leverage", "position/switch-mode", "position/trading-stop", "account/set-margin-mode"]
    gets = ["order/realtime", "order/history", "execution/list", "position/list", "position/closed-pnl", "market/kline", "market/orderbook", "market/tickers", "market/recent-trade"]
    with Exchange(BINARY, "--feed", "none", "--no-limits") as e:
        e.admin("price", symbol="BTCUSDT", price="60000")
        c = Client(e)
        for i in range(500):
            body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"} if rng.random() < 0.7 else {}
            for _ in range(rng.randrange(4)):
                body[rng.choice(keys)] = rng.choice(values)
            if i % 2:
                status, _, answer = c.post(rng.choice(posts), **body)
            else:
                status, _, answer = c.get(rng.choice(gets), **{k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items() if len(str(v)) < 100})
            assert status == 200 and isinstance(answer["retCode"], int), (body, status, answer)
        for text in ("", "[]", "{", '{"qty":1,"qty":2}', "nul", '"x"'):
            answer = e.call("POST", "/v5/order/create", text, c.headers(text))[2]
            assert answer["retCode"] == 10001
        s = Stream(e, "/v5/private", c)
        for message in ([], {"op": 5}, {"op": "subscribe"}, {"op": "subscribe", "args": "order"}, {"op": "subscribe", "args": [1, None]}, {"op": "auth", "args": []}, {"op": "auth"}, {"op": "fly"}):
            s.say(message)
        s.say({"op": "ping"})
        s.until(lambda m: m.get("op") == "pong")
        s.close()
        e.ledger()  # asserts that it adds up


@case("faults out of a file, two keys of one account, a token for /admin, a pause, a key made later")
def hands():
    with scratch() as folder:
        with open(f"{folder}/bad-day", "w") as f:
            f.write("# a bad day\ninternal_before:on=order/create,count=1   # once\n\n  rain\n")
        keys = (f"{KEY}:{SECRET}:account=5", "twin:twinsecret:account=5", "rich:r:deposit=100000000")
        with Exchange(BINARY, "--feed", "none", "--no-limits", "--faults", f"{folder}/bad-day", keys=keys) as e:
            assert [f["fault"] for f in e.admin("faults")["faults"]][:2] == ["internal_before", "delay"]
            e.faults("internal_before:on=order/create,count=1")
            c, twin = Client(e), Client(e, "twin", "twinsecret")
            assert c.create("first", price="50000")[2]["retCode"] == 10016
            assert c.create("mine", price="50000")[2]["retCode"] == 0
            assert twin.ok("order/realtime?", category="linear", settleCoin="USDT")["list"][0]["orderLinkId"] == "mine"
            assert twin.create("mine", price="50000")[2]["retCode"] == 110072 and len(e.ledger()["accounts"]) == 2
            e.admin("cancel", orderId=e.order("mine")["orderId"])
            assert e.order("mine")["cancelType"] == "CancelByAdmin"
            e.admin("pause", paused=True)
            assert e.call("GET", "/v5/market/time")[0] == 503
            e.admin("pause", paused=False)
            e.admin("key", key="late:l:read")
            assert Client(e, "late", "l").ok("user/query-api?")["readOnly"] == 1
        with Exchange(BINARY, "--feed", "none", "--admin-token", "sesame") as e:
            assert e.call("GET", "/admin/state")[0] == 403 and e.call("GET", "/admin/state", headers={"Authorization": "Bearer sesam"})[0] == 403
            assert e.call("GET", "/admin/state", headers={"Authorization": "Bearer sesame"})[0] == 200
    r = subprocess.run([BINARY, "exchange", "--listen", "127.0.0.1:0", "--key", "a:b:deposit=100000001"], capture_output=True, text=True, timeout=10)
    assert r.returncode == 2 and "deposit=" in r.stderr


@case("answers and frames have every field that recorded ones of the venue always have")
def shapes():
    shared = pathlib.Path(os.environ.get("PERIGEE_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared")) / "brokers" / "bybit.vectors.json"
    if not shared.exists():
        raise Skip("shared/brokers is not here")
    always = {}

    def note(what, row):
        if isinstance(row, dict):
            always[what] = always.get(what, set(row)) & set(row)

    for v in json.loads(shared.read_text())["vectors"]:
        if v["kind"] == "response":
            for row in (v["http"]["body"].get("result") or {}).get("list") or []:
                note(v["op"], row)
                for coin in row.get("coin", []) if v["op"] == "balance" else []:
                    note("coin", coin)
        for frame in v.get("server_frames", []):
            data = json.loads(frame).get("data")
            for row in data if isinstance(data, list) else [data]:
                note(v["op"], row)
    linear = {"category": "linear", "symbol": "BTCUSDT"}
    with Exchange(BINARY, "--feed", "sim", "--no-limits") as e:
        c = Client(e)
        e.admin("price", symbol="BTCUSDT", price="55000")
        private = Stream(e, "/v5/private", c, ["order", "execution", "position", "wallet"])
        public = Stream(e, "/v5/public/linear", topics=["tickers.BTCUSDT", "kline.1.BTCUSDT", "publicTrade.BTCUSDT", "orderbook.50.BTCUSDT"])
        c.create("a")
        c.create("b", price="50000")
        rows = {"fills": "execution/list", "open_orders": "order/realtime", "all_orders": "order/history", "positions": "position/list", "ticker": "market/tickers",
                "instruments": "market/instruments-info", "public_trades": "market/recent-trade", "fee": "account/fee-rate"}
        told = {op: c.ok(path + "?", **linear)["list"][0] for op, path in rows.items()}
        told["balance"] = c.ok("account/wallet-balance?", accountType="UNIFIED")["list"][0]
        told["coin"] = told["balance"]["coin"][0]
        c.create("c", "Sell", reduceOnly=True)
        told["closed_pnl"] = c.ok("position/closed-pnl?", **linear)["list"][0]
        ops = {"order": "ws_orders", "execution": "ws_fills", "position": "ws_positions", "wallet": "ws_balance", "tickers": "ws_ticker", "kline": "ws_klines", "publicTrade": "ws_trades",
               "orderbook": "ws_orderbook"}
        for stream, count in ((private, 4), (public, 4)):
            wanted = len(told) + count
            while len(told) < wanted:
                message = stream.hear()
                data = message["data"][0] if isinstance(message["data"], list) else message["data"]
                told.setdefault(ops[message["topic"].split(".")[0]], data)
            stream.close()
    missing = {op: sorted(always[op] - set(row)) for op, row in told.items() if always[op] - set(row)}
    assert not missing and len(told) == 19, missing


sys.exit(1 if run_cases(CASES) else 0)
