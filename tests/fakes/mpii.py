"""A small MPII: eight pictures and their people, in every form the builder reads."""

import json
import pathlib

import h5py
import numpy as np
import scipy.io
from PIL import Image

from wild3d.datasets.mpii.person import Person

WIDTH, HEIGHT = 90, 70
MAT = 'mpii_human_pose_v1_u12_1.mat'


def joints(shift, without=()):
  """Joint -> (x, y, is_visible) px counted from 1; None: is_visible is empty."""
  said = {8: None, 9: None, 2: '0', 3: 0, 4: 1}
  places = {k: (10.0 + 4 * k + shift, 60.0 - 3 * k + shift) for k in range(16)}
  for k in (8, 9):  # fractions of px, as in the release
    places[k] = places[k][0] + 0.6531, places[k][1] + 0.2519
  return {k: (*p, said.get(k, '1')) for k, p in places.items() if k not in without}


def someone(shift=0.0, without=(), **changes):
  """A person; what is None in `changes` is not given."""
  given = {
    'joints': joints(shift, without),
    'objpos': (45.0 + shift, 31.0),
    'scale': 0.16 + shift / 100,
    'head': (40.0 + shift, 20.0, 52.0 + shift, 36.0),
  }
  return {k: v for k, v in {**given, **changes}.items() if v is not None}


def passer_by(**changes):
  """Somebody of a test picture: a box, and no labels."""
  return someone(joints=None, head=None, **changes)


# (name, of the training pictures, activity, people). The picture '6' is missing.
PICTURES = [
  ('1.jpg', True, 'curling', [someone(without=(0, 5)), someone(3, joints=None)]),
  ('2.jpg', True, 'yoga', [someone(1), someone(2, without=(15,)), someone(4)]),
  ('3.jpg', True, '', [someone(3, objpos=None), someone(5, head=None)]),
  ('4.jpg', False, '', [passer_by(), passer_by(scale=None)]),
  ('5.jpg', True, 'golf', []),
  ('6.jpg', True, 'golf', [someone(6)]),
  ('7.jpg', False, '', [passer_by(scale=0.2)]),
  ('8.jpg', True, 'golf', [someone(joints=None, head=None)]),
]
VALIDATION = [(1, 1), (2, 1)]  # (picture, person) from 0


def images(folder: pathlib.Path) -> None:
  """Grey pictures, with a white dot for each joint of the first person."""
  (folder / 'images').mkdir(parents=True, exist_ok=True)
  for name, _, _, people in PICTURES:
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for x, y, _ in people[0].get('joints', {}).values() if people else ():
      if 1 <= x <= WIDTH and 1 <= y <= HEIGHT:
        pixels[int(y) - 1, int(x) - 1] = 255
    if name != '6.jpg':
      Image.fromarray(pixels).save(folder / 'images' / name, quality=95)


def _struct(rows, fields):
  array = np.zeros((1, len(rows)), [(name, 'O') for name in fields])
  for i, row in enumerate(rows):
    array[0, i] = tuple(row.get(name, np.zeros((0, 0))) for name in fields)
  return array


def _points(places, said=True):
  rows = []
  for k, (x, y, visible) in reversed(list(places.items())):
    row = {'x': x, 'y': y, 'id': np.uint8(k)}
    rows.append(row if visible is None else {**row, 'is_visible': visible})
  fields = ('x', 'y', 'id', 'is_visible')[: 4 if said else 3]
  return _struct([{'point': _struct(rows, fields)}], ('point',))


def _rectangle(one):
  row = dict(zip(('x1', 'y1', 'x2', 'y2'), one.get('head', ()), strict=False))
  if 'joints' in one:
    row['annopoints'] = _points(one['joints'], one.get('said', True))
  if 'objpos' in one:
    row['objpos'] = _struct([dict(zip('xy', one['objpos'], strict=True))], 'xy')
  return row | ({'scale': one['scale']} if 'scale' in one else {})


def write_mat(path: pathlib.Path, pictures=PICTURES, **changes) -> None:
  """RELEASE; fields that nobody of a picture has are absent from its struct."""
  fields = ('x1', 'y1', 'x2', 'y2', 'annopoints', 'scale', 'objpos')
  annolist, acts, single = [], [], np.empty((len(pictures), 1), object)
  for i, (name, _, action, people) in enumerate(pictures):
    rows = [_rectangle(one) for one in people]
    used = [f for f in fields if any(f in row for row in rows)]
    picture = {'image': _struct([{'name': name}], ('name',)), 'vidx': 1.0}
    annolist.append(picture | ({'annorect': _struct(rows, used)} if rows else {}))
    acts.append({'act_name': action, 'act_id': 3.0} if action else {'act_id': -1.0})
    single[i, 0] = np.arange(1.0, len(people) + 1)
  release = {
    'annolist': _struct(annolist, ('image', 'annorect', 'vidx')),
    'img_train': np.array([[int(p[1]) for p in pictures]], np.uint8),
    'version': '12',
    'single_person': single,
    'act': _struct(acts, ('act_name', 'act_id')).T,
    **changes,
  }
  path.parent.mkdir(parents=True, exist_ok=True)
  content = {'RELEASE': _struct([release], tuple(release))}
  scipy.io.savemat(path, content, do_compression=True)


