"""ONE joint's heatmap, unbatched: draw a target, decode a map. The caller vmaps.

Cell i of a map covers [i, i + 1) in heatmap pixels, so its centre is i + 0.5, and
crop frame = pixels / (size / 2) - 1, exactly as for images (`data/batch.py`).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from wild3d import geometry


def draw(
  xy: Float[Array, '2'],
  size: int,
  sigma: float = 1.75,
  truncate: int | None = 3,
  subpixel: bool = False,
) -> Float[Array, 'H W']:
  """Gaussian of amplitude 1 at a joint; zeros if the joint is outside the map.

  Args:
    xy: the joint, in the crop frame.
    size: side of the map, in heatmap pixels.
    sigma: heatmap pixels. The authors' Gaussian has 1.75.
    truncate: half-width of the square that is drawn, in cells beside the middle
      one: 3 draws 7 x 7 as the authors do. None draws the whole map.
    subpixel: centre on the joint itself, instead of its cell's centre (default,
      as the authors do).

  Source: Zhou et al. 2017, section 3.1, and their released code's Gaussian.
  """
  pixels = geometry.crop_to_pixels(xy, size)
  inside = jnp.all((pixels >= 0) & (pixels < size))
  # In cells: the joint's place among cell centres 0, 1, 2, ...
  centre = pixels - 0.5 if subpixel else jnp.floor(pixels)
  offset = jnp.arange(size, dtype=xy.dtype)[None] - centre[:, None]
  profile = jnp.exp(-0.5 * (offset / sigma) ** 2)
  if truncate is not None:
    # Half a cell more keeps the square symmetric for centres between cells.
    profile = jnp.where(jnp.abs(offset) <= truncate + 0.5, profile, 0.0)
  x, y = profile
  return jnp.where(inside, y[:, None] * x[None, :], 0.0)


def decode(
  heatmap: Float[Array, 'H W'], refine: str = 'quarter'
) -> tuple[Float[Array, '2'], Float[Array, '']]:
  """Finds the joint in a square map.

  Args:
    heatmap: raw values; any sign, any scale.
    refine: 'quarter' moves from the highest cell's centre 0.25 pixels towards the
      higher neighbour in x and in y, as the authors do; 'parabola' fits a
      parabola to the logarithms of the cell and its two neighbours, exact for a
      Gaussian; 'none' stays at the centre. Cells on the border stay there too.

  Returns:
    (xy in the crop frame, score: the map's highest value).

  Raises:
    ValueError: `refine` is unknown or the map is not square.
  """
  height, width = heatmap.shape
  if height != width:
    raise ValueError(f'the map must be square, not {height} x {width}')
  size = width
  flat = jnp.argmax(heatmap)
  row, column = flat // size, flat % size
  score = heatmap[row, column]
  x = column + _shift(heatmap[row, :], column, refine)
  y = row + _shift(heatmap[:, column], row, refine)
  return geometry.pixels_to_crop(jnp.stack([x, y]) + 0.5, size), score


def _shift(line, peak, refine):
  """Offset in pixels from cell `peak`, the highest of a row or column [N]."""
  last = line.shape[0] - 1
  before = line[jnp.maximum(peak - 1, 0)]
  after = line[jnp.minimum(peak + 1, last)]
  if refine == 'quarter':
    shift = 0.25 * jnp.sign(after - before)
  elif refine == 'parabola':
    # A thousandth of the peak is noise; it also keeps the logarithm finite.
    floor = jnp.maximum(1e-3 * line[peak], 1e-12)
    left, middle, right = (
      jnp.log(jnp.maximum(value, floor)) for value in (before, line[peak], after)
    )
    shift = 0.5 * geometry.safe_divide(right - left, 2 * middle - left - right)
  elif refine == 'none':
    shift = jnp.zeros_like(before)
  else:
    raise ValueError(f'unknown refine {refine!r}: choose quarter, parabola or none')
  return jnp.where((peak > 0) & (peak < last), shift, 0.0)
