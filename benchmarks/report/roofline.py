"""The roofline picture as plain SVG: a panel for each network and pass, a point for each layer.

Across: nominal operations for each byte that the pass has to move at least (two operands and a result, each once). Up:
operations a second. The roofs are the machine's measured peak of multiply-adds and its measured memory bandwidth."""
import math

width, height, gap, left, top = 330, 215, 14, 52, 62
colours = """
  .page { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #636c76 } .grid { stroke: #d8dee4 } .roof { stroke: #57606a }
  .dot { fill: #0969da; stroke: #0969da } .few { fill: #ffffff; stroke: #bc4c00 } .leader { stroke: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 } .grid { stroke: #2d333b } .roof { stroke: #8b949e }
    .dot { fill: #58a6ff; stroke: #58a6ff } .few { fill: #0d1117; stroke: #f0883e } .leader { stroke: #57606a }
  }
  text { font: 11px sans-serif } .title { font: bold 13px sans-serif } .name { font: 10px sans-serif }
  .grid, .leader { stroke-width: 1 } .roof { stroke-width: 1.5; fill: none } .few { stroke-width: 1.8 }"""


class Scale:
    """Logarithmic, from a range of values to a range of pixels."""

    def __init__(self, low, high, first, last):
        self.low, self.high, self.first, self.last = low, high, first, last

    def __call__(self, value):
        return self.first + (self.last - self.first) * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, base):
        first, last = (math.log(v, base) for v in (self.low, self.high))
        return [base**i for i in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)]


def text(x, y, content, kind="text", anchor="middle", more=""):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{content}</text>'


def line(kind, *points):
    return f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none"/>'


def spread(heights, distance, low, high):
    """Heights of labels: in the same order, `distance` apart at least, within bounds, and near what was asked for."""
    placed = []
    for wanted in heights:
        placed.append(max(wanted, placed[-1] + distance) if placed else max(wanted, low))
    limit = high
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - distance
    return placed


def panel(x, y, points, peak, bandwidth):
    parts = []
    for value in x.ticks(4):
        parts += [line("grid", (x(value), y.first), (x(value), y.last))]
    for value in y.ticks(10):
        parts += [line("grid", (x.first, y(value)), (x.last, y(value)))]
    floor, ridge = y.low / bandwidth, peak / bandwidth
    start = (x.low, x.low * bandwidth) if floor < x.low else (floor, y.low)
    parts.append(line("roof", (x(start[0]), y(start[1])), (x(ridge), y(peak)), (x.last, y(peak))))

    middle = (x.first + x.last) / 2
    for on_left in (True, False):  # labels stand on the side with more room
        side = sorted((p for p in points if (x(p["flops_per_byte"]) > middle) == on_left), key=lambda p: -p["flops"])
        heights = spread([y(p["flops"]) for p in side], 12, y.last + 10, y.first - 6)
        for point, label in zip(side, heights):
            at = x(point["flops_per_byte"]), y(point["flops"])
            end = at[0] + (-24 if on_left else 24)
            parts += [line("leader", at, (end, label)),
                      text(end + (-3 if on_left else 3), label + 3.5, point["layer"], "text name", "end" if on_left else "start")]
    for point in points:
        cx, cy = x(point["flops_per_byte"]), y(point["flops"])
        parts.append(f'<circle class="{"few" if point["few"] else "dot"}" cx="{cx:.1f}" cy="{cy:.1f}" r="4"/>')
    return parts


def roofline(points, peak, bandwidth, threads):
    networks = list(dict.fromkeys(p["architecture"] for p in points))
    passes = list(dict.fromkeys(p["pass"] for p in points))
    across, up = [p["flops_per_byte"] for p in points], [p["flops"] for p in points]
    x_range = 4 ** math.floor(math.log(min(across) / 1.5, 4)), 4 ** math.ceil(math.log(max(across) * 1.5, 4))
    y_range = min(up) / 1.6, peak * 1.5
    full_width = left + len(passes) * (width + gap) + 8
    full_height = top + len(networks) * (height + gap) + 78

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full_width} {full_height}" width="{full_width}">',
             f"<style>{colours}\n</style>", f'<rect class="page" width="{full_width}" height="{full_height}"/>',
             text(left, 20, f"Every layer and pass, batch 64, {threads} threads: GFLOP/s over nominal FLOP per byte that must move",
                  "text title", "start")]
    for column, kind in enumerate(passes):
        begin = left + column * (width + gap)
        parts.append(text(begin + width / 2, top - 12, kind.replace("_", " "), "text title"))
        for row, network in enumerate(networks):
            under = top + row * (height + gap) + height
            x, y = Scale(*x_range, begin, begin + width), Scale(*y_range, under, under - height)
            parts += panel(x, y, [p for p in points if (p["architecture"], p["pass"]) == (network, kind)], peak, bandwidth)
            parts.append(text(x.last - 6, under - 8, network, "text title", "end"))
            if column == 0:
                parts += [text(left - 6, y(10**9 * v) + 4, f"{v:g}", "faint", "end") for v in (0.1, 1, 10, 100, 1000)
                          if y_range[0] <= v * 1e9 <= y_range[1]]
            if row == len(networks) - 1:
                parts += [text(x(v), under + 16, f"{v:g}", "faint") for v in x.ticks(4)]
    bottom = full_height - 40
    legend = ("layers", "layers with at most 4 channels on one side")
    parts += [f'<circle class="dot" cx="{left + 6}" cy="{bottom - 4}" r="4"/>', text(left + 16, bottom, legend[0], anchor="start"),
              f'<circle class="few" cx="{left + 76}" cy="{bottom - 4}" r="4"/>', text(left + 86, bottom, legend[1], anchor="start"),
              text(left, bottom + 22, f"Roofs, measured: {peak / 1e9:.0f} GFLOP/s of fused multiply-adds, {bandwidth / 1e9:.0f} GB/s "
                   "from memory. Points above the slope find their operands in the cache.", "faint", "start"), "</svg>"]
    return "\n".join(parts) + "\n"
