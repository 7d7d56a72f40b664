"""MPII annotations in the h5 form of Newell et al. 2016 and of Zhou et al. 2017.

Columns: `index` and `person` (places in the official .mat, from 0), `imgname` (bytes,
or one character code a number), `part` [N, 16, 2] px, `visible`, `center`, `scale`,
`normalize` (0.6 of the head box's diagonal). annot/{train,valid,test}.h5 hold one
split each, annot.h5 the training (`istrain` 1) and the test people (0) together.

Two things differ between these files, and each file tells by its numbers:
  The box. annot.h5 has objpos and scale of the .mat; the others have them "adjusted"
    (y + 15 * scale, scale * 1.25). objpos is in whole px, so y - 12 * scale is whole
    if it was adjusted (all 2,958 rows of the published valid.h5), else y itself.
  The first pixel. Where a joint is not labelled, `part` is (0, 0) if pixels are
    counted from 1, as in the .mat, and (-1, -1) if they are counted from 0. (The
    readers of annot.h5 add 1 to it; a copy of that file was not at hand.)
"""

import pathlib

import numpy as np

from wild3d.datasets import array_files
from wild3d.datasets.mpii.person import Entry, Person
from wild3d.errors import UserError

_SHAPES = {
  'index': (),
  'person': (),
  'center': (2,),
  'scale': (),
  'part': (16, 2),
  'visible': (16,),
  'normalize': (),
}
_OPTIONAL = ('visible', 'normalize')


def read(path: pathlib.Path, test: bool = False) -> list[Entry]:
  """The people of a file that holds one split, in the file's order.

  Args:
    path: train.h5, valid.h5 or test.h5.
    test: nobody is labelled; else who is not is left out.

  Raises:
    UserError: naming the file (and row): damaged, a column missing or of the wrong
      shape or with NaN, somebody twice.
  """
  names, columns, _ = _columns(path)
  return _people(path, names, columns, np.full(len(names), not test))


def read_all(path: pathlib.Path) -> tuple[list[Entry], list[Entry]]:
  """The training and the test people of annot.h5; else as `read`."""
  names, columns, train = _columns(path)
  if train is None:
    raise UserError(f'{path}: holds no column istrain')
  people = _people(path, names, columns, train)
  return (
    [p for p, labelled in zip(people, train, strict=True) if labelled],
    [p for p, labelled in zip(people, train, strict=True) if not labelled],
  )


def _people(path, names, columns, train):
  center, scale = columns['center'], columns['scale']
  first = _first_pixel(columns['part'])
  given = (columns['part'] != first - 1).any(axis=-1)
  # Somebody without any label is written as a whole row of 0 or of -1.
  given &= (columns['part'] != -1).any(axis=-1)
  visible = columns.get('visible', np.ones_like(given)) != 0
  head = np.maximum(columns.get('normalize', np.zeros(len(names))), 0.0)
  people, seen = [], {}
  for row, name in enumerate(names):
    identity = (int(columns['index'][row]), int(columns['person'][row]))
    if identity in seen:
      raise UserError(f'{path}, row {row}: repeats row {seen[identity]} ({name})')
    seen[identity] = row
    labelled = given[row] & train[row]
    if scale[row] <= 0:
      people.append('no position or scale')
    elif train[row] and not labelled.any():
      people.append('training picture: no joint is annotated')
    else:
      people.append(
        Person.of(
          name,
          identity[1],
          joints=columns['part'][row] + (1 - first),
          labelled=labelled,
          visible=visible[row],
          center=center[row],
          scale=float(scale[row]),
          head_size=float(head[row]) if train[row] else 0.0,
          index=identity[0],
        )
      )
  return people


def _columns(path):
  """(file names, columns as float64 with the box as in the .mat, istrain or None)."""
  wanted = ['imgname', *(key for key in _SHAPES if key not in _OPTIONAL)]
  data = array_files.hdf5(
    path, wanted, optional=(*_OPTIONAL, 'istrain'), advice='take it as published'
  )
  try:
    names = _names(path, data['imgname'])
    columns = {key: np.asarray(data[key], float) for key in _SHAPES if key in data}
    train = data['istrain'] > 0 if 'istrain' in data else None
  except (TypeError, ValueError) as error:
    raise UserError(f'{path}: a column holds what it must not: {error}') from None
  for key, column in columns.items():
    if column.shape != (len(names), *_SHAPES[key]):
      raise UserError(f'{path}: column {key} has shape {column.shape}, which is wrong')
    broken = ~np.isfinite(column).reshape(len(names), -1).all(axis=1)
    if broken.any():
      row = int(np.argmax(broken))
      raise UserError(f'{path}, row {row} ({names[row]}): {key} holds NaN or infinity')
  if train is not None and train.shape != (len(names),):
    raise UserError(f'{path}: column istrain has shape {train.shape}, which is wrong')
  if _adjusted(columns['center'], columns['scale'], combined=train is not None):
    scale = columns['scale'] / 1.25
    columns['center'] = columns['center'] - np.outer(15 * scale, [0.0, 1.0])
    columns['scale'] = scale
  return names, columns, train


def _names(path, column):
  """The file names, from bytes or character codes."""
  if column.ndim == 2:
    column = [bytes(codes).split(b'\0')[0] for codes in column.astype(np.uint8)]
  names = [n.decode('ascii') if isinstance(n, bytes) else str(n) for n in column]
  for row, name in enumerate(names):
    if not name or pathlib.Path(name).name != name:
      raise UserError(f'{path}, row {row}: imgname must name a file, not {name!r}')
  if not names:
    raise UserError(f'{path}: holds nobody')
  return names


def _adjusted(center, scale, combined):
  """Whether the box is adjusted; see the head of this file."""

  def whole(y):
    return float((np.abs(y - np.round(y)) < 0.01).mean())

  original, adjusted = whole(center[:, 1]), whole(center[:, 1] - 12 * scale)
  if max(original, adjusted) > 0.9 and original != adjusted:
    return adjusted > original
  return not combined  # centres in fractions of px: by the kind of file


def _first_pixel(part):
  """1 or 0: the number of the first pixel; see the head of this file."""
  somebody = part[(part > 1).any(axis=(1, 2))]
  from_one = (somebody == 0).all(axis=-1).sum()
  from_zero = (somebody == -1).all(axis=-1).sum()
  return 0 if from_zero > from_one else 1
