"""MPII's validation labels in the files that carry them: gt_valid.mat, valid.h5."""

import pathlib

import numpy as np

from wild3d.errors import UserError

# Both count pixels from 1, as MPII does: the centre of the first is (1, 1).
_FIRST_PIXEL = 1.0
_HEAD = 0.6  # head size, unit of PCKh, over the diagonal of the head box
_MAT = {'pos_gt_src': (16, 2), 'jnt_missing': (16,), 'headboxes_src': (2, 2)}
_H5 = {'part': (16, 2), 'normalize': (), 'index': (), 'person': ()}


def as_ours(path: pathlib.Path, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """The arrays of our truth form, from those of either file; others as they are.

  Ids of gt_valid.mat (HRNet, Tompson) are the people's places, from 0; of valid.h5
  (Newell) 'imgname:person', as our dataset's end.

  Raises:
    UserError: an array is missing or of the wrong shape.
  """
  if 'pos_gt_src' in found:
    return _from_mat(path, found)
  if {'part', 'normalize', 'imgname'} <= set(found):
    return _from_h5(path, found)
  return found


def _from_mat(path, found):
  _shapes(path, found, {k: (*s, ...) for k, s in _MAT.items()})
  joints2d = np.moveaxis(found['pos_gt_src'], 2, 0).astype(np.float64)
  labelled = found['jnt_missing'].T == 0
  box = np.moveaxis(found['headboxes_src'], 2, 0).astype(np.float64)
  return {
    'joints': np.array('mpii16'),
    'ids': np.arange(len(joints2d)).astype(str),
    'joints2d': _in_px(joints2d, labelled),
    'head_size': _HEAD * np.linalg.norm(box[:, 1] - box[:, 0], axis=-1),
  }


def _from_h5(path, found):
  _shapes(path, found, {k: (..., *s) for k, s in _H5.items()})
  part = found['part'].astype(np.float64)
  # (0, 0) stands for a joint without label, and (-1, -1) for a whole person's.
  labelled = ((part != 0) & (part != -1)).any(axis=-1)
  names = found['imgname']
  if names.dtype.kind != 'U':  # older files store character codes
    codes = names.astype(np.uint8)
    names = [bytes(row).split(b'\0')[0].decode() for row in codes]
  people = found['person'].astype(int)
  arrays = {
    'joints': np.array('mpii16'),
    'ids': np.array([f'{n}:{p}' for n, p in zip(names, people, strict=True)], str),
    'joints2d': _in_px(part, labelled),
    'head_size': np.where(found['normalize'] > 0, found['normalize'], np.nan),
  }
  if 'visible' in found:
    arrays['occluded'] = (found['visible'] == 0) & labelled
  return arrays


def _in_px(joints2d, labelled):
  return np.where(labelled[..., None], joints2d + (0.5 - _FIRST_PIXEL), np.nan)


def _shapes(path, found, wanted):
  """Refuses missing arrays and wrong shapes; `...` stands for the one number N."""
  counts = set()
  for key, shape in wanted.items():
    if key not in found:
      raise UserError(f'{path}: holds no array {key}')
    got = found[key].shape
    if len(got) != len(shape) or any(
      w is not ... and w != g for w, g in zip(shape, got, strict=True)
    ):
      raise UserError(f'{path}: {key} has shape {got}, which is wrong')
    counts.add(got[shape.index(...)])
  if len(counts) > 1:
    raise UserError(f'{path}: its arrays differ in the number of people')
