"""Which way up a frame of a video is, as its file says."""

import math
import struct

import numpy as np
from jaxtyping import UInt8


def upright(frame) -> UInt8[np.ndarray, 'H W 3']:
  """RGB of a frame of PyAV, turned by a multiple of 90 degrees as its metadata asks."""
  image = frame.to_ndarray(format='rgb24')
  turns = _mirrored(frame)
  if turns is not None:
    return np.ascontiguousarray(np.rot90(image[:, ::-1], turns))
  # The rotation is counter-clockwise, in degrees.
  return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


def _mirrored(frame):
  """Quarter turns counter-clockwise after a mirroring; None where there is none."""
  for data in frame.side_data:
    if data.type.name == 'DISPLAYMATRIX' and len(bytes(data)) >= 36:
      a, b, _, c, d, *_ = struct.unpack('=9i', bytes(data)[:36])
      # (x, y) of the frame comes to (a x + c y, b x + d y); a mirroring has a negative
      # determinant. What remains is a turn of the mirrored x, -x, by the matrix.
      if a * d - b * c < 0:
        return round(math.degrees(math.atan2(b, -a)) / 90) % 4
  return None
