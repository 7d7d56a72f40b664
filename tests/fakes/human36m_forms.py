"""Dummy Human3.6M in the preprocessed forms: the people and cameras of fake_human36m.

Pictures show a blot on the right wrist; pixels are fake_human36m's, given as they are.
"""

import pathlib
import pickle

import h5py
import numpy as np
import scipy.io
from fakes import human36m as fake
from PIL import Image

from wild3d.datasets.human36m import h36m_fetch as h36m_fetch_form
from wild3d.datasets.human36m import human36m_dataset_builder
from wild3d.datasets.human36m import mmpose as mmpose_form
from wild3d.datasets.human36m import zhou2017 as zhou2017_form

ONE = ((1, 'Directions 1', fake.CAMERAS[:1]),)
MAKE = {'mmpose': mmpose_form, 'zhou2017': zhou2017_form, 'h36m_fetch': h36m_fetch_form}
MOVING = list(fake.PLACES)
# Zhou's 16 joints: MPII's, with the spine for the thorax.
ZHOU16 = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
# Action and subaction of the takes in fake_human36m.metadata.
NUMBERS = {
  'Directions 1': (2, 1),
  'Directions': (2, 2),
  'TakingPhoto': (12, 2),
  'Greeting': (5, 2),
}
FETCH_FOLDERS = {
  (2, 1): 'Directions-1',
  (2, 2): 'Directions-2',
  (5, 2): 'Greeting-2',
  (12, 2): 'TakingPhoto-2',
}


def picture(blot, frame):
  """The same as a frame of fake_human36m's videos."""
  y, x = np.mgrid[: fake.SIDE, : fake.SIDE] + 0.5
  weight = np.exp(-((x - blot[0]) ** 2 + (y - blot[1]) ** 2) / (2 * 4.0**2))
  grey = fake.level(frame) + (255 - fake.level(frame)) * weight
  return Image.fromarray(np.uint8(np.round(grey))[..., None].repeat(3, 2))


def save(image, path):
  path.parent.mkdir(parents=True, exist_ok=True)
  image.save(path, quality=98, subsampling=0)


def views(frames, takes):
  """Subject, take, camera, mono [n, 32, 3], px [n, 32, 2] of each view."""
  for subject, take, cameras in takes:
    points = fake.world(subject, take, frames)
    for camera in cameras:
      yield (subject, take, camera, *fake.seen(points, subject, camera))


