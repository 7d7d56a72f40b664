"""A dummy Human3.6M in the official layout: small videos of a blot on the right wrist.

The camera model is written a second time here, from the description of the release.
"""

import pathlib

import av
import cdflib.cdfwrite
import numpy as np
from scipy.spatial.transform import Rotation

CAMERAS = ('54138969', '55011271', '58860488', '60457274')
SIDE = 200  # px, of the pictures
INTRINSICS = (229.0, 228.5, 102.5, 103.1, -0.21, 0.24, -0.002, -0.0009, -0.0016)
WRIST = 27  # of the 32 joints, the right one
# Which of the 32 joints the 17 are, and where they are on the body: mm, left, up.
PLACES = {
  0: (0, 0),
  1: (-130, 0),
  2: (-140, -440),
  3: (-150, -880),
  6: (130, 0),
  7: (140, -440),
  8: (150, -880),
  12: (0, 230),
  13: (0, 480),
  14: (0, 560),
  15: (0, 670),
  17: (150, 450),
  18: (300, 250),
  19: (400, 50),
  25: (-150, 450),
  26: (-300, 250),
  27: (-400, 50),
}
# subject, take, cameras; in the order of metadata.xml.
TAKES = (
  (1, 'Directions 1', CAMERAS[:2]),
  (1, 'TakingPhoto', CAMERAS[2:3]),
  (9, 'Greeting', CAMERAS[1:2]),
  (11, 'Directions', CAMERAS[:2]),
)
CORRUPT = 'S11/Videos/Directions.54138969.mp4'


def make(root, *, frames=12, surplus=0, flat=True, spelling='official', takes=TAKES):
  """Writes the tree. Returns its folder.

  Args:
    root: folder to write into.
    frames: with labels, of each video.
    surplus: frames of a video after those.
    flat: write D2_Positions too.
    spelling: 'official' or 'h36m_fetch'.
    takes: (subject, take, cameras) each.
  """
  root = pathlib.Path(root)
  root.mkdir(parents=True, exist_ok=True)
  (root / 'metadata.xml').write_text(metadata())
  top = root if spelling == 'official' else root / 'extracted'
  for subject, take, cameras in takes:
    place = top / f'S{subject}'
    poses = place / ('MyPoseFeatures' if spelling == 'official' else '')
    prefix = '' if spelling == 'official' else 'Poses_'
    points = world(subject, take, frames + surplus)
    for camera in cameras:
      mono, px = seen(points, subject, camera)
      file = f'{take}.{camera}'
      write_cdf(poses / f'{prefix}D3_Positions_mono' / f'{file}.cdf', mono[:frames])
      if flat:
        write_cdf(poses / f'{prefix}D2_Positions' / f'{file}.cdf', px[:frames])
      write_video(place / 'Videos' / f'{file}.mp4', px[:, WRIST])
    # The release holds these too; nobody reads them.
    (place / 'Videos' / f'_ALL.{CAMERAS[0]}.mp4').write_bytes(b'')
  if (top / CORRUPT).exists():
    (top / CORRUPT).write_bytes(b'corrupt, as in the release')
  return root


def world(subject, take, frames):
  """[frames, 32, 3] mm, z up: one body that turns and waves."""
  rng = np.random.default_rng([subject, *take.encode()])
  body = np.zeros((frames, 32, 3))
  for joint, (left, up) in PLACES.items():
    body[:, joint] = (0, left, 900 + up)
  body[:, list(PLACES)] += rng.normal(0, 30, (frames, len(PLACES), 3))
  turn = Rotation.from_euler('z', rng.uniform(0, 6))
  turned = turn.apply(body.reshape(-1, 3)).reshape(body.shape)
  return np.add(turned, (100.0, -50.0, 0.0))


def extrinsics(subject, camera):
  """Three angles and the position, mm, of a camera 4.5 m away."""
  angles = (-1.4, -3.15, 0.4 + 1.5 * CAMERAS.index(camera) + 0.01 * subject)
  towards = _rotation(angles)[2]
  return angles, np.array((0.0, 0.0, 900.0)) - 4500 * towards


