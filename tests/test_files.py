"""Files and folders appear whole or not at all."""

import pytest

from wild3d import files
from wild3d.errors import UserError


@pytest.mark.parametrize('kind', ['file', 'folder'])
def test_whole_at_the_end_or_not_at_all(tmp_path, kind):
  """Catches half an output after an error, and one seen before it is complete."""
  path = tmp_path / 'new' / 'out'

  def write(fails):
    with files.whole(path) as partial:
      if kind == 'folder':
        partial.mkdir()
      (partial / 'in' if kind == 'folder' else partial).write_text('text')
      assert not path.exists()
      if fails:
        raise RuntimeError

  with pytest.raises(RuntimeError):
    write(fails=True)
  assert not list(path.parent.iterdir())
  write(fails=False)
  assert [p.name for p in path.parent.iterdir()] == ['out']
  assert path.is_dir() == (kind == 'folder')


def test_the_old_file_stays_after_an_error(tmp_path):
  """Catches an output that is emptied before the new one is there."""
  path = tmp_path / 'out'
  files.write(path, 'old')

  def fails():
    with files.opened(path) as stream:
      stream.write(b'new')
      raise OSError(28, 'No space left on device')

  with pytest.raises(UserError, match=r'out cannot be written: No space left'):
    fails()
  assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [('out', 'old')]


def test_errors_of_the_caller_keep_their_names(tmp_path):
  """Catches an unreadable input that is told as an output that cannot be written."""
  with pytest.raises(FileNotFoundError), files.whole(tmp_path / 'out'):
    (tmp_path / 'absent').read_text()
