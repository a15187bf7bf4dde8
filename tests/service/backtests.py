#!/usr/bin/env python3
"""A backtest over HTTP with all that the command line knows is the command line's, bit for bit: backtests.py PERIGEE. Prints TAP."""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from service import Service, run_cases

FROM_S, HOURS = 1609459200, 600
SOURCE = """strategy{ name="all", api=1, params={ pct=num{30} }, data={ main={tf="1h"}, other={symbol="OTHER", tf="1h"} } }
local buys = 0
function on_bar(ctx, bar)
  local o = ctx:bars("other")[0]
  if not o then return end
  if bar.close > o.close then ctx:target{pct = ctx.p.pct} else ctx:target{pct = -ctx.p.pct} end
  if bar.close > bar.open then ctx:buy{qty=1, type="limit", price=bar.low, tag="dip", sl=bar.low*0.98, tp=bar.low*1.03} end
end
function on_signal(ctx, s)
  buys = buys + 1
  ctx:log("info", s.action, s.size)
  ctx:buy{qty=s.size or 1, tag="signal"}
end
"""
CONFIG = {"cash": "100000", "fee_taker": "0.0005", "leverage": "3", "slippage_ticks": 2, "seed": 7, "min_notional": "50"}
FLAGS = ["--cash", "100000", "--fee-taker", "0.0005", "--leverage", "3", "--slippage-ticks", "2", "--seed", "7", "--min-notional", "50"]


