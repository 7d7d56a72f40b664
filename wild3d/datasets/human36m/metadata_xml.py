"""Human3.6M's metadata.xml: the names of the takes and the cameras."""

import dataclasses
import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from wild3d.datasets.camera import Camera
from wild3d.datasets.human36m import joints
from wild3d.errors import UserError

_NUMBERS = 300  # 4 cameras x 11 subjects x 6 extrinsics, 4 cameras x 9 intrinsics


@dataclasses.dataclass(frozen=True)
class Metadata:
  """What readers need of the file."""

  # Subject (1..11) -> name of the take -> (action, subaction) as numbered there;
  # names in the spelling of joints.ACTIONS, such as 'TakingPhoto 1'.
  takes: dict[int, dict[str, tuple[int, int]]]
  cameras: dict[tuple[int, str], Camera]  # (subject, camera id) -> Camera


def canonical(take: str) -> str:
  """The name of a take in the spelling of joints.ACTIONS: 'Photo 1' -> 'TakingPhoto 1'.

  Raises:
    UserError: no action of Human3.6M has this name.
  """
  _, space, number = take.partition(' ')
  return joints.action_of(take) + space + number


def find(folder: pathlib.Path) -> pathlib.Path | None:
  """The metadata.xml of a tree: in it, beside it, or in a Release-v1.x folder."""
  places = [folder, folder / 'extracted', folder.parent]
  places += sorted(folder.glob('Release*'))
  return next((f for p in places if (f := p / 'metadata.xml').is_file()), None)


def read(path: pathlib.Path) -> Metadata:
  """Reads the file.

  Raises:
    UserError: it is missing, no XML, or not the metadata of Human3.6M.
  """
  try:
    tree = ElementTree.parse(path).getroot()
    takes = _takes(tree.find('mapping'))
    w0 = np.array(tree.find('w0').text.strip('[] \n').split(), np.float64)
    ids = [item.text.strip() for item in tree.find('dbcameras').find('index2id')]
    if w0.shape != (_NUMBERS,) or not np.isfinite(w0).all():
      raise ValueError(f'w0 holds {w0.size} numbers, not {_NUMBERS}')
    if sorted(ids) != sorted(joints.CAMERAS):
      raise ValueError(f'index2id lists the cameras {ids}')
  except (OSError, ElementTree.ParseError, ValueError, TypeError) as error:
    raise _unreadable(path, error) from None
  except (AttributeError, IndexError):
    raise _unreadable(path, 'mapping, w0 or dbcameras is missing') from None
  return Metadata(takes, _cameras(w0, ids))


def _unreadable(path, why):
  return UserError(
    f'{path}: not the metadata.xml of Human3.6M ({why}); it is in the code of the '
    'release (Release-v1.1 or v1.2) at http://vision.imar.ro/human3.6m'
  )


def _takes(mapping):
  rows = [[cell.text or '' for cell in row] for row in mapping]
  subjects = [int(name.removeprefix('S')) for name in rows[0][2:]]
  takes = {subject: {} for subject in subjects}
  for row in rows[1:]:
    # The last row holds picture sizes; action 1 is _ALL.
    if not row[0].isdigit() or int(row[0]) not in joints.ACTIONS:
      continue
    for subject, take in zip(subjects, row[2:], strict=True):
      takes[subject][canonical(take)] = (int(row[0]), int(row[1]))
  return takes


def _cameras(w0, ids):
  extrinsics, intrinsics = w0[:264].reshape(4, 11, 6), w0[264:].reshape(4, 9)
  return {
    (subject, name): Camera(
      focal=inside[:2],
      # As given: whether the release counts pixels from 0, from 1 or from the corner
      # is documented nowhere. The 2D positions are in the same pixels as this point,
      # so at worst both lie half a pixel beside the picture.
      center=inside[2:4],
      distortion=inside[4:],
      rotation=Rotation.from_euler('XYZ', outside[subject - 1, :3]).as_matrix(),
      position=outside[subject - 1, 3:],
    )
    for name, outside, inside in zip(ids, extrinsics, intrinsics, strict=True)
    for subject in range(1, 12)
  }
