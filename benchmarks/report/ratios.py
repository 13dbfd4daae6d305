"""The comparison: the same work here and there, in turns. Each section returns its tables as Markdown."""
import math, statistics

from .programs import mnist
from .tables import Ratio, figure, markdown, ratio_table

shapes_of = {"dcgan28": "layers_dcgan28.txt", "tfdcgan": "layers_tfdcgan.txt", "dense": "layers_dense.txt"}


def in_turns(rounds, measurements):
    """Lists of figures by name. Each is measured once a round, so that a machine that slows down does so for all."""
    figures = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measure in measurements.items():
            figures[name].append(measure())
    return figures


def best_of(*lists, better=max):
    return [better(values) for values in zip(*lists)]


def steps(programs, rounds):
    rows = []
    for architecture, target in (("dcgan28", 4), ("tfdcgan", 4), ("dense", 3)):
        layouts = {"": ()} if architecture == "dense" else {"": (), " nhwc": ("--channels-last",)}
        turns = {f"ours {t}": lambda t=t: programs.step(architecture, t) for t in (1, 2)}
        if programs.peers["PyTorch"]:
            for t in (1, 2):
                for layout, flags in layouts.items():
                    turns[f"torch {t}{layout}"] = lambda t=t, flags=flags: programs.torch(architecture, t, *flags)
        if programs.peers["dlib"] and architecture == "dcgan28":
            turns["dlib"] = programs.dlib
        figures = in_turns(rounds, turns)

        one, two = ([row["images_per_second"] for row in figures[f"ours {t}"]] for t in (1, 2))
        flops = [row["flops"] for row in figures["ours 2"]]
        peak = [row["flops"] / row["peak_share"] for row in figures["ours 2"]]
        work = f"step of {architecture}, "
        if programs.peers["PyTorch"]:
            torch = {t: best_of(*(figures[f"torch {t}{layout}"] for layout in layouts)) for t in (1, 2)}
            better = best_of(*torch.values())
            rows += [Ratio(work + "1 thread", "images/s", one, "PyTorch, 1 thread", torch[1], target),
                     Ratio(work + "2 threads", "images/s", two, "PyTorch, the better of 1 and 2", better, target)]
        if "dlib" in figures:
            rows.append(Ratio(work + "2 threads", "images/s", two, "dlib", figures["dlib"], 8))
        if architecture != "dense":
            rows.append(Ratio(work + "2 threads", "GFLOP/s", flops, "peak of multiply-adds", peak, 0.8))
        rows.append(Ratio(work + "2 threads", "images/s", two, "1 thread", one, 1.9))
    return {"table": ratio_table(rows)}


def penalties(programs, rounds):
    """A step of dcgan28's discriminator without batch norm, with R1 and R2 on every step."""
    layouts = {"": (), " nhwc": ("--channels-last",)}
    turns = {f"{kind} {t}": lambda kind=kind, t=t: programs.penalty_step(kind, t)["images_per_second"]
             for t in (1, 2) for kind in ("plain", "r1_r2")}
    if programs.peers["PyTorch"]:
        turns |= {f"torch {t}{layout}": lambda t=t, flags=flags: programs.torch_penalty(t, *flags)
                  for t in (1, 2) for layout, flags in layouts.items()}
    figures = in_turns(rounds, turns)
    rows = []
    for t in (1, 2):
        work, own = f"step with R1 and R2, {t} thread{'s' * (t > 1)}", figures[f"r1_r2 {t}"]
        if programs.peers["PyTorch"]:
            torch = best_of(*(figures[f"torch {t}{layout}"] for layout in layouts))
            rows.append(Ratio(work, "images/s", own, "PyTorch's double backward, as many", torch, 4))
        rows.append(Ratio(work, "images/s", own, "the step without", figures[f"plain {t}"], 1 / 1.6))
    return {"table": ratio_table(rows)}


def geometric_mean(values):
    return math.exp(statistics.mean(map(math.log, values)))


def few_channels(shapes_file, at_most):
    """Names of the layers that have so few channels on one side."""
    rows = [line.split() for line in shapes_file.read_text().splitlines() if line.strip() and line[0] != "#"]
    return {row[0] for row in rows if min(int(row[2]), int(row[3])) <= at_most}


