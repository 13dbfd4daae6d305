#!/usr/bin/env python3
"""Adds up what gcov knows of headers: a line is covered if any program ran it, in any instantiation.

Usage: coverage.py <build folder> <folder of headers> [--lines <file for the lines that were not run>] [--gcov <program>]
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys


def read_counts(build, headers, gcov):
    """How often each line that has code was run: {header: {line: count}}."""
    counts = collections.defaultdict(collections.Counter)
    for data in sorted(build.rglob("*.gcda")):
        done = subprocess.run([gcov, "--json-format", "--stdout", str(data)], stdout=subprocess.PIPE, check=True)
        for document in done.stdout.splitlines():
            report = json.loads(document)
            for file in report["files"]:
                path = (pathlib.Path(report["current_working_directory"]) / file["file"]).resolve()
                if path.is_relative_to(headers):
                    for line in file["lines"]:
                        counts[path.relative_to(headers)][line["line_number"]] += line["count"]
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("headers", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--lines", type=pathlib.Path)
    parser.add_argument("--gcov", default="gcov")
    arguments = parser.parse_args()

    counts = read_counts(arguments.build, arguments.headers, arguments.gcov)
    if not counts:
        sys.exit(f"coverage: expected what gcov writes (*.gcda) of headers in {arguments.headers} below {arguments.build}, "
                 "found none")
    missed = {path: [line for line, count in sorted(lines.items()) if count == 0] for path, lines in counts.items()}
    for path in sorted(missed, key=lambda path: (-len(missed[path]), path)):
        print(f"{len(counts[path]) - len(missed[path]):6} of {len(counts[path]):6}  {path}")
    lines = sum(len(lines) for lines in counts.values())
    covered = lines - sum(len(lines) for lines in missed.values())
    print(f"{covered:6} of {lines:6} lines, {100 * covered / lines:.1f} %")
    if arguments.lines:
        arguments.lines.write_text("".join(f"{path}:{line}\n" for path in sorted(missed) for line in missed[path]))


if __name__ == "__main__":
    main()
