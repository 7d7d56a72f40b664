"""Depth bone by bone: each bone is as long as bodies have it, the network tilts it.

What the lift says of a joint may be any number. Here it says how a bone points, from
the pelvis outwards, and how large the person is in the crop, so that no depth lies beyond
the reach of a body (bones added up as in Sun et al. 2017, Compositional Human Pose
Regression; directions in place of lengths are ours).
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from wild3d import skeleton
from wild3d.models import lift

# (joint, its neighbour towards the pelvis, average length of the bone in mm).
_MM = skeleton.MEAN_BONE_MM
_TREE = (
  *((2, 6, _MM['pelvis-hip']), (1, 2, _MM['hip-knee']), (0, 1, _MM['knee-ankle'])),
  *((3, 6, _MM['pelvis-hip']), (4, 3, _MM['hip-knee']), (5, 4, _MM['knee-ankle'])),
  *((7, 6, _MM['pelvis-torso']), (8, 7, _MM['torso-neck']), (9, 8, _MM['neck-head'])),
  *((12, 8, _MM['torso-shoulder']), (11, 12, _MM['shoulder-elbow'])),
  *((10, 11, _MM['elbow-wrist']), (13, 8, _MM['torso-shoulder'])),
  *((14, 13, _MM['shoulder-elbow']), (15, 14, _MM['elbow-wrist'])),
)
UNIT_MM = 1000.0  # of the lengths, so that a person's size in the crop is about 1
LONGER = 1.3  # than the average a bone may be


def paths() -> Float[np.ndarray, 'J J']:
  """[joint, bone that ends at a joint]: the bone's most length if it is on the way, else 0."""
  ways = np.zeros((len(skeleton.JOINTS),) * 2, np.float32)
  for joint, before, length in _TREE:  # from the pelvis outwards
    ways[joint] = ways[before]
    ways[joint, joint] = LONGER * length / UNIT_MM
  return ways


class Bones(nn.Module):
  """The lift's perceptron, whose numbers are directions of bones and a size."""

  @nn.compact
  def __call__(self, heatmaps: Float[Array, 'B H W 16']) -> Float[Array, 'B 16']:
    """Returns depths in units of half the crop's side, 0 at the pelvis."""
    # The pelvis has no bone: its number is the size's, which begins at 1.
    told = lift.Lift(len(skeleton.JOINTS), skeleton.ROOT, name='tilt')(heatmaps)
    size = jnp.exp(told[:, skeleton.ROOT])[:, None]
    return size * (jnp.tanh(told) @ paths().T)


def bones(net, features, heatmaps, train: bool) -> Float[Array, 'B J']:
  """The head 'bones' of a Pose3D: depth from the last stack's heatmaps, bone by bone."""
  del net, features, train
  return Bones(name='bones')(heatmaps[-1])
