"""One annotation of a COCO keypoints file: its joints, box, 3D and camera.

Positions in the files count pixels from `first_pixel`, 0 in COCO's own, whose integer
keypoints name a pixel: its centre is half a pixel further in the continuous px of
data/batch.py. A box is the rectangle between pixel borders. Whether an annotator of
COCO meant the pixel's centre or its corner is not known; it is half a pixel.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from wild3d.datasets import crop
from wild3d.datasets.coco_person import labels3d
from wild3d.errors import UserError
from wild3d.skeleton import JOINTS

# COCO's boxes end where the body does; with a quarter more, as is usual for COCO,
# a person fills the box as one of MPII does (whose scale is enlarged by 1.25).
ROOM = 1.25

_MIDDLES = tuple(
  tuple(JOINTS.index(name) for name in (middle, f'right_{side}', f'left_{side}'))
  for middle, side in (('pelvis', 'hip'), ('thorax', 'shoulder'))
)


@dataclasses.dataclass(frozen=True)
class Picture:
  """One entry of `images`."""

  index: int  # in the file's order
  file_name: str  # as the file has it, with / between folders
  path: str  # where it was found
  # Width, height in px as the file says; (0, 0) where it does not.
  size: tuple[int, int]
  sequence: str  # the video it is a frame of, or ''
  frame: int  # its number in the video


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
  """One annotation; positions in continuous px of the original."""

  annotation: str  # its id
  picture: Picture  # where it is
  joints2d: Float[np.ndarray, '16 2']  # px; 0 where not labelled
  labelled: Bool[np.ndarray, '16']  # a position is given, or derived (`add_middles`)
  occluded: Bool[np.ndarray, '16']  # v is 1; of a derived joint: of both its sides
  center: Float[np.ndarray, '2']  # of the square person box
  side: float  # of the square person box
  # mm, camera axes; None unless all joints are known in 3D and 2D.
  joints3d: Float[np.ndarray, '16 3'] | None = None
  # Joints whose lack left a given keypoints_3d unused.
  lacking3d: tuple[str, ...] = ()
  camera: Float[np.ndarray, '4'] | None = None  # fx, fy, cx, cy, px; None if not given
  track: str = ''  # tells people of one sequence apart, or ''
  subject: str = ''  # who, or ''
  action: str = ''  # what they do, or ''

  def __repr__(self):
    # Complete, and a hundred times faster than NumPy's: build.py tells by it whether
    # an interrupted build may go on.
    values = (getattr(self, field.name) for field in dataclasses.fields(self))
    parts = (v.tobytes() if isinstance(v, np.ndarray) else v for v in values)
    return f'Person{tuple(parts)!r}'


def joints_of(
  value, columns: dict[str, int], count: int, first_pixel: int, where: str
) -> tuple[Float[np.ndarray, '16 2'], Bool[np.ndarray, '16'], Bool[np.ndarray, '16']]:
  """(joints2d, labelled, occluded) from `keypoints`; nothing derived.

  Args:
    value: `count` times x, y, v, flat or in rows; v 0 not labelled, 1 hidden, 2 visible.
    columns: our joint -> place among the `count`.
    count: keypoints of the category.
    first_pixel: 0 or 1.
    where: the annotation, for messages.

  Raises:
    UserError: another number of values, NaN, or another v.
  """
  numbers = labels3d.numbers(value)
  if numbers is None or numbers.size != 3 * count:
    raise UserError(f'{where}: keypoints must be {count} x 3 numbers: x, y, v')
  rows = np.zeros((16, 3))
  places = [JOINTS.index(joint) for joint in columns]
  rows[places] = numbers.reshape(count, 3)[list(columns.values())]
  if not np.isfinite(rows).all():
    raise UserError(f'{where}: keypoints holds NaN or infinity')
  v = rows[:, 2]
  if not ((v == 0) | (v == 1) | (v == 2)).all():
    raise UserError(
      f'{where}: the third number of each keypoint must be 0 (not labelled), 1 (hidden) '
      'or 2 (visible)'
    )
  labelled = v > 0
  joints2d = np.where(labelled[:, None], rows[:, :2] + (0.5 - first_pixel), 0.0)
  return joints2d, labelled, v == 1


def person_of(
  entry: dict,
  image: dict,
  picture: Picture,
  joints: tuple,
  columns: dict[str, int],
  count: int,
  first_pixel: int,
  where: str,
) -> Person:
  """A checked person.

  Args:
    entry: the annotation.
    image: its entry of `images`, which may hold camera, subject and action as well.
    picture: the same, located.
    joints: from `joints_of`.
    columns: our joint -> place among the keypoints.
    count: keypoints of the category.
    first_pixel: 0 or 1.
    where: the annotation, for messages.

  Raises:
    UserError: a faulty bbox, camera or keypoints_3d; see labels3d.check.
  """
  joints2d, labelled, occluded = (part.copy() for part in joints)
  for middle, right, left in add_middles(joints2d, labelled):
    occluded[middle] = occluded[right] & occluded[left]
  center, extent = _box(entry, joints2d[labelled], first_pixel, where)
  camera, joints3d, lacking3d = None, None, ()
  given = entry.get('camera') or image.get('camera')
  if given:
    camera = labels3d.intrinsics(given, 0.5 - first_pixel, where)
  if entry.get('keypoints_3d'):
    joints3d, known = labels3d.keypoints(entry['keypoints_3d'], columns, count, where)
    add_middles(joints3d, known)
    lacking3d = tuple(JOINTS[i] for i in np.flatnonzero(~(known & labelled)))
    if lacking3d:
      joints3d = None
    else:
      labels3d.check(joints3d, joints2d, camera, extent, where)
  subject, action = (
    str(first(entry, (key,), first(image, (key,), ''))) for key in ('subject', 'action')
  )
  return Person(
    annotation=str(entry['id']),
    picture=picture,
    joints2d=joints2d,
    labelled=labelled,
    occluded=occluded,
    center=center,
    side=ROOM * extent,
    joints3d=joints3d,
    lacking3d=lacking3d,
    camera=camera,
    track=str(first(entry, ('track_id',), '')),
    subject=subject,
    action=action,
  )


def add_middles(points, known) -> list[tuple[int, int, int]]:
  """Adds pelvis and thorax, the middles of hips and shoulders, where these are known.

  That is what both mean in wild3d; the losses need the pelvis, their root.

  Args:
    points: [16, D]; changed in place, as is `known`.
    known: [16], which points are given.

  Returns:
    (middle, right, left) for each joint added.
  """
  added = [m for m in _MIDDLES if known[m[1]] and known[m[2]] and not known[m[0]]]
  for middle, right, left in added:
    points[middle] = (points[right] + points[left]) / 2
    known[middle] = True
  return added


def first(entry: dict, keys: tuple[str, ...], default):
  """The first of the keys that is there and not null, or the default."""
  return next((entry[key] for key in keys if entry.get(key) is not None), default)


def _box(entry, joints2d, first_pixel, where):
  """(centre, longer side) of the box, or of the joints where no box is given."""
  if entry.get('bbox') is None:
    center, side = crop.box_of(joints2d, room=ROOM)
    return center, side / ROOM
  box = labels3d.numbers(entry['bbox'])
  if box is None or box.shape != (4,) or not np.isfinite(box).all():
    raise UserError(f'{where}: bbox must be four numbers: x, y, width, height')
  if (box[2:] <= 0).any():
    raise UserError(
      f'{where}: bbox has width {box[2]:g} and height {box[3]:g}: both must be above 0'
    )
  return box[:2] - first_pixel + box[2:] / 2, float(box[2:].max())
