"""Building in parallel, on Beam, and after an interruption."""

import concurrent.futures
import hashlib
import pathlib

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from fakes import coco_person as fake_coco_person
from fakes import units as fake_units

from wild3d.datasets import build, prepare
from wild3d.errors import UserError

COLORS = {'azure': 'fine', 'beige': 'dim', 'coral': 'fine', 'zinc': 'fine'}


@pytest.fixture
def originals(tmp_path):
  folder = tmp_path / 'originals'
  folder.mkdir()
  for name, text in COLORS.items():
    (folder / f'{name}.txt').write_text(text)
  return folder


def make(originals, data_dir, *, workers=1, beam_options=None):
  builder = fake_units.FakeUnits(data_dir=data_dir)
  builder.workers = workers
  builder.download_and_prepare(
    download_config=tfds.download.DownloadConfig(
      manual_dir=originals, beam_options=beam_options
    )
  )
  return builder


def digests(folder):
  return {
    path.name: hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(folder.rglob('*.tfrecord*'))
  }


def ids(builder, split):
  return [r['id'].decode() for r in tfds.as_numpy(builder.as_dataset(split=split))]


def test_whole_dataset_in_order(originals, tmp_path):
  """Catches records lost or out of order, what is left out not counted or kept."""
  builder = make(originals, tmp_path / 'tfds')
  expected = [f'azure#{i}' for i in range(3)]
  expected += [f'beige#{i}' for i in (1, 2)] + [f'coral#{i}' for i in range(3)]
  assert ids(builder, 'train') == expected
  assert ids(builder, 'test') == [f'zinc#{i}' for i in range(3)]
  again = tfds.builder_from_directory(builder.data_dir)
  assert again.info.metadata['left_out'] == {'too dim': 1}
  assert not list((tmp_path / 'tfds').rglob('*.parts'))


def test_processes_write_the_same_bytes(originals, tmp_path):
  """Catches a worker that depends on another, or shards in order of completion."""
  make(originals, tmp_path / 'one')
  make(originals, tmp_path / 'two', workers=2)
  assert digests(tmp_path / 'one') == digests(tmp_path / 'two')
  assert len(digests(tmp_path / 'one')) == 4


def test_beam_writes_the_same_bytes(originals, tmp_path, monkeypatch):
  """Catches a Beam path with a writer of its own; two DirectRunner processes."""
  pytest.importorskip('apache_beam', reason='Apache Beam is not installed')
  from apache_beam.options import pipeline_options

  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(__file__).parents[1]))
  make(originals, tmp_path / 'one')
  options = pipeline_options.PipelineOptions(
    [
      '--runner=DirectRunner',
      '--direct_num_workers=2',
      '--direct_running_mode=multi_processing',
    ]
  )
  (originals / 'coral.txt').write_text('fault')
  with pytest.raises(UserError, match=r'^coral\.txt: at fault$'):
    make(originals, tmp_path / 'beam', beam_options=options)
  (originals / 'coral.txt').write_text('fine')
  make(originals, tmp_path / 'beam', beam_options=options)
  assert digests(tmp_path / 'one') == digests(tmp_path / 'beam')


def test_interrupted_build_goes_on(originals, tmp_path, monkeypatch):
  """Catches units done twice, or a half-written one taken for whole."""
  make(originals, tmp_path / 'whole')
  (originals / 'coral.txt').write_text('fault')
  with pytest.raises(UserError, match=r'coral\.txt: at fault'):
    make(originals, tmp_path / 'tfds')
  assert not list((tmp_path / 'tfds').rglob('dataset_info.json'))
  (originals / 'coral.txt').write_text('fine')
  done = []
  original = build.write_unit
  monkeypatch.setattr(
    build,
    'write_unit',
    lambda task, *rest: done.append(task.unit.name) or original(task, *rest),
  )
  make(originals, tmp_path / 'tfds')
  assert done == ['coral', 'zinc']
  assert digests(tmp_path / 'tfds') == digests(tmp_path / 'whole')


