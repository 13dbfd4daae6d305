#!/usr/bin/env python3
"""Holds what the headers of include/ leave to their users to names of Rival's own.

Usage: scripts/check/names.py [project folder]

A macro begins with RIVAL, or is given back by the file that defines it: by #undef, or by #pragma pop_macro behind its
#define. A declaration stands in namespace rival, or its name begins with rival_ (the C interface), or it specialises a
template of another library's. Prints what departs from that, one line a fault, and exits with 1 if there is any.
"""
import pathlib
import re
import sys

DEFINE = re.compile(r"\s*#\s*define\s+(\w+)")
GIVEN_BACK = re.compile(r'\s*#\s*(?:undef\s+(\w+)|pragma\s+pop_macro\s*\(\s*"(\w+)"\s*\))')
PREFIX = re.compile(r"RIVAL(_|$)")

# Comments, texts and directives, which are blanked: what is left are declarations and braces.
BLANKED = re.compile(r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)'(?:\\.|[^'\\\n])+'"""
                     r"|^[ \t]*#(?:[^\n\\]|\\.)*", re.DOTALL | re.MULTILINE)
OURS = re.compile(r'namespace rival\b|(using |typedef |struct |class |enum )?[^(]*\brival_\w+\s*(\(|;|{|=|$)')
OF_ANOTHER = re.compile(r"(template <.*?> )?(struct|class) \w+::")


def macros(text):
    """(line, macro) for each that is left to users and should not be."""
    left = {}
    for number, line in enumerate(text.splitlines(), 1):
        if found := DEFINE.match(line):
            left.setdefault(found[1], number)
        elif found := GIVEN_BACK.match(line):
            left.pop(found[1] or found[2], None)
    return [(number, name) for name, number in left.items() if not PREFIX.match(name)]


def declarations(text):
    """(line, declaration) for each that stands outside of all braces, without what is in its own."""
    text = BLANKED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    text = re.sub(r"\bextern\s*{", lambda found: " " * len(found[0]), text)  # of "C": its braces are none
    depth, start, kept = 0, None, ""
    for place, letter in enumerate(text):
        if depth == 0 and start is None and letter not in " \n};":
            start, kept = place, ""
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            depth = 0  # the end of extern "C"
        elif start is not None:
            kept += letter if depth == 0 else ""
            if depth == 0 and letter in "};":
                yield text.count("\n", 0, start) + 1, " ".join(kept.strip("};").split())
                start = None


def check(project):
    faults = []
    for header in sorted(path for path in (project / "include").rglob("*") if path.suffix in (".h", ".hpp")):
        text = header.read_text(encoding="utf-8")
        faults += [f"{header}:{number}: leaves the macro {name} to users: expected a name that begins with RIVAL, or #undef"
                   for number, name in macros(text)]
        faults += [f"{header}:{number}: expected declarations in namespace rival, got {declaration}"
                   for number, declaration in declarations(text)
                   if not OURS.match(declaration) and not OF_ANOTHER.match(declaration)]
    return faults


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    faults = check(pathlib.Path(sys.argv[1] if len(sys.argv) == 2 else "."))
    print("\n".join(faults) if faults else "names: all are Rival's")
    sys.exit(1 if faults else 0)
