"""wild3d predict: 3D poses of people in photographs."""

from wild3d.cli.parser import Parser
from wild3d.errors import UserError


def main(arguments) -> None:
  """Parses the arguments and predicts."""
  parser = Parser(
    prog='wild3d predict',
    description='Predicts the 3D poses of the people in photographs and videos, and '
    'writes poses.json (2D in px of the original, 3D in mm; see docs/predict.md) and '
    'pictures.',
  )
  parser.add_argument(
    'inputs',
    nargs='+',
    metavar='INPUT',
    help='pictures, videos, folders, quoted patterns, or the index of a webcam',
  )
  parser.add_argument(
    '--checkpoint', required=True, help='folder of a run, or of wild3d convert'
  )
  parser.add_argument('--out', required=True, help='folder to write to')
  parser.add_argument(
    '--step', default='best', help="a step, 'best' (default) or 'latest'"
  )
  _which_people(parser.add_argument_group('which people'))
  _size_and_camera(parser.add_argument_group('size and camera'))
  _how(parser.add_argument_group('how'))
  _what_to_write(parser.add_argument_group('what to write'))
  given = vars(parser.parse_args(arguments))
  given |= {
    'box': _box(given['box']),
    'pictures': not given.pop('no_pictures'),
    'formats': tuple(filter(None, given['formats'].split(','))),
  }

  from wild3d.predict import run

  run.predict(given.pop('inputs'), run.Options(**given))


def _which_people(group):
  group.add_argument(
    '--box', metavar='X,Y,W,H', help='of the person in every picture, px'
  )
  group.add_argument(
    '--boxes', metavar='FILE', help='JSON: {"photo.jpg": [[x, y, w, h]]}, or of COCO'
  )
  group.add_argument(
    '--detector',
    default='search',
    choices=('search', 'hog', 'torchvision', 'whole'),
    help='without boxes: search (default, no download), hog (OpenCV, people who stand), '
    'torchvision (downloads its weights), whole (one person fills the picture)',
  )
  group.add_argument('--people', type=int, metavar='N', help='at most N in a picture')


def _size_and_camera(group):
  group.add_argument(
    '--height', type=float, help="a person's height in metres, to set the scale"
  )
  group.add_argument(
    '--focal', type=float, help='focal length in px: places poses before the camera'
  )
  group.add_argument(
    '--fov', type=float, help='or the field of view across the longer side, degrees'
  )


def _how(group):
  group.add_argument(
    '--batch',
    type=int,
    default=32,
    metavar='N',
    help='pictures read ahead, and crops in one call of the network (%(default)s)',
  )
  group.add_argument(
    '--refine',
    choices=('quarter', 'parabola', 'dark', 'softargmax', 'none'),
    help="sub-pixel rule; the default is the run's",
  )
  group.add_argument(
    '--flip_test', action='store_true', help='look at the mirror image too'
  )
  group.add_argument(
    '--smooth', action='store_true', help='one-euro filter over the frames of a video'
  )
  group.add_argument(
    '--frames', type=int, metavar='N', help='stop a video or webcam after N frames'
  )


def _what_to_write(group):
  group.add_argument(
    '--formats',
    default='json',
    metavar='A,B',
    help='of json (always), npz, bvh, trc: see docs/predict.md',
  )
  group.add_argument('--html', metavar='FILE', help='an interactive page')
  group.add_argument('--rerun', metavar='FILE', help='a recording for the rerun viewer')
  group.add_argument(
    '--no_pictures', action='store_true', help='draw no JPEG and no MP4'
  )


def _box(text):
  if text is None:
    return None
  try:
    x, y, width, height = map(float, text.split(','))
  except ValueError:
    raise UserError(
      f'--box={text}: give left,top,width,height in px, such as 40,20,200,400'
    ) from None
  return x, y, width, height
