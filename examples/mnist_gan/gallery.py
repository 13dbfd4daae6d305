#!/usr/bin/env python3
"""Trains every recipe on MNIST and writes docs/gallery.md with the pictures.

usage: gallery.py MNIST_GAN_PROGRAM FOLDER [--jobs N] [--keep] [RECIPE ...]

Runs as many recipes at a time as there are cores, or N, on one thread each, in FOLDER, with seed 1 and the recipes' own settings;
copies each run's samples.png to docs/images/gallery/ and writes the page from the runs' summary.txt. With recipes named, runs only
these and takes what FOLDER has of the others.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

RECIPES = {
    "rpgan": "What `mnist_gan` trains by itself: relativistic pairing, R1 and R2 on small networks; samples of the moving average",
    "gan": "Goodfellow et al., 2014: fully connected, non-saturating",
    "dcgan": "Radford, Metz and Chintala, 2016: convolutions and batch norm",
    "lsgan": "Mao et al., 2017: least squares",
    "wgan": "Arjovsky, Chintala and Bottou, 2017: Wasserstein with clipped weights",
    "wgan-gp": "Gulrajani et al., 2017: Wasserstein with a gradient penalty",
    "sngan": "Miyato et al., 2018: spectral norm, hinge",
    "dragan": "Kodali et al., 2017: a penalty around the real images",
    "r3gan": "Huang et al., 2024: relativistic pairing, R1 and R2, residual blocks; samples of the moving average",
    "cgan": "Mirza and Osindero, 2014: fully connected, told the class; a row a class",
    "acgan": "Odena, Olah and Shlens, 2017: the discriminator also tells the class; a row a class",
    "projection": "Miyato and Koyama, 2018: projection discriminator, conditional batch norm; a row a class",
    "infogan": "Chen et al., 2016: a row is a value of the code, which was never shown a label",
}

ROOT = pathlib.Path(__file__).resolve().parents[2]
parser = argparse.ArgumentParser(prog="gallery")
parser.add_argument("program", help=argparse.SUPPRESS)
parser.add_argument("folder", type=pathlib.Path, help=argparse.SUPPRESS)
parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side, of one thread each (one a core)")
parser.add_argument("--keep", action="store_true", help="take runs that are in the build folder as they are")
parser.add_argument("recipes", nargs="*", help="which to train (all); the page takes the others from earlier runs")
options = parser.parse_intermixed_args()
program, folder, chosen = options.program, options.folder, options.recipes or list(RECIPES)
unknown = [name for name in chosen if name not in RECIPES]
if unknown:
    sys.exit(f"gallery: expected recipes of {', '.join(RECIPES)}, got {unknown[0]}")


def finished(name):
    """Whether there is a run of the recipe that came to its end: a summary stands there from the run's first second on."""
    summary = folder / name / "summary.txt"
    return summary.exists() and re.search(r"^steps \d+ of \d+, ", summary.read_text(), re.M) is not None


def train(name):
    if options.keep and finished(name):
        return
    print(f"training {name}", flush=True)
    subprocess.run([program, "--recipe", name, "--seed", "1", "--threads", "1", "--quiet", "--out", str(folder / name)],
                   check=True)
    print(f"finished {name}", flush=True)


with ThreadPoolExecutor(max(1, options.jobs)) as pool:
    list(pool.map(train, chosen))

images = ROOT / "docs/images/gallery"
images.mkdir(parents=True, exist_ok=True)
page = ["# Gallery", "",
        "What each recipe of `mnist_gan` draws with its own settings and seed 1: `./scripts/mnist_gan --recipe NAME --seed 1`. The",
        "pictures are the runs' `samples.png`. `./scripts/gallery` makes them and this page: two runs side by side on two cores of an",
        "AMD EPYC of the Zen 4 generation, one thread each, which is the time given; the pictures do not depend on the number of",
        "threads. They show recipes after some minutes on a CPU, not what each can reach in the days that papers train.", ""]
for name, text in RECIPES.items():
    summary = folder / name / "summary.txt"
    if not finished(name):
        print(f"gallery: no finished run of {name} in {folder}")
        continue
    found = re.search(r"batch (\d+).*?steps (\d+) of.*?epochs (\d+), seconds ([\d.]+), images/s ([\d.]+)", summary.read_text(), re.S)
    batch, steps, epochs, seconds, rate = found.groups()
    shutil.copy(folder / name / "samples.png", images / f"{name}.png")
    page += [f"## {name}", "", text + ".", "", f"![{name}](images/gallery/{name}.png)", "",
             f"`./scripts/mnist_gan --recipe {name} --seed 1`: {epochs} epoch{'s' if epochs != '1' else ''}, {steps} generator steps of "
             f"{batch} images, {float(seconds) / 60:.1f} minutes ({float(rate):.0f} images/s).", ""]
(ROOT / "docs/gallery.md").write_text("\n".join(page))
print("wrote docs/gallery.md")
