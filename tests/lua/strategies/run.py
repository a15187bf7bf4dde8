#!/usr/bin/env python3
"""Every shipped strategy on real bars through the real binary: adds up, keeps its promises, and is the same twice.

An independent client: money is recomputed with decimal from fills and prices, promises from the strategies' heads are checked
on what they traded. The bars are tests/fixtures/bars; where the project's shared data is at hand (PERIGEE_SHARED, or ../shared
beside the project) longer files with other markets are run as well, else those are skipped.
Prints TAP. Usage: run.py PERIGEE ROOT
"""
import json, os, subprocess, sys, tempfile
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal, ROUND_CEILING
from zoneinfo import ZoneInfo

PERIGEE, ROOT = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SHARED = os.path.join(os.environ.get("PERIGEE_SHARED") or os.path.join(ROOT, "..", "shared"), "data", "ohlcv")
BARS = f"{ROOT}/tests/fixtures/bars"
SP500 = f"{ROOT}/examples/data/SP500_1d.csv"
BTC1M, FESX = f"{BARS}/BTCUSDT_1m.csv.gz", f"{BARS}/FESX_1m.csv.gz"
PORTFOLIO = [f"{BARS}/{s}USDT_1h.csv.gz" for s in ("BTC", "ETH", "ADA")]
FIVE = [f"{s}USDT_5m_2020-12_2021-07.csv.gz" for s in ("BTC", "ETH", "ADA", "XRP", "SOL")]
FIVE_PARAMS = ["--param", "fourth=XRPUSDT", "--param", "fifth=SOLUSDT"]
FUTURE = ["--multiplier", "10", "--cash", "100000", "--fee-per-unit", "1"]
EURUSD = ["--fee", "0.00002", "--leverage", "20"]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class Skip(Exception):
    pass


# ---- runs

def script(name):
    return f"{ROOT}/examples/minimal.lua" if name == "minimal" else f"{ROOT}/strategies/{name}.lua"


def describe(name):
    done = subprocess.run([PERIGEE, "check", script(name)], capture_output=True, text=True)
    assert done.returncode == 0, f"check: exit {done.returncode}: {done.stderr.strip()}"
    return json.loads(done.stdout)


def backtest(name, data, flags, want=0):
    with tempfile.TemporaryDirectory() as tmp:
        out = f"{tmp}/r.json"
        cmd = [PERIGEE, "backtest", script(name), "--json", out, "--quiet"] + [x for f in data for x in ("--data", f)] + flags
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=300)
        assert done.returncode == want, f"exit {done.returncode}, not {want}: {done.stderr.strip()}"
        return json.load(open(out)) if want == 0 else done.stderr


def flag(flags, name, absent):
    return Decimal(flags[flags.index(name) + 1]) if name in flags else Decimal(absent)


def param(r, name):
    return r["params"][name]


# ---- money

def check_money(r, flags):
    """Fees from fills, pnl from prices, equity from the cash that flowed: to the last 1e-8 that is shown."""
    multiplier, fee, per_unit = flag(flags, "--multiplier", "1"), flag(flags, "--fee", "0"), flag(flags, "--fee-per-unit", "0")
    cash, fees, held = Decimal(r["config"]["cash"]), Decimal(0), defaultdict(Decimal)
    for f in r["fills"]:
        qty, price = Decimal(f["qty"]), Decimal(f["price"])
        want = (qty * price * multiplier * fee + qty * per_unit).quantize(Decimal("1e-8"), ROUND_CEILING)
        assert abs(Decimal(f["fee"]) - want) <= Decimal("1e-8"), f"fee of {f}: {want}"
        sign = 1 if f["side"] == "buy" else -1
        cash -= sign * qty * price * multiplier + Decimal(f["fee"])
        fees += Decimal(f["fee"])
        held[f["symbol"]] += sign * qty
    assert fees == Decimal(r["stats"]["fees"]), f"fees {fees}, stats say {r['stats']['fees']}"
    for t in r["trades"]:
        sign = 1 if t["side"] == "long" else -1
        want = sign * (Decimal(t["exit_price"]) - Decimal(t["entry_price"])) * Decimal(t["qty"]) * multiplier - Decimal(t["fees"])
        assert abs(Decimal(t["pnl"]) - want) <= Decimal("1e-6"), f"trade {t}: pnl {want}"
    for o in r["open"]:
        qty = Decimal(o["qty"]) * (1 if o["side"] == "long" else -1)
        assert held.pop(o["symbol"]) == qty, f"open {o}, fills leave another quantity"
        cash += qty * Decimal(o["mark_price"]) * multiplier
    assert not any(held.values()), f"fills leave {dict(held)}, which is not listed as open"
    slack = Decimal("1e-8") * (2 * len(r["fills"]) + 10)  # each fill's cash flow is rounded once
    assert abs(cash - Decimal(r["stats"]["equity_final"])) <= slack, f"equity {cash}, stats say {r['stats']['equity_final']}"


