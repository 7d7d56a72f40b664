"""wild3d predict: 3D poses of people in photographs."""

import argparse
import math

from wild3d.cli.parser import Parser
from wild3d.errors import UserError


def main(arguments) -> None:
  """Parses the arguments and predicts."""
  given = vars(_parser().parse_args(arguments))

  from wild3d.predict import run

  run.predict(given.pop('inputs'), run.Options(**given))


def _parser():
  parser = Parser(
    prog='wild3d predict',
    description='Predicts the 3D poses of the people in photographs and videos, and '
    'writes poses.json (2D in px of the original, 3D in mm; see docs/predict.md) and '
    'pictures.',
    argument_default=argparse.SUPPRESS,  # run.Options has the defaults
  )
  add = parser.add_argument
  add(
    'inputs',
    nargs='+',
    metavar='INPUT',
    help='pictures, videos, folders, quoted patterns, or the index of a webcam',
  )
  add(
    '--checkpoint',
    help='folder of a run or of wild3d convert, or a file of weights (default: the '
    'weights that come with wild3d)',
  )
  add(
    '--out', help="folder to write to (default: photo-poses/ for photo.jpg, 'poses/')"
  )
  add('--step', help="a step, 'best' (default) or 'latest'")
  add = parser.add_argument_group('which people').add_argument
  add('--box', type=_box, metavar='X,Y,W,H', help='of the person in every picture, px')
  add('--boxes', metavar='FILE', help='JSON: {"a.jpg": [[x, y, w, h]]}, or of COCO')
  add(
    '--detector',
    choices=('auto', 'search', 'hog', 'torchvision', 'whole'),
    help='without boxes: auto (default: torchvision where it and its weights are here, '
    'else search), search (no download), hog (OpenCV, people who stand), torchvision '
    '(downloads its weights), whole (one person fills the picture)',
  )
  add('--people', type=int, metavar='N', help='at most N in a picture')
  add(
    '--min_score',
    type=float,
    metavar='S',
    help='leave out people of whom the network is less sure, 0 to 1 (default: nobody)',
  )
  add = parser.add_argument_group('size and camera').add_argument
  add('--height', type=float, help="a person's height in metres, to set the scale")
  add('--focal', type=float, help='focal length, px of the original')
  add(
    '--fov',
    type=float,
    help='or the field of view across the longer side, degrees (default: 55, assumed)',
  )
  add(
    '--intrinsics',
    type=lambda text: _numbers('intrinsics', text),
    metavar='FX,FY,CX,CY',
    help="or all four, px, as OpenCV's calibration gives them",
  )
  add(
    '--distortion',
    type=lambda text: _numbers('distortion', text),
    metavar='K1,K2,P1,P2[,K3]',
    help="of the lens of those intrinsics, OpenCV's",
  )
  add = parser.add_argument_group('how').add_argument
  add(
    '--batch',
    type=int,
    metavar='N',
    help='pictures read ahead, and crops in one call of the network (default: 8 on a '
    'processor, else 32)',
  )
  add(
    '--refine',
    choices=('quarter', 'parabola', 'dark', 'softargmax', 'none'),
    help="sub-pixel rule; the default is the run's",
  )
  add(
    '--flip_test',
    action='store_true',
    help='poses are the mean over the picture and its mirror image; the default is what '
    'the run was scored with: for the network that comes with wild3d, this',
  )
  add(
    '--no_flip_test',
    dest='flip_test',
    action='store_false',
    help='the picture alone, in half the time',
  )
  add = parser.add_argument_group('videos').add_argument
  add('--smooth', action='store_true', help='one-euro filter over frames of a video')
  add(
    '--from',
    dest='start',
    type=lambda text: _seconds('from', text),
    metavar='TIME',
    help='begin there: seconds, or minutes:seconds, such as 12.5 or 1:02.5',
  )
  add(
    '--to',
    dest='end',
    type=lambda text: _seconds('to', text),
    metavar='TIME',
    help='end there',
  )
  add('--every', type=int, metavar='N', help='look at each Nth frame')
  add('--frames', type=int, metavar='N', help='stop after N frames')
  add(
    '--show',
    action='store_true',
    help='a window that shows the frames as they are done',
  )
  add = parser.add_argument_group('what to write').add_argument
  add(
    '--formats',
    type=lambda text: tuple(filter(None, text.split(','))),
    metavar='A,B',
    help='of json (always), npz, csv, bvh, trc, c3d: see docs/predict.md',
  ).completer = _formats  # type: ignore[attr-defined]  # argcomplete's
  add(
    '--joints',
    metavar='SET',
    help='in files but BVH: mpii16 (default), h36m17, coco17, smpl24, lsp14, '
    'mpi_inf_3dhp17',
  ).completer = _joint_sets  # type: ignore[attr-defined]
  add('--html', metavar='FILE', help='an interactive page')
  add('--rerun', metavar='FILE', help='a recording for the rerun viewer')
  add(
    '--no_pictures', dest='pictures', action='store_false', help='draw no JPEG, no MP4'
  )
  return parser


def _box(text):
  try:
    x, y, width, height = map(float, text.split(','))
  except ValueError:
    raise UserError(
      f'--box={text}: give left,top,width,height in px, such as 40,20,200,400'
    ) from None
  return x, y, width, height


def _seconds(flag, text):
  """Of '12.5', '1:02.5' or '1:00:00'."""
  parts = text.split(':')
  try:
    numbers = [*map(int, parts[:-1]), float(parts[-1])]
  except ValueError:
    numbers = []
  if not 1 <= len(numbers) <= 3 or not all(
    0 <= number < math.inf for number in numbers
  ):
    raise UserError(
      f'--{flag}={text}: give seconds, or minutes:seconds, such as 12.5 or 1:02.5'
    )
  return sum(number * 60**place for place, number in enumerate(reversed(numbers)))


def _numbers(flag, text):
  try:
    return tuple(map(float, text.split(',')))
  except ValueError:
    raise UserError(f'--{flag}={text}: give numbers with commas between') from None


def _formats(prefix, **_):
  """What may follow, for the shell: after a comma too."""
  from wild3d.poses import formats

  before, comma, _ = prefix.rpartition(',')
  return [f'{before}{comma}{kind}' for kind in formats.KINDS]


def _joint_sets(**_):
  from wild3d import skeleton

  return list(skeleton.JOINT_SETS)
