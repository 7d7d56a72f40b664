"""From the labels and pictures of a take to records, for all forms of Human3.6M."""

import pathlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.datasets import crop, make_record
from wild3d.datasets.camera import project
from wild3d.datasets.human36m import joints
from wild3d.datasets.human36m.take import Take
from wild3d.datasets.units import Unit
from wild3d.errors import UserError

_SIDES = np.array([skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER])

# Centre and side of a person box, px.
Box = tuple[Float[np.ndarray, '2'], float]


def of_take(
  unit: Unit,
  config,
  *,
  joints3d: Float[np.ndarray, 'n 17 3'],
  joints2d: Float[np.ndarray, 'n 17 2'],
  boxes: list[Box],
  camera: Float[np.ndarray, '4'],
  distortion: Float[np.ndarray, '5'],
) -> Iterator[dict]:
  """Records of a take whose pictures are whole frames; positions in their px.

  A distortion of zeros means that the lens is not known.

  Args:
    unit: of take.units.
    config: of the builder.
    joints3d: mm, camera axes.
    joints2d: px.
    boxes: of each frame; frames of a clip share one, see `shared_boxes`.
    camera: fx, fy, cx, cy, px.
    distortion: see camera.project.
  """
  take = unit.payload['take']
  check(take, '3D', joints3d)
  check(take, '2D', joints2d)
  check(take, 'box', np.array([(*center, side) for center, side in boxes]))
  clip = crop.clips(take.frames, take.stride, config.clip_frames)
  for row, picture in enumerate(take.read_pictures()):
    known = labels(unit, row, joints3d[row], joints2d[row], config)
    if distortion.any() and config.projection == 'true':
      thorax = known['joints3d'][skeleton.THORAX]
      known['joints2d'][skeleton.THORAX] = project(thorax, camera, distortion)
    if config.clip_frames > 1:
      known['sequence'] = f'{unit.name}/{clip[row]}'
    center, side = boxes[row]
    yield make_record.from_picture(
      picture,
      margin=config.margin,
      size=config.size,
      center=center,
      side=side,
      camera=camera,
      distortion=distortion,
      **known,
    )


def shared_boxes(
  take: Take, config, center: Float[np.ndarray, 'n 2'], side: Float[np.ndarray, ' n']
) -> list[Box]:
  """For each frame the smallest box that holds those of all frames of its clip."""
  clip = crop.clips(take.frames, take.stride, config.clip_frames)
  return [crop.box_of_boxes(center[clip == c], side[clip == c]) for c in clip]


def labels(unit: Unit, row: int, joints3d, joints2d, config) -> dict:
  """What a record holds in all forms, for the take's frame `row`.

  Args:
    unit: of take.units.
    row: of the take's frames.
    joints3d: [17, 3] mm, camera axes.
    joints2d: [17, 2] px of the picture.
    config: of the builder.
  """
  take = unit.payload['take']
  frame = take.frames[row]
  mm, seen = joints.to_mpii16(joints3d), joints.to_mpii16(joints2d)
  # The middle of two points is seen nearer to the one that is farther away: their
  # depths weigh, whatever the pinhole camera.
  depth = mm[_SIDES, 2:]
  seen[skeleton.THORAX] = (depth * seen[_SIDES]).sum(axis=0) / depth.sum()
  if config.projection == 'zhou2017':
    seen = joints.to_mpii16(joints.scaled_orthographic(joints3d, joints2d))
  first = take.frames[0]
  return {
    'id': f'{unit.name}#{frame}',
    'joints2d': seen,
    'labelled': np.ones(16, bool),
    'joints3d': mm,
    'has3d': True,
    'sequence': unit.name if take.stride else '',
    'frame': (frame - first) // take.stride if take.stride else frame,
    'subject': f'S{take.subject}',
    'action': joints.action_of(take.name),
  }


def check(
  take: Take,
  what: str,
  values: Float[np.ndarray, 'n ...'],
  path: pathlib.Path | None = None,
) -> None:
  """Refuses labels that are no positions.

  Args:
    take: of the labels.
    what: '3D', '2D' or 'box'; 3D must lie in front of the camera, too.
    values: a row for each frame.
    path: the file, where it is not take.labels.

  Raises:
    UserError: it names file, row and frame.
  """
  faulty = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
  if what == '3D':
    faulty |= (values[..., 2] <= 0).any(axis=1)
  if faulty.any():
    i = int(np.argmax(faulty))
    raise UserError(
      f'{path or take.labels}: row {take.rows[i]} ({take.name}.{take.camera_id}, frame '
      f'{take.frames[i]}): the {what} labels hold NaN or joints behind the camera; '
      'make or download the file again'
    )
