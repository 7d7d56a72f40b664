import configparser
import importlib.util
import os
import pathlib
import re
import struct
import subprocess
import sys
import time

import pytest
from fakes import mocap

from wild3d import __main__ as command_line
from wild3d import files, settings
from wild3d.cli import train
from wild3d.configs import photos
from wild3d.errors import UserError
from wild3d.media import image_file


def _run(*arguments, code='from wild3d.__main__ import main; import sys'):
  program = f'{code}; sys.exit(main({list(arguments)!r}))'
  return subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)


@pytest.mark.parametrize('command', [(), *((c,) for c in command_line.COMMANDS)])
def test_help_needs_no_jax(command):
  """Catches help that imports JAX or TensorFlow, and so is slow."""
  code = (
    'import sys; sys.modules["jax"] = None; sys.modules["tensorflow"] = None; '
    'from wild3d.__main__ import main'
  )
  before = time.monotonic()
  done = _run(*command, '--help', code=code) if command else _run('--help', code=code)
  assert done.returncode == 0, done.stderr
  assert 'usage: wild3d' in done.stdout
  assert time.monotonic() - before < 10  # 0.2 s on a calm machine


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (['trian'], "unknown command 'trian' (did you mean train?): choose from"),
    (['train', '--config=absent.py', '--workdir=w'], 'no such file: absent.py'),
    (['train', '--config=photo', '--workdir=w'], 'did you mean photos?'),
    (['train', '--config=photos', '--workdr=w'], 'required: --workdir'),
    (['train', '--config=photos', '--workdir=w', '--wrkdir=w'], 'mean --workdir?'),
    (
      ['predict', 'a.jpg', '--chekpoint=w'],
      '--chekpoint=w (did you mean --checkpoint?)',
    ),
    (['predict', 'a.jpg', '--check=w'], '--check=w (did you mean'),
    (
      ['data', 'build', 'mpii', '--manul_dir=d'],
      '(did you mean --manual_dir?); see wild3d data build --help',
    ),
    (['data', 'bild', 'mpii'], '(did you mean build?)'),
    (
      ['train', '--config=photos', '--wrkdir=w'],
      'are required: --workdir; unknown: --wrkdir (did you mean --workdir?)',
    ),
    (['evaluate', '--workdir=absent'], 'absent holds no checkpoints'),
    (['data', 'build', 'mpi', '--data_dir=d'], "unknown dataset 'mpi'"),
    (['data', 'build', 'mpii/huge', '--data_dir=d'], "no configuration 'huge'"),
  ],
)
def test_mistakes_get_one_line(arguments, said, tmp_path, monkeypatch, capsys):
  """Catches a traceback, a status 0, or something left behind."""
  monkeypatch.chdir(tmp_path)
  if arguments[0] in ('evaluate', 'data'):
    pytest.importorskip('tensorflow_datasets')
  assert command_line.main(arguments) == 2
  error = capsys.readouterr().err.strip().splitlines()[-1]
  assert error.startswith('wild3d: error: ')
  assert said in error
  assert not list(tmp_path.iterdir())


def test_a_configuration_by_its_name():
  """Catches --config=photos that works in a clone alone."""
  assert settings.load('photos', []).to_dict() == photos.get_config().to_dict()


def test_packages_that_are_missing():
  """Catches a traceback, or a name that no index has, where an extra is not installed."""
  code = 'import sys; sys.modules[{!r}] = None; from wild3d.__main__ import main'
  done = _run(
    *('train', '--config=photos', '--workdir=w'), code=code.format('tensorflow')
  )
  assert done.returncode == 2
  assert done.stderr.startswith('wild3d: error: wild3d train needs tensorflow: pip ')
  assert len(done.stderr.splitlines()) == 1
  setup = configparser.ConfigParser()
  setup.read(pathlib.Path(__file__).parents[2] / 'setup.cfg')
  extras = setup['options.extras_require']
  for package in command_line._TRAIN.values():
    name = package.strip("'").partition('<')[0]
    assert re.search(rf'^{name}\b', extras['train'] + extras['datasets'], re.M)


@pytest.mark.parametrize('inside', ['checkpoints', 'checkpoints/30'])
def test_a_folder_inside_a_run(inside, tmp_path, capsys):
  """Catches RUN/checkpoints called empty, in place of saying what to give."""
  (tmp_path / inside).mkdir(parents=True)
  out = tmp_path / 'net.npz'
  checkpoint = f'--checkpoint={tmp_path / inside}'
  assert command_line.main(['export', checkpoint, f'--out={out}']) == 2
  said = capsys.readouterr().err
  assert f'give the run, {tmp_path}' in said
  assert said.strip().endswith('--step=30') == inside.endswith('30')


