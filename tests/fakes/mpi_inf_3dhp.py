"""Makes small trees in MPI-INF-3DHP's layout; a bright dot sits on the right wrist."""

import av
import h5py
import numpy as np
import scipy.io
from PIL import Image

from wild3d.datasets import make_record
from wild3d.datasets.mpi_inf_3dhp import mpi_inf_3dhp_dataset_builder as dataset
from wild3d.datasets.units import Skipped

SIZE = (128, 96)
FX, FY, CX, CY = 150.0, 160.0, 66.5, 47.25
STUDIO = (7.32506 * 204.8, 7.32506 * 204.8 * 1.00044, 1017.387336, 1043.031982)
WRIST = 16  # of 28
RELEVANT = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


def pose(row, camera=0):
  """[28, 3] mm, camera axes, fixed but for a drift from row to row."""
  points = np.random.default_rng(7).uniform(-500, 500, (28, 3))
  return points + np.array(
    [12.0 * row - 60.0, 9.0 * row - 40.0, 3000.0 + 100.0 * camera]
  )


def project(points, lens=(FX, FY, CX, CY)):
  fx, fy, cx, cy = lens
  return points[:, :2] / points[:, 2:] * (fx, fy) + (cx, cy)


def picture(center, size=SIZE):
  """RGB with a Gaussian dot; continuous px, (0, 0) is the corner."""
  x, y = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
  dot = np.outer(
    np.exp(-((y - center[1]) ** 2) / 18), np.exp(-((x - center[0]) ** 2) / 18)
  )
  return np.uint8(40 + 200 * dot)[..., None].repeat(3, 2)


def labels(rows, cameras=14):
  """annot.mat's variables, with cells for all cameras and rows of some."""
  variables = {'cameras': np.arange(14.0)[None], 'frames': np.arange(rows)[:, None]}
  for key, width in (('annot2', 56), ('annot3', 84), ('univ_annot3', 84)):
    cells = np.empty((14, 1), object)
    for k in range(14):
      poses = [pose(row, k) for row in range(rows if k < cameras else 0)]
      if key == 'annot2':
        poses = [project(p) for p in poses]
      scale = 0.9 if key == 'univ_annot3' else 1.0
      cells[k, 0] = scale * np.reshape(poses, (-1, width))
    variables[key] = cells
  return variables


def calibration(cameras=14):
  lines = ['Skeletool Camera Calibration File V1.0']
  matrix = f'{FX} 0 {CX} 0 0 {FY} {CY} 0 0 0 1 0 0 0 0 1'
  for k in range(cameras):
    lines += [
      f'name          {k}',
      '  sensor      10 10',
      f'  size        {SIZE[0]} {SIZE[1]}',
      '  animated    0',
      f'  intrinsic   {matrix} ',
      '  extrinsic   1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 ',
      '  radial      0',
    ]
  return '\n'.join(lines) + '\n'


def training(
  root, *, subject='S1', sequence='Seq1', rows=6, cameras=(0,), frames='video'
):
  """S1/Seq1 and its like; `frames`: 'video', 'img' (from 1), 'folder' (from 0)."""
  folder = root / subject / sequence
  images = folder / 'imageSequence'
  images.mkdir(parents=True)
  scipy.io.savemat(folder / 'annot.mat', labels(rows), do_compression=True)
  (folder / 'camera.calibration').write_text(calibration())
  for camera in cameras:
    shown = [picture(project(pose(row, camera))[WRIST]) for row in range(rows)]
    if frames == 'video':
      video(images / f'video_{camera}.avi', shown)
    elif frames == 'img':
      for row, pixels in enumerate(shown):
        save(images / f'img_{camera}_{row + 1:06d}.jpg', pixels)
    else:
      for row, pixels in enumerate(shown):
        save(images / f'video_{camera}' / f'frame_{row:06d}.jpg', pixels)
  return folder


def video(path, pictures):
  with av.open(str(path), 'w') as container:
    stream = container.add_stream('mpeg4', rate=25)
    stream.width, stream.height, stream.bit_rate = *SIZE, 4_000_000
    stream.pix_fmt = 'yuv420p'
    for pixels in pictures:
      container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format='rgb24')))
    container.mux(stream.encode(None))


def save(path, pixels):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(pixels).save(path, quality=98, subsampling=0)


def make_test_set(root, *, subject='TS1', valid=(0, 1, 1, 0), pictures=None, **changes):
  """mpi_inf_3dhp_test_set/TS1; pictures of the true size, one for each row."""
  folder = root / 'mpi_inf_3dhp_test_set' / subject
  folder.mkdir(parents=True)
  poses = [
    pose(row)[RELEVANT] if ok else np.zeros((17, 3)) for row, ok in enumerate(valid)
  ]
  flat = [
    project(p, STUDIO) if ok else p[:, :2] for p, ok in zip(poses, valid, strict=True)
  ]
  variables = {
    'annot2': np.array(flat)[:, None],
    'annot3': np.array(poses)[:, None],
    'univ_annot3': 0.9 * np.array(poses)[:, None],
    'valid_frame': np.array(valid, float)[:, None],
    'activity_annotation': np.array([1.0 + i % 7 for i in range(len(valid))])[:, None],
    **changes,
  }
  with h5py.File(folder / 'annot_data.mat', 'w', userblock_size=512) as file:
    for key, value in variables.items():
      if value is not None:
        file[key] = value
  blank = Image.new('RGB', (2048, 2048), (90, 120, 90))
  for row in range(len(valid) if pictures is None else pictures):
    path = folder / 'imageSequence' / f'img_{row + 1:06d}.jpg'
    path.parent.mkdir(exist_ok=True)
    blank.save(path)
  return folder


def builder(tmp_path, **options):
  """The builder, every row of camera 0."""
  options = {'cameras': (0,), 'stride': 1, **options}
  config = dataset.MpiInf3dhpConfig(name='mine', **options)
  return dataset.Builder(config=config, data_dir=tmp_path / 'tfds')


def read(tmp_path, root, **options):
  """Split -> (records, reasons of those left out), all through make_record.checked."""
  made, found = builder(tmp_path, **options), {}
  for split, units in made.units(root).items():
    items = [item for unit in units for item in made.records(unit)]
    found[split] = (
      [make_record.checked(item) for item in items if isinstance(item, dict)],
      [item.reason for item in items if isinstance(item, Skipped)],
    )
    assert sum(unit.count for unit in units) == len(found[split][0])
  return found
