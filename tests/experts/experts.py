#!/usr/bin/env python3
"""The experts of examples/metatrader as C++: experts.py COMPILER FLAG…. MetaEditor runs on no machine of ours, but what both experts share (signatures,
JSON, the journal, the round of a poll) is plain enough to be compiled as C++ with tests/experts/mql.h for the terminal, and run; the
experts' own halves are compiled against declarations of the terminal's functions. Prints TAP."""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
EXPERTS = HERE.parents[1] / "examples" / "metatrader"
TYPES = r"(?:string|uchar|ushort|int|uint|long|ulong|double|bool|datetime|MqlRates|MqlTick)"
HEAD = re.compile(r"^(?P<type>void|ENUM_\w+|" + TYPES + r")\s+(?P<name>\w+)\((?P<params>[^;{]*?)\)\s*(?://[^\n]*)?\s*(?=\{|;)", re.M)


def parts(text):
    """What commas part, outside of quotes and brackets."""
    found, depth, quoted, begin = [], 0, False, 0
    for i, c in enumerate(text):
        if c == '"' and text[i - 1] != "\\":
            quoted = not quoted
        if quoted:
            continue
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            found.append(text[begin:i])
            begin = i + 1
    return [*found, text[begin:]]


def arrays(match):
    """A declaration with arrays among its names: each of them gets one of its own."""
    indent, kind, rest = match.groups()
    return indent + " ".join(f"arr<{kind}> {name.strip()[:-2]};" if name.strip().endswith("[]") else f"{kind} {name.strip()};" for name in parts(rest))


def cxx(text):
    """MQL as C++. Lines stay where they are."""
    text = re.sub(r"^#property.*$|^#include.*$", "", text, flags=re.M)
    text = re.sub(r"^input\s+", "", text, flags=re.M)
    text = re.sub(r"(const )?(%s) &(\w+)\[\]" % TYPES, r"\1arr<\2> &\3", text)
    text = re.sub(r"^(\s*)(%s)\s+([^;\n]*\w\[\][^;\n]*);" % TYPES, arrays, text, flags=re.M)
    # Literals are strings, of which two can be put together.
    text = re.sub(r"""//[^\n]*|'(?:[^'\\]|\\.)'|("(?:[^"\\]|\\.)*")""", lambda m: m[0] + ("s" if m[1] else ""), text)
    # Functions may be used above where they stand: all are declared first, with their defaults.
    heads = {m["name"]: f"{m['type']} {m['name']}({m['params']});" for m in HEAD.finditer(text)}
    text = HEAD.sub(lambda m: m[0].replace(m["params"], re.sub(r" = [^,]+", "", m["params"]), 1) if m["params"] else m[0], text)
    return " ".join(heads.values()) + "\n" + text


def main(compiler, flags):
    compile_ = [compiler, "-std=c++17", "-O0", "-Wall", "-Wno-unused", "-I", str(HERE), "-x", "c++"]
    shared = '#line 1 "Perigee.mqh"\n' + cxx((EXPERTS / "Perigee.mqh").read_text())
    print("1..3")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder) / "round.cc", pathlib.Path(folder) / "round"
        source.write_text('#include "mql.h"\n' + shared + "\n" + '#line 1 "round.cc"\n' + (HERE / "round.cc").read_text())
        done = subprocess.run([*compile_, str(source), "-o", str(program), *flags], capture_output=True, text=True)
        if done.returncode == 0:
            done = subprocess.run([program], cwd=folder, capture_output=True, text=True, timeout=60)
        bad += done.returncode != 0
        print("not ok" if done.returncode else "ok", "1 - what both experts share keeps to the protocol")
        print("".join(f"# {line}\n" for line in (done.stdout + done.stderr)[:3000].splitlines()), end="")
        for n, name in ((2, "mq5"), (3, "mq4")):
            source = pathlib.Path(folder) / f"{name}.cc"
            source.write_text(f'#include "mql.h"\n#include "{name}.h"\n' + shared + f'\n#line 1 "PerigeeBridge.{name}"\n' + cxx((EXPERTS / f"PerigeeBridge.{name}").read_text()))
            done = subprocess.run([*compile_, "-fsyntax-only", str(source)], capture_output=True, text=True)
            bad += done.returncode != 0
            print("not ok" if done.returncode else "ok", f"{n} - PerigeeBridge.{name} fits the functions of its terminal")
            print("".join(f"# {line}\n" for line in done.stderr[:3000].splitlines()), end="")
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], sys.argv[2:]) else 0)