def layers(programs, rounds, shapes_folder):
    rows, one_channel, every, points = [], [], [], []
    for architecture, shapes in shapes_of.items():
        turns = {"ours": lambda: programs.layers(shapes)}
        if programs.peers["oneDNN"] and architecture != "dense":
            turns["oneDNN"] = lambda: programs.onednn(shapes)
        figures = in_turns(rounds, turns)
        single, few = (few_channels(shapes_folder / shapes, count) for count in (1, 4))
        passes = []
        for name, first in figures["ours"][0].items():
            own = [round_[name]["flops"] for round_ in figures["ours"]]
            share = statistics.median(round_[name]["peak_share"] for round_ in figures["ours"])
            layer, kind = name.split("/")
            points.append({"architecture": architecture, "layer": layer, "pass": kind, "few": layer in few,
                           "flops_per_byte": first["flops_per_byte"], "flops": statistics.median(own)})
            cells = [architecture, layer, kind.replace("_", " "), figure(own, "GFLOP/s"), f"{100 * share:.0f} %",
                     "-", "-"]
            if "oneDNN" in figures:
                work = f"{architecture} {layer}, {kind.replace('_', ' ')}"
                theirs = [round_[name] for round_ in figures["oneDNN"]]
                passes.append(Ratio(work, "GFLOP/s", own, "oneDNN, the lowest of all", theirs, 0.85))
                cells[-2:] = figure(theirs, "GFLOP/s"), f"{statistics.median(passes[-1].ratios()):.2f}"
                if layer in single:
                    one_channel.append(Ratio(work, "GFLOP/s", own, "oneDNN, one channel", theirs, 5))
            every.append(cells)
        if passes:
            own, theirs = ([geometric_mean(round_) for round_ in zip(*(getattr(p, side) for p in passes))]
                           for side in ("ours", "others"))
            work = f"{len(passes)} passes of {architecture}"
            rows += [Ratio(work, "GFLOP/s", own, "oneDNN, geometric mean", theirs, 1.1),
                     min(passes, key=lambda ratio: statistics.median(ratio.ratios()))]
    header = ("network", "layer", "pass", "ours", "of the peak", "oneDNN", "ratio")
    return {"table": ratio_table(rows + one_channel), "pass": markdown(header, every), "points": points}


def products(programs, rounds):
    names = [f"{s}x{s}x{s}" for s in (64, 128, 256, 512, 1024, 2048)]
    names += ["64x100x256", "64x256x512", "64x512x1024", "64x1024x784", "64x784x512", "64x512x256"]
    if not programs.peers["OpenBLAS"]:
        return {"table": "OpenBLAS was not there."}
    rows = []
    for threads in (1, 2):
        figures = in_turns(rounds, {"ours": lambda: programs.ours("gemm", ".", "--threads", threads),
                                    "OpenBLAS": lambda: programs.openblas(names, threads)})
        for name in names:
            own = [round_[f"gemm/{name}/threads:{threads}"]["flops"] for round_ in figures["ours"]]
            theirs = [round_[name] for round_ in figures["OpenBLAS"]]
            work = f"{name}, {threads} thread{'s' * (threads > 1)}"
            rows.append(Ratio(work, "GFLOP/s", own, "OpenBLAS", theirs, 0.95))
    return {"table": ratio_table(rows)}


def machine(programs, rounds):
    """What training asks of the machine beside speed, and what it does on a machine that is busy."""
    speed = lambda threads=2: programs.step("dcgan28", threads)["images_per_second"]
    turns = {"alone": speed, "four": lambda: speed(4), "spinning": lambda: programs.beside("spinning", speed),
             "training": lambda: programs.beside("training", speed)}
    missing = ""
    if not any(mnist.glob("train-images*")):
        missing = f"\n\nThere is no MNIST in {mnist}, so the rows of memory and of a second training run are missing."
        del turns["training"]
    elif programs.peers["PyTorch"]:
        turns |= {"memory": lambda: programs.memory(),
                  "torch": lambda: programs.torch_memory(),
                  "torch nhwc": lambda: programs.torch_memory("--channels-last")}
    figures = in_turns(rounds, turns)

    alone, work = figures["alone"], "step of dcgan28, 2 threads"
    rows = [Ratio(f"{work}, beside a process that spins", "images/s", figures["spinning"], "alone", alone, 0.4)]
    if "training" in figures:
        beside = figures["training"]
        rows.append(Ratio(f"{work}, beside a second training run", "images/s", beside, "alone", alone, 0.4))
    rows.append(Ratio("step of dcgan28, 4 threads", "images/s", figures["four"], "2 threads", alone, 0.9))
    if "memory" in figures:
        torch = best_of(figures["torch"], figures["torch nhwc"], better=min)
        rows.append(Ratio("peak memory of training dcgan28 with MNIST loaded", "MB", figures["memory"],
                          "PyTorch, the better layout", torch, 4, smaller_is_better=True))
    return {"table": ratio_table(rows) + missing}
