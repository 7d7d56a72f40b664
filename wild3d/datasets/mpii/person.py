"""People of MPII, whatever the form of their annotations, and their pictures."""

import dataclasses
import os
import pathlib

import numpy as np
from jaxtyping import Bool, Float

from wild3d.errors import UserError
from wild3d.media import image_file

# A joint may lie outside its picture by this share of the longer side: people
# cut off by the border are annotated up to 5 % beyond it. Farther out, the
# annotation belongs to another picture, or to one of another resolution.
OUTSIDE = 0.1

# Pictures that may be missing: the release lists 24,987 and holds 24,984.
_FEW, _SHARE = 5, 0.01
# Pictures whose size is looked at before the work starts, and the share of them that
# may disagree with their annotations.
_PROBES, _MISFITS = 300, 0.1


@dataclasses.dataclass(frozen=True)
class Person:
  """One annotated person; positions are continuous px (data/batch.py)."""

  image: str  # file name
  # Place among the people of the picture, from 0; in the JSON form, which does not
  # say it, place in the file.
  row: int
  joints2d: Float[np.ndarray, '16 2']  # px; 0 where not labelled
  # A position is given; nowhere for people of the test set.
  labelled: Bool[np.ndarray, '16']
  occluded: Bool[np.ndarray, '16']  # said to be hidden
  center: Float[np.ndarray, '2']  # px, of the square person box
  side: float  # px, of the square person box
  head_size: float = 0.0  # px, 0.6 of the head box's diagonal (the unit of PCKh), or 0
  index: int = -1  # place of the picture in RELEASE.annolist, from 0; -1 where not said
  action: str = ''  # what they do, or ''

  @classmethod
  def of(cls, image, row, *, joints, labelled, visible, center, scale, **known):
    """A person from MPII's numbers, which count pixels from 1.

    They come from MATLAB, where (1, 1) is the centre of the first pixel; that is
    (0.5, 0.5) here. The box follows the usual reading: the centre moves down by
    15 * scale, the scale grows by a quarter, the side is 200 * scale.

    Args:
      image: file name.
      row: see the attribute.
      joints: [16, 2] px counted from 1; anything where not labelled.
      labelled: [16] a position is given.
      visible: [16] False: hidden; True also where nothing is said.
      center: [2] px counted from 1: `objpos`.
      scale: person height / 200 px.
      **known: further attributes.
    """
    labelled = np.asarray(labelled, bool)
    joints = np.asarray(joints, np.float64)
    return cls(
      image=image,
      row=row,
      joints2d=np.where(labelled[:, None], joints - 0.5, 0.0),
      labelled=labelled,
      occluded=labelled & ~np.asarray(visible, bool),
      center=np.asarray(center, np.float64) - 0.5 + np.array([0.0, 15 * scale]),
      side=200 * 1.25 * float(scale),
      **known,
    )


# A person, or the reason why one is left out.
Entry = Person | str


def misfit(person: Person, size: tuple[int, int]) -> str:
  """What shows that the annotation is not of a picture of `size`, or ''."""
  extent = np.asarray(size, np.float64)
  beyond = np.maximum(-person.joints2d, person.joints2d - extent).max(axis=1)
  joint = int(np.argmax(np.where(person.labelled, beyond, -np.inf)))
  picture = f'{person.image}, {size[0]} x {size[1]} px'
  if person.labelled[joint] and beyond[joint] > OUTSIDE * extent.max():
    x, y = person.joints2d[joint] + 0.5
    return f'joint {joint} at ({x:g}, {y:g}) is far outside {picture}'
  distance = np.abs(person.center - extent / 2).max()
  longer = float(extent.max())
  if distance > (longer + person.side) / 2 or person.side > 20 * longer:
    side = f'side {person.side:g} px'
    return f'the box from center and scale ({side}) does not fit {picture}'
  return ''


def with_pictures(
  splits: dict[str, list[Entry]], images: pathlib.Path, source: pathlib.Path
) -> dict[str, list[Entry]]:
  """The splits without the few people whose picture the release lacks.

  Lists the folder once, and opens some pictures to see whether they have the size
  that the annotations speak of.

  Raises:
    UserError: the folder or more than a few of the pictures are missing, or
      pictures are unreadable or of another size.
  """
  people = [p for entries in splits.values() for p in entries if isinstance(p, Person)]
  wanted = sorted({p.image for p in people})
  try:
    with os.scandir(images) as found:
      present = {entry.name for entry in found}
  except OSError as error:
    raise UserError(
      f'{images}: cannot be read ({error.strerror}): the pictures are in '
      'mpii_human_pose_v1.tar.gz from http://human-pose.mpi-inf.mpg.de'
    ) from None
  missing = [name for name in wanted if name not in present]
  if missing and len(missing) > min(max(_FEW, _SHARE * len(wanted)), len(wanted) - 1):
    raise UserError(
      f'{images}: {len(missing)} of the {len(wanted)} pictures of {source} are '
      f'missing, {missing[0]} for one: unpack the whole of mpii_human_pose_v1.tar.gz '
      'from http://human-pose.mpi-inf.mpg.de there'
    )
  _probe([p for p in people if p.image in present], images, source)
  reason = 'picture missing from the release'
  return {
    split: [
      reason if isinstance(p, Person) and p.image not in present else p for p in entries
    ]
    for split, entries in splits.items()
  }


def _probe(people, images, source):
  probes = people[:: -(-len(people) // _PROBES) or 1]
  sizes = {p.image: size(images / p.image, str(source)) for p in probes}
  misfits = [text for p in probes if (text := misfit(p, sizes[p.image]))]
  if len(misfits) > _MISFITS * len(probes):
    raise UserError(
      f'{images}: the pictures are not those of {source}, or not at their original '
      f'size: {misfits[0]}'
    )


def size(path: pathlib.Path, where: str) -> tuple[int, int]:
  """(width, height) of a picture, from its header alone.

  Raises:
    UserError: it does not exist or is no picture; the message starts with `where`.
  """
  try:
    with image_file.opened(path) as image:
      return image.size
  except UserError as error:
    raise UserError(f'{where}: {error}') from None
