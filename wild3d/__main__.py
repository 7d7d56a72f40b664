"""The command line: `wild3d COMMAND ...`, the same as `python -m wild3d`."""

import contextlib
import importlib
import logging
import os
import sys
import traceback

from wild3d import __version__
from wild3d.cli import compilation_cache
from wild3d.errors import UserError, meant

# command -> what it does. Each is a module of wild3d.cli with `main(arguments)`,
# imported only when called, so that help needs no JAX.
COMMANDS = {
  'quickstart': 'make the synthetic people, train three stages, write a report',
  'train': 'run the stages of a configuration; the same command resumes',
  'evaluate': 'score a checkpoint of a run',
  'score': 'score predictions made anywhere by named protocols',
  'compare': 'files of scores side by side, with paired differences',
  'predict': '3D poses of people in photographs and videos',
  'describe': 'what a file of poses holds, and its units and axes',
  'benchmark': 'images a second, of the peak, and what holds them back',
  'export': 'a checkpoint as StableHLO, SavedModel or ONNX',
  'convert': "PyTorch checkpoints of the authors' network, to and from ours",
  'data': 'build a dataset from its original files',
}
# Those that run a network.
_COMPILING = (
  *('quickstart', 'train', 'evaluate', 'predict', 'benchmark', 'export', 'convert'),
)
# Their standard output is what they are asked for, and stays under --quiet.
_PRINTING = ('describe', 'score', 'compare', 'evaluate', 'data verify')
# Modules that training and datasets need beyond the core -> their packages.
_TRAIN = {
  'tensorflow': 'tensorflow-cpu',
  'tensorflow_datasets': 'tensorflow-datasets',
  'importlib_resources': 'importlib_resources',
  'tensorboardX': 'tensorboardX',
  'av': 'av',
  'cdflib': 'cdflib',
  'h5py': 'h5py',
  'cv2': "'opencv-python-headless<5'",
}


def usage() -> str:
  """The help text."""
  width = max(map(len, COMMANDS))
  rows = '\n'.join(f'  {name:{width}}  {what}' for name, what in COMMANDS.items())
  return (
    f'wild3d {__version__}: 3D human pose from single photographs\n\n'
    f'usage: wild3d COMMAND [options]\n\ncommands:\n{rows}\n\n'
    'wild3d COMMAND --help explains a command.'
  )


@contextlib.contextmanager
def _quiet():
  """Throws away the standard output, and tqdm's bars of this process and its children."""
  os.environ['TQDM_DISABLE'] = '1'
  try:
    with open(os.devnull, 'w') as nothing, contextlib.redirect_stdout(nothing):
      yield
  finally:
    del os.environ['TQDM_DISABLE']


def main(arguments=None) -> int:
  """Runs a command; returns the exit status."""
  for stream in (sys.stdout, sys.stderr):
    # File names hold what a terminal's encoding may lack. Tests' streams may not do it.
    if hasattr(stream, 'reconfigure'):
      stream.reconfigure(errors='backslashreplace')
  arguments = sys.argv[1:] if arguments is None else list(arguments)
  if '_ARGCOMPLETE' in os.environ:
    from wild3d.cli import complete

    arguments = [complete.command(COMMANDS)]
  if not arguments or arguments[0] in ('-h', '--help', 'help'):
    print(usage())
    return 0 if arguments else 2
  if arguments[0] in ('-V', '--version'):
    print(__version__)
    return 0
  command, *rest = arguments
  if command not in COMMANDS:
    print(
      f'wild3d: error: unknown command {command!r}{meant(command, COMMANDS)}: '
      f'choose from {", ".join(COMMANDS)}',
      file=sys.stderr,
    )
    return 2
  verbose = '--verbose' in rest
  if verbose:
    logging.basicConfig(level=logging.INFO)
  else:
    # Banners and Orbax's remarks would bury the progress lines.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
    logging.getLogger('absl').setLevel(logging.ERROR)
    # What Orbax leaves behind after an error that has been told in a line.
    logging.getLogger('asyncio').setLevel(logging.CRITICAL)
  printing = ' '.join([command, *rest[:1]]).startswith(_PRINTING)
  silent = '--quiet' in rest and not printing
  if command in _COMPILING and not {'-h', '--help'} & set(rest):
    compilation_cache.enable()
  try:
    with _quiet() if silent else contextlib.nullcontext():
      importlib.import_module(f'wild3d.cli.{command}').main(rest)
  except BrokenPipeError:
    # Whoever reads the output, such as `head`, has seen enough; Python would fail to
    # flush it once more at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
  except UserError as error:
    if verbose:
      traceback.print_exc()
    print(f'wild3d: error: {error}', file=sys.stderr)
    return 2
  except ModuleNotFoundError as error:
    if (error.name or '').split('.')[0] not in _TRAIN:
      raise
    print(
      f'wild3d: error: wild3d {command} needs {error.name}: pip install '
      f"{' '.join(_TRAIN.values())} (in a clone: pip install -e '.[train]')",
      file=sys.stderr,
    )
    return 2
  except KeyboardInterrupt:
    print('wild3d: interrupted', file=sys.stderr)
    return 130
  return 0


if __name__ == '__main__':
  sys.exit(main())
