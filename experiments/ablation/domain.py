"""Can a linear map tell the lab from the wild by what a depth head is given?

  python experiments/ablation/domain.py

Of the runs of run.py: the paper's head is given the backbone's features, here their mean and
standard deviation over the map; the lift the places of the joints and the spread of their
maps. Ridge regression to -1 (lab) and 1 (wild) on half of the test people of both; the
other half is judged. 0.5 is chance.
"""

import argparse
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from wild3d import network
from wild3d.configs import ablation
from wild3d.models import depth, lift
from wild3d.models.pixels import to_float
from wild3d.training import sources

DOMAINS = {'lab_test': -1.0, 'wild_test': 1.0}
PENALTY = 1.0  # of the ridge, on standardised features


def main():
  """Prints a row a run."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--folder', default='runs/ablation', type=pathlib.Path)
  parser.add_argument('--data_dir', default='', help="(default: the runs')")
  parser.add_argument('--rows', default='3d,3d_2d')
  options = parser.parse_args()
  rows = options.rows.split(',')
  if unknown := sorted(set(rows) - set(ablation.ROWS)):
    parser.error(f'--rows={unknown[0]}: choose from {", ".join(ablation.ROWS)}')
  if not any(options.folder.glob('rows/*/scores_wild.json')):
    parser.error(f'--folder={options.folder}: no scored runs there: see run.py')
  place = [f'--config.data_dir={options.data_dir}'] if options.data_dir else []
  print('| run | numbers a head is given | right, of people not fitted to |')
  print('|---|---|---|')
  for row in rows:
    for scored in sorted(options.folder.glob(f'rows/{row}-*/scores_wild.json')):
      folder = scored.parent
      net = network.load(folder, 'latest', place)
      x, y = given(net)
      print(f'| {folder.name} | {x.shape[1]} | {told_apart(x, y):.3f} |', flush=True)


def given(net) -> tuple[np.ndarray, np.ndarray]:
  """What the depth head is given of the test people [N, F], and the domain [N]."""

  @jax.jit
  def see(images):
    caught = []

    def catch(call, arguments, options, context):
      if context.method_name == '__call__':
        if isinstance(context.module, depth.Depth):
          maps = arguments[0]
          caught.append(jnp.concatenate([maps.mean((1, 2)), maps.std((1, 2))], -1))
        if isinstance(context.module, lift.Lift):
          scale = net.variables['params']['lift']['scale']
          xy, spread = lift.places(arguments[0], lift.SHARPNESS * scale)
          caught.append(jnp.concatenate([xy.reshape(len(xy), -1), spread], -1))
      return call(*arguments, **options)

    with nn.intercept_methods(catch):
      net.model.apply(net.variables, to_float(images, net.pixels), train=False)
    return caught[0]

  features, domains = [], []
  for name, domain in DOMAINS.items():
    for batch in sources.for_evaluation(net.config, 'people', name, 0):
      real = batch['weight'] > 0
      features.append(np.asarray(see(batch['image']))[real])
      domains.append(np.full(real.sum(), domain))
  return np.concatenate(features).astype(np.float64), np.concatenate(domains)


def told_apart(x: np.ndarray, y: np.ndarray) -> float:
  """The share of the second half whose domain the ridge regression of the first tells.

  Both domains count alike, however many people they have.
  """
  order = np.random.default_rng(0).permutation(len(y))
  fit, judged = np.array_split(order, 2)
  mean, spread = x[fit].mean(0), x[fit].std(0) + 1e-9
  x = np.column_stack([(x - mean) / spread, np.ones(len(x))])
  count = {domain: (y[fit] == domain).sum() for domain in DOMAINS.values()}
  weight = np.array([1 / count[domain] for domain in y[fit]]) * len(fit) / 2
  gram = x[fit].T @ (weight[:, None] * x[fit]) + PENALTY * np.eye(x.shape[1])
  plane = np.linalg.solve(gram, x[fit].T @ (weight * y[fit]))
  right = np.sign(x[judged] @ plane) == y[judged]
  return float(np.mean([right[y[judged] == d].mean() for d in DOMAINS.values()]))


if __name__ == '__main__':
  main()