def test_parts_of_other_originals_are_not_used(originals, tmp_path):
  """Catches records of an earlier manual_dir in a dataset built from another."""
  (originals / 'coral.txt').write_text('fault')
  with pytest.raises(UserError):
    make(originals, tmp_path / 'tfds')
  other = tmp_path / 'other'
  other.mkdir()
  (other / 'azure.txt').write_text('dim')
  assert ids(make(other, tmp_path / 'tfds'), 'train') == ['azure#1', 'azure#2']


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('twice', 'azure#0: two records'),
    ('stranger', 'other#0: the id of a record of azure'),
  ],
)
def test_ids_tell_records_apart(originals, tmp_path, text, message):
  """Catches two records under one id."""
  (originals / 'azure.txt').write_text(text)
  with pytest.raises(UserError, match=message):
    make(originals, tmp_path / 'tfds')


def test_a_split_without_records_is_an_error(originals, tmp_path, monkeypatch):
  """Catches a dataset that seems built but is empty; the reasons must be told."""
  monkeypatch.setattr(fake_units.ColorsConfig, 'shades', 1)
  (originals / 'zinc.txt').write_text('dim')
  builder = fake_units.FakeUnits(data_dir=tmp_path / 'tfds')
  builder.builder_config.shades = 1
  with pytest.raises(UserError, match=r"no record is left for split 'test': too dim"):
    builder.download_and_prepare(
      download_config=tfds.download.DownloadConfig(manual_dir=originals)
    )


def test_errors_cross_processes(originals, tmp_path):
  """Catches a worker's message lost in a traceback of the pool."""
  (originals / 'azure.txt').write_text('fault')
  with pytest.raises(UserError, match=r'^azure\.txt: at fault$'):
    make(originals, tmp_path / 'tfds', workers=2)


def test_full_disk_is_one_line(originals, tmp_path, monkeypatch):
  """Catches a traceback, or a dataset that passes for whole, when the disk is full."""

  def full(*_):
    raise tf.errors.ResourceExhaustedError(None, None, 'No space left on device')

  monkeypatch.setattr(build, '_write_records', full)
  with pytest.raises(UserError, match='disk is full'):
    make(originals, tmp_path / 'tfds')
  assert not list((tmp_path / 'tfds').rglob('dataset_info.json'))


def test_options_make_a_configuration():
  """Catches text taken for a number, and options of another dataset accepted."""
  known = {'default': fake_units.ColorsConfig(name='default', description='All.')}
  made = prepare._custom(
    'fake',
    'mine',
    {'shades': '5', 'title': 'x', 'wide': 'true', 'colors': '1,red'},
    known,
  )
  assert (made.name, made.shades, made.title) == ('mine', 5, 'x')
  assert made.wide is True
  assert made.colors == (1, 'red')
  assert known['default'].shades == 3
  for name, options, message in (
    ('mine', {'shades': 'many'}, 'shades=many'),
    ('mine', {'wide': 'perhaps'}, 'true or false'),
    ('mine', {'shade': '5'}, 'no such field'),
    ('mine', {'version': '5'}, 'no such field'),
    ('default', {'shades': '5'}, 'name'),
    ('', {'shades': '5'}, 'name'),
  ):
    with pytest.raises(UserError, match=message):
      prepare._custom('fake', name, options, known)


def test_a_dead_worker_is_one_line(originals, tmp_path, monkeypatch):
  """Catches a traceback when the system kills a worker for its memory."""

  class Dead(concurrent.futures.ProcessPoolExecutor):
    def submit(self, *_):
      future = concurrent.futures.Future()
      future.set_exception(concurrent.futures.process.BrokenProcessPool())
      return future

  monkeypatch.setattr(concurrent.futures, 'ProcessPoolExecutor', Dead)
  with pytest.raises(UserError, match='fewer --workers'):
    make(originals, tmp_path / 'tfds', workers=2)


def test_a_configuration_of_ones_own_is_found_again(tmp_path):
  """Catches one that cannot be trained on, or that passes for one with other options."""
  folder = tmp_path / 'originals'
  fake_coco_person.own(folder)
  options, data_dir = {'size': '32', 'min_joints': '3'}, str(tmp_path / 'tfds')

  def prepared(*where, **options):
    return prepare.prepare('coco_person/mine', data_dir, *where, **options).data_dir

  made = prepared(str(folder), options=options)
  assert str(prepared()) == str(made)
  assert str(prepared(str(folder), options=options)) == str(made)
  with pytest.raises(UserError, match='built with size=32 min_joints=3'):
    prepared(str(folder), options={'size': '48'})
  with pytest.raises(UserError, match='none of that name is built'):
    prepare.prepare('coco_person/other', data_dir)
