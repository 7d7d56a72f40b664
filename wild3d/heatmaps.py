"""ONE joint's heatmap, unbatched: draw a target, decode a map. The caller vmaps.

Cell i of a map covers [i, i + 1) in heatmap pixels, so its centre is i + 0.5, and
crop frame = pixels / (size / 2) - 1, exactly as for images (`data/batch.py`).
"""

import jax
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


REFINES = ('quarter', 'parabola', 'dark', 'softargmax', 'none')
_BLUR = 1.0  # cells: of the Gaussian that 'dark' smooths with
_BLUR_REACH = 3  # cells
_MASS_REACH = 3  # cells: the window of 'softargmax' beside its middle cell


def decode(
  heatmap: Float[Array, 'H W'], refine: str = 'quarter'
) -> tuple[Float[Array, '2'], Float[Array, '']]:
  """Finds the joint in a square map: its highest cell, and a place within a cell.

  Args:
    heatmap: raw values; any sign, any scale.
    refine: how to move from the highest cell's centre. Cells on the border stay.
      'quarter': 0.25 pixels towards the higher neighbour in x and in y, as the authors.
      'parabola': the top of a parabola through the logarithms of the cell and its two
      neighbours, exact for a Gaussian.
      'dark': one Newton step on the logarithm of the map smoothed by a Gaussian
      (Zhang et al. 2020, Distribution-Aware Coordinate Representation, section 3.2),
      exact for a Gaussian too, steadier where the map is rough.
      'softargmax': the centre of mass of what is above 0 within 7 x 7 cells (local, as
      the mean of a whole map is drawn to all its other peaks).
      'none': it stays at the centre.

  Returns:
    (xy in the crop frame, score: the map's highest value).

  Raises:
    ValueError: `refine` is unknown or the map is not square.
  """
  height, width = heatmap.shape
  if height != width:
    raise ValueError(f'the map must be square, not {height} x {width}')
  if refine not in REFINES:
    raise ValueError(f'unknown refine {refine!r}: choose from {", ".join(REFINES)}')
  row, column = jnp.divmod(jnp.argmax(heatmap), width)
  cell = jnp.stack([column, row])
  inside = (cell > 0) & (cell < width - 1)
  if refine == 'dark':
    shift = jnp.where(inside.all(), _dark(heatmap, row, column), 0.0)
  elif refine == 'softargmax':
    shift = _centre_of_mass(heatmap, row, column)
  else:
    lines = (heatmap[row, :], heatmap[:, column])
    shift = jnp.stack([_shift(*at, refine) for at in zip(lines, cell, strict=True)])
  shift = jnp.where(inside, shift, 0.0)
  return geometry.pixels_to_crop(cell + shift + 0.5, width), heatmap[row, column]


def peak_mass(heatmap: Float[Array, 'H W']) -> Float[Array, '']:
  """Sum over the cells round the highest: how sure probabilities are of it.

  They are as far as a sixteenth of the map to each side, one cell at least: what is near
  is the same for maps of any size.
  """
  row, column = jnp.divmod(jnp.argmax(heatmap), heatmap.shape[1])
  return _window(heatmap, row, column, max(1, len(heatmap) // 16)).sum()


def _shift(line, peak, refine):
  """Offset in pixels from cell `peak`, the highest of a row or column [N]."""
  before = line[jnp.maximum(peak - 1, 0)]
  after = line[jnp.minimum(peak + 1, line.shape[0] - 1)]
  if refine == 'quarter':
    return 0.25 * jnp.sign(after - before)
  if refine == 'none':
    return jnp.zeros_like(before)
  # A thousandth of the peak is noise; it also keeps the logarithm finite.
  floor = jnp.maximum(1e-3 * line[peak], 1e-12)
  left, middle, right = (
    jnp.log(jnp.maximum(value, floor)) for value in (before, line[peak], after)
  )
  return 0.5 * geometry.safe_divide(right - left, 2 * middle - left - right)


def _window(heatmap, row, column, reach):
  """The cells round one, as a square of 2 reach + 1; 0 outside the map."""
  padded = jnp.pad(heatmap, reach)
  return jax.lax.dynamic_slice(padded, (row, column), (2 * reach + 1,) * 2)


def _dark(heatmap, row, column):
  """The Newton step [x, y] from the highest cell; 0 where the map has no top there."""
  line = jnp.arange(-_BLUR_REACH, _BLUR_REACH + 1)
  kernel = jnp.exp(-0.5 * (line / _BLUR) ** 2)
  window = _window(heatmap, row, column, _BLUR_REACH + 1)
  smooth = jax.vmap(lambda x: jnp.convolve(x, kernel, 'valid'))
  near = smooth(smooth(window).T).T
  near = jnp.log(jnp.maximum(near, jnp.maximum(1e-3 * near[1, 1], 1e-12)))
  gx, gy = (near[1, 2] - near[1, 0]) / 2, (near[2, 1] - near[0, 1]) / 2
  xx = near[1, 2] - 2 * near[1, 1] + near[1, 0]
  yy = near[2, 1] - 2 * near[1, 1] + near[0, 1]
  xy = (near[2, 2] - near[2, 0] - near[0, 2] + near[0, 0]) / 4
  area = xx * yy - xy * xy
  step = geometry.safe_divide(
    jnp.stack([xy * gy - yy * gx, xy * gx - xx * gy]), jnp.stack([area, area])
  )
  return jnp.where((area > 0) & (xx < 0), jnp.clip(step, -1.0, 1.0), 0.0)


def _centre_of_mass(heatmap, row, column):
  """[x, y] from the highest cell."""
  mass = jnp.maximum(_window(heatmap, row, column, _MASS_REACH), 0.0)
  line = jnp.arange(-_MASS_REACH, _MASS_REACH + 1, dtype=mass.dtype)
  total = mass.sum()
  moments = jnp.stack([mass.sum(0) @ line, mass.sum(1) @ line])
  return geometry.safe_divide(moments, jnp.stack([total, total]))
