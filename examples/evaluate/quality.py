#!/usr/bin/env python3
"""Trains for each task with several seeds, evaluates what comes out, and prints the table of docs/quality.md.

usage: quality.py PROGRAMS FOLDER [--seeds N] [--jobs N] [TASK ...]

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
MNIST = ROOT / "examples/data/mnist"
SAMPLES = "10000"


def gan(*options):
    """A run of mnist_gan, whose generator is evaluated."""
    def command(programs, out, seed):
        return [programs / "mnist_gan", *options, "--seed", str(seed), "--checkpoint-every", "2000"], out / "generator.safetensors"
    return command


def pytorch(architecture, epochs):
    """The same training in PyTorch, whose samples are evaluated."""
    def command(programs, out, seed):
        samples = out / "samples.npy"
        return ["/usr/bin/python3", ROOT / "examples/evaluate/pytorch_mnist.py", architecture, str(epochs), str(seed), MNIST, samples], samples
    return command


def stacked(*options):
    def command(programs, out, seed):
        return [programs / "stacked_mnist", *options, "--seed", str(seed), "--checkpoint-every", "2000"], None
    return command


# Name: what to run, and which figures of `evaluate` to show.
PAPER = ["frechet", "precision", "recall"]
TASKS = {
    "mnist": (gan("--recipe", "rpgan"), ["frechet", "precision", "recall", "density", "coverage"]),
    "mnist-hour": (gan("--recipe", "rpgan", "--epochs", "150", "--batch", "64"), ["frechet", "precision", "recall", "density", "coverage"]),
    "conditional": (gan("--recipe", "projection", "--epochs", "20"), ["frechet", "precision", "recall", "agreement", "accuracy"]),
    "dcgan28-5": (gan("--architecture", "dcgan28", "--epochs", "5"), PAPER),
    "dcgan28-5-pytorch": (pytorch("dcgan28", 5), PAPER),
    "dcgan28-20": (gan("--architecture", "dcgan28", "--epochs", "20"), PAPER),
    "dcgan28-20-pytorch": (pytorch("dcgan28", 20), PAPER),
    "dense-5": (gan("--architecture", "dense", "--epochs", "5"), PAPER),
    "dense-5-pytorch": (pytorch("dense", 5), PAPER),
    "dense-20": (gan("--architecture", "dense", "--epochs", "20"), PAPER),
    "dense-20-pytorch": (pytorch("dense", 20), PAPER),
    "stacked": (stacked(), ["modes", "kl"]),
}

parser = argparse.ArgumentParser(prog="quality", description="Trains, evaluates and prints the table of docs/quality.md.")
parser.add_argument("programs", type=pathlib.Path, help=argparse.SUPPRESS)
parser.add_argument("folder", type=pathlib.Path, help=argparse.SUPPRESS)
parser.add_argument("--seeds", type=int, default=3, help="runs a task, of seeds 1, 2, ... (3)")
parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side (one a core)")
parser.add_argument("tasks", nargs="*", help=f"of {', '.join(TASKS)} (all)")
options = parser.parse_intermixed_args()
chosen = options.tasks or list(TASKS)
for name in chosen:
    if name not in TASKS:
        sys.exit(f"quality: expected tasks of {', '.join(TASKS)}, got {name}")
threads = ["--threads", "1"] if options.jobs > 1 else []


def run(task, seed):
    """The figures of one run, as name: (value, floor)."""
    command, _ = TASKS[task]
    out = options.folder / f"{task}-{seed}"
    out.mkdir(parents=True, exist_ok=True)
    arguments, samples = command(options.programs, out, seed)
    own = arguments[0].parent == options.programs if isinstance(arguments[0], pathlib.Path) else False
    done = out / "done"
    if not done.exists():
        print(f"{task}, seed {seed}: training", flush=True)
        resume = ["--resume"] if own and list(out.glob("checkpoint-*.safetensors")) else []
        extra = ["--out", out, "--quiet", *threads, *resume] if own else []
        subprocess.run([str(a) for a in [*arguments, *extra]], check=True)
        done.touch()
    if samples is None:
        found = re.findall(r"(\d+) of 1000 modes, KL ([\d.e-]+)", (out / "summary.txt").read_text())
        (modes, kl), (real_modes, real_kl) = found[:2]
        return {"modes": (float(modes), float(real_modes)), "kl": (float(kl), float(real_kl))}
    table = out / "figures.csv"
    if not table.exists():
        accuracy = ["--accuracy"] if "accuracy" in TASKS[task][1] else []
        subprocess.run([str(a) for a in [options.programs / "evaluate", samples, "--count", SAMPLES, "--csv", table, *accuracy, *threads]],
                       check=True, stdout=subprocess.DEVNULL)
    with open(table) as file:
        return {row["figure"]: (float(row["value"]), float(row["floor"])) for row in csv.DictReader(file)}


jobs = [(task, seed) for task in chosen for seed in range(1, options.seeds + 1)]
with ThreadPoolExecutor(max(1, options.jobs)) as pool:
    results = dict(zip(jobs, pool.map(lambda job: run(*job), jobs)))

print(f"\n| task | figure | seeds 1 to {options.seeds} | median | floor |\n| --- | --- | --- | --- | --- |")
for task in chosen:
    for figure in TASKS[task][1]:
        values = [results[task, seed][figure] for seed in range(1, options.seeds + 1)]
        row = ", ".join(f"{value:.4g}" for value, _ in values)
        print(f"| {task} | {figure} | {row} | {statistics.median(v for v, _ in values):.4g} | {values[0][1]:.4g} |")
