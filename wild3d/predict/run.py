"""Behind `wild3d predict`: photographs in, a folder of poses and pictures out."""

import os
import pathlib
import sys
import time

import numpy as np
from PIL import Image

import wild3d
from wild3d import atomic
from wild3d.errors import UserError
from wild3d.media import image_file, inputs
from wild3d.poses import poses_json
from wild3d.poses.pose import Box, Header, Picture, PoseFile
from wild3d.predict import place
from wild3d.predict.predictor import Predictor

_LARGEST = 960  # px of an overlay's longer side


def predict(
  arguments: list[str],
  checkpoint: str,
  out: str,
  *,
  step: str = 'best',
  box: tuple[float, ...] | None = None,
  height: float | None = None,
  focal: float | None = None,
  fov: float | None = None,
  refine: str | None = None,
  flip_test: bool = False,
  pictures: bool = True,
) -> None:
  """Predicts for every picture; writes OUT/poses.json and OUT/pictures/.

  Args:
    arguments: see inputs.pictures.
    checkpoint: folder of a run.
    out: folder, made if need be; files of the same names are written anew.
    step: 'best', 'latest' or a number.
    box: left, top, width, height of the person, px of every picture; None looks at
      the whole picture first, then at the joints' own box.
    height: of the person, metres; None scales to the configuration's skeleton.
    focal: px; see place.camera_of.
    fov: degrees; see place.camera_of.
    refine: sub-pixel rule; None: the configuration's.
    flip_test: see Predictor.from_checkpoint.
    pictures: whether to draw.

  Raises:
    UserError: a mistake in the arguments; or, after all others are done and written,
      pictures that could not be read.
  """
  paths, passed = inputs.pictures(arguments)
  place.camera_of(2, 2, focal, fov)  # a wrong flag is said before any work
  skeleton_mm = None if height is None else place.skeleton_of_height(height)
  folder = _folder(out)
  predictor = Predictor.from_checkpoint(
    checkpoint, step, refine=refine, flip_test=flip_test, skeleton_mm=skeleton_mm
  )
  if passed:
    print(f'{len(passed)} files are no pictures: {", ".join(passed[:3])}, ...')
  names, faults, done = _names(paths), [], []
  started = time.monotonic()
  for number, path in enumerate(paths, 1):
    try:
      image = image_file.read(path)
      size = image.shape[1], image.shape[0]
      camera = place.camera_of(*size, focal, fov)
      boxes = None if box is None else [Box(box)]
      poses = predictor.predict(image, boxes, camera)
    except UserError as error:
      faults.append(str(error))
      print(f'wild3d: {error}', file=sys.stderr)
      continue
    done.append(Picture(path, *size, tuple(poses), camera=camera))
    if pictures:
      _draw(image, poses, folder / 'pictures' / f'{names[path]}.jpg')
    rate = number / (time.monotonic() - started)
    print(f'{number}/{len(paths)}  {path}  {rate:.1f} pictures/s', flush=True)
  header = Header(
    checkpoint=f'{checkpoint}, step {predictor.step}',
    fingerprint=predictor.fingerprint,
    scale='skeleton' if height is None else 'height',
    skeleton_mm=predictor.skeleton_mm,
    height_mm=None if height is None else 1000.0 * height,
    detector='whole' if box is None else 'given',
    refine=predictor.refine,
    flip_test=flip_test,
    smooth=False,
    fps=None,
    version=wild3d.__version__,
  )
  if done:
    poses_json.write(PoseFile(header, tuple(done)), folder / 'poses.json')
    print(f'written: {folder / "poses.json"}')
  if faults:
    raise UserError(
      f'{len(faults)} of {len(paths)} pictures were not predicted: {faults[0]}'
      + (f' (and {len(faults) - 1} more, above)' if len(faults) > 1 else '')
    )


def _folder(out):
  folder = pathlib.Path(out).expanduser()
  try:
    (folder / 'pictures').mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(f'--out={out}: cannot be made: {error.strerror}') from None
  if not os.access(folder, os.W_OK):
    raise UserError(f'--out={out}: cannot be written to')
  return folder


def _names(paths):
  """Path -> name of its overlay; numbered where two files share a stem."""
  taken, names = {}, {}
  for path in paths:
    stem = pathlib.Path(path).stem
    taken[stem] = taken.get(stem, 0) + 1
    names[path] = stem if taken[stem] == 1 else f'{stem}-{taken[stem]}'
  return names


def _draw(image, poses, path):
  import io

  from wild3d import visualize  # matplotlib, only here

  height, width = image.shape[:2]
  shrink = min(1.0, _LARGEST / max(height, width))
  size = max(1, round(width * shrink)), max(1, round(height * shrink))
  shown = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
  scale = np.array(size) / (width, height)
  row = [shown]
  for pose in poses:
    row[0] = visualize.overlay(shown, pose.joints2d * scale)
    row.append(visualize.views(pose.joints_mm))
  buffer = io.BytesIO()
  Image.fromarray(visualize.grid([row])).save(buffer, 'JPEG', quality=90)
  atomic.write(path, buffer.getvalue())
