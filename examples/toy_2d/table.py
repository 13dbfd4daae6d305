"""Runs toy_2d with several seeds and writes docs/toy_2d.md with its pictures. Called by scripts/toy_table, which builds it."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PROBLEMS = {"ring": 8, "grid": 25}
RECIPES = {
    "gan": "GAN",
    "nsgan-r1r2": "non-saturating + R1 + R2",
    "rpgan-r1r2": "relativistic + R1 + R2",
    "nsgan-r1r2-fast": "non-saturating + R1 + R2, in a hurry",
    "rpgan-r1r2-fast": "relativistic + R1 + R2, in a hurry",
}
# Of Lin, Khetan, Fanti and Oh, "PacGAN" (2018), table 1: mean modes, and mean share of high quality in per cent.
PUBLISHED = {
    ("PacGAN's GAN", "ring"): (6.3, None),
    ("PacGAN's GAN", "grid"): (17.3, None),
    ("PacGAN4", "ring"): (7.8, 95.9),
    ("PacGAN4", "grid"): (24.8, 93.6),
}


def options():
    parser = argparse.ArgumentParser(prog="toy_table", description="Trains toy_2d's recipes with several seeds; writes docs/toy_2d.md.")
    parser.add_argument("root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each recipe and problem, from 1 on (10)")
    parser.add_argument("--recipes", default=",".join(RECIPES),
                        help="comma-separated (all); the page keeps the rows and pictures that it has of the others")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side, of one thread each (one a core)")
    parser.add_argument("--runs", type=pathlib.Path, help="folder for the runs' files (build/toy_2d)")
    parser.add_argument("--keep", action="store_true", help="take runs that are in that folder as they are")
    parser.add_argument("--page", type=pathlib.Path, help="file to write (docs/toy_2d.md); its pictures go to images/ beside it")
    chosen = parser.parse_args()
    chosen.recipes = chosen.recipes.split(",")
    for recipe in chosen.recipes:
        if recipe not in RECIPES:
            parser.error(f"--recipes: expected some of {', '.join(RECIPES)}, got {recipe}")
    for name in ("seeds", "jobs"):
        if getattr(chosen, name) < 1:
            parser.error(f"--{name}: expected at least 1, got {getattr(chosen, name)}")
    chosen.runs = chosen.runs or chosen.root / "build/toy_2d"
    chosen.page = chosen.page or chosen.root / "docs/toy_2d.md"
    return chosen


def train(chosen, problem, recipe, seed):
    """One run; what its summary says."""
    out = chosen.runs / f"{recipe}_{problem}_{seed}"
    summary = out / "summary.txt"
    # A summary stands there from the run's first second on; that of a run which came to its end has no word in brackets.
    if not (chosen.keep and summary.exists() and re.search(r"steps \d+, ", summary.read_text())):
        program = chosen.root / "build/release/examples/toy_2d"
        subprocess.run([program, "--problem", problem, "--recipe", recipe, "--seed", str(seed), "--out", out, "--threads", "1", "--quiet"],
                       check=True)
    text = summary.read_text()

    def number(pattern):
        return float(re.search(pattern + r"([\d.e+-]+|inf)", text)[1])

    run = {
        "problem": problem,
        "recipe": recipe,
        "modes": int(number("modes covered: ")),
        "quality": number("high quality: "),
        "kl": number(r"KL\(generated \|\| real\): "),
        "seconds": number("seconds "),
    }
    print(f"{recipe:15} {problem} seed {seed}: {run['modes']} of {PROBLEMS[problem]} modes, {run['quality']:.1f} % of high quality, "
          f"KL {run['kl']:.3f}, {run['seconds']:.0f} s", file=sys.stderr, flush=True)
    return run


def mean_and_worst(values, worst, digits):
    return f"{sum(values) / len(values):.{digits}f} | {worst(values):.{digits}f}"


def kept_row(chosen, problem, recipe):
    """A row of the page as it is, if it has one."""
    if not chosen.page.exists():
        return []
    of_problem = chosen.page.read_text().partition(f"| {problem} of ")[2].partition("\n\n")[0]
    return [line for line in of_problem.splitlines() if f" (`{recipe}`) |" in line]


def table(chosen, problem, runs):
    all_modes = PROBLEMS[problem]
    rows = [f"| {problem} of {all_modes} | modes, mean | all modes | high quality, mean | worst | KL, mean | worst | seconds a run |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for (name, of_problem), (modes, quality) in PUBLISHED.items():
        if of_problem == problem:
            rows.append(f"| {name}, published | {modes} | | {f'{quality} %' if quality else ''} | | | | |")
    for recipe, name in RECIPES.items():
        mine = [run for run in runs if run["recipe"] == recipe and run["problem"] == problem]
        if not mine:
            rows += kept_row(chosen, problem, recipe)
            continue
        modes, quality, kl, seconds = ([run[key] for run in mine] for key in ("modes", "quality", "kl", "seconds"))
        full = sum(m == all_modes for m in modes)
        mean_quality, worst_quality = sum(quality) / len(quality), min(quality)
        rows.append(f"| {name} (`{recipe}`) | {sum(modes) / len(modes):.1f} | {full} of {len(mine)} | {mean_quality:.1f} % | "
                    f"{worst_quality:.1f} % | {mean_and_worst(kl, max, 3)} | {sum(seconds) / len(seconds):.0f} |")
    return "\n".join(rows)


def page(chosen, runs):
    images = chosen.page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)

    def picture(problem, recipe):
        name = f"toy_2d_{problem}_{recipe}.png"
        if recipe in chosen.recipes:
            shutil.copyfile(chosen.runs / f"{recipe}_{problem}_1" / "samples.png", images / name)
        return f"![{RECIPES[recipe]} on the {problem}](images/{name})"

    shown = [r for r in RECIPES if r in chosen.recipes or kept_row(chosen, "ring", r)]
    pictures = ["| | " + " | ".join(PROBLEMS) + " |", "| --- |" + " --- |" * len(PROBLEMS)]
    for recipe in shown:
        pictures.append(f"| {RECIPES[recipe]} | " + " | ".join(picture(problem, recipe) for problem in PROBLEMS) + " |")
    command = "./scripts/toy_table"
    if chosen.seeds != 10:
        command += f" --seeds {chosen.seeds}"
    together = "one run at a time" if chosen.jobs == 1 else f"{chosen.jobs} runs at a time"
    new_line = "\n"
    return f"""# Points in the plane

