"""The command line: `wild3d COMMAND ...`, the same as `python -m wild3d`."""

import importlib
import logging
import os
import sys

from wild3d import __version__
from wild3d.errors import UserError

# command -> what it does. Each is a module of wild3d.cli with `main(arguments)`,
# imported only when called, so that help needs no JAX.
COMMANDS = {
  'quickstart': 'make the synthetic people, train three stages, write a report',
  'train': 'run the stages of a configuration; the same command resumes',
  'evaluate': 'score a checkpoint of a run',
  'score': 'score predictions made anywhere by named protocols',
  'compare': 'two files of scores side by side, with paired differences',
  'predict': '3D poses of people in photographs and videos',
  'describe': 'what a file of poses holds, and its units and axes',
  'export': 'a checkpoint as StableHLO, SavedModel or ONNX',
  'convert': "PyTorch checkpoints of the authors' network, to and from ours",
  'data': 'build a dataset from its original files',
}

# What the extra `train` brings, and nothing else asks for.
_OF_TRAIN = ('tensorflow', 'tensorflow_datasets', 'tensorboardX', 'cv2')


def usage() -> str:
  """The help text."""
  width = max(map(len, COMMANDS))
  rows = '\n'.join(f'  {name:{width}}  {what}' for name, what in COMMANDS.items())
  return (
    f'wild3d {__version__}: 3D human pose from single photographs\n\n'
    f'usage: wild3d COMMAND [options]\n\ncommands:\n{rows}\n\n'
    'wild3d COMMAND --help explains a command.'
  )


def main(arguments=None) -> int:
  """Runs a command; returns the exit status."""
  for stream in (sys.stdout, sys.stderr):
    # File names hold what a terminal's encoding may lack. Tests' streams may not do it.
    if hasattr(stream, 'reconfigure'):
      stream.reconfigure(errors='backslashreplace')
  arguments = sys.argv[1:] if arguments is None else list(arguments)
  if not arguments or arguments[0] in ('-h', '--help', 'help'):
    print(usage())
    return 0 if arguments else 2
  if arguments[0] in ('-V', '--version'):
    print(__version__)
    return 0
  command, *rest = arguments
  if command not in COMMANDS:
    print(
      f'wild3d: error: unknown command {command!r}: choose from {", ".join(COMMANDS)}',
      file=sys.stderr,
    )
    return 2
  # Banners and Orbax's remarks would bury the progress lines.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
  logging.getLogger('absl').setLevel(logging.ERROR)
  # What Orbax leaves behind after an error that has been told in a line.
  logging.getLogger('asyncio').setLevel(logging.CRITICAL)
  try:
    importlib.import_module(f'wild3d.cli.{command}').main(rest)
  except BrokenPipeError:
    # Whoever reads the output, such as `head`, has seen enough; Python would fail to
    # flush it once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
  except UserError as error:
    print(f'wild3d: error: {error}', file=sys.stderr)
    return 2
  except ModuleNotFoundError as error:
    if error.name not in _OF_TRAIN:
      raise
    print(
      f"wild3d: error: {command} needs {error.name}: pip install 'wild3d[train]'",
      file=sys.stderr,
    )
    return 2
  except KeyboardInterrupt:
    print('wild3d: interrupted', file=sys.stderr)
    return 130
  return 0


if __name__ == '__main__':
  sys.exit(main())