def check_exposure(r, limit, slack=Decimal("1")):
    """What is invested, at average cost, never exceeds what the header declares."""
    invested, held = defaultdict(Decimal), defaultdict(Decimal)
    for f in r["fills"]:
        s, qty, price = f["symbol"], Decimal(f["qty"]), Decimal(f["price"])
        if f["side"] == "buy":
            invested[s] += qty * price
            held[s] += qty
        else:
            invested[s] -= invested[s] * qty / held[s]
            held[s] -= qty
        assert sum(invested.values()) <= limit * slack, f"{sum(invested.values())} invested at {f['time']}, declared {limit}"


# ---- promises

def local(ms, zone="UTC"):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).astimezone(ZoneInfo(zone))


def never_short(r):
    held = defaultdict(Decimal)
    for f in r["fills"]:
        held[f["symbol"]] += Decimal(f["qty"]) * (1 if f["side"] == "buy" else -1)
        assert held[f["symbol"]] >= 0, f"short after {f}"


def entries(r):
    """The first trade of each position."""
    first = {}
    for t in r["trades"]:
        first.setdefault(t["position_id"], t)
    return list(first.values())


def per_day(r, most):
    days = defaultdict(int)
    for t in entries(r):
        days[local(t["entry_time"]).date()] += 1
    assert max(days.values(), default=0) <= most, f"{max(days.values())} positions in a day, at most {most}"


def loss_bounded(r, share):
    """Sized by the stop: no position loses much more than its risk, a gap and the fees included."""
    for t in r["trades"]:
        assert Decimal(t["pnl"]) > -Decimal(r["stats"]["equity_peak"]) * Decimal(str(share)), f"lost too much: {t}"


def sma_cross(r):
    """Every trade at the open after a cross, computed here from the file alone."""
    rows = [line.strip().split(",") for line in open(SP500)][1:]
    to_ms = lambda day: int(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp() * 1000)
    closes, ms = [Decimal(x[4]) for x in rows], [to_ms(x[0][:10]) for x in rows]
    sign = lambda i: (lambda d: (d > 0) - (d < 0))(sum(closes[i - 9 : i + 1]) * 3 - sum(closes[i - 29 : i + 1]))
    want, last, long = [], 0, False
    for i in range(29, len(rows) - 1):
        now = sign(i)
        if now and last and now != last and (now > 0) != long:
            long = now > 0
            want.append((ms[i + 1], "buy" if long else "sell"))
        last = now or last
    got = [(f["time"], f["side"]) for f in r["fills"]]
    assert got == want, f"{len(got)} fills, {len(want)} crosses; the first that differs: {next((x for x in zip(got, want) if x[0] != x[1]), None)}"
    never_short(r)


def minimal(r):
    never_short(r)
    assert {f["tag"] for f in r["fills"]} == {"falls", "rise"}


def rsi_reversion(r):
    never_short(r)
    assert all(t["bars"] <= param(r, "max_bars") + 1 for t in r["trades"]), "stayed too long"
    loss_bounded(r, 0.03)
    assert {t["exit_tag"] for t in r["trades"]} <= {"recovered", "too long", "sl"}


def ladders(r):
    never_short(r)
    groups = defaultdict(set)
    for f in r["fills"]:
        groups[f["side"]].add(f["tag"])
    assert groups["buy"] == {"ladder"} and groups["sell"] <= {"tp", "sl", "gave up", "no exit"}, f"{dict(groups)}"
    per_position = defaultdict(set)
    for t in r["trades"]:
        per_position[t["position_id"]].add(t["entry_time"])
    most = max(len(x) for x in per_position.values())
    assert len(r["open"]) == 0 or r["open"][0]["entry_time"] > r["data"][0]["to"] - (r["data"][0]["to"] - r["data"][0]["from"]) // 2, "stuck"
    assert most <= param(r, "orders") + 1, f"{most} purchases in a position"


