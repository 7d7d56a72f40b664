"""Predictions made anywhere, matched to the truth by id and by joint name."""

import pathlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Int

from wild3d import skeleton
from wild3d.errors import UserError
from wild3d.poses import poses_json
from wild3d.protocols import sizes
from wild3d.protocols.formats import arrays, coco_results, named_joints, schema_json
from wild3d.protocols.formats.named_joints import some
from wild3d.protocols.formats.raw import Options, Raw, in_px, of_arrays
from wild3d.protocols.samples import Predictions, Truth


def read(
  path: str | pathlib.Path,
  truth: Truth,
  options: Options | None = None,
  *,
  wanted: Bool[np.ndarray, ' N'] | None = None,
  tell: Callable[[str], object] = print,
) -> Predictions:
  """The predictions of a file for the truth's samples, in its order and joints.

  Args:
    path: npz, npy, h5, mat; poses.json; JSON of our schema or of COCO results.
    truth: of the N samples.
    options: what the file does not say.
    wanted: the samples that must be there; None for all. Others that the file lacks
      are NaN.
    tell: is given a line for all that was assumed, derived, or left out.

  Raises:
    UserError: the file cannot be read; its joints, units or first pixel are not
      known; ids are missing, twice, or unknown to the truth; an entry is NaN or
      infinite; the size is not a person's in mm; no joint is the truth's.
  """
  path, options = pathlib.Path(path), options or Options()
  if options.first_pixel not in (None, *named_joints.FIRST_PIXELS):
    raise UserError(f'--first_pixel={options.first_pixel}: must be 0, 0.5 or 1')
  wanted = np.ones(len(truth), bool) if wanted is None else wanted
  if path.suffix.lower() == '.json':
    data = schema_json.parse(path)
    if isinstance(data, list):
      return _read_coco(path, data, truth, options, wanted, tell)
    if isinstance(data, dict) and data.get('schema') == 'wild3d.poses':
      return _read_poses(path, truth, options, wanted, tell)
    raw = of_arrays(path, schema_json.arrays(path, data, 'predictions'), options, tell)
  elif path.suffix.lower() in arrays.SUFFIXES:
    raw = of_arrays(path, arrays.load(path), options, tell)
  else:
    raise UserError(f'{path}: must end in .json, {", ".join(arrays.SUFFIXES)}')
  _finite(path, raw)
  rows = _rows(path, raw, truth, options, wanted, tell)
  joints2d, joints3d = _converted(path, raw, truth, tell)
  return _matched(path, joints2d, joints3d, rows, truth)


def require(predictions: Predictions, needs: str, protocol: str, path) -> None:
  """Refuses predictions of the file `path` without the '2d' or '3d' that one needs.

  Raises:
    UserError: they have none of it; the message names the protocol and the file.
  """
  if getattr(predictions, f'joints{needs}') is None:
    raise UserError(
      f'{path}: holds no {needs.upper()} predictions, which protocol {protocol} '
      f'compares (joints{needs}, or --key)'
    )


def _read_coco(path, data, truth, options, wanted, tell):
  results = coco_results.read(path, data)
  count = results.keypoints.shape[1]
  joints = named_joints.names_of(options.joints or 'coco17', '--joints')
  if options.key or options.units:
    raise UserError(f'{path}: COCO results take neither --key nor --units')
  if count != len(joints):
    raise UserError(
      f'{path}: {count} keypoints in each result, but {len(joints)} joints are named; '
      'state --joints'
    )
  joints2d = in_px(results.keypoints, options, 0.0, tell)
  raw = Raw(joints, joints2d, None, results.images)
  return _assigned(path, raw, results, truth, options, wanted, tell)


def _read_poses(path, truth, options, wanted, tell):
  """Our own poses.json: pictures by their names, people as of COCO's results."""
  if options.joints or options.key or options.units or options.first_pixel is not None:
    raise UserError(
      f'{path}: poses.json says its own joints, units and pixels: leave out --joints, '
      '--key, --units and --first_pixel'
    )
  read = poses_json.read(path)
  if read.header.joints != 'mpii16':
    raise UserError(
      f'{path}: in the joints of {read.header.joints}, some of which are made or not '
      'found: predict without --joints'
    )
  found = [
    (pathlib.PurePath(picture.source).name, pose)
    for picture in read.pictures
    for pose in picture.poses
  ]
  if not found:
    raise UserError(f'{path}: holds no people')
  images = np.array([name for name, _ in found], str)
  poses = [pose for _, pose in found]
  scores = [p.box.score if p.box.score is not None else p.scores.mean() for p in poses]
  joints2d, joints3d = (
    np.stack([getattr(pose, key) for pose in poses])
    for key in ('joints2d', 'joints_mm')
  )
  results = coco_results.Results(images, joints2d, np.array(scores, float))
  raw = Raw(skeleton.JOINTS, joints2d, joints3d, images)
  return _assigned(path, raw, results, truth, options, wanted, tell)


