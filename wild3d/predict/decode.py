"""From the network's outputs of ONE person to 2D, scores and 3D; the caller vmaps."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from wild3d import geometry, heatmaps


def pose(
  maps: Float[Array, 'H W J'],
  depth: Float[Array, ' J'],
  *,
  refine: str,
  probabilities: bool,
  skeleton_mm: float,
) -> dict[str, Array]:
  """Decodes the last stack's maps.

  Args:
    maps: as step.forward gives them.
    depth: crop units.
    refine: sub-pixel rule of heatmaps.decode.
    probabilities: whether the maps are such (trained with cross-entropy).
    skeleton_mm: sum of the 14 bones of the result.

  Returns:
    'joints_crop' [J, 3], depth 0 at the pelvis; 'joints_mm' [J, 3], minus the pelvis;
    'scores' [J], 0 to 1: the height of the peak, or the probability within one cell of
    it.
  """
  decode = functools.partial(heatmaps.decode, refine=refine)
  xy, peak = jax.vmap(decode, in_axes=-1)(maps)
  mass = jax.vmap(_mass, in_axes=-1)(maps) if probabilities else peak
  lifted = geometry.lift(xy, depth)
  rooted = geometry.root_align(lifted)
  return {
    'joints_crop': jnp.concatenate([xy, rooted[:, 2:]], axis=-1),
    'joints_mm': geometry.size_normalise(rooted, skeleton_mm),
    'scores': jnp.clip(mass, 0.0, 1.0),
  }


def _mass(heatmap):
  """Sum over the 3 x 3 cells round the highest one."""
  size = heatmap.shape[-1]
  row, column = jnp.divmod(jnp.argmax(heatmap), size)
  line = jnp.arange(size)
  near = (jnp.abs(line[:, None] - row) <= 1) & (jnp.abs(line[None, :] - column) <= 1)
  return jnp.sum(jnp.where(near, heatmap, 0.0))
