#!/usr/bin/env python3
"""Trains for each task with several seeds, evaluates what comes out, and prints the table of docs/quality.md, or, with --beyond, that of
docs/beyond_images.md.

usage: quality.py [--beyond] [--seeds N] [--jobs N] [TASK ...]

A run that is there is taken as it is; one that was interrupted goes on from its checkpoint. With jobs above 1 (the number of cores
if not given) runs go side by side, on one thread each.
"""
import argparse
import csv
import os
import pathlib
import re
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
PROGRAMS = BUILD / "release/examples"
MNIST = ROOT / "examples/data/mnist"
SAMPLES = 10000
NUMBER = r"([-+\d.e]+)"


def run(command, **more):
    subprocess.run([str(part) for part in command], check=True, **more)


# How a task is trained: its command, for a folder, a seed and what threads it may take.


def ours(program, *options):
    def command(out, seed, threads):
        resume = ["--resume"] if list(out.glob("checkpoint-*.safetensors")) else []
        return [PROGRAMS / program, *options, "--seed", seed, "--checkpoint-every", 2000, "--out", out, "--quiet", *threads, *resume]
    return command


def pytorch(architecture, epochs):
    def command(out, seed, threads):
        return ["/usr/bin/python3", ROOT / "examples/evaluate/pytorch_mnist.py", architecture, epochs, seed, MNIST, out / "samples.npy"]
    return command


# How its figures are read from the folder, as name: (value, that of real samples).


def evaluated(samples, *figures):
    """What `evaluate` says of samples, or of those of a generator."""
    def read(out, threads):
        table = out / "figures.csv"
        if not table.exists():
            accuracy = ["--accuracy"] if "accuracy" in figures else []
            run([PROGRAMS / "evaluate", out / samples, "--count", SAMPLES, "--csv", table, *accuracy, *threads], stdout=subprocess.DEVNULL)
        with open(table) as file:
            rows = {row["figure"]: (float(row["value"]), float(row["floor"])) for row in csv.DictReader(file)}
        return {figure: rows[figure] for figure in figures}
    return read


def summarised(patterns):
    """What summary.txt says: name: (pattern, that of real samples or None), with # for the number."""
    def read(out, threads):
        text = (out / "summary.txt").read_text()
        def find(pattern):
            return float(re.search(pattern.replace("#", NUMBER), text)[1]) if pattern else None
        return {name: (find(value), find(real)) for name, (value, real) in patterns.items()}
    return read


def of_lines(*figures):
    """What text_gan's table in summary.txt says."""
    def read(out, threads):
        text = (out / "summary.txt").read_text()
        names = re.search(r"of \d+ lines each +(.*)", text)[1].split()
        generated, real = (re.search(row + r"\s+(.*)", text)[1].split() for row in (r"generator, step \d+", "held-out lines"))
        return {figure: tuple(float(row[names.index(figure)]) for row in (generated, real)) for figure in figures}
    return read


PAPER = ["frechet", "precision", "recall"]
MORE = [*PAPER, "density", "coverage"]
GENERATOR = "generator.safetensors"
QUALITY = {
    "mnist": (ours("mnist_gan", "--samples", SAMPLES), evaluated("generated.npy", *MORE)),
    "mnist-hour": (ours("mnist_gan", "--recipe", "rpgan", "--epochs", 150, "--batch", 64), evaluated(GENERATOR, *MORE)),
    "conditional": (ours("mnist_gan", "--recipe", "projection", "--epochs", 20), evaluated(GENERATOR, *PAPER, "agreement", "accuracy")),
    "stacked": (ours("stacked_mnist"),
                summarised({"modes": ("# of 1000 modes", "real images: # of"), "kl": ("modes, KL #", "real images: .* KL #")})),
}
for epochs in 5, 20:
    for name in "dcgan28", "dense":
        QUALITY[f"{name}-{epochs}"] = ours("mnist_gan", "--architecture", name, "--epochs", epochs), evaluated(GENERATOR, *PAPER)
        QUALITY[f"{name}-{epochs}-pytorch"] = pytorch(name, epochs), evaluated("samples.npy", *PAPER)

# On two idle cores the steps of `labels` take about twenty minutes, those of `motion` about eleven; how long the others take has not been measured.
BEYOND = {
    "sound": (ours("sound_gan", BUILD / "digits/train", "--judge", BUILD / "digits/test", "--steps", 12000),
              summarised({"inception score": (r"inception score # of \d+ generated", "generated sounds, # of"),
                          "agreement, %": ("; # % are heard", None), "the judge's own, %": ("it names # %", None)})),
    "text": (ours("text_gan", BUILD / "texts/words", "--steps", 60000), of_lines("js1", "js2", "js3", "js4", "js6", "single", "new")),
    "motion": (ours("motion_gan", "--steps", 12000),
               summarised({name: (rf"generated: .*{name} #", rf"real: .*{name} #")
                           for name in ("one digit in all frames", "content distance", "second difference, pixels")})),
    "labels": (ours("augment", "--steps", 30000),
               summarised({"test error, %": ("test error # %", None), "labelled alone, %": ("labelled pictures alone # %", None)})),
}

parser = argparse.ArgumentParser(prog="beyond" if "--beyond" in sys.argv else "quality", description="Trains, evaluates and prints a table.")
parser.add_argument("--beyond", action="store_true", help=argparse.SUPPRESS)
TASKS = BEYOND if "--beyond" in sys.argv else QUALITY
parser.add_argument("--seeds", type=int, default=3, help="runs a task, of seeds 1, 2, ... (3)")
parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side (one a core)")
parser.add_argument("tasks", nargs="*", help=f"of {', '.join(TASKS)} (all)")
options = parser.parse_intermixed_args()
chosen = options.tasks or list(TASKS)
for name in chosen:
    if name not in TASKS:
        sys.exit(f"{parser.prog}: expected tasks of {', '.join(TASKS)}, got {name}")


def figures_of(task, seed):
    """Of one run, which is made if it is not there."""
    train, read = TASKS[task]
    threads = ["--threads", 1] if options.jobs > 1 else []
    out = BUILD / parser.prog / f"{task}-{seed}"
    out.mkdir(parents=True, exist_ok=True)
    done = out / "done"
    if not done.exists():
        print(f"{task}, seed {seed}: training", flush=True)
        run(train(out, seed, threads))
        done.touch()
    return read(out, threads)


jobs = [(task, seed) for task in chosen for seed in range(1, options.seeds + 1)]
with ThreadPoolExecutor(max(1, options.jobs)) as pool:
    results = dict(zip(jobs, pool.map(lambda job: figures_of(*job), jobs)))

print(f"\n| task | figure | seeds 1 to {options.seeds} | median | real |\n| --- | --- | --- | --- | --- |")
for task in chosen:
    for figure, (_, real) in results[task, 1].items():
        values = [results[task, seed][figure][0] for seed in range(1, options.seeds + 1)]
        row = ", ".join(f"{value:.4g}" for value in values)
        print(f"| {task} | {figure} | {row} | {statistics.median(values):.4g} | {'' if real is None else f'{real:.4g}'} |")