def _assigned(path, raw, results, truth, options, wanted, tell):
  """Several people in a picture: which is whom is told by their 2D."""
  _finite(path, raw)
  joints2d, joints3d = _converted(path, raw, truth, tell)
  rows, extra = coco_results.assign(
    results, joints2d, truth.joints, truth.ids, truth.joints2d
  )
  _complete(path, rows, extra, truth, options, wanted, tell, what='image_id')
  used = int((rows >= 0).sum())
  if used < len(results.images):
    tell(f'{len(results.images) - used} of {len(results.images)} results not used')
  return _matched(path, joints2d, joints3d, rows, truth)


def _finite(path, raw):
  for dims, joints in ((2, raw.joints2d), (3, raw.joints3d)):
    if joints is None:
      continue
    if not len(joints):
      raise UserError(f'{path}: holds no predictions')
    broken = ~np.isfinite(joints).all(axis=-1)
    if broken.any():
      row, joint = np.argwhere(broken)[0]
      called = f'sample {row}' if raw.ids is None else f'{raw.ids[row]}'
      raise UserError(
        f'{path}: {int(broken.sum())} {dims}D joints are NaN or infinite; first '
        f'{raw.joints[joint]} of {called}. Every joint must be predicted; leave out of '
        'the joints what is never predicted'
      )


def _rows(path, raw, truth, options, wanted, tell) -> Int[np.ndarray, ' N']:
  """The row of the predictions for each sample of the truth, -1 for none."""
  if raw.ids is None:
    count = len(raw.joints2d if raw.joints2d is not None else raw.joints3d)
    if count != len(truth):
      raise UserError(
        f'{path}: {count} predictions without ids, but the truth has {len(truth)} '
        "samples; give ids, or predict all in the truth's order"
      )
    tell(f"no ids in {path}: its {count} predictions are taken in the truth's order")
    return np.arange(count)
  if repeated := named_joints.twice(raw.ids):
    raise UserError(
      f'{path}: {len(repeated)} ids occur twice: {some(repeated)}; keep one of each'
    )
  place = {name: row for row, name in enumerate(raw.ids.tolist())}
  rows = np.array([place.pop(name, -1) for name in truth.ids.astype(str).tolist()], int)
  _complete(path, rows, list(place), truth, options, wanted, tell, what='id')
  return rows


def _complete(path, rows, extra, truth, options, wanted, tell, what):
  missing = truth.ids[wanted & (rows < 0)]
  if len(missing):
    raise UserError(
      f'{path}: predictions of {len(missing)} of {int(wanted.sum())} samples are '
      f'missing: {some(missing)}'
      + f'; it has {len(extra)} {what}s unknown to the truth: {some(extra)}'
      * bool(extra)
      + '; predict them too, or mark them as not valid in the truth'
    )
  if extra and not options.ignore_extra:
    raise UserError(
      f'{path}: {len(extra)} {what}s are not in the truth: {some(extra)}; state '
      '--ignore_extra if that is meant'
    )
  if extra:
    tell(f'{len(extra)} {what}s that the truth lacks are left out: {some(extra)}')


def _converted(path, raw, truth, tell):
  """[2D, 3D] in the truth's joints, NaN for those that are not predicted."""
  names, placed = raw.joints, []
  if misspelt := named_joints.unknown(names, truth.joints):
    raise UserError(
      f'{path}: unknown joint names: {", ".join(misspelt)}; the truth has '
      f'{", ".join(truth.joints)}'
    )
  for joints in (raw.joints2d, raw.joints3d):
    if joints is not None:
      joints, known = skeleton.convert(joints, names, truth.joints)
      joints = np.where(known[:, None], joints.astype(np.float64), np.nan)
    placed.append(joints)
  if not known.any():
    raise UserError(
      f'{path}: shares no joint with the truth; it has {some(names, 20)}, the truth '
      f'{some(truth.joints, 20)}'
    )
  has = dict(zip(truth.joints, known, strict=True))
  if derived := [name for name in has if has[name] and name not in names]:
    tell(f'joints: {", ".join(derived)} from the middle of hips or shoulders')
  if lacking := [name for name in has if not has[name]]:
    tell(f'joints not predicted: {", ".join(lacking)}')
  if unused := [name for name in names if name not in truth.joints]:
    tell(f'joints that the truth lacks: {", ".join(unused)}')
  return placed


def _matched(path, joints2d, joints3d, rows, truth):
  """In the truth's order, NaN where a sample need not be predicted; sizes checked."""
  there = (rows >= 0)[:, None, None]
  joints2d, joints3d = (
    None if joints is None else np.where(there, joints[np.maximum(rows, 0)], np.nan)
    for joints in (joints2d, joints3d)
  )
  if joints2d is not None:
    sizes.check2d(joints2d, truth.joints2d, str(path))
  if joints3d is not None:
    sizes.check3d(joints3d, truth.joints, str(path), truth.joints3d)
  return Predictions(truth.joints, joints2d, joints3d)
