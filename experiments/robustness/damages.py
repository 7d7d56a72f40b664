"""The newest checkpoint damaged in every way, and what train, evaluate and predict do.

  python experiments/robustness/damages.py FOLDER

FOLDER is that of kills.py, which leaves an undisturbed run in it. Prints a table: exit
status, the step that was used, and the line that was said. Training goes on to the end;
its last checkpoint is compared with the undisturbed one's. Results: ../README.md.
"""

import argparse
import contextlib
import io
import pathlib
import re
import shutil
import sys
import traceback

import kills
import tiny

from wild3d.__main__ import main as wild3d
from wild3d.training import mesh

ROOT = pathlib.Path(__file__).parents[2]


def largest(step, item='model'):
  """The largest file of an item."""
  return max((step / item).rglob('*'), key=lambda p: p.is_file() and p.stat().st_size)


def changed(path, change):
  """Rewrites a file as `change` (bytearray -> bytes) says."""
  path.write_bytes(change(bytearray(path.read_bytes())))


def flipped(data, bits, count):
  """Bits of `count` bytes in the middle, turned."""
  middle = len(data) // 2
  for i in range(middle, middle + count):
    data[i] ^= bits
  return bytes(data)


def swapped(step):
  """Puts the newest checkpoint and the one before it in each other's place."""
  older = sorted(step.parent.glob('[0-9]*'), key=lambda p: int(p.name))[-2]
  step.rename(step.parent / 'x')
  older.rename(step)
  (step.parent / 'x').rename(older)


# Each is given the folder of the newest checkpoint, and of its data iterator.
DAMAGES = {
  '64 bytes flipped': lambda s, d: changed(largest(s), lambda x: flipped(x, 255, 64)),
  '1 bit flipped': lambda s, d: changed(largest(s), lambda x: flipped(x, 1, 1)),
  'truncated': lambda s, d: changed(largest(s), lambda x: bytes(x[: len(x) // 2])),
  'zeroed file': lambda s, d: changed(largest(s), lambda x: bytes(len(x))),
  'emptied file': lambda s, d: changed(largest(s), lambda x: b''),
  'file missing': lambda s, d: largest(s).unlink(),
  'no model/': lambda s, d: shutil.rmtree(s / 'model'),
  'no run/': lambda s, d: shutil.rmtree(s / 'run'),
  'no optimizer/': lambda s, d: shutil.rmtree(s / 'optimizer'),
  '1 bit in optimizer/': lambda s, d: changed(
    largest(s, 'optimizer'), lambda x: flipped(x, 1, 1)
  ),
  'damaged iterator': lambda s, d: changed(
    largest(d, ''), lambda x: flipped(x, 255, 64)
  ),
  'no iterator': lambda s, d: shutil.rmtree(d),
  'stray file in data_iterator/': lambda s, d: (d.parent / 'stray').touch(),
  'empty checkpoints/999': lambda s, d: (s.parent / '999').mkdir(),
  'damaged scores': lambda s, d: (s / 'metrics/metrics').write_text('{"mp'),
  'damaged manifest': lambda s, d: changed(
    s / 'manifest.json', lambda x: bytes(x[: len(x) // 2])
  ),
  'manifest of another step': lambda s, d: (s / 'manifest.json').write_text(
    (s / 'manifest.json').read_text().replace('"step": ', '"step": 1')
  ),
  'no manifest': lambda s, d: (s / 'manifest.json').unlink(),
  'swapped with the one before': lambda s, d: swapped(s),
}


def called(*arguments):
  """(exit status, output, traceback or not) of a command, within this process."""
  out = io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
    try:
      code = wild3d(arguments)
    except SystemExit as left:
      code = left.code
    except BaseException:
      code = 'TRACEBACK'
      traceback.print_exc()
  return code, out.getvalue()


def main():
  """See the module's docstring."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('folder', type=pathlib.Path)
  folder = parser.parse_args().folder.absolute()
  whole, run = folder / 'whole', folder / 'damaged'
  # All commands run in this process, on the devices that the undisturbed run had.
  config = tiny.get_config()
  mesh.split_cores(config.batch_size, config.evaluation.batch_size)
  newest = str(kills.saved(whole))
  overrides = [f'--config.data_dir={folder / "tfds"}']
  photo = ROOT / 'docs/quickstart.jpg'
  for name, damage in DAMAGES.items():
    for command in ('evaluate', 'predict', 'train'):
      shutil.rmtree(run, ignore_errors=True)
      shutil.copytree(whole, run)
      damage(run / 'checkpoints' / newest, run / 'data_iterator' / newest)
      if command == 'train':
        code, said = called(
          'train', f'--config={kills.CONFIG}', f'--workdir={run}', *overrides
        )
      elif command == 'evaluate':
        code, said = called('evaluate', f'--workdir={run}', '--step=latest', *overrides)
      else:
        code, said = called(
          *('predict', str(photo), f'--checkpoint={run}', '--step=latest'),
          *('--detector=whole', '--no_pictures', f'--out={folder / "poses"}'),
        )
      lines = [x for x in said.splitlines() if x.startswith('wild3d: ')]
      used = re.search(r'step (\d+) is used', said)
      told = lines[0].replace(f'{run}/', '') if lines else '-'
      if command == 'train' and code == 0:
        bad, numbers = kills.differing(whole, run)
        told += f' [{bad} of {numbers} numbers differ at the end]'
      used = used[1] if used else newest if code == 0 else '-'
      print(f'{name} | {command} | {code} | {used} | {told}', flush=True)
      if code == 'TRACEBACK':
        print(said[-2000:], file=sys.stderr)


if __name__ == '__main__':
  main()
