"""`wild3d` in float64, with a backbone 'thin' that compiles in a second.

What differs between two runs is then no rounding. Run as a script: a process of a job.
"""

import sys

import jax
import jax.numpy as jnp

jax.config.update('jax_enable_x64', True)
jnp.float32 = jnp.float64  # before Flax and wild3d take it for their parameters

from flax import linen as nn  # noqa: E402

from wild3d.__main__ import main  # noqa: E402
from wild3d.models import initial, pose3d  # noqa: E402

drawn = initial.variables
initial.variables = lambda *of: jax.tree.map(lambda x: x.astype('float64'), drawn(*of))


def thin(net, images, train):
  """Statistics over the batch as in the hourglass; one layer, a quarter of the size."""
  x = nn.Dense(net.features, use_bias=False)(images[:, 2::4, 2::4])
  x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(x))
  return [nn.Dense(net.joints)(x)], x


pose3d.BACKBONES['thin'] = thin
sys.exit(main())
