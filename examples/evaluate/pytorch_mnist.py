#!/usr/bin/env python3
"""Trains mnist_gan's `--architecture dense` or `dcgan28` in PyTorch, with the same data, steps and settings.

usage: pytorch_mnist.py ARCHITECTURE EPOCHS SEED MNIST_FOLDER OUT.npy

Writes 10,000 samples as bytes. Uses python3-torch and python3-numpy.
"""
import gzip
import pathlib
import sys

import numpy
import torch
from torch import nn

architecture, epochs, seed, folder, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4]), sys.argv[5]
torch.manual_seed(seed)
torch.set_num_threads(1)
LATENT, BATCH, RATE, BETA1 = 100, 32, 3e-4, 0.5

packed = next(folder.glob("*train-images*"))
with (gzip.open if packed.suffix == ".gz" else open)(packed, "rb") as file:
    images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
images = torch.from_numpy(images.astype(numpy.float32) / 127.5 - 1)


class View(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(x.shape[0], *self.shape)


def dense():
    def block(size_in, size_out):
        return [nn.Linear(size_in, size_out), nn.BatchNorm1d(size_out), nn.LeakyReLU(0.2)]
    g = nn.Sequential(*block(LATENT, 256), *block(256, 512), *block(512, 1024), nn.Linear(1024, 784), nn.Tanh(), View(1, 28, 28))
    d = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
    return g, d


def dcgan28():
    def up(channels_in, channels_out, kernel, stride, padding):
        return [nn.ConvTranspose2d(channels_in, channels_out, kernel, stride, padding, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]
    g = nn.Sequential(View(LATENT, 1, 1), *up(LATENT, 256, 4, 1, 0), *up(256, 128, 3, 2, 1), *up(128, 64, 4, 2, 1),
                      nn.ConvTranspose2d(64, 1, 4, 2, 1, bias=False), nn.Tanh())
    d = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
                      nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
                      nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
                      nn.Conv2d(256, 1, 3, bias=False), nn.Flatten())
    for module in [*g.modules(), *d.modules()]:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.02)
    return g, d


generator, discriminator = {"dense": dense, "dcgan28": dcgan28}[architecture]()
steps = epochs * (len(images) // BATCH)
# The rate falls to nothing over the second half.
rates = [min(1.0, 2 * (steps - step) / steps) for step in range(steps)]
optimizers = [torch.optim.Adam(network.parameters(), RATE, (BETA1, 0.999)) for network in (generator, discriminator)]
loss = nn.BCEWithLogitsLoss()
step = 0
for _ in range(epochs):
    order = torch.randperm(len(images))
    for first in range(0, len(images) - BATCH + 1, BATCH):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = RATE * rates[step]
        real, latent = images[order[first:first + BATCH]], torch.randn(BATCH, LATENT)
        fake = generator(latent)
        optimizers[1].zero_grad()
        real_scores, fake_scores = discriminator(real), discriminator(fake.detach())
        (loss(real_scores, torch.full_like(real_scores, 0.9)) + loss(fake_scores, torch.zeros_like(fake_scores))).backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        fake_scores = discriminator(fake)
        loss(fake_scores, torch.ones_like(fake_scores)).backward()
        optimizers[0].step()
        step += 1

generator.eval()
with torch.no_grad():
    samples = torch.cat([generator(torch.randn(1000, LATENT)) for _ in range(10)])
numpy.save(out, ((samples.numpy() + 1) * 127.5).round().clip(0, 255).astype(numpy.uint8).reshape(-1, 28, 28))