def ema_dca(r):
    ladders(r)
    bar = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR}[r["data"][0]["timeframe"]]
    held, stopped, rest = Decimal(0), -DAY, param(r, "rest") * bar
    for f in r["fills"]:
        if f["side"] == "buy":  # a safety order may still fill in the bar of the stop, never a new base after it
            assert held > 0 or f["time"] == stopped or f["time"] >= stopped + rest, f"no rest before {f}"
            held += Decimal(f["qty"])
        else:
            held -= Decimal(f["qty"])
            if held == 0 and f["tag"] == "sl":
                stopped = f["time"]


def smart_dca(r):
    ladders(r)
    lines = [l["text"] for l in r["logs"] if l["text"].startswith("score")]
    assert lines, "no score was logged"
    clip = lambda x: max(0.0, min(1.0, x))
    for line in lines:  # the declared function, recomputed from what it logged
        w = line.replace(":", "").replace(",", "").split()
        score, rsi, z, volatility, adx, gap = (float(w[i]) for i in (1, 3, 5, 7, 9, 11))
        want = 0.3 * clip((45 - rsi) / 30) + 0.2 * clip(-z / 3) + 0.15 * (1 - clip((volatility - 1) / 2)) \
            + 0.15 * (1 - clip((adx - 15) / 35)) + 0.2 * (1 - clip(-gap / 20))
        assert abs(want - score) < 0.005, f"{line}: {want:.3f}"
        assert score >= param(r, "confirm") and rsi <= param(r, "rsi_max") and adx <= param(r, "adx_max"), line
    assert all(0 <= score <= 1 for _, score in r["plots"]["score"])


def grid(r):
    never_short(r)
    buys = [f for f in r["fills"] if f["side"] == "buy"]  # at market only where a gap jumped over a level
    assert sum(f["maker"] for f in buys) >= 0.9 * len(buys)
    held, cost = defaultdict(Decimal), defaultdict(Decimal)  # each level holds one slice at most, and gains when it sells
    for f in r["fills"]:
        tag, qty, price = f["tag"], Decimal(f["qty"]), Decimal(f["price"])
        if tag == "gave up":
            held.clear(), cost.clear()
        elif f["side"] == "buy":
            held[tag] += qty
            cost[tag] += qty * price
            assert cost[tag] <= Decimal(str(param(r, "slice"))), f"{tag} holds {cost[tag]}"
        else:
            assert qty <= held[tag], f"{tag} sells more than it holds: {f}"
            assert price > cost[tag] / held[tag], f"{tag} sells at a loss: {f}"
            cost[tag] -= cost[tag] * qty / held[tag]
            held[tag] -= qty


def bos_retest(r):
    per_day(r, param(r, "per_day"))
    loss_bounded(r, 0.02)
    for t in r["trades"]:
        assert t["tag"] == t["side"] and t["exit_tag"] in ("sl", "tp", "too long"), f"{t}"
        assert t["bars"] <= param(r, "stay") + 1, f"stayed too long: {t}"


def submarine(r):
    never_short(r)
    loss_bounded(r, 0.012)
    starts = defaultdict(set)
    for t in r["trades"]:
        starts[t["position_id"]].add(t["entry_time"])
        share = Decimal(t["qty"]) * Decimal(t["entry_price"]) / Decimal(r["stats"]["equity_peak"])
        assert share <= Decimal(str(param(r, "cap"))) / 100 * Decimal("1.02"), f"{share} of equity in one market: {t}"
        assert t["exit_tag"] == "sl" or t["exit_tag"].endswith(" out"), f"{t}"
    assert all(len(x) == 1 for x in starts.values()), "pyramided"
    assert any(t["exit_tag"] == "sl" and Decimal(t["pnl"]) > 0 for t in r["trades"]), "no stop was ever moved up"


def ferrari_scalper(r):
    """Nothing is opened outside 09:15–16:45 in Berlin or held after 17:15."""
    minute = lambda t: t.hour * 60 + t.minute
    assert not r["open"]
    for t in r["trades"]:
        entry, leave = local(t["entry_time"], "Europe/Berlin"), local(t["exit_time"], "Europe/Berlin")
        assert 9 * 60 + 15 <= minute(entry) <= 16 * 60 + 45, f"entry at {entry}"
        assert entry.date() == leave.date() and minute(leave) <= 17 * 60 + 15, f"exit at {leave}"
    per_day(r, param(r, "per_day"))
    loss_bounded(r, 0.012)
    streak, day = 0, None
    for t in sorted(entries(r), key=lambda t: t["entry_time"]):
        today = local(t["entry_time"]).date()
        streak = streak if today == day else 0
        assert streak < param(r, "halt"), f"traded on after {streak} losses: {t}"
        streak, day = (streak + 1 if Decimal(t["pnl"]) < 0 else 0), today


