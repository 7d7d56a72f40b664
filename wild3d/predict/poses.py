"""What Predictor.predict gives: the people of a picture, by name, as files, drawn."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from wild3d import files
from wild3d.draw import people
from wild3d.errors import UserError
from wild3d.poses import formats, joint_set
from wild3d.poses.pose import Header, Picture, Pose, PoseFile

_DRAWN = {'.png': 'PNG', '.jpg': 'JPEG', '.jpeg': 'JPEG', '.webp': 'WEBP'}


class Joint(NamedTuple):
  """One joint of each of N people.

  Attributes:
    px: px of the original; the first pixel has its centre at (0.5, 0.5).
    mm: camera axes (x right, y down, z away), minus the pelvis.
    camera_mm: the same axes, from the camera's centre.
    scores: 0 to 1, of `px`.
  """

  px: Float[np.ndarray, 'N 2']
  mm: Float[np.ndarray, 'N 3']
  camera_mm: Float[np.ndarray, 'N 3']
  scores: Float[np.ndarray, ' N']


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Poses(Sequence[Pose]):
  """The people found in one picture: a sequence of Pose.

  Attributes:
    header: how they were made.
    picture: where; `picture.camera` is the camera.
    image: RGB, upright.
  """

  header: Header
  picture: Picture
  image: UInt8[np.ndarray, 'H W 3']

  def __len__(self) -> int:
    """How many people."""
    return len(self.picture.poses)

  def __getitem__(self, index):
    """One person's Pose, or several."""
    return self.picture.poses[index]

  def __repr__(self) -> str:
    """As `<Poses of photo.jpg: 2 people>`."""
    count = '1 person' if len(self) == 1 else f'{len(self)} people'
    return f'<Poses of {self.picture.source}: {count}>'

  def joints(self, name: str) -> Joint:
    """One joint of all people: `poses.joints('left_wrist').px`.

    Args:
      name: of skeleton.JOINTS, or 'spine', the middle of pelvis and thorax.

    Raises:
      UserError: the network finds no such joint.
    """
    if name not in joint_set.FOUND:
      raise UserError(f'joint {name!r}: choose from {", ".join(joint_set.FOUND)}')

    def of(key, width):
      rows = [joint_set.rows(getattr(pose, key), (name,))[0] for pose in self]
      return np.array(rows).reshape(-1, width)

    scores = [joint_set.rows(pose.scores[:, None], (name,))[0, 0] for pose in self]
    return Joint(
      of('joints2d', 2), of('joints_mm', 3), of('joints_camera', 3), np.array(scores)
    )

  def save(self, path: str | os.PathLike, joints: str = 'mpii16') -> list[pathlib.Path]:
    """Writes them in the format that the ending says: json, npz, csv, bvh, trc, c3d.

    A BVH, TRC or C3D holds one person: of several, 'walk.bvh' becomes
    'walk-person0.bvh' and so on.

    Args:
      path: the file.
      joints: a set of skeleton.JOINT_SETS, 'coco17'; a BVH has a skeleton of its own.

    Returns:
      The files written; none of nobody's motion.

    Raises:
      UserError: the ending or the set is unknown, the file cannot be written, or a C3D
        is asked for without ezc3d.
    """
    path = pathlib.Path(os.path.expanduser(path))
    file = PoseFile(self.header, (self.picture,))
    written = formats.write(file, formats.kind_of(path), path, joints)
    return [path] if written is None else list(written)

  def draw(self, path: str | os.PathLike | None = None) -> UInt8[np.ndarray, 'H2 W2 3']:
    """The picture with the 2D poses, and each pose from two sides: RGB.

    Args:
      path: where to write it, too: .png, .jpg or .webp.

    Raises:
      UserError: the ending is another, or it cannot be written.
    """
    form = path and _DRAWN.get(pathlib.Path(path).suffix.lower())
    if path and not form:
      raise UserError(f'{path}: end it in {", ".join(_DRAWN)}')
    drawn = people.still(self.image, list(self))
    if path:
      with files.opened(path) as stream:
        Image.fromarray(drawn).save(stream, form, quality=90)
    return drawn
