"""The rows of scripts/matrix: each compiles tests/matrix/program.cpp, runs it, and compares the weights that it prints with those of the
first row, by the largest difference relative to the largest weight."""
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(sys.argv[1])
words = sys.argv[2:]
PROGRAM = root / "tests/matrix/program.cpp"
# Rounding alone; but a gradient near 0 decides the direction of Adam's first steps, of 2e-4 each, and five of them are taken.
BOUND = 1e-3
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wundef", "-Werror"]
EIGEN = "/usr/include/eigen3"

rows = []


def has_openmp(compiler):
    """Whether it has the library, too: of LLVM's one version can be installed."""
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([compiler, "-fopenmp", "-x", "c++", "-", "-o", f"{folder}/a"], input="#include <omp.h>\nint main() { return omp_get_max_threads() < 1; }",
                              capture_output=True, text=True)
    return made.returncode == 0


def row(compiler, standard="c++20", *flags, openmp=True, runner=()):
    openmp = openmp and shutil.which(compiler) is not None and has_openmp(compiler)
    name = " ".join([compiler, standard, *flags, *([] if openmp else ["(no OpenMP)"])])
    rows.append((name, [compiler, f"-std={standard}", "-O2", *WARNINGS, *flags, *(["-fopenmp"] if openmp else [])], list(runner)))


x86 = platform.machine() in ("x86_64", "AMD64")
row("g++", "c++20", *(["-march=native"] if x86 else []))
row("g++", "c++23")
row("g++", openmp=False)
for version in 14, 16, 19:
    row(f"clang++-{version}")
row("clang++-19", "c++23")
row("clang++-19", "c++20", "-stdlib=libc++", openmp=False)
if x86:
    for level in "x86-64", "x86-64-v3", "x86-64-v4":
        row("g++", "c++20", f"-march={level}")
    row("clang++-19", "c++20", "-march=x86-64-v3")
row("aarch64-linux-gnu-g++", runner=["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"])
row("riscv64-linux-gnu-g++", runner=["qemu-riscv64", "-L", "/usr/riscv64-linux-gnu"])


def able(flags):
    """Whether this processor runs what is compiled so."""
    levels = {"-march=x86-64-v3": "avx2", "-march=x86-64-v4": "avx512f"}
    info = pathlib.Path("/proc/cpuinfo")
    return all(word in info.read_text() for flag, word in levels.items() if flag in flags) if info.exists() else True


def result(command, runner, reference):
    """What the table says of a row, whether it is in order, and the weights."""
    if not shutil.which(command[0]):
        return "not installed", "", True, None
    if runner and not shutil.which(runner[0]):
        return "no emulator", "", True, None
    if not able(command):
        return "not this processor", "", True, None
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "program"
        start = time.time()
        made = subprocess.run([*command, "-I", root / "include", "-isystem", EIGEN, PROGRAM, "-o", program], capture_output=True, text=True)
        seconds = f"{time.time() - start:.0f} s"
        if made.returncode:
            print(made.stderr[:2000], file=sys.stderr)
            return "does not compile", seconds, False, None
        ran = subprocess.run([*runner, program], capture_output=True, text=True)
        if ran.returncode:
            print(ran.stderr[:2000], file=sys.stderr)
            return f"ends with {ran.returncode}", seconds, False, None
    weights = [float(line) for line in ran.stdout.split()]
    if reference is None:
        return f"{len(weights)} weights", seconds, True, weights
    if len(weights) != len(reference):
        return f"{len(weights)} weights", seconds, False, weights
    apart = max(abs(a - b) for a, b in zip(weights, reference)) / max(map(abs, reference))
    return (f"{apart:.1e} apart" if apart else "the same bits"), seconds, apart <= BOUND, weights


print("| compiler, flags | weights | compiled in |\n| --- | --- | --- |")
good, reference = True, None
for number, (name, command, runner) in enumerate(rows):
    if number > 0 and words and not any(word in name for word in words):
        continue
    said, seconds, fine, weights = result(command, runner, reference)
    reference = reference or weights
    good = good and fine
    print(f"| {name} | {said}{'' if fine else ' **wrong**'} | {seconds} |", flush=True)
sys.exit(0 if good else 1)
