#!/usr/bin/env python3
"""Whether an account exists must not be told by how long an answer takes: timing.py PERIGEE. Prints TAP; for the long suite.

Known and unknown addresses in pairs, by turns, so that whatever else the machine does meets both. Told apart they are when the
medians differ *and* one kind is the slower of its pair far more often than a coin would have it.
"""
import math
import statistics
import sys
import time

from service import PASSWORD, Service, run_cases

ACCOUNTS, ROUNDS = 60, 4  # four failures each, so that nobody is locked
# Of the median: what the noise of a busy machine may make. A password hash not computed would be 95 %, a commit left out 5 % and more.
TOLERANCE, TOLERANCE_S = 0.04, 0.0015


def compare(ask):
    """Medians of both kinds; ask(email) is one request."""
    took = {"known": [], "unknown": []}
    for turn in range(ROUNDS):
        for i in range(ACCOUNTS):
            kinds = ("known", "unknown") if (i + turn) % 2 else ("unknown", "known")
            for kind in kinds:
                begin = time.perf_counter()
                ask(f"{kind}{i:02d}@example.org", turn)
                took[kind].append(time.perf_counter() - begin)
    count = len(took["known"])
    slower = sum(known > unknown for known, unknown in zip(took["known"], took["unknown"]))
    return {kind: statistics.median(times) for kind, times in took.items()}, abs(2 * slower - count) / math.sqrt(count), count


def main(binary):
    cases = []

    def case(title):
        return lambda f: cases.append((title, f)) or f

    with Service(binary) as s:
        operator, anonymous = s.operator(), s.anonymous()
        for i in range(ACCOUNTS):
            operator.post("/api/v1/admin/users", {"email": f"known{i:02d}@example.org", "password": PASSWORD}, expect=201)

        def check(title, ask):
            medians, deviations, count = compare(ask)
            apart = abs(medians["known"] - medians["unknown"])
            print(f"# {title}: {count} each, known {medians['known'] * 1e3:.2f} ms, unknown {medians['unknown'] * 1e3:.2f} ms; "
                  f"the sign of the difference is {deviations:.1f} standard deviations from chance", flush=True)
            assert apart <= max(TOLERANCE * medians["known"], TOLERANCE_S) or deviations < 4, medians

        @case(f"signing in: {ACCOUNTS * ROUNDS} wrong passwords each take as long")
        def _():
            def ask(email, turn):
                assert anonymous.post("/api/v1/auth/login", {"email": email, "password": f"wrong wrong {turn}"}).code == "invalid_credentials"
            check("login", ask)

        @case("asking for a reset takes as long")
        def _():
            check("forgot-password", lambda email, turn: anonymous.post("/api/v1/auth/forgot-password", {"email": email}, expect=202))

        @case("registering takes as long")
        def _():
            def ask(email, turn):
                if email.startswith("unknown"):
                    email = f"{turn}{email}"  # new every time
                anonymous.post("/api/v1/auth/register", {"email": email, "password": PASSWORD}, expect=202)
            check("register", ask)

        failed = run_cases(cases)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
