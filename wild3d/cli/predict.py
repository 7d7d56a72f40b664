"""wild3d predict: 3D poses of people in photographs."""

import argparse

from wild3d.errors import UserError


def main(arguments) -> None:
  """Parses the arguments and predicts."""
  parser = argparse.ArgumentParser(
    prog='wild3d predict',
    description='Predicts the 3D pose of a person in each photograph, and writes '
    'poses.json (2D in px of the original, 3D in mm; see docs/predict.md) and pictures. '
    'One person a picture: the one that fills it, or the one in --box.',
  )
  parser.add_argument(
    'inputs', nargs='+', metavar='INPUT', help='pictures, folders, or quoted patterns'
  )
  parser.add_argument(
    '--checkpoint', required=True, help='folder of a run, or of wild3d convert'
  )
  parser.add_argument('--out', required=True, help='folder to write to')
  parser.add_argument(
    '--step', default='best', help="a step, 'best' (default) or 'latest'"
  )
  parser.add_argument(
    '--box', metavar='X,Y,W,H', help="the person's box in px, in every picture"
  )
  parser.add_argument(
    '--height', type=float, help="the person's height in metres, to set the scale"
  )
  parser.add_argument(
    '--focal', type=float, help='focal length in px: places the pose before the camera'
  )
  parser.add_argument(
    '--fov', type=float, help='or the field of view across the longer side, degrees'
  )
  parser.add_argument(
    '--refine',
    choices=('quarter', 'parabola', 'dark', 'softargmax', 'none'),
    help='sub-pixel rule',
  )
  parser.add_argument(
    '--flip_test', action='store_true', help='look at the mirror image too'
  )
  parser.add_argument(
    '--no_pictures', action='store_true', help='write poses.json alone'
  )
  options = parser.parse_args(arguments)
  box = _box(options.box)

  from wild3d.predict import run

  run.predict(
    options.inputs,
    options.checkpoint,
    options.out,
    step=options.step,
    box=box,
    height=options.height,
    focal=options.focal,
    fov=options.fov,
    refine=options.refine,
    flip_test=options.flip_test,
    pictures=not options.no_pictures,
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