def rebalance(r):
    never_short(r)
    markets = {d["symbol"] for d in r["data"]}
    assert {o["symbol"] for o in r["open"]} == markets, "a market is missing from the portfolio"
    bought = defaultdict(list)
    for f in r["fills"]:
        if f["tag"] == "fill up":
            bought[f["symbol"]].append(f["time"])
    for symbol, times in bought.items():  # on schedule: not before the hours have passed
        assert all(b - a >= param(r, "hours") * HOUR for a, b in zip(times, times[1:])), f"{symbol} was bought too soon again"


PROMISES = {f.__name__: f for f in (sma_cross, minimal, rsi_reversion, ema_dca, smart_dca, grid, bos_retest, submarine, ferrari_scalper, rebalance)}

# ---- cases: strategy, data, flags, fewest trades that make the run worth looking at

SMALL = [
    ("minimal", [SP500], ["--fee", "0.0005"], 50),
    ("sma_cross", [SP500], ["--fee", "0.0005"], 20),
    ("rsi_reversion", [SP500], ["--fee", "0.0005", "--lot", "0.001"], 20),
    ("ema_dca", [BTC1M], ["--fee", "0.0004", "--param", "trend=100", "--param", "step=0.3", "--param", "take=0.4"], 10),
    ("grid", [BTC1M], ["--fee", "0.0004", "--param", "step=0.5"], 20),
    ("bos_retest", [BTC1M], ["--fee", "0.0004"], 10),
    ("submarine", PORTFOLIO, ["--fee", "0.0005"], 10),
    ("ferrari_scalper", [FESX], FUTURE, 10),
    ("smart_dca", [BTC1M], ["--fee", "0.0004", "--param", "step=0.3", "--param", "take=0.5"], 5),
    ("rebalance", PORTFOLIO, ["--fee", "0.0005"], 5),
]
LONG = [  # files of the shared data
    ("ema_dca", ["BTCUSDT_1m_2021-04_2021-05.csv.gz"], ["--fee", "0.0005"], 100),  # holds a crash
    ("ema_dca", ["ETHUSDT_5m_2020-12_2021-07.csv.gz"], ["--fee", "0.0005"], 500),
    ("ema_dca", ["BTCUSDT_1h_2017_2024.csv.gz"], ["--fee", "0.0005"], 500),
    ("grid", ["ETHUSDT_5m_2020-12_2021-07.csv.gz"], ["--fee", "0.0005"], 500),
    ("grid", ["EURUSD_1h_2017_2018.csv"], EURUSD + ["--param", "step=0.2"], 100),
    ("bos_retest", ["ETHUSDT_1m_2021-04_2021-05.csv.gz"], ["--fee", "0.0005"], 30),
    ("submarine", FIVE, ["--fee", "0.0005", *FIVE_PARAMS], 50),
    ("ferrari_scalper", ["FESX_1m_2006.csv.gz"], FUTURE + ["--leverage", "10"], 100),
    ("rsi_reversion", ["SPY_1d_1998_2021.csv.gz"], ["--fee", "0.0005"], 100),
    ("smart_dca", ["BTCUSDT_5m_2020-12_2021-07.csv.gz"], ["--fee", "0.0005"], 100),
    ("rebalance", FIVE, ["--fee", "0.0005", *FIVE_PARAMS, "--param", "w4=4", "--param", "w5=4"], 10),
]
DECLARED = ("base", "orders", "scale", "levels", "slice")  # the parameters that risk.max_notional depends on


def case_run(name, data, flags, fewest):
    for f in data:
        if not os.path.exists(f):
            raise Skip("shared data is not at hand")
    header = describe(name)
    first, second = (backtest(name, data, flags) for _ in range(2))
    assert first["hash"] == second["hash"], "two runs, two hashes"
    assert first["stats"]["trades"] >= fewest, f"{first['stats']['trades']} trades, at least {fewest} expected"
    refused = sum(d["count"] for d in first["denied"])
    assert refused <= len(first["fills"]) // 50, f"{refused} orders refused: {first['denied']}"
    check_money(first, flags)
    PROMISES[name](first)
    if header["max_notional"] is not None:
        assert not any(x.split("=")[0] in DECLARED for x in flags)
        check_exposure(first, Decimal(str(header["max_notional"])))


