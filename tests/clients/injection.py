#!/usr/bin/env python3
"""sqlmap on the parameters of routes that search, list, fetch and sign in, and finds nothing: injection.py PERIGEE. With --long: on every
query parameter, path parameter and text of a body that the OpenAPI document has, with more payloads. Prints TAP."""
import http.server
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "service"))
from routes import Operation  # noqa: E402
from service import Service, run_cases  # noqa: E402
from work import TRADES, import_bars  # noqa: E402

SQLMAP = HERE / ".venv" / "bin" / "sqlmap"
# Its notes, which it syncs again and again, need not survive.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# By content, error and union; not by time, which a busy machine tells nothing about.
OPTIONS = ["--batch", "--disable-coloring", "--dbms=SQLite", "--technique=BEUQ", "--flush-session", "--ignore-code=*"]
NOTHING = "all tested parameters do not appear to be injectable"
FOUND = "sqlmap identified the following injection point"
# These reach the database with text of the caller's, each in its own way.
SHORT = ("auth_login: 2 texts", "admin_users_list: query q", "admin_users_list: query cursor", "admin_audit_list: query tenant_id", "markets_list: query venue",
         "bars_list: path", "backtests_list: query strategy_id", "strategy_get: path")


def sqlmap(folder, url, *options):
    """True: an injection; False: none. The rest of what it may say is an error."""
    done = subprocess.run([str(SQLMAP), *OPTIONS, f"--output-dir={folder}", "-u", url, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    found, nothing = FOUND in done.stdout, NOTHING in done.stdout
    assert found != nothing, done.stdout[-3000:] + done.stderr[-1000:]
    return found, done.stdout


class Leaky(http.server.BaseHTTPRequestHandler):
    """The mistake that is looked for: a query's text put together from a parameter."""

    def do_GET(self):
        name = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("q", [""])[0]
        try:
            rows = self.server.db.execute(f"SELECT name FROM users WHERE name LIKE '%{name}%'").fetchall()
            body = json.dumps({"items": [{"name": n} for (n,) in rows]}).encode()
        except sqlite3.Error:
            body = b'{"items":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def leaky_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Leaky)
    server.db = sqlite3.connect(":memory:", check_same_thread=False)
    server.db.execute("CREATE TABLE users (name TEXT)")
    server.db.executemany("INSERT INTO users VALUES (?)", [("ada",), ("bob",)])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def marked(value):
    """The body with sqlmap's mark, an asterisk, after every text; how many there are."""
    if isinstance(value, str):
        return value + "*", 1
    if isinstance(value, dict):
        pairs = {k: marked(v) for k, v in value.items()}
        return {k: v for k, (v, _) in pairs.items()}, sum(n for _, n in pairs.values())
    if isinstance(value, list):
        items = [marked(v) for v in value]
        return [v for v, _ in items], sum(n for _, n in items)
    return value, 0


def targets(document, ids, examples, history):
    """(operation's id, what is tested, path, sqlmap's options)"""
    for template, item in document["paths"].items():
        for method, op in item.items():
            operation = Operation(document, template, method, op)
            fits = {**examples, **(history if operation.id == "bars_list" else {})}
            query = {p["name"]: fits.get(p["name"], "1") for p in op.get("parameters", []) if p["in"] == "query"}
            names = [p["name"] for p in op.get("parameters", []) if p["in"] == "path"]
            to = ["-X", operation.method]
            required = {p["name"]: query[p["name"]] for p in op.get("parameters", []) if p["in"] == "query" and p["required"]}

            def path(parts, more):
                asked = {**required, **more}
                return operation.path({**ids, **parts}).split("?")[0] + ("?" + urllib.parse.urlencode(asked) if asked else "")
            # A cursor that is none hides what the others do, so it comes alone.
            for group in ({n: v for n, v in query.items() if n != "cursor"}, {n: v for n, v in query.items() if n == "cursor"}):
                if group:
                    yield operation.id, "query " + " ".join(group), path({}, group), [*to, "-p", ",".join(group)]
            for name in names:
                yield operation.id, "path " + name, path({name: str(ids.get(name, "1")) + "*"}, {}), to
            body, count = marked(operation.body())
            if count:
                yield operation.id, f"{count} texts of the body", path({}, {}), [*to, "--data", json.dumps(body), "-H", "Content-Type: application/json"]


def main(binary, how=""):
    if not SQLMAP.exists():
        print("1..0 # SKIP sqlmap missing: admin/setup\n# skipped: sqlmap missing: admin/setup")
        return 0
    cases = []
    service = Service(binary)
    import_bars(binary, service.data, count=50)
    with service as s, tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        root = s.register("root@example.org")
        root.post("/api/v1/subscriptions/upgrade", {"plan": root.get("/api/v1/subscriptions/plans").json["items"][-1]["id"]}, expect=200)
        s.operator().patch(f"/api/v1/admin/users/{root.me['id']}", {"role": "super_admin"}, expect=200)
        root = s.login("root@example.org")
        strategy = root.post("/api/v1/strategies", {"name": "Mine", "source": TRADES}, expect=201).json["id"]
        # What exists, so that a condition that holds and one that does not would make a difference.
        ids = {"strategy_id": strategy, "version": 1, "user_id": root.me["id"], "org_id": root.me["tenant_id"], "symbol": "BTCUSDT"}
        examples = {"q": "root", "symbol": "BTCUSDT", "venue": "test", "timeframe": "1h", "kind": "tier", "strategy_id": strategy, "tenant_id": root.me["tenant_id"],
                    "limit": "50", "from": "1", "to": "1", "cursor": "AAAA", "role": "user", "suspended": "false", "user_id": root.me["id"]}
        history = {"from": "1609459200000", "to": "1609545600000"}
        document = s.anonymous().get("/api/v1/openapi.json", expect=200).json
        level = ["--level=2"] if how == "--long" else ["--level=1"]
        # Sent every time, and never a place for payloads: at higher levels sqlmap takes other header fields too.
        level += ["-H", f"Authorization: Bearer {root.token}", "--skip=user-agent,referer,host,authorization"]

        seen = []  # errors in the service's log that a case has told of

        def finds_nothing(path, options):
            if "GET" in options and "cursor=" not in path:
                answer = root.get(path.replace("*", ""))
                assert answer.status == 200 or how == "--long", f"{path}: {answer}"  # what is tested does read the database
            found, report = sqlmap(folder, f"http://127.0.0.1:{s.port}{path}", *level, *options)
            assert not found, report[-3000:]
            wrong = [line for line in s.log_lines(0) if '"level":"error"' in line][len(seen):]
            seen.extend(wrong)
            assert not wrong, wrong[:5]

        def control():
            server = leaky_server()
            try:
                assert sqlmap(folder, f"http://127.0.0.1:{server.server_port}/users?q=ada", "-p", "q", "--level=1")[0]
            finally:
                server.shutdown()

        cases.append(("control: sqlmap finds an injection where there is one", control))
        chosen = [t for t in targets(document, ids, examples, history) if how == "--long" or f"{t[0]}: {t[1]}".startswith(SHORT)]
        chosen.sort(key=lambda target: "DELETE" in target[3])  # what they are tried on is gone afterwards
        assert how == "--long" or len(chosen) == len(SHORT), [t[:2] for t in chosen]
        for name, what, path, options in chosen:
            cases.append((f"nothing in {name}: {what}", lambda path=path, options=options: finds_nothing(path, options)))
        cases.append(("the caller was let in to the end", lambda: root.get("/api/v1/me", expect=200)))
        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
