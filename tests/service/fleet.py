#!/usr/bin/env python3
"""Attack scripts as live bots beside honest ones: fleet.py PERIGEE. Each attack of tests/lua/hostile that takes time or memory runs at every
bar as a tenant of its own. Those who take long are moved to a host that comes after all others; honest bots see every bar, their hosts
are not lost, and nothing diverges. Prints TAP."""
import pathlib
import re
import sqlite3
import sys
import time

from live import EAGER, Trader, counted, metric, service_of
from service import run_cases

HOSTILE = pathlib.Path(__file__).resolve().parents[1] / "lua" / "hostile"
# Proven on sample data, hostile on bars that come live.
GATED = """strategy{ name="attack", api=1 }
local n = 0
function on_bar(ctx, bar)
  if bar.time < 1700000000000 then return end
  %s
end
"""
WASTE = "for i = 1, 2000000 do n = n + i end"  # 10 or 20 ms a bar, and never too much
EACH = 4  # attacks of a file


def attacks():
    out = [WASTE, WASTE]
    for name in ("cpu", "memory", "hash", "library"):
        parts = re.split(r"^---- .*$", (HOSTILE / f"{name}.lua").read_text(), flags=re.M)[1:]
        fit = [p for p in parts if "\n@@" not in p and "return" not in p and "attack" not in p and len(p) < 800]
        out += [f"do\n{p}\nend" for p in fit[:: max(1, len(fit) // EACH)][:EACH]]
    return out


def beside(binary):
    with service_of(binary, speed=120) as s:
        honest = Trader(s, "ada@example.org")
        bots = [honest.bot("eager", EAGER, symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]
        bad = []
        for i, text in enumerate(attacks()):
            t = Trader(s, f"eve{i}@example.org")
            source = GATED % text
            answer = t.client.post("/api/v1/strategies", {"name": "attack", "source": source, "activate": True})
            if answer.status != 201 or not answer.json.get("active_version"):
                continue  # refused before it ever ran
            t.scripts["attack"] = answer.json["id"]
            bad.append((t, t.bot("attack", source)))
        assert len(bad) >= 6, len(bad)
        deadline = time.monotonic() + 60
        while "tenant_slow" not in s.log_text():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        for bot in bots:  # they go on beside that
            was = len(counted(honest, bot))
            honest.wait(bot, lambda b: b["state"] == "running" and b["live"]["fills"] > was + 4, 60)
            numbers = counted(honest, bot)
            assert numbers == list(range(1, len(numbers) + 1)), numbers[-20:]  # no bar was missed, none seen twice
            assert honest.get(bot)["live"]["run"] == 1
        gone = [b for t, b in bad if t.get(b)["state"] in ("retired", "quarantined", "retrying", "dead")]
        assert gone, "no attack was stopped"
        assert metric(s, "bot_divergences_total") == 0 and metric(s, "host_restarts_total") == 0
        remembered(s, honest, bots)


def remembered(s, honest, bots):
    """After a start those who were slow are so at once, and who was quick is known."""
    moved = {int(re.search(r"\btenant\W+(\d+)", line)[1]) for line in s.log_lines() if "tenant_slow" in line}
    assert s.stop() == 0
    db = sqlite3.connect(f"file:{s.data}/journal.db?mode=ro", uri=True)
    rows = {tenant: (quick, slow) for tenant, quick, slow in db.execute("SELECT tenant_id, quick, slow FROM tenant_pace")}
    db.close()
    quick = [t for t, (q, w) in rows.items() if q > 0 and not w]
    assert moved and all(rows[t] == (0, 1) for t in moved) and quick, (moved, rows)
    s.start()
    for bot in bots:
        honest.wait(bot, lambda b: b["state"] == "running", 30)
    hosts = s.operator().get("/api/v1/admin/system", expect=200).json["hosts"]
    assert any(h["kind"] == "slow" and h["tenants"] > 0 for h in hosts), hosts


def main():
    return run_cases([("attacks run as live bots beside honest ones, who miss nothing", lambda: beside(sys.argv[1]))])


if __name__ == "__main__":
    sys.exit(main())
