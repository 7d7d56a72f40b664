"""The folder of a prediction: nothing stale is left in it, and nothing is lost."""

import json

import pytest
from fakes.pose_files import make

from wild3d.errors import UserError
from wild3d.poses import poses_json
from wild3d.predict import output_folder


def _predict(out, contents, inputs=(), others=()):
  """A prediction that writes these files: path -> text."""
  with output_folder.replaced(out, inputs) as (folder, new):
    for name, text in contents.items():
      path = new / name
      path.parent.mkdir(exist_ok=True)
      path.write_text(text)
    listed = output_folder.sizes(new, new.rglob('*'))
    listed |= output_folder.sizes(folder, others)
    poses_json.write(make(), new / 'poses.json', listed)


def _found(folder):
  return {
    path.relative_to(folder).as_posix(): path.read_text()
    for path in folder.rglob('*')
    if path.is_file() and path.name != 'poses.json'
  }


OLDER = {'pictures/a.jpg': 'a', 'pictures/b.jpg': 'b', 'bvh/a-person0.bvh': 'bvh'}


def test_nothing_stale_is_left(tmp_path):
  """Catches an older drawing beside the new ones, and a file of the user's removed."""
  out = tmp_path / 'out'
  page = out / 'page.html'
  _predict(out, OLDER)
  page.write_text('page')
  _predict(out, OLDER | {'poses.npz': 'npz'}, others=[page, tmp_path / 'elsewhere'])
  mine = {'pictures/mine.jpg': 'mine', 'note.txt': 'note', 'trc/mine.trc': 'mine'}
  (out / 'trc').mkdir()
  for name, text in mine.items():
    (out / name).write_text(text)
  assert _found(out) == OLDER | mine | {'poses.npz': 'npz', 'page.html': 'page'}
  _predict(out, {'pictures/b.jpg': 'new b', 'pictures/c.jpg': 'c'})
  assert _found(out) == mine | {'pictures/b.jpg': 'new b', 'pictures/c.jpg': 'c'}
  assert not (out / 'bvh').exists()


def test_what_changed_since_is_the_users(tmp_path):
  """Catches an original removed as a poses.json that was moved lists its name."""
  _predict(tmp_path, OLDER)
  (tmp_path / 'pictures' / 'a.jpg').write_text('my own')
  _predict(tmp_path, {}, inputs=[str(tmp_path / 'pictures' / 'b.jpg')])
  assert _found(tmp_path) == {'pictures/a.jpg': 'my own', 'pictures/b.jpg': 'b'}


@pytest.mark.parametrize('kind', [UserError, KeyboardInterrupt])
def test_a_run_that_fails_changes_nothing(kind, tmp_path):
  """Catches an older prediction half replaced, or an empty folder of a failed one."""
  out = tmp_path / 'out'

  def fails():
    with output_folder.replaced(out, []) as (_, new):
      (new / 'pictures').mkdir()
      (new / 'pictures' / 'a.jpg').write_text('new a')
      raise kind('x')

  with pytest.raises(kind):
    fails()
  assert not out.exists()
  _predict(out, OLDER)
  before = (out / 'poses.json').read_bytes()
  with pytest.raises(kind):
    fails()
  assert _found(out) == OLDER
  assert (out / 'poses.json').read_bytes() == before
  (out / '.wild3d-unfinished' / 'pictures').mkdir(parents=True)  # of a killed one
  (out / '.wild3d-unfinished' / 'pictures' / 'z.jpg').write_text('z')
  _predict(out, OLDER)
  assert _found(out) == OLDER


@pytest.mark.parametrize(
  'written', [None, [], {'../note': 4, 'up/note': 4, 'a\0b': 1, '.': 4096}, {'a': 'b'}]
)
def test_a_list_of_somebody_else(written, tmp_path):
  """Catches a file outside of the folder removed as a poses.json lists it."""
  out = tmp_path / 'out'
  out.mkdir()
  (out / 'up').symlink_to(tmp_path)
  (out / 'a').write_text('a')
  for note in (tmp_path / 'note', tmp_path / 'absolute'):
    note.write_text('note')
  if isinstance(written, dict):
    written[str(tmp_path / 'absolute')] = 4
  data = {'schema': 'wild3d.poses', 'written': written}
  (out / 'poses.json').write_text(json.dumps(data))
  _predict(out, {})
  assert (tmp_path / 'note').exists()
  assert (tmp_path / 'absolute').exists()
  assert (out / 'a').exists()
  for text in ('[]', '{', '{"schema": "wild3d.poses"}', '{"written": {"a": 1}}'):
    (out / 'poses.json').write_text(text)
    _predict(out, {})
    assert (out / 'a').exists()


def test_folders_that_take_nothing(tmp_path):
  """Catches a folder that turns out to be none after the work."""
  (tmp_path / 'file').write_text('x')
  (tmp_path / 'bvh').write_text('x')
  for out in (tmp_path / 'file', tmp_path / 'file' / 'in', '/proc/none', tmp_path):
    with (
      pytest.raises(UserError, match=f'--out={out}: '),
      output_folder.replaced(out, []),
    ):
      pytest.fail('it was let in')
  assert _found(tmp_path) == {'file': 'x', 'bvh': 'x'}
