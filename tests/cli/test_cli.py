import os
import struct
import subprocess
import sys
import time

import pytest

from wild3d import __main__ as command_line
from wild3d import files
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
    (['trian'], "unknown command 'trian': choose from"),
    (['train', '--config=absent.py', '--workdir=w'], 'no such file: absent.py'),
    (['evaluate', '--workdir=absent'], 'absent holds no checkpoints'),
    (['data', 'build', 'mpi', '--data_dir=d'], "unknown dataset 'mpi'"),
    (['data', 'build', 'mpii/huge', '--data_dir=d'], "no configuration 'huge'"),
  ],
)
def test_mistakes_get_one_line(arguments, said, tmp_path, monkeypatch, capsys):
  """Catches a traceback, a status 0, or something left behind."""
  monkeypatch.chdir(tmp_path)
  assert command_line.main(arguments) == 2
  error = capsys.readouterr().err.strip().splitlines()[-1]
  assert error.startswith('wild3d: error: ')
  assert said in error
  assert not list(tmp_path.iterdir())


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
