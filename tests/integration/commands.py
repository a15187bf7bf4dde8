#!/usr/bin/env python3
"""What somebody new meets: each command's help with what comes next, and wrong settings of `perigee serve`, refused before
anything is made on disk.

usage: commands.py ENGINE"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import run_cases  # noqa: E402

ENGINE = sys.argv[1]
CASES = []
ENV = {k: v for k, v in os.environ.items() if not k.startswith("PERIGEE_")}


def case(title):
    def keep(f):
        CASES.append((title, f))
        return f
    return keep


def run(*args, **env):
    done = subprocess.run([ENGINE, *args], capture_output=True, text=True, timeout=20, env={**ENV, **env}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def commands():
    code, out, _ = run("help")
    assert code == 0
    return re.findall(r"^  ([a-z]+) {2,}\S", out, re.M)


@case("help lists the commands and a first one to try; each has help, the same by --help")
def _():
    _, out, _ = run("help")
    assert "Begin with:\n  perigee backtest strategies/" in out, out
    assert {"backtest", "serve", "edition"} <= set(commands())
    for name in commands():
        code, out, err = run("help", name)
        assert code == 0 and not err and out.startswith(f"perigee {name} – ") and f"usage: perigee {name} " in out, (name, out, err)
        assert run(name, "--help")[1] == out, name


@case("help of each command that leads somewhere tells where")
def _():
    ends = {"host", "version", "help", "completion"}
    without = {name for name in commands() if "\nnext:\n  " not in run("help", name)[1]}
    assert without <= ends, without - ends


@case("optimize: the same table with any number of processes; interrupted it says what it found; what is wrong is said before it begins")
def _():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    base = ["optimize", os.path.join(root, "strategies", "sma_cross.lua"), "--data", os.path.join(root, "examples", "data", "SP500_1d.csv"), "--json", "-"]
    few = ["--param", "fast=10,20", "--param", "slow=60,100", "--from", "2012-01-01", "--walk-forward", "2"]
    one, two = run(*base, *few, "--jobs", "1"), run(*base, *few, "--jobs", "3")
    assert one[0] == 0 and one == two and json.loads(one[1])["walk_forward"]["folds"], (one, two)
    many = subprocess.Popen([ENGINE, *base, "--param", "fast=2..59", "--param", "slow=61..160", "--trials", "10000", "--jobs", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
    children = f"/proc/{many.pid}/task/{many.pid}/children"
    deadline = time.monotonic() + 20
    while not open(children).read().split():
        assert time.monotonic() < deadline and many.poll() is None, many.communicate()
        time.sleep(0.01)
    many.send_signal(signal.SIGINT)
    out, err = many.communicate(timeout=20)
    assert many.returncode == 130 and "what was found so far" in err and json.loads(out)["stopped"] == "cancelled", (many.returncode, err)
    for flags, says in ((["--param", "fats=1..5"], 'did you mean "fast"?'), (["--param", "fast=1..5"], "below its minimum"), (["--objective", "sharp"], 'did you mean "sharpe"?'),
                        (["--method", "best"], "grid, random or tpe"), (["--require", "trades>3"], "write a statistic")):
        code, _, err = run(*base, *flags)
        assert code == 2 and says in err, (flags, code, err)
    code, _, err = run(*base, "--param", "fast=2..59", "--param", "slow=61..160", "--trials", "100")
    assert code == 1 and "5800 combinations" in err, (code, err)


def drawn(result, runs, seed, method, block, compound):
    """The runs of `perigee montecarlo`, made once more: (end in 1e-8, max drawdown in percent, longest losing streak) of each, the run itself first."""
    state, mask = seed, (1 << 64) - 1

    def below(n):
        nonlocal state
        z = state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
        return (z ^ z >> 31) * n >> 64

    start, trades = int(Decimal(result["stats"]["equity_start"]) * 10**8), result["trades"]
    pnl, n = [int(Decimal(t["pnl"]) * 10**8) for t in trades], len(trades)
    growth = [1 + p / (start + sum(q for q, u in zip(pnl[:i], trades) if u["exit_time"] <= t["entry_time"])) for i, (p, t) in enumerate(zip(pnl, trades))]
    blocks = list(range(0, n, block))

    def walk(order):
        equity, peak, depth, streak, longest = start, start, 0, 0, 0
        for i in order:
            equity = equity * growth[i] if compound else equity + pnl[i]
            streak = streak + 1 if pnl[i] < 0 else 0
            peak, longest = max(peak, equity), max(longest, streak)
            depth = max(depth, (peak - equity) / peak)
            if equity <= 0:
                break
        return equity, 100 * depth, longest

    yield walk(range(n))
    for _ in range(runs):
        if method == "shuffle":
            for i in range(len(blocks) - 1, 0, -1):
                k = below(i + 1)
                blocks[i], blocks[k] = blocks[k], blocks[i]
            yield walk([i for b in blocks for i in range(b, min(b + block, n))])
        else:
            order = []
            while len(order) < n:
                at = below(n)
                order += [(at + k) % n for k in range(block)]
            yield walk(order[:n])


def quantile(values, percent):
    values = sorted(values)
    at, part = divmod((len(values) - 1) * percent, 100)
    return values[at] + (values[at + 1] - values[at]) * part / 100 if part else values[at]


@case("montecarlo: what Python draws from the same result; stopped it says what is done; what is no result is refused")
def _():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "result.json")
        code, _, err = run("backtest", os.path.join(root, "strategies", "sma_cross.lua"), "--data", os.path.join(root, "examples", "data", "SP500_1d.csv"), "--param", "fast=10", "--param", "slow=30", "--json", path)
        assert code == 0, err
        with open(path, encoding="utf-8") as f:
            result = json.load(f)
        for method, block, compound in (("bootstrap", 1, False), ("shuffle", 5, False), ("bootstrap", 7, True), ("shuffle", 1, True)):
            flags = ["--runs", "200", "--seed", "5", "--method", method, "--block", str(block), *["--compound"] * compound]
            code, out, err = run("montecarlo", path, *flags, "--drawdown", "12.5,25", "--json", "-")
            assert code == 0, err
            got, (real, *runs) = json.loads(out), drawn(result, 200, 5, method, block, compound)
            assert (got["runs"], got["planned"], got["stopped"], got["trades"]) == (200, 200, False, len(result["trades"])), got
            for column, key, scale, near in ((0, "equity_final", 10**8, 1e-6), (1, "max_drawdown_pct", 1, 1e-6), (2, "longest_losing_streak", 1, 0.5)):
                for percent, value in got["stats"][key]["percentiles"].items():
                    assert abs(float(value) - quantile([r[column] for r in runs], int(percent)) / scale) <= near, (method, key, percent, value)
                assert abs(float(got["stats"][key]["this_run"]) - real[column] / scale) <= near, (method, key)
            assert got["probability"]["drawdown"] == [{"above_pct": limit, "probability": sum(r[1] > limit for r in runs) / 200} for limit in (12.5, 25)], got
        code, out, _ = run("montecarlo", path, "--runs", "200")
        assert code == 0 and f"{len(result['trades'])} trades, bootstrap, 200 runs, seed 1" in out and "Max drawdown" in out and "its place" in out, out
        # Reading from a pipe means that Ctrl-C is waited for; there are hours of work behind it.
        many = {"stats": result["stats"], "trades": result["trades"] * 1000}
        for i, t in enumerate(many["trades"]):
            many["trades"][i] = {"pnl": t["pnl"], "entry_time": i, "exit_time": i}
        p = subprocess.Popen([ENGINE, "montecarlo", "-", "--runs", "1000000", "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV)
        p.stdin.write(json.dumps(many))
        p.stdin.flush()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        got = json.loads(out)
        assert p.returncode == 130 and "of 1000000 runs are done" in err and got["stopped"] and 0 < got["runs"] < 10**6, (p.returncode, err)
        for text, flags, wants, says in (({**result, "trades": []}, [], 1, "closed no trade"), ({"kind": "optimization"}, [], 1, "table of a search"), ({**result, "trades": result["trades"][:9]}, [], 0, "only 9 trades"),
                                         (result, ["--block", "80"], 1, "at most half"), (result, ["--method", "random"], 2, "bootstrap or shuffle"), (result, ["--runs", "99"], 2, "outside 100"),
                                         (result, ["--drawdown", "20,,30"], 2, "percent above 0"), (result, ["--drawdown", "120"], 2, "percent above 0")):
            with open(path, "w", encoding="utf-8") as f:
                json.dump(text, f)
            code, _, err = run("montecarlo", path, *flags)
            assert code == wants and says in err, (flags, code, err)


@case("a command or word misspelt: the near one, exit code 2")
def _():
    for args, says in ((("serv",), 'did you mean "serve"?'), (("help", "serv"), 'did you mean "serve"?'), (("user", "add"), "write: perigee user add EMAIL"),
                       (("serve", "--edtion", "dca"), "did you mean --edition?"), (("keys",), "takes a word")):
        code, out, err = run(*args)
        assert code == 2 and not out and says in err, (args, code, err)


@case("wrong settings: named as they were given, and nothing is made")
def _():
    with tempfile.TemporaryDirectory() as tmp:
        data = os.path.join(tmp, "data")
        for args, says in ((("--listen", "foo"), '--listen: "foo": write HOST:PORT'), (("--listen", "127.0.0.1:99999"), "write HOST:PORT"),
                           (("--proxy", "10.0.0.0/33"), '--proxy: "10.0.0.0/33" is no address range'), (("--origin", "https://a.example/"), "nothing behind"),
                           (("--origin", "a.example"), "write https://HOST"), (("--public-url", "x"), '--public-url: "x": write https://HOST'),
                           (("--grace-ms", "soon"), "not a whole number"), (("--tls-cert", "x"), "tls-cert and tls-key go together")):
            code, _, err = run("serve", "--data-dir", data, *args)
            assert code == 2 and says in err and "see: perigee help serve" in err, (args, code, err)
        code, _, err = run("serve", "--data-dir", data, PERIGEE_PROXY="10.0.0.0/8,x")
        assert code == 2 and 'PERIGEE_PROXY: "x" is no address range' in err, err
        assert not os.path.exists(data), os.listdir(data)


@case("check --kind: a price list without a service, its mistakes with line and mark")
def _():
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "dca.lua")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lua/tiers/dca.lua"), encoding="utf-8") as f:
            good = f.read()
        for text, says in ((good, None), (good.replace("bots=1,", "botz=1,", 1), "did you mean 'bots'?"), (good.replace('edition="dca"', 'edition="x"'), "is named dca")):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            code, out, err = run("check", "--kind", "tier", path)
            assert (code, bool(out)) == (0, True) and '"starter"' in out if says is None else code == 1 and says in err and "dca.lua:" in err, (code, out, err)
        assert run("check", "--kind", "teir", path)[0] == 2


@case("a configuration file: file, line and the near name; a flag beats it")
def _():
    with tempfile.TemporaryDirectory() as tmp:
        conf = os.path.join(tmp, "perigee.conf")
        for line, says in (("listn = x", 'there is no setting "listn"; did you mean "listen"?'), ("listen", "a line is `name = value`"),
                           ("listen = abc", '"abc": write HOST:PORT'), ("origin = ftp://x", "write https://HOST")):
            with open(conf, "w", encoding="utf-8") as f:
                f.write("# ours\n\n" + line + "\n")
            code, _, err = run("serve", "--data-dir", tmp)
            assert code == 2 and f"{conf}:3: " in err and says in err, (line, err)
        with socket.socket() as s:  # a flag's value is used: the port is taken, which is the next thing to go wrong
            s.bind(("127.0.0.1", 0))
            s.listen()
            where = f"127.0.0.1:{s.getsockname()[1]}"
            with open(conf, "w", encoding="utf-8") as f:
                f.write("listen = abc\n")
            code, _, err = run("serve", "--data-dir", tmp, "--listen", where, PERIGEE_LISTN="x", PERIGEE_WHATEVER="y")
            assert code == 1 and f"{where} is taken: another program listens there" in err, err
            assert "nothing reads PERIGEE_LISTN in the environment; did you mean PERIGEE_LISTEN?" in err and "WHATEVER" not in err, err


sys.exit(run_cases(CASES) > 0)
