"""How our programs and those of the peers are run, and how their figures are read."""
import json, os, pathlib, re, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[2]
mnist = root / "examples/data/mnist"
python = "/usr/bin/python3"  # the one that Debian's python3-torch is installed for


def note(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


class Programs:
    def __init__(self, build, min_time):
        self.build, self.min_time = build, min_time
        # Threads that wait must not spin, and OpenBLAS chooses its kernels itself: so each shows its best.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        self.environment["OMP_WAIT_POLICY"] = "passive"
        self.peers = {"PyTorch": self._torch_version(), "dlib": self._debian_version("libdlib-dev", "dlib_gan"),
                      "oneDNN": self._debian_version("libdnnl-dev", "onednn_layers"),
                      "OpenBLAS": self._debian_version("libopenblas-dev", "openblas_gemm")}
        for peer, version in self.peers.items():
            if not version:
                note(f"{peer} is missing, so the rows against it are left out (./scripts/benchmark installs it on "
                     "Debian and Ubuntu)")

    def _torch_version(self):
        try:
            return self.run(python, "-c", "import torch; print(torch.__version__)").strip()
        except (OSError, SystemExit):
            return None

    def _debian_version(self, package, program):
        if not (self.build / "peers" / program).exists():
            return None
        try:
            return self.run("dpkg-query", "--show", "--showformat=${Version}", package)
        except (OSError, SystemExit):
            return "of unknown version"

    def run(self, *command, **variables):
        command = [str(part) for part in command]
        result = subprocess.run(command, env=self.environment | {k: str(v) for k, v in variables.items()},
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            problem = result.stderr.strip()[-500:]
            raise SystemExit(f"compare: {' '.join(command)}: left with {result.returncode}: {problem}")
        return result.stdout

    def ours(self, program, pattern, *options, min_time=0):
        """The counters of the benchmarks whose names match, by name."""
        min_time = max(min_time, self.min_time)
        text = self.run(self.build / "benchmarks" / program, *options, f"--benchmark_filter={pattern}",
                        "--benchmark_format=json", f"--benchmark_min_time={min_time}")
        rows = {row["name"]: row for row in json.loads(text)["benchmarks"]}
        for name, row in rows.items():
            if row.get("error_occurred"):
                raise SystemExit(f"compare: {name}: {row['error_message']}")
        return rows

    def step(self, architecture, threads, batch=64):
        name = f"gan_step/{architecture}/batch:{batch}/threads:{threads}"
        return self.ours("gan_step", f"{name}$", "--batches", batch, "--threads", threads, min_time=1)[name]

    def penalty_step(self, kind, threads, batch=64):
        """A discriminator's step, "plain" or with the penalties "r1_r2"."""
        name = f"penalty_step/{kind}/batch:{batch}/threads:{threads}"
        return self.ours("penalty_step", f"{name}$", "--batches", batch, "--threads", threads, min_time=1)[name]

    def layers(self, shapes, threads=2):
        """The counters of every pass, by "layer/pass"."""
        rows = self.ours("conv_layers", ".", "--threads", threads, "--shapes", root / "benchmarks/shapes" / shapes)
        return {"/".join(name.split("/")[1:3]): row for name, row in rows.items()}

    def torch(self, architecture, threads, *flags):
        """Images a second."""
        text = self.run(python, root / "benchmarks/peers/torch_gan.py", architecture, 64, threads, *flags,
                        OMP_NUM_THREADS=threads)
        return float(re.search(r": ([\d.]+) images/s", text)[1])

    def torch_penalty(self, threads, *flags):
        """Images a second of the penalised step."""
        text = self.run(python, root / "benchmarks/peers/torch_penalty.py", "r1_r2", 64, threads, *flags,
                        OMP_NUM_THREADS=threads)
        return float(re.search(r": ([\d.]+) images/s", text)[1])

    def dlib(self):
        text = self.run(self.build / "peers/dlib_gan", 64, 5, OPENBLAS_NUM_THREADS=2)
        return float(re.search(r": ([\d.]+) images/s", text)[1])

    def onednn(self, shapes, threads=2):
        """Operations a second of every pass, by "layer/pass"."""
        passes = {"fwd": "output", "bwd-data": "input_gradient", "bwd-weights": "weight_gradient"}
        text = self.run(self.build / "peers/onednn_layers", root / "benchmarks/shapes" / shapes, 64,
                        OMP_NUM_THREADS=threads)
        return {f"{line.split()[0]}/{passes[name]}": 1e9 * float(speed) for line in text.splitlines()
                for name, speed in re.findall(r"(fwd|bwd-data|bwd-weights) +[\d.]+ ms +([\d.]+) GF/s", line)}

    def openblas(self, products, threads):
        text = self.run(self.build / "peers/openblas_gemm", *products, OPENBLAS_NUM_THREADS=threads)
        return {name: 1e9 * float(speed) for name, speed in (line.split() for line in text.splitlines())}

    def memory(self):
        """Peak of the resident bytes: MNIST loaded, dcgan28 trained for 30 steps at batch 64 on two threads."""
        return self.ours("memory", ".", "--threads", 2)["memory/dcgan28/batch:64/threads:2"]["peak_bytes"]

    def torch_memory(self, *flags):
        text = self.run(python, root / "benchmarks/peers/torch_gan.py", "dcgan28", 64, 2, *flags,
                        "--memory", mnist, 30, OMP_NUM_THREADS=2)
        return int(re.search(r": (\d+) bytes", text)[1])

    def beside(self, neighbour, work):
        """What `work` returns beside another process: one "spinning" on one core, or one "training" on two."""
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-c", "while True: pass"]
            if neighbour == "training":
                command = [self.build / "examples/mnist_gan", "--quiet", "--architecture", "dcgan28", "--epochs", "1000",
                           "--threads", "2", "--out", out]
            process = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)
            try:
                return work()
            finally:
                process.kill()
                process.wait()
