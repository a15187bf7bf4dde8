#!/usr/bin/env python3
"""Runs the tutorial: run.py PERIGEE [FILE.md]

Blocks ```lang file=NAME are written to a temporary directory. In ```sh blocks each "$ perigee …" is run there; the lines after it must
appear in its output in this order, as parts of lines, spaces squeezed, "…" standing for anything. "[exit N]" is the exit code (else 0),
"[same hash A B]" compares two results. Prints TAP, one case per command."""
import json, os, re, shlex, shutil, subprocess, sys, tempfile

perigee = os.path.abspath(sys.argv[1])
root = os.environ.get("PERIGEE_ROOT") or os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
document = sys.argv[2] if len(sys.argv) > 2 else os.path.join(root, "lua/README.md")
squeeze = lambda text: re.sub(r"\s+", " ", text).strip()
cases, failures = 0, 0


def run(command, expected, directory):
    words = shlex.split(command)
    if words[0] != "perigee":
        return [f"not a perigee command: {command}"]
    done = subprocess.run([perigee] + words[1:], cwd=directory, capture_output=True, text=True, timeout=120)
    output = [squeeze(line) for line in (done.stdout + "\n" + done.stderr).splitlines()]
    code, at, problems = 0, 0, []
    for line in expected:
        if m := re.fullmatch(r"\[exit (\d+)\]", line):
            code = int(m[1])
        elif m := re.fullmatch(r"\[same hash (\S+) (\S+)\]", line):
            a, b = (json.load(open(os.path.join(directory, name)))["hash"] for name in m.groups())
            if a != b or len(a) != 64:
                problems.append(f"hashes differ: {a} {b}")
        else:
            pattern = ".*".join(re.escape(part) for part in squeeze(line).split("…"))
            here = next((i for i in range(at, len(output)) if re.search(pattern, output[i])), None)
            if here is None:
                problems.append(f"no line like: {line}")
            else:
                at = here
    if done.returncode != code:
        problems.append(f"exit code {done.returncode}, not {code}")
    return problems + (["the output was:"] + output if problems else [])


with open(document, encoding="utf-8") as f, tempfile.TemporaryDirectory() as directory:
    shutil.copy(os.path.join(root, "examples/data/SP500_1d.csv"), directory)
    for language, options, body in re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", f.read(), re.S | re.M):
        if name := re.search(r"file=([\w.]+)", options):
            with open(os.path.join(directory, name[1]), "w") as out:
                out.write(body)
        elif language == "sh":
            for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
                command, *expected = part.strip().splitlines()
                problems = run(command, [line for line in expected if line.strip()], directory)
                cases += 1
                failures += bool(problems)
                print("not ok" if problems else "ok", cases, "-", command.replace("#", ""))
                for line in problems:
                    print("#", line)
print(f"1..{cases}")
sys.exit(1 if failures or cases == 0 else 0)
