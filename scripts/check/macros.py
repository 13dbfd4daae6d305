#!/usr/bin/env python3
"""Holds the macros that a header of include/ leaves to its users to the prefix RIVAL.

Usage: scripts/check/macros.py [project folder]

A macro of any other name has to be given back by the file that defines it: taken back with #undef, or set to what the
user had with #pragma pop_macro, behind its #define. Prints what departs from that, one line a fault, and exits with 1 if
there is any.
"""
import pathlib
import re
import sys

DEFINE = re.compile(r"\s*#\s*define\s+(\w+)")
GIVEN_BACK = re.compile(r'\s*#\s*(?:undef\s+(\w+)|pragma\s+pop_macro\s*\(\s*"(\w+)"\s*\))')
PREFIX = re.compile(r"RIVAL(_|$)")


def check(project):
    faults = []
    for header in sorted(path for path in (project / "include").rglob("*") if path.suffix in (".h", ".hpp")):
        left = {}
        for number, line in enumerate(header.read_text(encoding="utf-8").splitlines(), 1):
            if found := DEFINE.match(line):
                left.setdefault(found[1], number)
            elif found := GIVEN_BACK.match(line):
                left.pop(found[1] or found[2], None)
        faults += [f"{header}:{number}: leaves the macro {name} to users: expected a name that begins with RIVAL, or #undef"
                   for name, number in left.items() if not PREFIX.match(name)]
    return faults


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    faults = check(pathlib.Path(sys.argv[1] if len(sys.argv) == 2 else "."))
    print("\n".join(faults) if faults else "macros: all begin with RIVAL")
    sys.exit(1 if faults else 0)