def case_poor(name, data, flags):
    """Too little money: no orders beyond it, and no storm of refusals."""
    r = backtest(name, data, flags + ["--cash", "300"])
    check_money(r, flags)
    refused, bars = sum(d["count"] for d in r["denied"]), r["data"][0]["bars"]
    assert refused <= bars // 50, f"{refused} refusals in {bars} bars: {r['denied']}"
    assert Decimal(r["stats"]["equity_final"]) > 0


def case_refused(name, params, why):
    said = backtest(name, [SP500], [x for p in params for x in ("--param", p)], want=1)
    assert why in said, f"said: {said}"


def case_guard():
    """ema_dca withdraws its safety orders when the market runs wild: then nothing is bought until the position is gone.
    A mark has the time of its bar, as fills have: fills of that bar came before it."""
    r = backtest("ema_dca", [BTC1M], ["--param", "step=0.3", "--param", "take=0.4", "--param", "calm=1", "--param", "wild=1.2"])
    wild = [m["time"] for m in r["marks"] if m["text"].startswith("wild")]
    assert len(wild) >= 3, f"{len(wild)} times wild: the run says little"
    for since in wild:
        held = Decimal(0)
        for f in r["fills"]:
            sign = 1 if f["side"] == "buy" else -1
            if f["time"] > since and held > 0:
                assert sign < 0, f"bought after {since}: {f}"
            held += sign * Decimal(f["qty"])
            if f["time"] > since and held == 0:
                break


def case_finer():
    """submarine decides on its own bars: five-minute files and hourly files of the same days give the same trades."""
    results = []
    for span in ("5m_2020-12_2021-07", "1h_2020_2021"):
        data = [f"{SHARED}/{s}USDT_{span}.csv.gz" for s in ("BTC", "ETH", "ADA")]
        if not all(os.path.exists(f) for f in data):
            raise Skip("shared data is not at hand")
        r = backtest("submarine", data, ["--fee", "0.0005"])
        results.append([(t["symbol"], t["entry_time"], t["qty"], t["entry_price"], t["exit_price"]) for t in r["trades"]])
    same = sum(a == b for a, b in zip(*results))
    assert same >= 0.95 * max(map(len, results)), f"{same} of {len(results[0])} and {len(results[1])} trades are the same"


def cases():
    shipped = {f[:-4] for f in os.listdir(f"{ROOT}/strategies") if f.endswith(".lua")} | {"minimal"}
    assert shipped == {c[0] for c in SMALL}, "each strategy has a case, and each case a strategy"
    for name, data, flags, fewest in SMALL:
        yield name, lambda a=(name, data, flags, fewest): case_run(*a)
    for name, data, flags, _ in SMALL:
        if name != "minimal":
            yield f"{name} without money", lambda a=(name, data, flags): case_poor(*a)
    for name, params, why in [
        ("ema_dca", ["take=9"], "take must be below stop"), ("ema_dca", ["orders=20"], "the last safety order would stand"),
        ("ema_dca", ["calm=3"], "calm must not be above wild"), ("smart_dca", ["give_up=0.6"], "give_up must be below confirm"),
        ("grid", ["levels=40", "step=3"], "reach too far below"), ("ferrari_scalper", ["open=18:00"], "must follow each other"),
        ("submarine", ["leave=60"], "leave must be below enter"), ("rebalance", ["w1=60"], "98 at most"),
        ("rebalance", ["third=ETHUSDT"], "named twice"), ("rebalance", ["w5=5"], "a weight without a market"),
        ("rsi_reversion", ["buy_below=50", "sell_above=50"], "buy_below must be below"), ("sma_cross", ["fast=40"], "fast must be below slow"),
    ]:
        yield f"{name} refuses {' '.join(params)}", lambda a=(name, params, why): case_refused(*a)
    for name, data, flags, fewest in LONG:
        yield f"{name} on {data[0].split('.')[0]}{f' and {len(data) - 1} more' if len(data) > 1 else ''}", \
            lambda a=(name, [f"{SHARED}/{f}" for f in data], flags, fewest): case_run(*a)
    yield "ema_dca buys no more when the market runs wild", case_guard
    yield "submarine on finer bars", case_finer


def main():
    todo, bad = list(cases()), 0
    print(f"1..{len(todo)}")
    for i, (title, f) in enumerate(todo, 1):
        verdict, note = "ok", ""
        try:
            f()
        except Skip as e:
            note = f" # SKIP {e}"
        except (AssertionError, KeyError, subprocess.SubprocessError) as e:
            verdict, note = "not ok", f": {type(e).__name__} {e}"
            bad += 1
        print(f"{verdict} {i} - {title}{note}", flush=True)
    sys.exit(bad > 0)


main()