def people(keys):
  """(picture, person, name, what is known of them) of `keys`."""
  return [(i, k, PICTURES[i][0], PICTURES[i][3][k]) for i, k in keys]


def everybody(train: bool):
  """Keys of the people with a box, of the training or the test pictures."""
  return [
    (i, k)
    for i, (_, of_training, _, members) in enumerate(PICTURES)
    for k, one in enumerate(members)
    if of_training == train and {'objpos', 'scale'} <= set(one)
  ]


def write_json(path: pathlib.Path, keys) -> None:
  """The people of `keys` in the form of HRNet."""
  entries = []
  for _, _, name, one in people(keys):
    places = {k: p[:2] for k, p in one['joints'].items()}
    entries.append(
      {
        'image': name,
        'joints': [places.get(k, (-1.0, -1.0)) for k in range(16)],
        'joints_vis': [int(k in places) for k in range(16)],
        'center': one['objpos'],
        'scale': one['scale'],
      }
    )
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps(entries))


def write_h5(path, keys, *, codes=False, adjusted=True, first=1, train=None, **changes):
  """The people of `keys` in the form of Newell, which rounds joints down.

  Args:
    path: the file.
    keys: (picture, person).
    codes: file names as character codes.
    adjusted: centre and scale, as in valid.h5.
    first: number of the first pixel.
    train: istrain, one of each key; None: no such column.
    **changes: further columns; None leaves one out.
  """
  part = np.full((len(keys), 16, 2), first - 1.0)
  visible = np.zeros((len(keys), 16))
  columns = {'index': [], 'person': [], 'center': [], 'scale': [], 'normalize': []}
  for row, (index, k, _, one) in enumerate(people(keys)):
    for joint, (x, y, said) in one.get('joints', {}).items():
      part[row, joint] = np.floor((x, y)) + first - 1
      visible[row, joint] = 1 if said is None else int(said)
    (x, y), scale = one['objpos'], one['scale']
    if adjusted:
      y, scale = y + 15 * scale, scale * 1.25
    x1, y1, x2, y2 = one.get('head', (0, 0, 0, 0))
    values = (index, k, (x, y), scale, 0.6 * np.hypot(x2 - x1, y2 - y1))
    for column, value in zip(columns.values(), values, strict=True):
      column.append(np.float64(value))
  names = [name.encode() for *_, name, _ in people(keys)]
  if codes:
    names = [list(name.ljust(16, b'\0')) for name in names]
  columns |= {'part': part, 'visible': visible, 'imgname': np.array(names)}
  columns |= {} if train is None else {'istrain': train, 'multi': train}
  path.parent.mkdir(parents=True, exist_ok=True)
  with h5py.File(path, 'w') as file:
    for key, column in (columns | changes).items():
      if column is not None:
        column = np.asarray(column)
        file[key] = column.astype(float) if codes and key == 'imgname' else column


def write_detections(path: pathlib.Path, keys=VALIDATION) -> None:
  """The list of Tompson et al., counted from 1."""
  index, person = np.array(keys).T + 1.0
  columns = {'RELEASE_img_index': index[None], 'RELEASE_person_index': person[None]}
  scipy.io.savemat(path, columns)


def official(folder: pathlib.Path) -> pathlib.Path:
  """A manual_dir as it is downloaded, with the list of detections.mat."""
  images(folder)
  write_mat(folder / 'mpii_human_pose_v1_u12_2' / MAT)
  write_detections(folder / 'detections.mat')
  return folder


def persons(entries):
  """Who is not left out, by (picture, person)."""
  return {(p.index, p.row): p for p in entries if isinstance(p, Person)}


def assert_same(one, other, *, floor=False, occlusion=True):
  """The same person, to 1e-9 px; with `floor` joints may be rounded down."""
  assert (one.image, one.labelled.tolist()) == (other.image, other.labelled.tolist())
  np.testing.assert_allclose(one.center, other.center, rtol=0, atol=1e-9)
  np.testing.assert_allclose(one.side, other.side, rtol=1e-12)
  if occlusion:
    assert one.occluded.tolist() == other.occluded.tolist()
  difference = one.joints2d - other.joints2d
  slack = 1.0 if floor else 1e-9
  assert difference.min() > -1e-9
  assert difference.max() < slack
