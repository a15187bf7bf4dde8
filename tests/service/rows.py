#!/usr/bin/env python3
"""Rows of pages are written behind the journal: rows.py PERIGEE [KILLS]. Many bots trade at every bar and the service is killed at random;
whatever is missing is made again, once: each order of the journal has its row, fills are whole and none is there twice. TAP."""
import contextlib
import random
import sqlite3
import sys
import time

from live import EAGER, Trader, service_of
from service import run_cases

BOTS = 18
FILLS = "SELECT bot_id, run, fill_id, order_id, qty FROM bot_fill ORDER BY bot_id, n"


def whole(path):
    """Everything follows from the journal, and nothing is there that does not."""
    with contextlib.closing(sqlite3.connect(path)) as journal:
        orders = {(bot, intent): (run, order, filled) for bot, intent, run, order, filled in journal.execute("SELECT bot_id, intent, run, order_id, filled FROM bot_order")}
        submitted = journal.execute("SELECT bot_id, intent FROM record WHERE intent IS NOT NULL").fetchall()
        missing = [s for s in submitted if s not in orders]
        assert not missing, f"{len(missing)} of {len(submitted)} orders of the journal have no row: {missing[:3]}"
        of_run, of_order = {}, {}
        for bot, run, fill, order, qty in journal.execute(FILLS):
            assert of_run.get((bot, run), 0) + 1 == fill, (bot, run, fill, of_run.get((bot, run)))
            of_run[bot, run] = fill
            of_order[bot, run, order] = of_order.get((bot, run, order), 0) + qty
        for (bot, _), (run, order, filled) in orders.items():
            assert of_order.get((bot, run, order), 0) == filled, (bot, run, order, filled)
        marks = journal.execute("SELECT count(*) FROM bot_equity a JOIN bot_equity b ON b.bot_id = a.bot_id AND b.level = 0 AND b.n = a.n + 1 AND b.run = a.run"
                                " WHERE a.level = 0 AND b.time_ns <= a.time_ns").fetchone()[0]
        assert marks == 0, f"{marks} marks twice"
        tags = {tag for tag, in journal.execute("SELECT DISTINCT tag FROM bot_fill")}
        assert tags <= {"in", "out", "flatten"}, tags
        return len(submitted), len(of_run)


KEPT = {
    "bot_order": "bot_id, intent, run, order_id, version, series_id, side, type, leg, status, reason, qty, filled, limit_price, sl, tp, avg_e6, decided_ns, ended_ns, tag",
    "bot_fill": "bot_id, n, run, series_id, fill_id, order_id, side, price, qty, fee, slippage, flags, time_ns, tag",
    "bot_trade": "bot_id, n, run, qty, entry_ns, exit_ns, entry_price, exit_price, entry_order, exit_order, pnl, fees, mae, mfe, bars, tag, exit_tag",
    "bot_equity": "bot_id, run, time_ns, equity, balance",
}


def rows_of(journal, table):
    where = {"bot_equity": " WHERE level = 0", "bot_order": " WHERE ended_ns > 0"}.get(table, "")  # what works may have ended meanwhile
    return set(journal.execute(f"SELECT {KEPT[table]} FROM {table}{where}"))


def lost(path):
    """As if no row of a bot that runs had ever been written; returns what there was."""
    with contextlib.closing(sqlite3.connect(path)) as journal, journal:
        running = "(SELECT bot_id FROM run WHERE last_id IS NULL)"
        stopped = "(SELECT bot_id FROM run WHERE last_id IS NOT NULL)"
        had = {table: rows_of(journal, table) for table in KEPT}
        for table in (*KEPT, "followed"):
            assert journal.execute(f"DELETE FROM {table} WHERE bot_id IN {running} AND bot_id NOT IN {stopped}").rowcount > 0, table
        return had


def made_again(path, had):
    with contextlib.closing(sqlite3.connect(path)) as journal:
        for table, rows in had.items():
            now = rows_of(journal, table)
            if table == "bot_equity":  # one that stands still is marked anew by a start
                newest = max(row[2] for row in rows)
                rows, now = {row for row in now if row[2] <= newest}, rows
            assert rows <= now, f"{table}: {len(rows - now)} of {len(rows)} rows are not as they were: {sorted(rows - now)[:2]} {sorted(now - rows)[:2]}"


def killed(binary, kills):
    chance = random.Random(7)
    with service_of(binary, speed=1200) as s:
        t = Trader(s, "ada@example.org")
        bots = [t.bot("eager", EAGER) for _ in range(BOTS)]
        for bot in bots:
            t.wait(bot, lambda b: b["state"] == "running")
        for _ in range(kills):
            time.sleep(chance.uniform(0.3, 0.9))
            s.killed_and_back(t)
        for bot in bots:
            t.wait(bot, lambda b: b["state"] == "running" and b["live"]["fills"] >= 2)
        for bot in bots[:4]:  # the end of a run takes with it what waits
            t.act(bot, "stop", {"close": True})
        for bot in bots[:4]:
            t.wait(bot, lambda b: b["state"] == "stopped")
        for bot in bots[4:]:
            t.act(bot, "pause")
        for bot in bots[4:]:
            t.wait(bot, lambda b: b["state"] == "paused")
        assert s.stop() == 0
        whole(s.data / "journal.db")
        had = lost(s.data / "journal.db")
        s.start()
        t.client = s.login("ada@example.org")
        for bot in bots[4:]:
            t.wait(bot, lambda b: b["state"] == "paused" and b["live"])
        assert s.stop() == 0
        made_again(s.data / "journal.db", had)
        submitted, runs = whole(s.data / "journal.db")
        assert submitted >= BOTS * kills and runs == BOTS, (submitted, runs)
        log = s.log_text()
        assert not [word for word in ("rows_given_up", "rows_refused", "journal_refused", "bot_diverged") if word in log]


def main():
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    return run_cases([("rows that a crash left unwritten, or all of them, are made again, once", lambda: killed(sys.argv[1], kills))])


if __name__ == "__main__":
    sys.exit(main())
