"""The usual training and validation split of MPII (Tompson et al. 2015).

2,958 people of the official training pictures are for validation. The .mat does not
say which: a list of them comes with Newell's or HRNet's annotations, or with
Tompson's predictions. Of the other people, those in a picture of the list are left
out, and 22,246 are for training.
"""

import pathlib

import numpy as np

from wild3d.datasets import array_files
from wild3d.datasets.mpii import hrnet_json, newell_h5
from wild3d.datasets.mpii.person import Entry, Person
from wild3d.errors import UserError

SOURCES = (
  'valid.h5 (https://github.com/princeton-vl/pose-hg-train, data/mpii/annot), '
  'valid.json (the MPII annotations published with HRNet and "simple baselines") or '
  'detections.mat (in http://www.cims.nyu.edu/~tompson/data/mpii_valid_pred.zip)'
)
# Between a centre in valid.json and the same in the .mat, px; they are equal but for
# rounding.
_NEAR = 2.0


def divide(people: list[Entry], folder: pathlib.Path) -> dict[str, list[Entry]]:
  """'train' and 'validation' from the people of the training pictures.

  Args:
    people: with `index` and `row`.
    folder: where, or in whose annot/, the first of SOURCES that is there is taken.

  Raises:
    UserError: there is no such list; it is damaged, or names somebody who is not
      among the people: it belongs to another release.
  """
  path = _find(folder)
  by_key = {(p.index, p.row): p for p in people if isinstance(p, Person)}
  listed = _LISTED[path.name](path, by_key)
  for key, image in listed:
    if key not in by_key or image not in ('', by_key[key].image):
      raise UserError(
        f'{path}: person {key[1] + 1} of picture {key[0] + 1} {image} is not among '
        'the labelled people of the annotations: they are of different releases'
      )
  held_out = {key for key, _ in listed}
  pictures = {index for index, _ in held_out}
  reason = 'in a picture of the validation set, but not on its list'
  splits = {'train': [], 'validation': []}
  for one in people:
    key = (one.index, one.row) if isinstance(one, Person) else None
    if key in held_out:
      splits['validation'].append(one)
    elif key and key[0] in pictures:
      splits['train'].append(reason)
    else:
      splits['train'].append(one)
  return splits


def _find(folder):
  for name in _LISTED:
    for path in (folder / name, folder / 'annot' / name):
      if path.exists():
        return path
  raise UserError(
    f'{folder}: which people are for validation is not known, as the .mat does not '
    f'say it: put one of these there, or in its annot/: {SOURCES}'
  )


def _from_h5(path, by_key):
  people = newell_h5.read(path)
  return [((p.index, p.row), p.image) for p in people if isinstance(p, Person)]


def _from_detections(path, by_key):
  keys = ('RELEASE_img_index', 'RELEASE_person_index')
  found = array_files.matlab(path, keys, squeeze=True, advice='take it as published')
  index, row = (np.atleast_1d(found[key]) for key in keys)
  if index.shape != row.shape or index.dtype.kind not in 'uif':
    raise UserError(f'{path}: RELEASE_img_index and RELEASE_person_index disagree')
  # Counted from 1, by MATLAB.
  return [((int(i) - 1, int(r) - 1), '') for i, r in zip(index, row, strict=True)]


def _from_json(path, by_key):
  """The JSON does not number its people: by the picture, and who is nearest."""
  in_picture = {}
  for one in by_key.values():
    in_picture.setdefault(one.image, []).append(one)
  listed = {}
  for entry in hrnet_json.people(path):
    near = [p for p in in_picture.get(entry.image, []) if _apart(p, entry) < _NEAR]
    if not near:
      raise UserError(
        f'{path}, entry {entry.row}: nobody in {entry.image} has this center: the '
        'annotations are of different releases'
      )
    best = min(near, key=lambda p: np.abs(p.joints2d - entry.joints2d).sum())
    key = (best.index, best.row)
    if key in listed:
      raise UserError(
        f'{path}, entry {entry.row}: the same person of {entry.image} as entry '
        f'{listed[key]}'
      )
    listed[key] = entry.row
  return [(key, '') for key in listed]


def _apart(person, other):
  return float(np.abs(person.center - other.center).max())


_LISTED = {
  'valid.h5': _from_h5,
  'valid.json': _from_json,
  'detections.mat': _from_detections,
}
