#!/usr/bin/env python3
"""Runs the benchmarks and the same work in PyTorch, dlib, oneDNN and OpenBLAS, in turns, and prints the table of ratios.

usage: compare.py BUILD_FOLDER [--rounds N]
`scripts/benchmark` builds and installs what this needs. Every figure is the median over the rounds of a ratio within one round.
"""
import argparse, json, math, os, pathlib, re, statistics, subprocess

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("build", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=3)
options = parser.parse_args()

# Threads that wait must not spin, and OpenBLAS chooses its kernels itself: so each shows its best.
environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
environment["OMP_WAIT_POLICY"] = "passive"


def run(*command, **variables):
    return subprocess.run([str(c) for c in command], env=environment | {k: str(v) for k, v in variables.items()},
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


def ours(program, pattern, *arguments):
    """Counters by benchmark name."""
    text = run(options.build / "benchmarks" / program, *arguments, f"--benchmark_filter={pattern}",
               "--benchmark_format=json", "--benchmark_min_time=0.5")
    rows = json.loads(text)["benchmarks"]
    for row in rows:
        if row.get("error_occurred"):
            raise SystemExit(f"{row['name']}: {row['error_message']}")
    return {row["name"]: row for row in rows}


def peer(name):
    return options.build / "peers" / name


rows = []


def report(work, against, target, ratios, unit="x"):
    value = statistics.median(ratios)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    rows.append((work, against, f"{target}{unit}", f"{value:.2f}{unit}", spread, "yes" if value >= target else "no"))
    print("| " + " | ".join(rows[-1]) + " |", flush=True)


print("| work | against | at least | measured | spread | reached |\n| --- | --- | --- | --- | --- | --- |", flush=True)


def step(architecture, threads):
    return ours("gan_step", f"gan_step/{architecture}/batch:64/threads:{threads}$")[
        f"gan_step/{architecture}/batch:64/threads:{threads}"]


def torch(architecture, threads, *flags):
    text = run("/usr/bin/python3", here / "peers/torch_gan.py", architecture, 64, threads, *flags, OMP_NUM_THREADS=threads)
    return float(re.search(r": ([\d.]+) images/s", text)[1])


for architecture, target in (("dcgan28", 4), ("tfdcgan", 4), ("dense", 3)):
    layouts = [()] if architecture == "dense" else [(), ("--channels-last",)]
    one, two, shares, scaling, dlib = [], [], [], [], []
    for _ in range(options.rounds):
        mine = {t: step(architecture, t) for t in (1, 2)}
        theirs = {t: max(torch(architecture, t, *layout) for layout in layouts) for t in (1, 2)}
        one.append(mine[1]["images_per_second"] / theirs[1])
        two.append(mine[2]["images_per_second"] / max(theirs.values()))
        shares.append(100 * mine[2]["peak_share"])
        scaling.append(mine[2]["images_per_second"] / mine[1]["images_per_second"])
        if architecture == "dcgan28":
            text = run(peer("dlib_gan"), 64, 5, OPENBLAS_NUM_THREADS=2)
            dlib.append(mine[2]["images_per_second"] / float(re.search(r": ([\d.]+) images/s", text)[1]))
    report(f"step, {architecture}, 1 thread", "PyTorch, 1 thread", target, one)
    report(f"step, {architecture}, 2 threads", "PyTorch, better of 1 and 2", target, two)
    if dlib:
        report("step, dcgan28, 2 threads", "dlib", 8, dlib)
    if architecture != "dense":
        report(f"step, {architecture}, 2 threads", "peak of multiply-adds", 80, shares, " %")
    report(f"step, {architecture}, 2 threads", "1 thread", 1.9, scaling)

passes = {"fwd": "output", "bwd-data": "input_gradient", "bwd-weights": "weight_gradient"}
for shapes in ("layers_dcgan28.txt", "layers_tfdcgan.txt"):
    ratios = {}
    for _ in range(options.rounds):
        mine = ours("conv_layers", "threads:2$", "--shapes", here / "shapes" / shapes)
        for line in run(peer("onednn_layers"), here / "shapes" / shapes, 64, OMP_NUM_THREADS=2).splitlines():
            for name, theirs in passes.items():
                found = re.search(rf"^(\S+).*\b{name} +[\d.]+ ms +([\d.]+) GF/s", line)
                if found:
                    key = f"conv_layers/{found[1]}/{theirs}/batch:64/threads:2"
                    ratios.setdefault(key, []).append(mine[key]["flops"] / 1e9 / float(found[2]))
    means = [math.exp(statistics.mean(math.log(r[i]) for r in ratios.values())) for i in range(options.rounds)]
    report(f"{len(ratios)} passes of {shapes}", "oneDNN, geometric mean", 1.1, means)
    worst = min(ratios, key=lambda key: statistics.median(ratios[key]))
    report(worst.removeprefix("conv_layers/"), "oneDNN, the lowest", 0.85, ratios[worst])

products = [f"{s}x{s}x{s}" for s in (64, 128, 256, 512, 1024, 2048)]
products += ["64x100x256", "64x256x512", "64x512x1024", "64x1024x784", "64x784x512", "64x512x256"]
for threads in (1, 2):
    ratios = {}
    for _ in range(options.rounds):
        mine = ours("gemm", f"threads:{threads}$")
        for line in run(peer("openblas_gemm"), *products, OPENBLAS_NUM_THREADS=threads).splitlines():
            name, theirs = line.split()
            ratios.setdefault(name, []).append(mine[f"gemm/{name}/threads:{threads}"]["flops"] / 1e9 / float(theirs))
    for name, values in ratios.items():
        report(f"matrix product {name}, {threads} thread{'s' * (threads > 1)}", "OpenBLAS", 0.95, values)
