"""Makes small folders in COCO's form: the official layout, and one of one's own."""

import json

import numpy as np
from PIL import Image, ImageDraw

from wild3d import skeleton

WIDTH, HEIGHT = 200, 160
FOCAL, CENTER = 300.0, (100.0, 80.0)

# A standing person of 4 m of bones, mm, camera axes, root at the origin.
STANDING = {
  'right_ankle': (-110, 900, 20),
  'right_knee': (-120, 450, -20),
  'right_hip': (-130, 0, 0),
  'left_hip': (130, 0, 0),
  'left_knee': (120, 450, -30),
  'left_ankle': (110, 900, 10),
  'pelvis': (0, 0, 0),
  'thorax': (0, -480, 10),
  'upper_neck': (0, -560, 0),
  'head_top': (0, -800, -20),
  'right_wrist': (-400, -80, -100),
  'right_elbow': (-280, -250, 0),
  'right_shoulder': (-180, -480, 10),
  'left_shoulder': (180, -480, 10),
  'left_elbow': (280, -250, 30),
  'left_wrist': (420, -60, -60),
}

# Our joints, and one that is none of ours, as somebody else calls them.
OWN_NAMES = {
  'Head Top': 'head_top',
  'Neck': 'upper_neck',
  'RShoulder': 'right_shoulder',
  'r-elbow': 'right_elbow',
  'wrist.R': 'right_wrist',
  'LftShoulder': 'left_shoulder',
  'l_elbow': 'left_elbow',
  'Left Hand': 'left_wrist',
  'Hips': 'pelvis',
  'RHip': 'right_hip',
  'right knee': 'right_knee',
  'foot_r': 'right_ankle',
  'LeftHip': 'left_hip',
  'Left-Knee': 'left_knee',
  'l ankle': 'left_ankle',
  'Tail': None,
}


def pose(x=0.0, z=4000.0):
  """[16, 3] mm, camera axes: STANDING, moved."""
  return np.array([STANDING[n] for n in skeleton.JOINTS]) + np.array([x, -50.0, z])


def pixels(joints3d):
  """[16, 2] continuous px: `pose` seen by the camera."""
  return FOCAL * joints3d[:, :2] / joints3d[:, 2:] + CENTER


def color(joint):
  """RGB of a joint's dot."""
  i = skeleton.JOINTS.index(joint)
  return (255 * (i % 2), 80 + 11 * i, 255 - 15 * i)


def draw(path, *people):
  """A grey picture with a coloured dot at each joint."""
  image = Image.new('RGB', (WIDTH, HEIGHT), (128, 128, 128))
  canvas = ImageDraw.Draw(image)
  for joints2d in people:
    for name, (x, y) in zip(skeleton.JOINTS, joints2d, strict=True):
      canvas.ellipse([x - 2.5, y - 2.5, x + 1.5, y + 1.5], fill=color(name))
  path.parent.mkdir(parents=True, exist_ok=True)
  image.save(path, quality=98, subsampling=0)


def annotation(id, image_id, names, joints3d, with_3d=False, **changes):
  """One annotation of a person at `joints3d`; names: file's name -> ours."""
  joints2d = pixels(joints3d)
  rows2d, rows3d = [], []
  for ours in names.values():
    known = ours in skeleton.JOINTS
    i = skeleton.JOINTS.index(ours) if known else 0
    rows2d.append([*(joints2d[i] - 0.5), 2] if known else [0, 0, 0])
    rows3d.append([*joints3d[i], 1] if known else [0, 0, 0, 0])
  low, high = joints2d.min(0), joints2d.max(0)
  entry = {
    'id': id,
    'image_id': image_id,
    'category_id': 1,
    'iscrowd': 0,
    'bbox': [*low, *(high - low)],
    'keypoints': np.ravel(rows2d).tolist(),
    'segmentation': [[1, 2, 3]],
  }
  if with_3d:
    entry['keypoints_3d'] = rows3d
    entry['camera'] = {'fx': FOCAL, 'fy': FOCAL, 'cx': 99.5, 'cy': 79.5}
  return {key: v for key, v in {**entry, **changes}.items() if v is not None}


def images(count, **known):
  """Entries of `images`; `known` maps a key to a function of the number."""
  return [
    {
      'id': i,
      'file_name': f'{i:03d}.jpg',
      'width': WIDTH,
      'height': HEIGHT,
      **{key: value(i) for key, value in known.items()},
    }
    for i in range(count)
  ]


def write(path, pictures, annotations, names):
  """The annotation file."""
  path.parent.mkdir(parents=True, exist_ok=True)
  category = {'id': 1, 'name': 'person', 'keypoints': list(names)}
  data = {'images': pictures, 'annotations': annotations, 'categories': [category]}
  path.write_text(json.dumps(data))
  return path


def official(folder):
  """COCO's layout: 2 people in train, 1 in val, one crowd, one without joints."""
  names = {n: n for n in skeleton.JOINT_SETS['coco17']}
  left, right = pose(-500), pose(500)
  for split, count in (('train', 2), ('val', 1)):
    annotations = [
      annotation(10, 0, names, left),
      annotation(11, 0, names, right),
    ][:count]
    annotations += [
      annotation(12, 0, names, left, iscrowd=1),
      annotation(13, 0, names, left, keypoints=[0] * 51),
    ]
    draw(folder / f'{split}2017' / '000.jpg', pixels(left), pixels(right))
    file = folder / 'annotations' / f'person_keypoints_{split}2017.json'
    write(file, images(1), annotations, names)
  (folder / 'annotations' / 'captions_val2017.json').write_text('{}')
  return folder


def own(folder, count=5, with_3d=True, **known):
  """Pictures of one person each, with names, 3D and a camera of their own."""
  poses = [pose(200.0 * (i - 2), 4000.0 + 100 * i) for i in range(count)]
  for i, joints3d in enumerate(poses):
    draw(folder / 'images' / f'{i:03d}.jpg', pixels(joints3d))
  annotations = [
    annotation(i, i, OWN_NAMES, joints3d, with_3d) for i, joints3d in enumerate(poses)
  ]
  write(folder / 'my_photos.json', images(count, **known), annotations, OWN_NAMES)
  return folder
