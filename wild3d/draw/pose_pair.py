"""A predicted pose over the true one: on the picture, and in 3D from two sides.

The prediction has the colours of `visualize`, the truth is grey. Joints of any joint
set are drawn as those of `skeleton.JOINTS` that it has.
"""

import base64
import io

import numpy as np
from jaxtyping import Float, Num
from PIL import Image, ImageOps

from wild3d import skeleton
from wild3d.draw import pixels

_SIDE = 320  # px of an embedded picture
_FAR_MM = 3000.0  # a prediction that is farther off than this leaves the drawing


def as_mpii(
  joints: Num[np.ndarray, 'J D'], names: tuple[str, ...]
) -> Float[np.ndarray, '16 D']:
  """The 16 joints, NaN where the joint set has none."""
  converted, known = skeleton.convert(np.asarray(joints, np.float64), names)
  return np.where(known[:, None], converted, np.nan)


def flat(
  predicted: Float[np.ndarray, '16 2'] | None,
  true: Float[np.ndarray, '16 2'],
  picture: bytes | None = None,
  to_original: Num[np.ndarray, '2 3'] | None = None,
) -> str:
  """The 2D poses, over the picture if there is one; '' if there is no joint.

  Args:
    predicted: px of the original picture; NaN where unknown.
    true: likewise.
    picture: JPEG or PNG of the original or of a crop.
    to_original: px of the crop to px of the original; None: it is the original.
  """
  poses = [true] if predicted is None else [true, predicted]
  framed = next((p for p in poses if np.isfinite(p).all(-1).sum() >= 2), None)
  if framed is None:
    return ''
  points = framed[np.isfinite(framed).all(-1)]
  low, high = points.min(0), points.max(0)
  centre, side = (low + high) / 2, max(8.0, 1.5 * float((high - low).max()))
  corner = centre - side / 2
  background = ''
  if picture is not None:
    background = _background(picture, to_original, corner, side)
  scale = 100.0 / side
  drawn = _bones((true - corner) * scale, 1.6, grey=True)
  if predicted is not None:
    near = np.where(np.abs(predicted - centre) < 20 * side, predicted, np.nan)
    drawn += _bones((near - corner) * scale, 0.9)
  return (
    f'<div class="flat">{background}<svg viewBox="0 0 100 100" role="img" '
    f'aria-label="2D joints">{drawn}</svg></div>'
  )


def solid(predicted: Float[np.ndarray, '16 3'], true: Float[np.ndarray, '16 3']) -> str:
  """The 3D poses as the camera sees them and from its right; '' if there is none.

  Both minus the pelvis (or the mean of their joints where one has none), in mm as they
  are: a prediction in another scale looks it. Orthographic; the camera of the side
  view is on the left.
  """
  poses = [true, predicted]
  rooted = all(np.isfinite(p[skeleton.ROOT]).all() for p in poses if _known(p))
  poses = [_centred(p, rooted) for p in poses]
  if not any(map(_known, poses)):
    return ''
  limits = pixels.bounds(*(np.clip(p, -_FAR_MM, _FAR_MM) for p in poses))
  width = float(limits[0, 1] - limits[0, 0])
  figures = ''
  for name, across, near in (('front', 0, (2, -1.0)), ('side', 2, (0, 1.0))):
    drawn = f'<path class="scale" d="M4 96h{50000 / width:.2f}"/>'
    drawn += '<text class="scale-text" x="4" y="93" font-size="4.5">500 mm</text>'
    for i, pose in enumerate(poses):
      at = np.stack([pose[:, across], pose[:, 1]], axis=-1) - limits[[across, 1], 0]
      depth = near[1] * pose[:, near[0]]
      drawn += _bones(at * 100 / width, 1.5 - 0.5 * i, depth, grey=i == 0)
    figures += (
      f'<figure><svg viewBox="0 0 100 100" role="img" aria-label="3D, {name}">{drawn}'
      f'</svg><figcaption>{name}</figcaption></figure>'
    )
  return f'<div class="solid">{figures}</div>'


def _known(pose):
  return np.isfinite(pose).all(-1).any()


def _centred(pose, rooted):
  if not _known(pose):
    return pose
  finite = pose[np.isfinite(pose).all(-1)]
  pose = pose - (pose[skeleton.ROOT] if rooted else finite.mean(0))
  return np.where(np.abs(pose).max(-1, keepdims=True) < 2 * _FAR_MM, pose, np.nan)


def _background(picture, to_original, corner, side):
  """The part of the picture that the drawing covers, small, as data."""
  if to_original is None:
    to_original = np.eye(2, 3)
  affine = np.vstack([to_original, [0.0, 0.0, 1.0]])
  # Output px -> original px -> picture px.
  from_output = np.array(
    [[side / _SIDE, 0, corner[0]], [0, side / _SIDE, corner[1]], [0, 0, 1.0]]
  )
  try:
    matrix = (np.linalg.inv(affine) @ from_output)[:2]
    with Image.open(io.BytesIO(picture)) as image:
      image = ImageOps.exif_transpose(image).convert('RGB')
      # PIL's affine maps continuous px, and samples: halve first if it shrinks.
      shrink = int(max(1, np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
      image = image.reduce(shrink) if shrink > 1 else image
      small = image.transform(
        (_SIDE, _SIDE),
        Image.Transform.AFFINE,
        tuple((matrix / shrink).ravel()),
        Image.Resampling.BILINEAR,
        fillcolor=(24, 24, 24),
      )
  except (OSError, ValueError, Image.DecompressionBombError, np.linalg.LinAlgError):
    return '<p class="broken">The picture cannot be decoded.</p>'
  buffer = io.BytesIO()
  small.save(buffer, 'JPEG', quality=82)
  data = base64.b64encode(buffer.getvalue()).decode()
  return f'<img src="data:image/jpeg;base64,{data}" alt="">'


def _bones(at, width, depth=None, grey=False):
  """Lines with a white edge, the farthest first, and dots that tell their names."""
  known = np.isfinite(at).all(-1)
  bones = [bone for bone in skeleton.BONES if known[list(bone)].all()]
  if depth is not None:
    bones.sort(key=lambda bone: depth[list(bone)].sum())
  lines = []
  for bone in bones:
    (x1, y1), (x2, y2) = at[list(bone)]
    place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
    kind = 'true' if grey else pixels.bone_side(bone)
    lines.append(f'<line {place} class="edge" stroke-width="{1.8 * width:.2f}"/>')
    lines.append(f'<line {place} class="{kind}" stroke-width="{width:.2f}"/>')
  for joint in sorted({joint for bone in bones for joint in bone}):
    name = skeleton.JOINTS[joint]
    side = name.split('_')[0]
    side = side if side in ('left', 'right') else 'trunk'
    tip = name.replace('_', ' ') + (', true' if grey else ', predicted')
    lines.append(
      f'<circle cx="{at[joint, 0]:.2f}" cy="{at[joint, 1]:.2f}" r="{width:.2f}" '
      f'class="{"true" if grey else side}"><title>{tip}</title></circle>'
    )
  return ''.join(lines)
