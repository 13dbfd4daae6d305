"""Tables in Markdown, and the rows of the comparison."""
import dataclasses, statistics


@dataclasses.dataclass
class Ratio:
    """Our figures and the others', one a round. Ratios are formed within a round; what counts is their median."""
    work: str
    unit: str
    ours: list
    against: str
    others: list
    target: float
    smaller_is_better: bool = False

    def ratios(self):
        pairs = zip(self.ours, self.others)
        return [other / own if self.smaller_is_better else own / other for own, other in pairs]

    def reached(self):
        return statistics.median(self.ratios()) >= self.target

    def cells(self):
        ratios = self.ratios()
        return (self.work, figure(self.ours, self.unit), self.against, figure(self.others, self.unit),
                f"**{statistics.median(ratios):.2f}**", f"{min(ratios):.2f} to {max(ratios):.2f}", f"{self.target:.3g}",
                "yes" if self.reached() else "no")


ratio_header = ("work", "ours", "against", "that one", "ratio", "over the rounds", "at least", "reached")
scales = {"images/s": 1, "GFLOP/s": 1e9, "MB": 1e6}


def figure(values, unit):
    value = statistics.median(values) / scales[unit]
    return f"{value:,.{0 if value >= 100 else 1}f} {unit}"


def markdown(header, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))


def ratio_table(rows):
    return markdown(ratio_header, [row.cells() for row in rows])