def seen(points, subject, camera):
  """World points in the camera's axes, mm, and in the picture, px."""
  angles, position = extrinsics(subject, camera)
  mono = (points - position) @ _rotation(angles).T
  fx, fy, cx, cy, k1, k2, k3, p1, p2 = INTRINSICS
  x, y = mono[..., 0] / mono[..., 2], mono[..., 1] / mono[..., 2]
  r2 = x**2 + y**2
  bent = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + p1 * y + p2 * x
  px = [fx * (x * bent + p2 * r2) + cx, fy * (y * bent + p1 * r2) + cy]
  return mono, np.stack(px, axis=-1)


def _rotation(angles):
  return Rotation.from_euler('XYZ', angles).as_matrix()


def metadata():
  """metadata.xml; for S1 action 12 is TakingPhoto, for others Photo."""
  names = {2: 'Directions', 5: 'Greeting', 12: 'Photo'}
  rows = [['Action', 'subaction', *(f'S{s}' for s in range(1, 12))]]
  rows += [['1', sub, *[f'_ALL {sub}'] * 11] for sub in '12']
  for action, name in names.items():
    for sub, number in (('1', ' 1'), ('2', '')):
      row = [str(action), sub, *[name + number] * 11]
      if name == 'Photo':
        row[2] = 'TakingPhoto' + number
      rows.append(row)
  rows.append(['', '', *['[1002 1000]'] * 11])
  w0 = []
  for camera in CAMERAS:
    for subject in range(1, 12):
      angles, position = extrinsics(subject, camera)
      w0 += [*angles, *position]
  w0 += list(INTRINSICS) * 4
  table = ''.join(f'<tr>{"".join(f"<td>{c}</td>" for c in row)}</tr>' for row in rows)
  ids = ''.join(f'<item>{c}</item>' for c in CAMERAS)
  return (
    f'<a><mapping>{table}</mapping><w0>[{" ".join(map(repr, map(float, w0)))}]</w0>'
    f'<dbcameras><index2id>{ids}</index2id></dbcameras></a>'
  )


def write_cdf(path, values, majority='row_major'):
  """A CDF with Pose [1, frames, 32 * D], as MATLAB's cdfwrite makes it."""
  path.parent.mkdir(parents=True, exist_ok=True)
  path.unlink(missing_ok=True)
  values = np.asarray(values, np.float64).reshape(len(values), -1)
  if majority == 'column_major':  # cdflib writes the numbers as they lie in memory
    values = values.ravel(order='F').reshape(values.shape)
  file = cdflib.cdfwrite.CDF(path, cdf_spec={'Majority': majority, 'Encoding': 6})
  variable = {
    'Variable': 'Pose',
    'Data_Type': 45,  # CDF_DOUBLE
    'Num_Elements': 1,
    'Rec_Vary': True,
    'Dim_Sizes': list(values.shape),
  }
  file.write_var(variable, var_data=values[None])
  file.close()


def write_video(path, blots, *, faststart=False):
  """An mp4 whose frame i is of level(i), with a white blot at blots[i]."""
  path.parent.mkdir(parents=True, exist_ok=True)
  y, x = np.mgrid[:SIDE, :SIDE] + 0.5
  options = {'movflags': 'faststart'} if faststart else {}
  with av.open(str(path), 'w', options=options) as container:
    stream = container.add_stream('libx264', rate=50, options={'crf': '10'})
    stream.width = stream.height = SIDE
    stream.pix_fmt = 'yuv420p'
    stream.thread_count = 1
    for i, (u, v) in enumerate(blots):
      blot = np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 4.0**2))
      grey = level(i) + (255 - level(i)) * blot
      rgb = np.uint8(np.round(grey))[..., None].repeat(3, 2)
      container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format='rgb24')))
    container.mux(stream.encode())


def level(frame):
  """Grey value of the background of a frame; neighbours differ."""
  return 40 + 12 * (frame % 10)
