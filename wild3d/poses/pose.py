"""A predicted pose, with everything needed to know what its numbers mean.

Coordinates are those of `data/batch.py`: continuous pixels of the original picture,
the crop frame, and millimetres in camera axes (x right, y down, z away from the
camera). Joints are `skeleton.JOINTS`, or those of the set that the header names; left
and right are the person's own.
"""

import dataclasses

import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class Camera:
  """A pinhole camera and its lens, in px of the original picture.

  Attributes:
    fx, fy, cx, cy: focal lengths and centre; the first pixel's centre is (0.5, 0.5).
    distortion: of the lens, OpenCV's k1, k2, p1, p2 and k3; () where there is none.
  """

  fx: float
  fy: float
  cx: float
  cy: float
  distortion: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Box:
  """A person's box, and where it came from.

  Attributes:
    xywh: left, top, width, height, px of the original.
    score: of the detector, in its own scale; None where nobody gave one.
    source: 'given', 'file', 'whole', 'tracked', or the detector's name.
  """

  xywh: tuple[float, float, float, float]
  score: float | None = None
  source: str = 'given'


@dataclasses.dataclass(frozen=True)
class Pose:
  """One person in one picture.

  Attributes:
    joints2d: px of the original.
    scores: how sure the network is of each 2D joint, 0 to 1 (`predict.decode`).
    joints_crop: crop frame of `to_original`; z is 0 at the pelvis.
    joints_mm: mm, camera axes, minus the pelvis. A single picture does not tell the
      size: the header's `scale` says what set it.
    to_original: affine from the crop frame to px of the original.
    box: the person box that the crop was made from.
    joints_camera: mm, camera axes, from the camera's centre; None without a camera.
    person: the same number for the same person in all frames; in a still, its rank.
    presence: probability that a person is centred in the crop; None of a network that
      does not tell.
    angles: degrees, of the joints that `angles.NAMES` lists; NaN where there is none;
      None in files that have none.
  """

  joints2d: Float[np.ndarray, 'J 2']
  scores: Float[np.ndarray, ' J']
  joints_crop: Float[np.ndarray, 'J 3']
  joints_mm: Float[np.ndarray, 'J 3']
  to_original: Float[np.ndarray, '2 3']
  box: Box
  joints_camera: Float[np.ndarray, 'J 3'] | None = None
  person: int = 0
  presence: float | None = None
  angles: Float[np.ndarray, ' A'] | None = None


def sureness(pose: Pose) -> float:
  """How sure the network is that there is such a person, 0 to 1.

  The presence that it tells, or else its joints' mean score.
  """
  if pose.presence is not None:
    return pose.presence
  return float(pose.scores.mean())


@dataclasses.dataclass(frozen=True)
class Picture:
  """An image, or one frame of a video, and the people in it.

  Attributes:
    source: path of the image or video as the user gave it, or 'webcam:N'.
    width, height: px, upright: after the turn that EXIF or the video asks for.
    poses: the people.
    frame: index from 0 in the video; None for an image.
    time: seconds from the start of the video; None for an image.
    camera: of this picture; the header says whether it was given or assumed.
  """

  source: str
  width: int
  height: int
  poses: tuple[Pose, ...]
  frame: int | None = None
  time: float | None = None
  camera: Camera | None = None


@dataclasses.dataclass(frozen=True)
class Header:
  """How the poses of one file were made.

  Attributes:
    checkpoint: folder and step that the user named.
    fingerprint: 12 hexadecimal digits of a hash of the network's parameters.
    scale: 'skeleton' (every skeleton has the same sum of 14 bones, `skeleton_mm`),
      or 'height' (the skeleton was scaled to a person of `height_mm`).
    skeleton_mm: sum of the 14 bone lengths that every joints_mm has.
    height_mm: what the user gave as --height, or None.
    detector: how boxes were found: one of Box.source.
    refine: sub-pixel rule of the heatmaps.
    flip_test: whether the mirror image was looked at too.
    smooth: whether one-euro smoothing was applied.
    fps: frames a second of the video; None for images or a variable rate.
    version: of wild3d.
    trained_on: the network's training sets; '' where that is not known.
    camera: what its numbers are from, see camera_space.told; '' in older files.
    joints: the set of skeleton.JOINT_SETS that the arrays are in.
  """

  checkpoint: str
  fingerprint: str
  scale: str
  skeleton_mm: float
  height_mm: float | None
  detector: str
  refine: str
  flip_test: bool
  smooth: bool
  fps: float | None
  version: str
  trained_on: str = ''
  camera: str = ''
  joints: str = 'mpii16'


@dataclasses.dataclass(frozen=True)
class PoseFile:
  """What a poses.json holds."""

  header: Header
  pictures: tuple[Picture, ...]
