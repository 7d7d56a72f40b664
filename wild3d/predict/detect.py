"""Detectors: a picture in, person boxes out. Each is a function made by `make`."""

from collections.abc import Callable

import numpy as np

from wild3d.errors import UserError
from wild3d.poses.pose import Box

# A detector takes uint8 RGB [H, W, 3] and gives the boxes of the people in it, each
# with its score, the highest first.
Detector = Callable[[np.ndarray], list[Box]]

DETECTORS = ('search', 'hog', 'torchvision', 'whole')
AUTO = 'auto'


def chosen(name: str) -> str:
  """The detector that 'auto' means here; any other name is its own.

  torchvision's, where it is installed and its weights have been downloaded; else
  'search', which needs neither.
  """
  if name != AUTO:
    return name
  from wild3d.predict import torchvision_detector

  return 'torchvision' if torchvision_detector.ready() else 'search'


def make(name: str, predictor) -> Detector:
  """The detector of that name.

  Args:
    name: 'search': the pose network itself over windows of the picture, no download;
      'hog': OpenCV's histograms of oriented gradients, for people who stand, no
      download (extra `opencv`); 'torchvision': Faster R-CNN of torchvision, whose
      weights it downloads at the first use (extra `detector`); 'whole': the whole
      picture is one person's box.
    predictor: a Predictor.

  Raises:
    UserError: the name is unknown, or its package is not installed.
  """
  if name == 'search':
    from wild3d.predict import search

    return search.make(predictor)
  if name == 'hog':
    from wild3d.predict import hog

    return hog.make()
  if name == 'torchvision':
    from wild3d.predict import torchvision_detector

    return torchvision_detector.make()
  if name == 'whole':
    return lambda image: [
      Box((0.0, 0.0, *map(float, image.shape[1::-1])), None, 'whole')
    ]
  known = ', '.join((AUTO, *DETECTORS))
  raise UserError(f'--detector={name}: choose from {known}')
