"""The network of the paper in PyTorch, with the names of the released checkpoints.

Written from the description of the architecture, as a second implementation to check
ours against. Needs PyTorch.
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Block(nn.Module):
  def __init__(self, width, out):
    super().__init__()
    half = out // 2
    self.bn = nn.BatchNorm2d(width)
    self.conv1 = nn.Conv2d(width, half, 1)
    self.bn1 = nn.BatchNorm2d(half)
    self.conv2 = nn.Conv2d(half, half, 3, padding=1)
    self.bn2 = nn.BatchNorm2d(half)
    self.conv3 = nn.Conv2d(half, out, 1)
    if width != out:
      self.conv4 = nn.Conv2d(width, out, 1)

  def forward(self, x):
    y = self.conv1(F.relu(self.bn(x)))
    y = self.conv2(F.relu(self.bn1(y)))
    y = self.conv3(F.relu(self.bn2(y)))
    return y + (self.conv4(x) if hasattr(self, 'conv4') else x)


def blocks(width, count):
  return nn.ModuleList(Block(width, width) for _ in range(count))


def run(chain, x):
  for block in chain:
    x = block(x)
  return x


class Hourglass(nn.Module):
  def __init__(self, order, width, count):
    super().__init__()
    self.up1_ = blocks(width, count)
    self.low1_ = blocks(width, count)
    self.low3_ = blocks(width, count)
    if order > 1:
      self.low2 = Hourglass(order - 1, width, count)
    else:
      self.low2_ = blocks(width, count)

  def forward(self, x):
    y = run(self.low1_, F.max_pool2d(x, 2))
    y = self.low2(y) if hasattr(self, 'low2') else run(self.low2_, y)
    y = F.interpolate(run(self.low3_, y), scale_factor=2, mode='nearest')
    return run(self.up1_, x) + y


class Twin(nn.Module):
  """Heatmaps of every stack [B, S, J, h, w], and depths [B, J]."""

  def __init__(
    self,
    stacks=2,
    modules=2,
    features=256,
    depth_modules=2,
    joints=16,
    size=256,
    stem=64,
  ):
    super().__init__()
    self.counts = stacks, modules, depth_modules
    self.conv1_ = nn.Conv2d(3, stem, 7, stride=2, padding=3)
    self.bn1 = nn.BatchNorm2d(stem)
    self.r1 = Block(stem, 2 * stem)
    self.r4 = Block(2 * stem, 2 * stem)
    self.r5 = Block(2 * stem, features)
    self.hourglass = nn.ModuleList(
      Hourglass(4, features, modules) for _ in range(stacks)
    )
    self.Residual = blocks(features, stacks * modules)
    self.lin_ = nn.ModuleList(
      nn.Sequential(nn.Conv2d(features, features, 1), nn.BatchNorm2d(features))
      for _ in range(stacks)
    )
    convs = lambda a, b: nn.ModuleList(  # noqa: E731
      nn.Conv2d(a, b, 1) for _ in range(stacks)
    )
    self.tmpOut = convs(features, joints)
    self.ll_ = convs(features, features)
    self.tmpOut_ = convs(joints, features)
    self.reg_ = blocks(features, 4 * depth_modules)
    self.reg = nn.Linear(features * (size // 64) ** 2, joints)

  def forward(self, x):
    x = F.relu(self.bn1(self.conv1_(x)))
    x = self.r4(F.max_pool2d(self.r1(x), 2))
    x = self.r5(x)
    stacks, n, depth = self.counts
    maps = []
    for s in range(stacks):
      y = run(self.Residual[s * n : (s + 1) * n], self.hourglass[s](x))
      y = F.relu(self.lin_[s](y))
      maps.append(self.tmpOut[s](y))
      x = x + self.ll_[s](y) + self.tmpOut_[s](maps[-1])
    for level in range(4):
      x = F.max_pool2d(run(self.reg_[level * depth : (level + 1) * depth], x), 2)
    return torch.stack(maps, 1), self.reg(x.flatten(1))


def randomised(seed=0, **sizes) -> Twin:
  """A twin with random weights and random statistics, in evaluation mode."""
  torch.manual_seed(seed)
  twin = Twin(**sizes)
  for module in twin.modules():
    if not isinstance(module, nn.BatchNorm2d):
      continue
    nn.init.uniform_(module.weight, 0.5, 1.5)
    nn.init.normal_(module.bias, std=0.2)
    nn.init.normal_(module.running_mean, std=0.3)
    nn.init.uniform_(module.running_var, 0.5, 2.0)
  return twin.eval()


def seconds_per_batch(twin, batch=1, repeats=5, size=256, threads=None) -> float:
  """Median time of a forward pass, after one that is not counted.

  Args:
    twin: in evaluation mode, on any device.
    batch: images at once.
    repeats: passes timed.
    size: px, the twin's own.
    threads: of the CPU; None leaves PyTorch's choice.
  """
  if threads:
    torch.set_num_threads(threads)
  device = next(twin.parameters()).device
  images = torch.rand(batch, 3, size, size, device=device)
  seconds = []
  with torch.inference_mode():
    for _ in range(1 + repeats):
      start = time.perf_counter()
      _, depth = twin(images)
      depth.cpu()  # waits for an accelerator
      seconds.append(time.perf_counter() - start)
  return float(np.median(seconds[1:]))
