"""Faster R-CNN of torchvision, trained on COCO by its authors."""

import importlib.util
import os
import pathlib

import numpy as np

from wild3d.errors import UserError, missing
from wild3d.predict import boxes as box_lib

_PERSON = 1
_LEAST = 0.6  # probability
_OVERLAP = 0.6


def ready() -> bool:
  """Whether torchvision and its weights are here; nothing large is imported to tell."""
  if not (
    importlib.util.find_spec('torch') and importlib.util.find_spec('torchvision')
  ):
    return False
  home = os.environ.get('TORCH_HOME') or pathlib.Path(
    os.environ.get('XDG_CACHE_HOME') or '~/.cache', 'torch'
  )
  folder = pathlib.Path(home).expanduser() / 'hub' / 'checkpoints'
  return any(folder.glob('fasterrcnn_mobilenet_v3_large_fpn-*.pth'))


def make(network=None):
  """The detector: see `detect.make`.

  Args:
    network: of float RGB [3, H, W] in a list to torchvision's detections; None takes
      the trained one, which torchvision downloads once.

  Raises:
    UserError: PyTorch or torchvision is not installed, or the download failed.
  """
  try:
    import torch
  except ImportError as error:
    raise _missing(error) from None
  network = network or _pretrained()

  def find(image):
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) / 255
    with torch.inference_mode():
      (found,) = network([pixels])
    boxes = []
    for label, score, ends in zip(
      found['labels'].tolist(),
      found['scores'].tolist(),
      found['boxes'].numpy().astype(np.float64),
      strict=True,
    ):
      box = box_lib.around(
        ends.reshape(2, 2), *image.shape[1::-1], score, 'torchvision'
      )
      if label == _PERSON and score >= _LEAST and box is not None:
        boxes.append(box)
    return box_lib.distinct(boxes, _OVERLAP)

  return find


def _pretrained():
  try:
    from torchvision.models import detection
  except (ImportError, RuntimeError) as error:  # one that does not fit its PyTorch
    raise _missing(error) from None
  try:
    network = detection.fasterrcnn_mobilenet_v3_large_fpn(weights='DEFAULT')
  except (OSError, RuntimeError) as error:
    raise UserError(
      f'--detector=torchvision: its weights could not be downloaded ({error})'
    ) from None
  return network.eval()


def _missing(error):
  return missing('--detector=torchvision', 'torchvision', error)
