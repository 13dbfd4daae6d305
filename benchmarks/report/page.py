"""docs/performance.md and its picture, from results that were kept."""
import datetime, os, pathlib, platform, re, string, subprocess

from .programs import root
from .roofline import roofline
from .tables import markdown


def first_line(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=root).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.processor()


def system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def describe_machine(programs, roofs):
    cache = (programs.build / "CMakeCache.txt").read_text()
    compiler = re.search(r"CMAKE_CXX_COMPILER:\w+=(.*)", cache)[1]
    rows = [("processor", f"{processor()}, {os.cpu_count()} cores, vectors of {roofs['lanes']} floats"),
            ("peak of fused multiply-adds, 2 threads", f"{roofs['peak'] / 1e9:.0f} GFLOP/s, measured"),
            ("memory bandwidth, 2 threads", f"{roofs['bandwidth'] / 1e9:.1f} GB/s, measured"),
            ("system", system()),
            ("compiler", first_line(compiler, "--version"))]
    return markdown(("", ""), [*rows, *((peer, version or "not there") for peer, version in programs.peers.items())])


def machine_roofs(programs):
    rows = programs.ours("peak", ".", "--threads", 2)
    return {"peak": rows["peak/threads:2"]["flops"], "bandwidth": rows["peak/bandwidth/threads:2"]["bytes_per_second"],
            "lanes": round(rows["peak/threads:2"]["floats_in_a_packet"])}


def write_page(programs, rounds, results):
    roofs = results["roofs"]
    fields = {"rounds": rounds, "date": f"{datetime.date.today():%d %B %Y}",
              "commit": first_line("git", "describe", "--always", "--dirty"),
              "machine": describe_machine(programs, roofs), "passes": results["layers"]["pass"],
              "busy": results["machine"]["table"]}
    fields |= {name: results[name]["table"] for name in ("steps", "penalties", "layers", "products")}
    fields |= {f"growth_{name.replace(' ', '_')}": table for name, table in results["growth"].items()}
    template = string.Template((root / "benchmarks/performance.md.in").read_text())
    (root / "docs/performance.md").write_text(template.substitute(fields))
    picture = roofline(results["layers"]["points"], roofs["peak"], roofs["bandwidth"], threads=2)
    (root / "docs/images/roofline.svg").write_text(picture)