def test_a_bucket_that_nothing_reads(monkeypatch):
  """Catches a traceback of etils where neither gcsfs nor TensorFlow is there."""
  monkeypatch.setattr(importlib.util, 'find_spec', lambda _: None)
  with pytest.raises(UserError, match='gs://b/run needs gcsfs: pip install gcsfs'):
    files.absolute('gs://b/run')
  assert str(files.absolute('s3://b/run')) == 's3://b/run'


def test_quiet_and_verbose(tmp_path, monkeypatch, capfd):
  """Catches progress under --quiet, a result that it swallows, a hidden cause."""
  monkeypatch.setattr(train, 'main', lambda _: print(os.environ['TQDM_DISABLE']))
  assert command_line.main(['train', '--quiet']) == 0
  assert capfd.readouterr().out == ''
  assert 'TQDM_DISABLE' not in os.environ
  assert command_line.main(['describe', 'absent', '--quiet', '--verbose']) == 2
  said = capfd.readouterr().err
  assert 'Traceback' in said
  assert said.endswith('wild3d: error: absent: no such file\n')
  bvh = mocap.write_bvh(tmp_path / 'a.bvh')
  assert command_line.main(['describe', str(bvh), '--quiet']) == 0
  assert 'Biovision' in capfd.readouterr().out


@pytest.mark.parametrize(
  ('line', 'follows'),
  [
    ('wild3d pre', {'predict'}),
    ('wild3d predict --che', {'--checkpoint'}),
    ('wild3d data ver', {'verify'}),
    ('wild3d data build --man', {'--manual_dir'}),
    ('wild3d predict a.jpg --refine par', {'parabola'}),
    ('wild3d predict a.jpg --joints co', {'coco17'}),
    ('wild3d predict a.jpg --formats csv,b', {'csv,bvh'}),
  ],
)
def test_completion(line, follows, tmp_path):
  """Catches a shell that is told nothing, or of another command's flags."""
  pytest.importorskip('argcomplete')
  told = tmp_path / 'told'
  environment = os.environ | {
    '_ARGCOMPLETE': '1',
    '_ARGCOMPLETE_STDOUT_FILENAME': str(told),
    '_ARGCOMPLETE_IFS': '\n',
    'COMP_LINE': line,
    'COMP_POINT': str(len(line)),
  }
  subprocess.run([sys.executable, '-m', 'wild3d'], env=environment, check=True)
  assert set(told.read_text().split()) == follows


def test_no_command_shows_usage(capsys):
  """Catches a bare `wild3d` that does nothing and claims success."""
  assert command_line.main([]) == 2
  assert 'commands:' in capsys.readouterr().out


def test_a_reader_that_has_seen_enough():
  """Catches a traceback under `wild3d ... | head -1`."""
  code = (
    'import sys\nfrom wild3d import __main__\n'
    'from wild3d.cli import describe\n'
    'def main(_):\n'
    '  for _ in range(100_000): print("a line")\n'
    'describe.main = main\n'
    'sys.exit(__main__.main(["describe", "x"]))'
  )
  process = subprocess.Popen(
    [sys.executable, '-c', code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
  )
  process.stdout.readline()
  process.stdout.close()
  assert process.stderr.read() == b''
  assert process.wait(30) == 1


def test_names_that_the_terminal_cannot_hold():
  """Catches a traceback for a file name that ASCII lacks, or of undecodable bytes."""
  for name in ('f\xf6to.npz', 'f\udcff.npz'):
    code = (
      f'import sys; name = {name!a}; sys.argv = ["wild3d", "describe", name]; '
      'from wild3d.__main__ import main; sys.exit(main())'
    )
    done = subprocess.run(
      [sys.executable, '-c', code],
      capture_output=True,
      env=os.environ | {'PYTHONIOENCODING': 'ascii'},
    )
    assert done.returncode == 2
    assert b'no such file' in done.stderr
    assert b'Traceback' not in done.stderr


def test_text_of_undecodable_names_is_written(tmp_path):
  """Catches all poses lost to one file name, or a device replaced by a file."""
  files.write(tmp_path / 'x', 'f\udcff')
  assert (tmp_path / 'x').read_bytes() == b'f\\udcff'
  os.mkfifo(tmp_path / 'pipe')
  with pytest.raises(UserError, match='pipe is no regular file'):
    files.write(tmp_path / 'pipe', 'x')
  assert (tmp_path / 'pipe').is_fifo()


def test_a_picture_too_large(tmp_path):
  """Catches a picture above the limit called damaged by Pillow's smaller one."""
  path = tmp_path / 'x.bmp'
  header = struct.pack('<IiiHHIIiiII', 40, 20000, 10001, 1, 24, 0, 0, 0, 0, 0, 0)
  path.write_bytes(b'BM' + struct.pack('<IHHI', 54, 0, 0, 54) + header)
  with pytest.raises(UserError, match='20000 x 10001 px; at most 200 million'):
    image_file.read(path)