def mmpose(root, *, frames=12, rates=(10,), takes=fake.TAKES, names=np.str_):
  """mmpose's tree; `names` is the dtype of imgname."""
  root = pathlib.Path(root)
  for rate in rates:
    columns = {}
    for subject, take, camera, mono, px in views(frames, takes):
      rows = columns.setdefault('test' if subject in (9, 11) else 'train', [])
      stem = f'S{subject}_{take.replace(" ", "_")}.{camera}'
      for frame in range(0, frames, 50 // rate):
        name = f'S{subject}/{stem}/{stem}_{frame + 1:06d}.jpg'
        save(picture(px[frame, fake.WRIST], frame), root / 'images' / name)
        part, mm = px[frame, MOVING], mono[frame, MOVING]
        low, high = part.min(0), part.max(0)
        rows.append(
          {
            'imgname': name,
            'center': (low + high) / 2,
            'scale': 1.2 * (high - low).max() / 200,
            'part': np.concatenate([part, np.ones((17, 1))], axis=1),
            'S': np.concatenate([mm / 1000, np.ones((17, 1))], axis=1),
          }
        )
    folder = root / 'annotation_body3d' / f'fps{rate}'
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in columns.items():
      arrays = {key: np.array([row[key] for row in rows]) for key in rows[0]}
      arrays['imgname'] = arrays['imgname'].astype(names)
      np.savez(folder / f'h36m_{split}.npz', **arrays)
  cameras = {}
  for subject in range(1, 12):
    for camera in fake.CAMERAS:
      angles, position = fake.extrinsics(subject, camera)
      fx, fy, cx, cy, k1, k2, k3, p1, p2 = fake.INTRINSICS
      cameras[f'S{subject}', camera] = {
        'R': fake._rotation(angles).T,  # from camera to world
        'T': position[:, None] / 1000,
        'f': np.array([[fx], [fy]]),
        'c': np.array([[cx], [cy]]),
        'k': np.array([[k1], [k2], [k3]]),
        'p': np.array([[p1], [p2]]),
        'w': fake.SIDE,
        'h': fake.SIDE,
        'id': camera,
      }
  (root / 'annotation_body3d' / 'cameras.pkl').write_bytes(pickle.dumps(cameras, 3))
  return root


def zhou2017(root, *, frames=12, step=5, labels='mat', takes=fake.TAKES):
  """Zhou's tree: crops of 224 px, labels in 'mat' or in 'h5' files."""
  root = pathlib.Path(root)
  h5 = {True: [], False: []}
  for subject, take, camera, mono, px in views(frames, takes):
    action, subaction = NUMBERS[take]
    ca = fake.CAMERAS.index(camera) + 1
    name = f's_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{ca:02d}'
    crops, mm, boxes = [], [], []
    for frame in range(0, frames, step):
      part = px[frame, MOVING]
      center, side = (part.min(0) + part.max(0)) / 2, 1.2 * np.ptp(part, axis=0).max()
      x0, y0 = np.floor(center - side / 2)  # px to the left of the crop
      whole = np.ceil(side)
      box = (x0, y0, x0 + whole, y0 + whole)
      image = picture(px[frame, fake.WRIST], frame).crop(tuple(map(int, box)))
      image = image.resize((224, 224), Image.Resampling.BICUBIC)
      save(image, root / 'images' / name / f'{name}_{frame + 1:06d}.jpg')
      # MATLAB counts pixels from 1 and includes the last one.
      crops.append((part - box[:2]) * 224 / whole + 0.5)
      boxes.append((x0 + 1, y0 + 1, x0 + whole, y0 + whole))
      mm.append(mono[frame, MOVING])
      h5[subject in (9, 11)].append(
        {
          'id': frame + 1,
          'subject': subject,
          'action': action,
          'subaction': subaction,
          'camera': ca,
          'istrain': int(subject not in (9, 11)),
          'joint_2d': crops[-1][ZHOU16],
          'joint_3d_mono': mm[-1][ZHOU16],
          'bbox': boxes[-1],
        }
      )
    if labels == 'mat':
      n = len(crops)
      arrays = {
        'Y2d': np.reshape(crops, (n, 34)).T,
        'Y3d_mono': np.reshape(mm, (n, 51)).T,
        'bbox': np.array(boxes).T,
        'num_images': float(n),
      }
      scipy.io.savemat(root / 'images' / name / 'matlab_meta.mat', arrays)
  if labels == 'h5':
    for test, rows in h5.items():
      if rows:
        with h5py.File(root / f'annotSample{"Test" if test else "Train"}.h5', 'w') as f:
          for key in rows[0]:
            f[key] = np.array([row[key] for row in rows])
  return root


def h36m_fetch(root, *, frames=12, kept=None, takes=fake.TAKES):
  """h36m-fetch's tree with the frames `kept` (each fifth)."""
  root = pathlib.Path(root)
  kept = np.arange(0, frames, 5) if kept is None else np.array(kept)
  files = {}
  for subject, take, camera, mono, px in views(frames, takes):
    numbers = NUMBERS[take]
    place = root / 'processed' / f'S{subject}' / FETCH_FOLDERS[numbers]
    file = files.setdefault(place, {})
    for frame in kept:
      name = place / 'imageSequence' / camera / f'img_{frame + 1:06d}.jpg'
      save(picture(px[frame, fake.WRIST], frame), name)
    columns = {
      'pose/2d': px[kept],
      'pose/3d': mono[kept],
      'frame': kept + 1,
      'camera': np.full(len(kept), int(camera)),
      'subject': np.full(len(kept), subject),
      'action': np.full(len(kept), numbers[0]),
      'subaction': np.full(len(kept), numbers[1]),
      f'intrinsics/{camera}': pinhole(mono, px),
    }
    for key, values in columns.items():
      file.setdefault(key, []).append(values)
  for place, columns in files.items():
    with h5py.File(place / 'annot.h5', 'w') as h5:
      for key, values in columns.items():
        h5[key] = np.concatenate(values)
  return root


def pinhole(mono, px):
  """fx, cx, fy, cy of the pinhole camera that fits best."""
  mono, px = mono[:, MOVING].reshape(-1, 3), px[:, MOVING].reshape(-1, 2)
  found = []
  for axis in (0, 1):
    slope = mono[:, axis] / mono[:, 2]
    found += np.polyfit(slope, px[:, axis], 1).tolist()
  return np.array(found)


def config(**changes):
  options = {'stride': 5, 'validation_stride': 5, 'size': 384, **changes}
  return human36m_dataset_builder.Human36mConfig(name='mine', **options)


def read(form, folder, **changes):
  """(subject, action, camera, original frame) -> record, and the reasons of others."""
  chosen, records, left_out = config(**changes), {}, []
  assert form.found(folder)
  for units in form.units(folder, chosen).values():
    for unit in units:
      for item in human36m_dataset_builder.records(unit, chosen):
        if not isinstance(item, dict):
          left_out.append(item.reason)
          continue
        assert item['id'].startswith(f'{unit.name}#')
        frame = int(item['id'].rpartition('#')[2])
        key = (item['subject'], item['action'], unit.name[-8:], frame)
        assert key not in records
        records[key] = item
  return records, left_out
