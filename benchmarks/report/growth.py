"""How the cost of a step grows with batch and threads, that of a convolution with channels and image size, and that of
sampling with the number of images, threads and users."""
from .tables import figure, markdown

batches, thread_counts = (1, 4, 16, 64, 256), (1, 2, 4)
passes = ("output", "input_gradient", "weight_gradient")


def steps(programs):
    rows = programs.ours("gan_step", "/dcgan28/", "--batches", ",".join(map(str, batches)),
                         "--threads", ",".join(map(str, thread_counts)))
    cell = lambda row: f"{1e3 * row['median_seconds']:.1f} ms, {figure([row['images_per_second']], 'images/s')}"
    table = [[str(batch), *(cell(rows[f"gan_step/dcgan28/batch:{batch}/threads:{t}"]) for t in thread_counts)]
             for batch in batches]
    return markdown(["batch", *(f"{t} thread{'s' * (t > 1)}" for t in thread_counts)], table)


def layers(programs, what, shapes):
    rows = programs.layers(shapes)
    cell = lambda row: f"{1e3 * row['median_seconds']:.2f} ms, {figure([row['flops']], 'GFLOP/s')}"
    names = list(dict.fromkeys(name.split("/")[0] for name in rows))
    return markdown([what, *(name.replace("_", " ") for name in passes)],
                    [[name[1:], *(cell(rows[f"{name}/{kind}"]) for kind in passes)] for name in names])


def samples(programs):
    rows = programs.ours("sample", "/dcgan28/")
    columns = {"1 thread": "threads:1", "2 threads": "threads:2", "2 users": "users:2", "4 users": "users:4"}
    def cell(name):
        row = rows.get(name)
        if row is None:
            return "-"
        seconds = row.get("latency") or row["median_seconds"]
        return f"{1e3 * seconds:.2f} ms, {figure([row['images_per_second']], 'images/s')}"
    return markdown(["images", *columns],
                    [[f"{n:,}", *(cell(f"sample/dcgan28/images:{n}/{column}") for column in columns.values())]
                     for n in (1, 64, 10000)])


def growth(programs):
    return {"samples": samples(programs), "batch": steps(programs), "channels": layers(programs, "channels", "growth_channels.txt"),
            "image side": layers(programs, "image side", "growth_size.txt")}
