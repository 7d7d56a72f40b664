"""`wild3d predict`, as a user starts it."""

from wild3d import __main__


def command(run, tmp_path, *arguments):
  out = tmp_path / 'out'
  status = __main__.main(
    ['predict', *map(str, arguments), f'--checkpoint={run}', f'--out={out}']
  )
  return status, out
