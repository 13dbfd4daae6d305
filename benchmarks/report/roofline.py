"""The roofline picture as plain SVG: a panel for each network and pass, a point for each layer.

Across: nominal operations for each byte that the pass has to move at least (two operands and a result, each once). Up:
operations a second. The roofs are the machine's measured peak of multiply-adds and its measured memory bandwidth."""
import math

width, height, gap, left, top = 330, 225, 14, 52, 62
colours = """
  .page { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #636c76 }
  .grid { stroke: #d8dee4 } .roof { stroke: #57606a } .leader { stroke: #afb8c1 }
  .dot { fill: #0969da; stroke: #0969da } .few { fill: #ffffff; stroke: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .grid { stroke: #2d333b } .roof { stroke: #8b949e } .leader { stroke: #57606a }
    .dot { fill: #58a6ff; stroke: #58a6ff } .few { fill: #0d1117; stroke: #f0883e }
  }
  text { font: 11px sans-serif } .title { font: bold 13px sans-serif } .name { font: 10px sans-serif }
  .grid, .leader { stroke-width: 1 } .roof { stroke-width: 1.5; fill: none } .few { stroke-width: 1.8 }"""


class Scale:
    """Logarithmic, from a range of values to a range of pixels."""

    def __init__(self, low, high, first, last):
        self.low, self.high, self.first, self.last = low, high, first, last

    def __call__(self, value):
        return self.first + (self.last - self.first) * math.log(value / self.low) / math.log(self.high / self.low)

    def inverse(self, pixel):
        return self.low * (self.high / self.low) ** ((pixel - self.first) / (self.last - self.first))

    def ticks(self, base):
        first, last = (math.log(v, base) for v in (self.low, self.high))
        return [base**i for i in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)]


def text(x, y, content, kind="text", anchor="middle"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def line(kind, *points):
    return f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none"/>'


def place_labels(points, roof, bounds):
    """For each point (x, y, name) the place where its label starts and its anchor: near, and on nothing else."""
    taken = [(px - 6, py - 6, px + 6, py + 6) for px, py, _ in points]
    taken += [(px - 2, py - 2, px + 2, py + 2) for px, py in roof]
    places = []
    for px, py, name in sorted(points, key=lambda point: point[1]):
        candidates = [(abs(dy) + 8 * (side < 0) + (dx - 12) / 2, side * dx, dy)
                      for dx in (12, 24, 36, 48) for dy in range(-96, 97, 4) for side in (1, -1)]
        for _, dx, dy in sorted(candidates):
            start, long = px + dx, 6.2 * len(name)
            begin = start - 2 if dx > 0 else start - long
            box = (begin, py + dy - 6, begin + long + 2, py + dy + 6)
            inside = bounds[0] <= box[0] and bounds[1] <= box[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
            if inside and not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
                taken.append(box)
                places.append(((px, py), (start, py + dy), name, "start" if dx > 0 else "end"))
                break
    return places


def panel(x, y, points, peak, bandwidth):
    parts = []
    for value in x.ticks(4):
        parts += [line("grid", (x(value), y.first), (x(value), y.last))]
    for value in y.ticks(10):
        parts += [line("grid", (x.first, y(value)), (x.last, y(value)))]
    floor, ridge = y.low / bandwidth, peak / bandwidth
    start = (x.low, x.low * bandwidth) if floor < x.low else (floor, y.low)
    parts.append(line("roof", (x(start[0]), y(start[1])), (x(ridge), y(peak)), (x.last, y(peak))))

    spots = [(x(p["flops_per_byte"]), y(p["flops"]), p["layer"]) for p in points]
    roof = [(at, y(min(peak, bandwidth * x.inverse(at)))) for at in range(round(x.first), round(x.last), 4)]
    for at, label, name, anchor in place_labels(spots, roof, (x.first, y.last, x.last, y.first)):
        begin = label[0] + (2 if anchor == "start" else -2)
        parts += [line("leader", at, label), text(begin, label[1] + 3.5, name, "text name", anchor)]
    for point in points:
        cx, cy = x(point["flops_per_byte"]), y(point["flops"])
        parts.append(f'<circle class="{"few" if point["few"] else "dot"}" cx="{cx:.1f}" cy="{cy:.1f}" r="4"/>')
    return parts


def roofline(points, peak, bandwidth, threads):
    networks = list(dict.fromkeys(p["architecture"] for p in points))
    passes = list(dict.fromkeys(p["pass"] for p in points))
    across, up = [p["flops_per_byte"] for p in points], [p["flops"] for p in points]
    x_range = 4 ** math.floor(math.log(min(across) / 1.5, 4)), 4 ** math.ceil(math.log(max(across) * 1.5, 4))
    y_range = min(up) / 1.6, max(peak, *up) * 1.7
    full_width = left + len(passes) * (width + gap) + 8
    full_height = top + len(networks) * (height + gap) + 78

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full_width} {full_height}" width="{full_width}">',
             f"<style>{colours}\n</style>", f'<rect class="page" width="{full_width}" height="{full_height}"/>',
             text(left, 20, f"Every layer and pass, batch 64, {threads} threads: "
                  "GFLOP/s over nominal FLOP per byte that must move", "text title", "start")]
    for column, kind in enumerate(passes):
        begin = left + column * (width + gap)
        parts.append(text(begin + width / 2, top - 12, kind.replace("_", " "), "text title"))
        for row, network in enumerate(networks):
            under = top + row * (height + gap) + height
            x, y = Scale(*x_range, begin, begin + width), Scale(*y_range, under, under - height)
            shown = [p for p in points if (p["architecture"], p["pass"]) == (network, kind)]
            parts += panel(x, y, shown, peak, bandwidth)
            parts.append(text(x.last - 6, under - 8, network, "text title", "end"))
            if column == 0:
                parts += [text(left - 6, y(10**9 * v) + 4, f"{v:g}", "faint", "end") for v in (0.1, 1, 10, 100, 1000)
                          if y_range[0] <= v * 1e9 <= y_range[1]]
            if row == len(networks) - 1:
                parts += [text(x(v), under + 16, f"{v:g}", "faint") for v in x.ticks(4)[1:-1]]
    bottom = full_height - 40
    parts += [f'<circle class="dot" cx="{left + 6}" cy="{bottom - 4}" r="4"/>',
              text(left + 16, bottom, "layers", anchor="start"),
              f'<circle class="few" cx="{left + 76}" cy="{bottom - 4}" r="4"/>',
              text(left + 86, bottom, "layers with at most 4 channels on one side", anchor="start"),
              text(left, bottom + 22, f"Roofs, measured: {peak / 1e9:.0f} GFLOP/s of fused multiply-adds, "
                   f"{bandwidth / 1e9:.0f} GB/s from memory. Points above the slope find their operands in the cache.",
                   "faint", "start"), "</svg>"]
    return "\n".join(parts) + "\n"