def walk(seed, minutes, price, hours=HOURS):
    """Bars of so many minutes: (time, open, high, low, close) in cents."""
    r, out = random.Random(seed), []
    for i in range(hours * 60 // minutes):
        close = max(100, price + r.randrange(-40, 41))
        out.append((FROM_S + 60 * minutes * i, price, max(price, close) + r.randrange(15), min(price, close) - r.randrange(15), close))
        price = close
    return out


def hourly(bars):
    return [(g[0][0], g[0][1], max(b[2] for b in g), min(b[3] for b in g), g[-1][4]) for g in (bars[i:i + 4] for i in range(0, len(bars), 4))]


def csv(bars):
    return "time,open,high,low,close,volume\n" + "".join(f"{t},{o / 100:.2f},{h / 100:.2f},{lo / 100:.2f},{c / 100:.2f},10\n" for t, o, h, lo, c in bars)


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary)
    with tempfile.TemporaryDirectory() as tmp:
        root = pathlib.Path(tmp)
        quarters = walk(1, 15, 10000)
        files = {"MAIN_1h.csv": csv(hourly(quarters)), "MAIN_15m.csv": csv(quarters), "OTHER_1h.csv": csv(walk(2, 60, 10000)), "MARK_1h.csv": csv(hourly(quarters)),
                 "funding.csv": "time,rate\n" + "".join(f"{FROM_S + 28800 * i},{(i % 7 - 3) / 10000:.4f}\n" for i in range(1, HOURS // 8)),
                 "signals.jsonl": "".join(json.dumps({"ts": (FROM_S + 90000 * i) * 1000, "id": f"s{i}", "action": "buy", "size": 1 + i % 3}) + "\n" for i in range(1, 20)),
                 "terms.csv": "from,tick,lot,min_qty\n2021-01-01,0.01,0.1,0.1\n2021-01-10,0.05,1,1\n", "all.lua": SOURCE}
        for name, text in files.items():
            (root / name).write_text(text)
        subprocess.run([binary, "import", *(str(root / n) for n in ("MAIN_1h.csv", "MAIN_15m.csv", "OTHER_1h.csv")), "--venue", "x", "--data-dir", str(service.data)],
                       check=True, capture_output=True)
        subprocess.run([binary, "import", str(root / "MARK_1h.csv"), "--symbol", "MAIN", "--timeframe", "1h", "--venue", "marks", "--data-dir", str(service.data)],
                       check=True, capture_output=True)
        with service as s:
            ada = s.register("ada@example.org")
            ada.post("/api/v1/subscriptions/upgrade", {"plan": "enterprise"}, expect=200)
            strategy = ada.post("/api/v1/strategies", {"name": "all", "source": SOURCE}, expect=201).json
            data = [{"symbol": "MAIN", "timeframe": "1h", "venue": "x"}, {"symbol": "OTHER", "timeframe": "1h", "stream": "other"}]

            def command(*flags):
                done = subprocess.run([binary, "backtest", str(root / "all.lua"), "--data", str(root / "MAIN_1h.csv"), "--data", "other=" + str(root / "OTHER_1h.csv"),
                                       *FLAGS, *flags, "--json", "-", "--quiet"], capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
                return json.loads(done.stdout)

            def service_run(extra_data=(), config=None, **body):
                answer = ada.post("/api/v1/backtests", {"strategy_id": strategy["id"], "data": data + list(extra_data), "config": {**CONFIG, **(config or {})}, **body}, expect=202).json
                deadline = time.monotonic() + 60
                while (row := ada.get(f"/api/v1/backtests/{answer['id']}", expect=200).json)["state"] in ("queued", "running"):
                    assert time.monotonic() < deadline, row
                    time.sleep(0.02)
                return row

            def same(row, wanted):
                assert row["state"] == "done", row["error"]
                got = row["result"]
                assert got["hash"] == wanted["hash"] and got["stats"] == wanted["stats"] and got["fills"] == wanted["fills"], (got["stats"], wanted["stats"])
                assert got["stats"]["trades"] > 3, got["stats"]
                return got

            detail = {"symbol": "MAIN", "timeframe": "15m", "role": "detail"}
            mark = {"symbol": "MAIN", "timeframe": "1h", "venue": "marks", "role": "mark"}
            plain = {}

            @case("several streams")
            def _():
                plain.update(same(service_run(), command()))
                assert len(plain["data"]) == 2, plain["data"]

            @case("detail, mark prices, funding, signals, dated terms, a range: each as the command line's, and each matters")
            def _():
                for flags, row in ((["--detail", "MAIN_15m.csv"], lambda: service_run([detail])),
                                   (["--funding", "funding.csv"], lambda: service_run(funding=files["funding.csv"])),
                                   (["--signals", "signals.jsonl"], lambda: service_run(signals=files["signals.jsonl"])),
                                   (["--terms", "terms.csv"], lambda: service_run(terms=files["terms.csv"]))):
                    got = same(row(), command(flags[0], str(root / flags[1])))
                    assert got["hash"] != plain["hash"], f"{flags[0]} changes nothing"
                got = same(service_run(config={"from_ms": 1609804800000, "to_ms": 1610582400000}), command("--from", "1609804800", "--to", "1610582400"))
                assert got["hash"] != plain["hash"]
                everything = service_run([detail, mark], funding=files["funding.csv"], signals=files["signals.jsonl"])
                (root / "mark").mkdir()
                (root / "mark" / "MAIN_1h.csv").write_text(files["MARK_1h.csv"])
                same(everything, command("--detail", str(root / "MAIN_15m.csv"), "--mark", str(root / "mark" / "MAIN_1h.csv"), "--funding", str(root / "funding.csv"),
                                         "--signals", str(root / "signals.jsonl")))
                assert everything["request"]["funding"] == files["funding.csv"]
                listed = ada.get("/api/v1/backtests", expect=200).json["items"][0]["request"]
                assert "funding" not in listed and "data" in listed, listed

            @case("rules of a firm and news: as the command line's, by name as one's set stands then, with one's calendar or one that is given")
            def _():
                rules = {"name": "Ruled", "day": {"reset": "12:00", "zone": "Europe/Prague", "basis": "balance", "loss": "4000", "soft_pct": "50", "fatal": False}, "max_qty": "400",
                         "news": {"before_s": 7200, "after_s": 7200, "impact": "medium", "flat": True}}
                calendar = [FROM_S + 86400 * day for day in (3, 5, 8, 13)]
                (root / "rules.json").write_text(json.dumps(rules))
                (root / "news.csv").write_text("from,concerns,impact\n" + "".join(f"{t},MAIN,high\n" for t in calendar))
                ada.put("/api/v1/risk/rule-sets/ruled", {"rules": rules}, expect=200)
                ruled = same(service_run(rules="ruled"), command("--rules", str(root / "rules.json")))
                assert ruled["hash"] != plain["hash"] and ruled["rules"]["denied"] > 0 and ruled["config"]["rules"] == "Ruled", ruled["rules"]
                wanted = command("--rules", str(root / "rules.json"), "--news", str(root / "news.csv"))
                got = same(service_run(rules="ruled", news=(root / "news.csv").read_text()), wanted)
                assert got["hash"] != ruled["hash"] and got["rules"] == wanted["rules"] and got["rules"]["interventions"] > ruled["rules"]["interventions"], (got["rules"], ruled["rules"])
                ada.post("/api/v1/risk/news", {"items": [{"from_ms": t * 1000, "to_ms": t * 1000, "impact": "high", "concerns": ["MAIN"], "title": "calls, and \"quotes\""} for t in calendar]}, expect=200)
                row = service_run(rules="ruled")
                assert same(row, wanted)["rules"] == wanted["rules"] and row["request"]["rule_set"] == rules, row["request"]
                for pointer, body in (("/rules", {"rules": "nobody's"}), ("/news", {"news": "from\n1\n"}), ("/rules", {"rules": "ruled", "config": {"cash": "1000"}})):
                    answer = ada.post("/api/v1/backtests", {"strategy_id": strategy["id"], "data": data, **body})
                    assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == pointer, answer
                for body, why in (({"terms": files["terms.csv"]}, "do not go with"), ({"news": "from\nnever\n"}, "/news:2:1")):
                    row = service_run(rules="ruled", **body)
                    assert row["state"] == "failed" and why in row["error"], row["error"]

            @case("tick, lot, contract size, smallest notional, fees of both sides, fuel, working orders: each as the command line's, and each matters")
            def _():
                for flags, config, changes in ((["--tick", "0.0001"], {"tick": "0.0001"}, "tick"), (["--lot", "0.5"], {"lot": "0.5"}, "lot"),
                                               (["--multiplier", "3"], {"multiplier": "3"}, "hash"), (["--min-notional", "900"], {"min_notional": "900"}, "hash"),
                                               (["--fee", "0.003"], {"fee": "0.003"}, "hash"), (["--fee", "0.003", "--fee-maker", "0.001"], {"fee": "0.003", "fee_maker": "0.001"}, "hash"),
                                               (["--fuel", "5000"], {"fuel": 5000}, "fuel"), (["--max-open", "7"], {"max_open": 7}, "max_open")):
                    got = same(service_run(config=config), command(*flags))
                    if changes == "hash":
                        assert got["hash"] != plain["hash"], f"{flags} changes nothing"
                    else:
                        assert str(got["config"][changes]) == flags[1], got["config"]

            @case("what is wrong is refused with its place: at once where it can be seen, else by the run")
            def _():
                def refused(pointer, **body):
                    answer = ada.post("/api/v1/backtests", {"strategy_id": strategy["id"], "data": data, **body})
                    assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == pointer, answer
                refused("/data", data=[detail])
                refused("/data/2/role", data=[data[0], detail, detail])
                refused("/data/1/stream", data=[data[0], {**detail, "stream": "other"}])
                refused("/data/1", data=[data[0], {**detail, "timeframe": "3m"}])
                refused("/config/margin_per_unit", config={"margin_per_unit": "5"})
                refused("/config/tick", config={"tick": "0"})
                refused("/config/lot", config={"lot": "-1"})
                refused("/config/max_open", config={"max_open": 0})
                refused("/config/fuel", config={"fuel": 10})
                refused("/funding", funding=7)
                refused("/funding", funding="")
                for body, why in (({"funding": "time,rate\nnever,1\n"}, "funding:2:1"), ({"signals": "nonsense"}, "signals:1"), ({"terms": "from,tick\n2021-01-01,x\n"}, "terms:2:"),
                                  ({"config": {"tick": "7"}}, "in steps of 7"), ({"config": {"fuel": 1000}}, "budget of 1000 instructions"),
                                  ({"extra_data": [{"symbol": "OTHER", "timeframe": "1h", "role": "mark"}]}, "holds OTHER"),
                                  ({"extra_data": [{"symbol": "MAIN", "timeframe": "1h", "role": "detail"}]}, "finer")):
                    row = service_run(**body)
                    assert row["state"] == "failed" and why in row["error"], (why, row["error"])
                big = "time,rate\n" + "".join(f"{FROM_S + i},0.0001\n" for i in range(8000))
                assert ada.post("/api/v1/backtests", {"strategy_id": strategy["id"], "data": data, "funding": big}).code == "validation_failed"

            @case("a list shows the figures of a result without the result")
            def _():
                row = ada.get("/api/v1/backtests?limit=200", expect=200).json["items"][-1]  # the first
                assert {k: row["summary"][k] for k in ("return_pct", "sharpe", "trades", "equity_final")} == {k: plain["stats"][k] for k in ("return_pct", "sharpe", "trades", "equity_final")}, row
                assert "result" not in row and plain["equity"][-1][1] == plain["stats"]["equity_final"], plain["equity"][-1]

            def search_run(**body):
                answer = ada.post("/api/v1/optimizations", {"strategy_id": strategy["id"], "data": data, "config": CONFIG, **body}, expect=202)
                assert answer.headers["location"].endswith("/optimizations/" + answer.json["id"]), answer.headers
                deadline = time.monotonic() + 60
                while (row := ada.get(f"/api/v1/optimizations/{answer.json['id']}", expect=200).json)["state"] in ("queued", "running"):
                    assert time.monotonic() < deadline, row
                    time.sleep(0.02)
                return row

            @case("a search for parameters is the command line's; its best run is the backtest of its parameters; neither kind is the other")
            def _():
                row = search_run(ranges={"pct": "10..40:10"}, walk_forward=2, require=["trades>=3"], objective="return_pct")
                done = subprocess.run([binary, "optimize", str(root / "all.lua"), "--data", str(root / "MAIN_1h.csv"), "--data", "other=" + str(root / "OTHER_1h.csv"), *FLAGS, "--param", "pct=10..40:10",
                                       "--walk-forward", "2", "--require", "trades>=3", "--objective", "return_pct", "--jobs", "2", "--json", "-"], capture_output=True, text=True)
                assert done.returncode == 0 and row["state"] == "done", (done.stderr, row["error"])
                got, wanted = row["result"], json.loads(done.stdout)
                for key in ("results", "spans", "space", "unseen", "walk_forward", "runs", "refused", "luck_sharpe", "objective", "require"):
                    assert got[key] == wanted[key], (key, got[key], wanted[key])
                best = got["results"][0]
                assert best["accepted"] and best["out_of_sample"]["stats"]["trades"] > 0 and best["neighbours"]["count"] >= 1 and len(got["walk_forward"]["folds"]) == 2, best
                for part, span in ((best, "search"), (best["out_of_sample"], "out_of_sample")):
                    run = service_run(params=best["params"], config={"from_ms": got["spans"][span]["from"], "to_ms": got["spans"][span]["to"]})
                    assert all(run["result"]["stats"][key] == v for key, v in part["stats"].items()), (run["result"]["stats"], part)
                assert row["summary"]["return_pct"] == best["stats"]["return_pct"] and row["progress"] == 1, row["summary"]
                assert [r["id"] for r in ada.get("/api/v1/optimizations", expect=200).json["items"]] == [row["id"]]
                assert not any(r["id"][4:] == row["id"][4:] for r in ada.get("/api/v1/backtests?limit=200", expect=200).json["items"])
                other = f"/api/v1/backtests/bkt_{row['id'][4:]}"
                assert ada.get(other).code == "not_found" and ada.delete(other).code == "not_found"
                assert s.register("eve@example.org").get(f"/api/v1/optimizations/{row['id']}").code == "not_found"
                ada.delete(f"/api/v1/optimizations/{row['id']}", expect=204)
                assert ada.get(f"/api/v1/optimizations/{row['id']}").code == "not_found"

            @case("what a search may not ask for: refused with its place, at once or by the run")
            def _():
                for pointer, body in (("/objective", {"objective": "sharp"}), ("/require/0", {"require": ["trades>30"]}), ("/ranges/pct", {"ranges": {"pct": 5}}), ("/method", {"method": "best"}),
                                      ("/config/leverage", {"config": {"leverage": "0.5"}}), ("/data/0", {"data": [{"symbol": "NOPE", "timeframe": "1h"}]})):
                    answer = ada.post("/api/v1/optimizations", {"strategy_id": strategy["id"], "data": data, **body})
                    assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == pointer, answer
                for pointer, why, body in (("/ranges/pc", 'did you mean "pct"?', {"ranges": {"pc": "1..2"}}), ("/ranges/pct", "above the last", {"ranges": {"pct": "9..2"}}), ("/ranges", "nothing to vary", {}),
                                           ("/trials", "999 combinations", {"ranges": {"pct": "1..500:0.5"}, "trials": 50}), ("/params/pc", "pct", {"ranges": {"pct": "1..2"}, "params": {"pc": 1}})):
                    answer = ada.post("/api/v1/optimizations", {"strategy_id": strategy["id"], "data": data, **body})
                    assert answer.code == "validation_failed" and answer.json["errors"][0]["pointer"] == pointer and why in answer.json["errors"][0]["detail"], answer
                assert ada.post("/api/v1/backtests", {"strategy_id": strategy["id"], "data": data, "params": {"pct": "thirty"}}).json["errors"][0]["pointer"] == "/params/pct"
                plan = next((p["id"] for p in s.anonymous().get("/api/v1/subscriptions/plans").json["items"] if "backtest" in p["rights"] and "backtest_advanced" not in p["rights"]), None)
                assert plan, "no plan has backtests without searches"
                joe = s.register("joe@example.org")
                joe.post("/api/v1/subscriptions/upgrade", {"plan": plan}, expect=200)
                assert joe.post("/api/v1/optimizations", {"strategy_id": strategy["id"], "data": data}).code == "tier_forbids"

            @case("while it is written: the header, or what is wrong and where; nothing is kept")
            def _():
                def check(source):
                    return ada.post("/api/v1/strategies/check", {"source": source}, expect=200).json
                good = check(SOURCE)
                assert good["ok"] and good["problems"] == [] and good["header"]["name"] == "all", good
                for old, new, step, line, column, length, hint in (("bar.low, tag", "bar.low, tga", "run", 7, 76, 3, "did you mean 'tag'?"), ("on_signal", "on_signl", "describe", 9, 10, 8, "on_signal"),
                                                                   ("if not o then", "if not o", "describe", 5, 12, 6, ""), ("num{30}", "num{30, mn=1}", "describe", 1, None, None, "min")):
                    bad = check(SOURCE.replace(old, new))
                    assert not bad["ok"] and len(bad["problems"]) == 1, bad
                    problem = bad["problems"][0]
                    assert (problem["severity"], problem["check"], problem["line"]) == ("error", step, line) and hint in problem["hint"], problem
                    assert column is None or (problem["column"], problem["length"]) == (column, length), problem
                    assert "strategy.lua" not in problem["message"] and "\n" not in problem["message"], problem
                endless = check(SOURCE.replace("local buys = 0", "local buys = 0 while true do buys = buys + 1 end"))
                assert not endless["ok"], endless
                quiet = check('strategy{ name="signals", api=1 }\nfunction on_signal(ctx, s) end\n')
                assert quiet["ok"] and quiet["problems"][0]["severity"] == "warning" and quiet["problems"][0]["line"] is None, quiet
                assert len(ada.get("/api/v1/strategies", expect=200).json["items"]) == 1

            @case("what editors need: the API as data, and strategies to begin with, which all pass their check")
            def _():
                reference = s.anonymous().get("/api/v1/scripts/reference", expect=200)
                names = {kind: {e["name"] for e in reference.json[kind]} for kind in ("callbacks", "methods", "options", "indicators", "reasons", "stats")}
                assert "on_bar" in names["callbacks"] and {"buy", "target"} <= names["methods"] and "tag" in names["options"] and "macd" in names["indicators"], names
                assert "MARGIN" in names["reasons"] and "sharpe" in names["stats"], names
                s.anonymous().call("GET", "/api/v1/scripts/reference", headers={"If-None-Match": reference.headers["etag"]}, expect=304)
                templates = ada.get("/api/v1/strategies/templates", expect=200).json["items"]
                assert len(templates) == len(list((pathlib.Path(__file__).resolve().parents[2] / "strategies").glob("*.lua"))), templates
                for t in templates:
                    looked = ada.post("/api/v1/strategies/check", {"source": t["source"]}, expect=200).json
                    assert looked["ok"] and looked["header"] == t["header"], (t["name"], looked["problems"])

            failed = run_cases(cases)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
