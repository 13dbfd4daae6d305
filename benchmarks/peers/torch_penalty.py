"""Reference timing: a training step of dcgan28's discriminator without batch norm in PyTorch on CPU.

usage: torch_penalty.py {plain|r1_r2} BATCH [THREADS] [--channels-last]
Prints images/s (median of 5 blocks) of: scores of a real and a generated batch, non-saturating loss, with r1_r2 both
gradient penalties by double backward, Adam.
"""
import statistics, sys, time, torch, torch.nn as nn

penalised, B = sys.argv[1] == "r1_r2", int(sys.argv[2])
T = int(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3].isdigit() else 2
last = "--channels-last" in sys.argv
torch.set_num_threads(T)
torch.manual_seed(0)
D = nn.Sequential(
    nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(.2),
    nn.Conv2d(64, 128, 4, 2, 1), nn.LeakyReLU(.2),
    nn.Conv2d(128, 256, 4, 2, 1), nn.LeakyReLU(.2),
    nn.Conv2d(256, 1, 3), nn.Flatten())
real, fake = torch.rand(B, 1, 28, 28) * 2 - 1, torch.rand(B, 1, 28, 28) * 2 - 1
if last:
    D, real, fake = (each.to(memory_format=torch.channels_last) for each in (D, real, fake))
adam = torch.optim.Adam(D.parameters(), 2e-4, (.5, .999))
softplus = nn.functional.softplus


def penalty(scores, images):
    g, = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return .5 * g.square().sum((1, 2, 3)).mean()


def step():
    adam.zero_grad()
    x, y = real.detach().requires_grad_(penalised), fake.detach().requires_grad_(penalised)
    real_scores, fake_scores = D(x), D(y)
    loss = softplus(-real_scores).mean() + softplus(fake_scores).mean()
    if penalised:
        loss = loss + penalty(real_scores, x) + penalty(fake_scores, y)
    loss.backward()
    adam.step()


for _ in range(3):
    step()
start = time.perf_counter()
for _ in range(3):
    step()
blocks = max(1, round(.6 / ((time.perf_counter() - start) / 3)))
rates = []
for _ in range(5):
    start = time.perf_counter()
    for _ in range(blocks):
        step()
    rates.append(blocks * B / (time.perf_counter() - start))
print(f"torch {torch.__version__} {sys.argv[1]} batch {B} threads {T} channels_last {last}: "
      f"{statistics.median(rates):.1f} images/s (min {min(rates):.1f} max {max(rates):.1f})")
