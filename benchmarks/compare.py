#!/usr/bin/env python3
"""Runs the benchmarks and the same work in PyTorch, dlib, oneDNN and OpenBLAS, in turns, and prints tables of ratios.

`./scripts/benchmark` builds and installs what this needs, and calls it."""
import argparse, json, pathlib

from report import growth, page, ratios
from report.programs import Programs, note, root

sections = {"steps": "Training steps", "penalties": "Gradient penalties", "layers": "Convolution layers",
            "products": "Matrix products", "machine": "Memory, and a machine with other work",
            "growth": "How cost grows"}


def parse():
    parser = argparse.ArgumentParser(prog="./scripts/benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="how often each comparison is made (default: 3)")
    parser.add_argument("--only", nargs="+", choices=sections, metavar="SECTION", default=list(sections),
                        help=f"run these alone, of: {', '.join(sections)}")
    parser.add_argument("--growth", dest="only", action="store_const", const=["growth"],
                        help="short for --only growth")
    parser.add_argument("--page", action="store_true",
                        help="also write docs/performance.md and its picture; sections that --only leaves out are "
                             "taken from the last run that had them")
    parser.add_argument("--min-time", type=float, default=0.3,
                        help="seconds that a benchmark of ours runs at least (default: 0.3)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {options.rounds}")
    return options


def main():
    options = parse()
    programs = Programs(options.build, options.min_time)
    kept = options.build / "benchmark_results"
    kept.mkdir(exist_ok=True)
    run = {"steps": lambda: ratios.steps(programs, options.rounds),
           "penalties": lambda: ratios.penalties(programs, options.rounds),
           "layers": lambda: ratios.layers(programs, options.rounds, root / "benchmarks/shapes"),
           "products": lambda: ratios.products(programs, options.rounds),
           "machine": lambda: ratios.machine(programs, options.rounds),
           "growth": lambda: growth.growth(programs),
           "roofs": lambda: page.machine_roofs(programs)}
    for section in [*options.only, *(["roofs"] if options.page else [])]:
        note(f"{section}, {options.rounds} rounds" if section in sections else section)
        result = run[section]()
        (kept / f"{section}.json").write_text(json.dumps(result))
        if section in sections:
            print(f"## {sections[section]}\n")
            for name, text in result.items():
                if name != "points":
                    print(text if name == "table" else f"By {name}:\n\n{text}", flush=True, end="\n\n")
    if options.page:
        missing = [name for name in run if not (kept / f"{name}.json").exists()]
        if missing:
            raise SystemExit(f"compare: --page needs results of {', '.join(missing)}: run without --only")
        results = {name: json.loads((kept / f"{name}.json").read_text()) for name in run}
        page.write_page(programs, options.rounds, results)
        note("wrote docs/performance.md and docs/images/roofline.svg")


if __name__ == "__main__":
    main()
