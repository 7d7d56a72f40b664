"""The motion capture files of a folder, as clips in millimetres with z up."""

import dataclasses
import math
import pathlib
import re

import numpy as np

from wild3d import skeleton
from wild3d.datasets.mocap_people import body, joint_columns, joints_npz
from wild3d.errors import UserError
from wild3d.media import bvh

_UNITS_MM = {'mm': 1.0, 'cm': 10.0, 'm': 1000.0}
_CMU_FILE = re.compile(r'^(\d+)_\d+$')  # subject_trial


@dataclasses.dataclass(frozen=True)
class Reading:
  """How files are read."""

  up_axis: str  # 'y', 'z', or 'auto': what the file says, or along which people stand
  # 0: what the file says, or what makes legs of the skeleton.
  millimetres_per_unit: float
  frames_per_second: float  # to which motions are resampled
  # (our joint, theirs) pairs that go before what is matched by name.
  joint_names: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Capture:
  """A file."""

  # At the wanted rate, mm, z up, with the head's top where MPII has it.
  clips: tuple[body.Clip, ...]
  kind: str  # 'BVH' or 'npz'
  fps: float  # frames a second in the file (of its first clip); 0: single poses
  up_axis: str  # 'y' or 'z', in the file
  millimetres_per_unit: float  # of the file
  leg_mm: float  # from hip to ankle; median over the file


def find(folder: pathlib.Path) -> list[pathlib.Path]:
  """The *.bvh and *.npz files in a folder and the folders in it, by name."""
  return sorted(
    path for path in folder.rglob('*') if path.suffix.lower() in ('.bvh', '.npz')
  )


def load(path: pathlib.Path, reading: Reading) -> Capture:
  """Reads a file.

  Raises:
    UserError: it is damaged, its joints are not all known, or what is up or how long
      a unit is cannot be told; the message says what to do.
  """
  if path.suffix.lower() == '.bvh':
    clips, unit, up, rest = _bvh(path, reading)
  else:
    clips, unit, up = joints_npz.read(path)
    rest = None
  everything = np.concatenate([clip.joints for clip in clips])
  up = _up(path, reading, up, everything, rest)
  unit = _unit(path, reading, unit, everything)
  done = []
  for clip in clips:
    joints = body.extend_head(unit * body.z_up(clip.joints, up))
    if clip.fps:
      joints = body.resample(joints, clip.fps, reading.frames_per_second)
    done.append(dataclasses.replace(clip, joints=joints))
  return Capture(
    clips=tuple(done),
    kind=path.suffix[1:].lower(),
    fps=clips[0].fps,
    up_axis=up,
    millimetres_per_unit=unit,
    leg_mm=unit * body.leg(everything),
  )


def _bvh(path, reading):
  motion = bvh.read(path)
  # A file that shows a person standing still for its rest pose tells what is up.
  still = dataclasses.replace(motion, values=np.zeros((1, motion.values.shape[1])))
  columns = joint_columns.find(motion.names, dict(reading.joint_names), path)
  own, rest = (
    skeleton.convert(bvh.positions(one)[:, list(columns)], joint_columns.MATCHED)[0]
    for one in (motion, still)
  )
  subject = _CMU_FILE.match(path.stem)
  clip = body.Clip('', own, 1 / motion.frame_time, subject[1] if subject else '', '')
  return [clip], '', '', rest


def _up(path, reading, said, joints, rest):
  if reading.up_axis != 'auto':
    return reading.up_axis
  up = said or body.guess_up(joints)
  if not up and rest is not None:
    up = body.guess_up(rest)
  if not up:
    raise UserError(
      f"{path}: cannot tell which axis points up: set up_axis to 'y' or 'z'"
    )
  return up


def _unit(path, reading, said, joints):
  if said and said not in _UNITS_MM:
    raise UserError(
      f'{path}: units must be one of {", ".join(_UNITS_MM)}, got {said!r}'
    )
  leg = body.leg(joints)
  if not (math.isfinite(leg) and leg > 0):
    raise UserError(f'{path}: the legs have no length')
  given = reading.millimetres_per_unit or _UNITS_MM.get(said)
  if given:
    low, high = body.ANY_LEG_MM
    if not low <= leg * given <= high:
      raise UserError(
        f'{path}: with {given:g} mm for a unit, a leg is {leg * given:.0f} mm long '
        f'from hip to ankle: set millimetres_per_unit to about {840 / leg:.3g}'
      )
    return given
  guessed = body.guess_unit(leg)
  if guessed is None:
    raise UserError(
      f'{path}: a leg is {leg:.4g} units long from hip to ankle, in no unit known: '
      f'set millimetres_per_unit (about {840 / leg:.3g} makes an adult of it)'
    )
  return guessed
