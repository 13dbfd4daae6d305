#!/usr/bin/env python3
"""Holds the includes of include/rival against the table of modules in docs/design/architecture.md.

Usage: scripts/check/includes.py [project folder]

A module is a folder of include/rival with everything below it. The table's rows are `module/` | what it holds | what it
may include: other modules of the table, Eigen and OpenMP. Headers directly in include/rival may include every module.
Prints what departs from the table, one line a fault, and exits with 1 if there is any.
"""
import pathlib
import re
import sys

LIBRARIES = {"Eigen": re.compile(r"(unsupported/)?Eigen/"), "OpenMP": re.compile(r"omp\.h$")}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_table(page):
    """The table's modules and what each may include, the modules that are still to come, and the faults of the table."""
    allowed, later, faults = {}, set(), []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.match(r"`(\w+)/`", cells[0])
        if line.startswith("|") and name and len(cells) == 3:
            if name[1] in allowed:
                faults.append(f"{page}: the table has two rows for {name[1]}/")
            allowed[name[1]] = {word for word in re.split(r"[,\s]+", cells[2]) if word}
            if "(later)" in cells[0]:
                later.add(name[1])
    for name, words in allowed.items():
        faults += [f"{page}: {name}/ may include {word}, which is neither a module of the table nor "
                   + " or ".join(LIBRARIES) for word in sorted(words - set(allowed) - set(LIBRARIES))]
    return allowed, later, faults


def needs(header, root, quote, path):
    """What an include asks for: a module, a library of the table, or None for anything else."""
    for library, pattern in LIBRARIES.items():
        if pattern.match(path):
            return library
    if path.startswith("rival/"):
        parts = pathlib.PurePosixPath(path).parts[1:]
    elif quote == '"' and (header.parent / path).resolve().is_relative_to(root.resolve()):
        parts = (header.parent / path).resolve().relative_to(root.resolve()).parts
    else:
        return None
    return parts[0] if len(parts) > 1 else "rival.hpp"


def check(project):
    root, page = project / "include" / "rival", project / "docs" / "design" / "architecture.md"
    allowed, later, faults = read_table(page)
    if not allowed:
        return [f"{page}: expected a table with rows of `module/` | holds | may include, found none"]

    folders = {entry.name for entry in root.iterdir() if entry.is_dir()}
    faults += [f"{page}: there is no folder {name}/" for name in sorted(set(allowed) - folders - later)]
    faults += [f"{page}: {name}/ is there and not later" for name in sorted(later & folders)]
    faults += [f"{root / name}: the table has no row for this module" for name in sorted(folders - set(allowed))]

    for header in sorted(root.rglob("*.hpp")):
        parts = header.relative_to(root).parts
        module = parts[0] if len(parts) > 1 else None
        if module is not None and module not in allowed:
            continue
        for number, line in enumerate(header.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            wanted = found and needs(header, root, found[1], found[2])
            if wanted is None:
                continue
            where = f"{header}:{number}"
            if wanted not in allowed and wanted not in LIBRARIES and (module or wanted != "rival.hpp"):
                faults.append(f"{where}: includes {wanted}, which the table does not have")
            elif module and wanted != module and wanted not in allowed[module]:
                faults.append(f"{where}: {module} includes {wanted}, which its row does not name")
    return faults


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    faults = check(pathlib.Path(sys.argv[1] if len(sys.argv) == 2 else "."))
    print("\n".join(faults) if faults else "includes: as the table says")
    sys.exit(1 if faults else 0)
