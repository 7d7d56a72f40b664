"""OpenCV's people detector (Dalal and Triggs 2005): weights come with the package."""

import numpy as np

from wild3d.errors import missing
from wild3d.predict import boxes as box_lib

_LARGEST = 960  # px of the longer side that is looked at
_SMALLEST = 400  # px: smaller pictures are enlarged, as its window is 128 px high
_PACKAGE = "'opencv-python-headless<5'"
_LEAST = 0.2  # of its own score: the distance from the hyperplane
_OVERLAP = 0.4
# Its window of 64 x 128 px holds a person of about 96, with 16 px round it.
_MARGIN = np.array([0.15, 0.11])


def make():
  """The detector: see `detect.make`.

  Raises:
    UserError: OpenCV is not installed, or one without this detector.
  """
  try:
    import cv2
  except ImportError:
    raise missing('--detector=hog', _PACKAGE) from None
  if not hasattr(cv2, 'HOGDescriptor'):
    raise missing('--detector=hog', _PACKAGE, 'OpenCV 5 has it no more')
  descriptor = cv2.HOGDescriptor()
  descriptor.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

  def find(image):
    longer = max(image.shape[:2])
    scale = min(_LARGEST, max(_SMALLEST, longer)) / longer
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    smaller = scale < 1
    looked = cv2.resize(
      image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    if size[0] < 64 or size[1] < 128:
      return []
    rects, weights = descriptor.detectMultiScale(
      looked[..., ::-1], winStride=(8, 8), padding=(16, 16), scale=1.05
    )
    found = []
    for rect, weight in zip(rects, np.ravel(weights), strict=True):
      corner, extent = np.float64(rect[:2]), np.float64(rect[2:])
      ends = np.stack([corner + _MARGIN * extent, corner + (1 - _MARGIN) * extent])
      box = box_lib.around(ends / scale, *image.shape[1::-1], float(weight), 'hog')
      if box is not None and weight > _LEAST:
        found.append(box)
    return box_lib.distinct(found, _OVERLAP)

  return find
