"""The lens of a camera, as OpenCV describes it: what it does to rays, and undone."""

import numpy as np
from jaxtyping import Float

_ROUNDS = 30
_NEAR = 1e-9  # x / z
_WAY = np.linspace(0, 1, 33)


def distort(
  rays: Float[np.ndarray, '*N 2'], distortion: tuple[float, ...]
) -> Float[np.ndarray, '*N 2']:
  """Where a lens shows rays: x / z and y / z, before and after.

  Args:
    rays: without the lens.
    distortion: OpenCV's k1, k2, p1, p2 and k3, or the first four; () for no lens.
  """
  return _lens(rays, distortion)[0]


def undistort(
  shown: Float[np.ndarray, '*N 2'], distortion: tuple[float, ...]
) -> Float[np.ndarray, '*N 2']:
  """The rays that a lens shows at these places, by Newton's method.

  NaN where there is none: beyond where the lens, as described, folds the picture over.

  Args:
    shown: x / z and y / z, as the lens shows them.
    distortion: see `distort`.
  """
  shown = np.asarray(shown, np.float64)
  if not distortion:
    return shown
  rays = shown
  with np.errstate(all='ignore'):
    for _ in range(_ROUNDS):
      got, slope = _lens(rays, distortion)
      (a, b), (c, d) = np.moveaxis(slope, (-2, -1), (0, 1))
      x, y = np.moveaxis(shown - got, -1, 0)
      step = np.stack([d * x - b * y, a * y - c * x], -1) / (a * d - b * c)[..., None]
      rays = rays + step
    found = np.abs(_lens(rays, distortion)[0] - shown).max(-1) < _NEAR
    # No fold from the middle to there: behind one the lens turns the picture over.
    _, slope = _lens(np.multiply.outer(_WAY, rays), distortion)
    found &= (np.linalg.det(np.where(np.isfinite(slope), slope, 0.0)) > 0).all(0)
  return np.where(found[..., None], rays, np.nan)


def _lens(rays, distortion):
  """(shown [N, 2], its derivatives by the rays [N, 2, 2])."""
  k1, k2, p1, p2, k3 = (*distortion, *(0.0,) * (5 - len(distortion)))
  x, y = np.moveaxis(rays, -1, 0)
  r2 = x * x + y * y
  radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
  slope = 2 * (k1 + r2 * (2 * k2 + 3 * r2 * k3))  # of radial, by x: times x
  shown = np.stack(
    [
      x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
      y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    ],
    -1,
  )
  across = x * y * slope + 2 * p1 * x + 2 * p2 * y
  down_right = [
    [radial + x * x * slope + 2 * p1 * y + 6 * p2 * x, across],
    [across, radial + y * y * slope + 6 * p1 * y + 2 * p2 * x],
  ]
  return shown, np.moveaxis(np.array(down_right), (0, 1), (-2, -1))