<!-- Written by ./scripts/toy_table. Do not edit: change examples/toy_2d/table.py and run it again. -->

Mode collapse can be counted where the modes are known. `examples/toy_2d` trains on two mixtures of Gaussians, the ring (8 modes on
a circle of radius 1, sigma 0.01) and the grid (25 modes, 2 apart, sigma 0.05), and counts as PacGAN does (Lin, Khetan, Fanti and
Oh, "PacGAN: The power of two samples in generative adversarial networks", 2018): of 2,500 samples, one is of high quality within
three sigma of a mode, which 98.9 % of the real points are, and a mode counts with one such sample. KL is that of the shares p of
the K modes in the high-quality samples, sum p log(p K), from the even shares of the data.

## Results

{chosen.seeds} seeds of each recipe and problem, from 1 on. One recipe serves both problems: the networks see points in units of
the data's standard deviation. Written by `{command}`; {together}, each on one thread. With `--recipes` it makes some rows anew
and keeps the others, so their seconds may be those of different machines.

{table(chosen, "ring", runs)}

{table(chosen, "grid", runs)}

At the recipe's own pace both losses with R1 and R2 keep all modes. In a hurry, with a smaller generator, batches of 16 and high
rates, it is the loss that decides on the ring: the non-saturating one loses modes that the relativistic pairing keeps. The grid is too
much for either in that time.

## The samples of seed 1

Over the discriminator's scores: red where it takes points for more real than the samples, blue for less. The real centres are in
the middle of the rings.

{new_line.join(pictures)}

## The recipes

All have the same networks, dense layers of 128: six hidden ones with ReLU in the generator, which starts from two normal numbers,
and three with leaky ReLU in the discriminator; only those in a hurry have a generator of four layers of 64.
`examples/toy_2d/recipes.cpp` holds them, a function each with its paper.

- `gan`: the non-saturating loss alone, with the Adam that PacGAN's baseline has. (That baseline trains larger networks for
  400,000 steps.)
- `wgan-gp`: the Wasserstein loss with a gradient penalty, five critic steps for each one of the generator.
- `nsgan-r1r2`: the non-saturating loss with R1 and R2, whose weight falls from step to step, and Adam without momentum, at a rate
  that falls along a cosine.
- `rpgan-r1r2`, the default: the same with the relativistic pairing loss.
- `nsgan-r1r2-fast` and `rpgan-r1r2-fast`: the two losses once more, with 8,000 steps of 16 points, a rate of 5.5e-3 for the generator and
  three times as much for the discriminator, and no moving average. The settings were found by a search for some that tell the
  losses apart.
"""


def main():
    chosen = options()
    jobs = [(problem, recipe, seed) for seed in range(1, chosen.seeds + 1) for recipe in chosen.recipes for problem in PROBLEMS]
    with ThreadPoolExecutor(chosen.jobs) as pool:
        runs = list(pool.map(lambda job: train(chosen, *job), jobs))
    chosen.page.parent.mkdir(parents=True, exist_ok=True)
    chosen.page.write_text(page(chosen, runs))
    print(f"wrote {chosen.page}", file=sys.stderr)


if __name__ == "__main__":
    main()
