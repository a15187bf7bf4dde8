"""Cases of a Python test: run one after another, told as TAP."""
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here, with what is missing: it is counted as skipped, not as passed."""


def run_cases(cases):
    """Runs (title, function) pairs and prints TAP; a failure shows its traceback as a comment."""
    print(f"1..{len(cases)}")
    failed = 0
    for number, (title, function) in enumerate(cases, 1):
        try:
            function()
            print(f"ok {number} - {title}", flush=True)
        except Skip as why:
            print(f"ok {number} - {title} # SKIP {why}", flush=True)
        except Exception:  # noqa: BLE001 - a test that fails in any way has failed
            failed += 1
            print(f"not ok {number} - {title}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), flush=True)
    return failed
