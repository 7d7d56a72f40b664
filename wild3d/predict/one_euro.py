"""The one-euro filter: steady at rest, without lag in motion (Casiez et al. 2012)."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from wild3d import skeleton
from wild3d.poses import angles
from wild3d.poses.pose import Pose

# Speeds are in body sizes (or metres) a second, so that no value depends on how large
# a person is in the picture.
MIN_CUTOFF = 1.0  # Hz, at rest
BETA = 2.0  # Hz for a speed of 1
SPEED_CUTOFF = 1.0  # Hz, of the speed itself


class OneEuro:
  """Filters one array over time."""

  def __init__(self, scale: float):
    """Starts anew.

    Args:
      scale: how much of the array's unit is a speed of 1 in a second.
    """
    self._scale = scale
    self._time = self._value = self._velocity = None

  def __call__(
    self, value: Float[np.ndarray, '*N'], seconds: float
  ) -> Float[np.ndarray, '*N']:
    """The filtered value at that time, which must not run backwards."""
    if self._time is None or seconds <= self._time:
      if self._time is None:
        self._velocity = np.zeros(value.shape)
        self._value, self._time = value, seconds
      return self._value
    step = seconds - self._time
    velocity = (value - self._value) / step / self._scale
    # Its sign is kept until here, so that noise cancels out and motion does not.
    self._velocity = _mix(velocity, self._velocity, SPEED_CUTOFF, step)
    speed = np.linalg.norm(self._velocity, axis=-1, keepdims=True)
    self._value = _mix(value, self._value, MIN_CUTOFF + BETA * speed, step)
    self._time = seconds
    return self._value


def _mix(new, old, cutoff, step):
  """First-order low pass: cutoff in Hz, step in seconds."""
  share = 1 / (1 + 1 / (2 * math.pi * cutoff * step))
  return share * new + (1 - share) * old


class PoseSmoother:
  """Filters the 2D and 3D joints of one person."""

  def __init__(self):
    """Starts anew."""
    self._filters = {}

  def __call__(self, pose: Pose, seconds: float) -> Pose:
    """The pose with joints2d, joints_mm, joints_camera and the angles filtered."""

    def filtered(name, scale, value):
      return self._filters.setdefault(name, OneEuro(scale))(value, seconds)

    # A mean of turned bones is too short: the sum that the header states is restored.
    joints_mm = filtered('joints_mm', 1000.0, pose.joints_mm)
    size = skeleton.bone_lengths(pose.joints_mm).sum()
    length = skeleton.bone_lengths(joints_mm).sum()
    if length > 0:
      joints_mm = joints_mm * (size / length)
    in_camera = pose.joints_camera
    if in_camera is not None:
      # The place alone, so that both sets of joints stay one body.
      at = in_camera[skeleton.ROOT] - pose.joints_mm[skeleton.ROOT]
      in_camera = joints_mm + filtered('joints_camera', 1000.0, at)
    return dataclasses.replace(
      pose,
      joints2d=filtered('joints2d', max(pose.box.xywh[2:]), pose.joints2d),
      joints_mm=joints_mm,
      joints_camera=in_camera,
      angles=angles.of(joints_mm),
    )
