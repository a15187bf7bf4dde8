#!/usr/bin/env python3
"""The API's OpenAPI document, judged by others' tools: openapi-spec-validator reads it, schemathesis calls everything in it, as a user,
an operator and nobody, and finds no answer that the document does not tell of, and no 500: document.py PERIGEE [--long]. Prints TAP.
Each operation is called; without --long by a sample of what schemathesis makes for it (sampled.py)."""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "service"))
from service import Service, run_cases  # noqa: E402
from work import TRADES, import_bars  # noqa: E402

BIN = HERE / ".venv" / "bin"
# They end the session or the account that calls, or cut its rights: called last, by callers of their own.
ENDING = r"^(auth_logout|me_delete|session_delete|sessions_delete_others|subscription_cancel|admin_user_(patch|plan|plan_delete|reset)|admin_impersonate)$"


class Judge:
    """The tools, on one service's document."""

    def __init__(self, service, folder, sampled):
        self.service, self.folder = service, pathlib.Path(folder)
        self.environment = {**os.environ, **({"SCHEMATHESIS_HOOKS": "sampled", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"} if sampled else {})}
        self.document = service.anonymous().get("/api/v1/openapi.json", expect=200).json

    def tool(self, name, *args):
        done = subprocess.run([str(BIN / name), *args], capture_output=True, text=True, timeout=900, cwd=self.folder, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    def written(self, document):
        path = self.folder / "openapi.json"
        path.write_text(json.dumps(document))
        return str(path)

    def validate(self, document):
        """What the validator objects to; empty when nothing."""
        code, text = self.tool("openapi-spec-validator", "--schema", "3.1", "--validation-errors", "all", self.written(document))
        return "" if code == 0 else text or "failed without a word"

    def call(self, document, client, *options):
        """Schemathesis as this client (None: nobody): how many calls it made, and its report when something was found."""
        headers = ["--header", f"Authorization: Bearer {client.token}"] if client else []
        code, text = self.tool("schemathesis", "--config-file", str(HERE / "schemathesis.toml"), "run", self.written(document),
                          "--url", f"http://127.0.0.1:{self.service.port}", *headers, *options)
        made = re.search(r"^\s*([\d,]+) generated", text, re.M)
        assert made and code in (0, 1), text[-4000:]
        return int(made[1].replace(",", "")), "" if code == 0 else text

    def finds_nothing(self, client, at_least, *options):
        made, report = self.call(acting_for(self.document, client) if client else self.document, client, *options)
        assert not report, report[-6000:]
        assert made >= at_least, f"only {made} calls"
        print(f"# {made} calls")
        wrong = [line for line in self.service.log_lines() if '"level":"error"' in line]
        assert not wrong, wrong[:5]


def broken(document):
    """The document with a parameter that is nowhere: no OpenAPI document."""
    changed = copy.deepcopy(document)
    changed["paths"]["/api/v1/strategies"]["get"]["parameters"][0]["in"] = "nowhere"
    return changed


def untrue(document):
    """A document of which the service's answers differ in a status and in a body."""
    changed = copy.deepcopy(document)
    changed["paths"] = {path: changed["paths"][path] for path in ("/api/v1/subscriptions/plans", "/api/v1/usage")}
    plans, usage = (changed["paths"][path]["get"]["responses"] for path in changed["paths"])
    plans["299"] = plans.pop("200")
    usage["200"]["content"]["application/json"]["schema"] = {"type": "object", "required": ["colour"], "properties": {"colour": {"type": "string"}}}
    return changed


def acting_for(document, client):
    """The document for one who acts for their own tenant: most other ones do not exist, and 404 for each shows nothing."""
    changed = copy.deepcopy(document)
    for item in changed["paths"].values():
        for op in item.values():
            for p in op.get("parameters", []):
                if p["name"] == "Perigee-Tenant":
                    p["schema"] = {"type": "string", "enum": [client.me["tenant_id"]]}
    return changed


def main(binary, how=""):
    missing = [name for name in ("openapi-spec-validator", "schemathesis") if not (BIN / name).exists()]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} missing: admin/setup\n# skipped: {', '.join(missing)} missing: admin/setup")
        return 0
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    service = Service(binary)
    import_bars(binary, service.data)
    with service as s, tempfile.TemporaryDirectory() as folder:
        judge = Judge(s, folder, sampled=how != "--long")
        plan = s.anonymous().get("/api/v1/subscriptions/plans").json["items"][-1]["id"]

        def customer(name, role=None):
            client = s.register(f"{name}@example.org")
            client.post("/api/v1/subscriptions/upgrade", {"plan": plan}, expect=200)
            if role:
                s.operator().patch(f"/api/v1/admin/users/{client.me['id']}", {"role": role}, expect=200)
                client = s.login(f"{name}@example.org")
            client.post("/api/v1/strategies", {"name": "Mine", "source": TRADES}, expect=201)
            return client

        def as_principal(client, at_least, *options):
            judge.finds_nothing(client, at_least, "--exclude-operation-id-regex", ENDING, *options)
            client.get("/api/v1/me", expect=200)  # the calls were not all made by nobody

        if how != "--long":
            @case("openapi-spec-validator accepts the document; each operation can succeed, each answer is described")
            def _():
                assert judge.document["openapi"].startswith("3.1."), judge.document["openapi"]
                objections = judge.validate(judge.document)
                assert not objections, objections
                for operation in (op for item in judge.document["paths"].values() for op in item.values()):
                    assert any(status.startswith(("2", "3")) for status in operation["responses"]), operation["operationId"]
                    assert all(answer["description"] for answer in operation["responses"].values()), operation["operationId"]

            @case("control: it refuses one that is none")
            def _():
                assert "nowhere" in judge.validate(broken(judge.document))

            @case("control: schemathesis sees an answer with another status or body than told")
            def _():
                _, report = judge.call(untrue(judge.document), customer("carl"), "--phases", "coverage", "--exclude-checks", "unsupported_method")
                assert "Undocumented status code" in report and "Response violates schema" in report, report[-3000:]

            case("schemathesis as a user: every operation at the edges of what it takes")(lambda: as_principal(customer("ada"), 1000, "--phases", "coverage", "--exclude-tag", "admin"))
            case("schemathesis as an operator")(lambda: as_principal(customer("root", "super_admin"), 200, "--phases", "coverage", "--include-tag", "admin"))
            # That the others want a token, each call above has shown (its check ignored_auth).
            free = [op["operationId"] for item in judge.document["paths"].values() for op in item.values() if op["security"] == [] or {} in op["security"]]
            case("schemathesis as nobody")(lambda: judge.finds_nothing(None, 200, "--phases", "coverage", "--include-operation-id-regex", f"^({'|'.join(free)})$"))
            case("schemathesis as one whom its own calls sign out or suspend")(
                lambda: judge.finds_nothing(customer("rob", "super_admin"), 50, "--phases", "coverage", "--include-operation-id-regex", ENDING))
            return run_cases(cases)

        thorough = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "60")
        case("schemathesis as a user, at length")(lambda: as_principal(customer("ada"), 4000, *thorough))
        case("schemathesis as an operator, at length")(lambda: as_principal(customer("root", "super_admin"), 4000, *thorough))
        case("schemathesis as nobody, at length")(lambda: judge.finds_nothing(None, 2000, *thorough))
        return run_cases(cases)


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
