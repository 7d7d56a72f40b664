"""metrics.jsonl, TensorBoard events, and the log line."""

import io
import json
import math
import signal
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from wild3d.errors import UserError
from wild3d.training import metric_writer
from wild3d.training.metric_writer import MetricWriter

EXACT = 0.1 + 0.2  # Needs all 17 digits to survive the round trip.


def _file(folder):
  return folder / metric_writer.FILE


def test_round_trip_keeps_full_precision_and_sorts_keys(tmp_path):
  """Catches rounded floats, float32 casts, and an unstable key order."""
  with MetricWriter(tmp_path / 'new' / 'run') as writer:
    writer.write(1, {'z': EXACT, 'a': np.float32(0.1), 'm': jnp.asarray(2)})
  lines = _file(tmp_path / 'new' / 'run').read_text().splitlines()
  assert list(json.loads(lines[0])) == ['a', 'm', 'step', 'time', 'z']
  (read,) = metric_writer.read(tmp_path / 'new' / 'run')
  assert read['z'] == EXACT
  assert read['a'] == float(np.float32(0.1))
  assert (read['m'], read['step']) == (2.0, 1)


def test_lines_are_strict_json_even_if_a_loss_is_not_finite(tmp_path):
  """Catches the bare NaN that Python writes and other readers refuse."""
  MetricWriter(tmp_path).write(3, {'loss': math.nan, 'other': math.inf})

  def refuse(constant):
    raise AssertionError(constant)

  line = json.loads(_file(tmp_path).read_text(), parse_constant=refuse)
  assert line['loss'] is None
  assert math.isnan(metric_writer.read(tmp_path)[0]['loss'])


@pytest.mark.parametrize('cut', [1, 5, 20])
def test_half_written_last_line_is_dropped_before_appending(tmp_path, cut):
  """Catches a new line glued to the remains of one that kill -9 cut short."""
  writer = MetricWriter(tmp_path)
  for step in (1, 2):
    writer.write(step, {'loss': EXACT})
  whole = _file(tmp_path).read_bytes().rstrip(b'\n')
  _file(tmp_path).write_bytes(whole[:-cut])
  assert [line['step'] for line in metric_writer.read(tmp_path)] == [1]
  MetricWriter(tmp_path).write(3, {'loss': EXACT})
  steps = [json.loads(line)['step'] for line in _file(tmp_path).open()]
  assert steps == [1, 3]


def test_whole_last_line_without_newline_is_kept(tmp_path):
  """Catches a write cut just before its newline and then glued to the next."""
  MetricWriter(tmp_path).write(1, {'loss': EXACT})
  _file(tmp_path).write_bytes(_file(tmp_path).read_bytes().rstrip(b'\n'))
  MetricWriter(tmp_path).write(2, {'loss': EXACT})
  assert [json.loads(line)['step'] for line in _file(tmp_path).open()] == [1, 2]


def test_resume_drops_later_steps_and_keeps_earlier_bytes(tmp_path):
  """Catches steps that appear twice after a restart, and rewritten history."""
  writer = MetricWriter(tmp_path)
  for step in range(1, 6):
    writer.write(step, {'loss': step})
  first = _file(tmp_path).read_text().splitlines()[:3]
  resumed = MetricWriter(tmp_path, resume_step=3)
  resumed.write(4, {'loss': 40})
  assert _file(tmp_path).read_text().splitlines()[:3] == first
  assert [(m['step'], m['loss']) for m in metric_writer.read(tmp_path)] == [
    (1, 1.0),
    (2, 2.0),
    (3, 3.0),
    (4, 40.0),
  ]
  assert not list(tmp_path.glob('*.tmp'))


def test_other_processes_write_nothing(tmp_path):
  """Catches several hosts appending to one file."""
  with MetricWriter(tmp_path, process=1) as writer:
    writer.write(1, {'loss': 1.0})
  assert not list(tmp_path.iterdir())


def test_reserved_names_are_refused(tmp_path):
  """Catches a metric that silently replaces the step number."""
  with pytest.raises(ValueError, match='step'):
    MetricWriter(tmp_path).write(1, {'step': 5.0})


def test_read_of_a_run_without_metrics_is_empty(tmp_path):
  """Catches a report that fails for a run that has not logged yet."""
  assert metric_writer.read(tmp_path) == []


def test_tensorboard_reads_the_events_and_forgets_redone_steps(tmp_path):
  """Catches broken records, changed names, an event file that a restart within the
  second empties, and zig-zag curves after a restart."""
  accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  with MetricWriter(tmp_path) as writer:
    for step in (1, 2, 3):
      writer.write(step, {'train/PCK@0.2': step / 2})
  with MetricWriter(tmp_path, resume_step=2) as writer:
    writer.write(3, {'train/PCK@0.2': 30.0})
  events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard')).Reload()
  scalars = [(e.step, e.value) for e in events.Scalars('train/PCK@0.2')]
  assert scalars == [(1, 0.5), (2, 1.0), (3, 30.0)]


def test_tensorboard_shows_pictures_and_the_configuration(tmp_path):
  """Catches channels swapped or scaled, Markdown made of a configuration, and tags
  with spaces, which cannot be asked for by a filter."""
  accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  picture = np.zeros((24, 40, 3), np.uint8)
  picture[:, 20:], picture[12:, :20] = (250, 20, 60), (20, 40, 230)
  with MetricWriter(tmp_path) as writer:
    writer.write_text(0, 'config', '{\n  "a": "*b*"\n}')
    writer.write(7, {'eval/mean depth/mpjpe': 1.0}, {'wild test/predictions': picture})
  events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard')).Reload()
  tags = events.Tags()
  assert tags['scalars'] == ['eval/mean_depth/mpjpe']
  assert tags['images'] == ['wild_test/predictions']
  (shown,) = events.Images('wild_test/predictions')
  assert (shown.step, shown.width, shown.height) == (7, 40, 24)
  decoded = Image.open(io.BytesIO(shown.encoded_image_string))
  for y, x in ((4, 4), (20, 4), (4, 30)):
    np.testing.assert_allclose(decoded.getpixel((x, y)), picture[y, x], atol=8)
  (name,) = tags['tensors']
  (text,) = events.Tensors(name)[0].tensor_proto.string_val
  assert text.decode().splitlines() == ['    {', '      "a": "*b*"', '    }']
  (line,) = metric_writer.read(tmp_path)
  assert set(line) == {'eval/mean depth/mpjpe', 'step', 'time'}


def test_events_survive_a_kill(tmp_path):
  """Catches events that a thread still holds when the process is killed."""
  accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  code = (
    'import os, sys; from wild3d.training.metric_writer import MetricWriter;'
    f'MetricWriter({str(tmp_path)!r}).write(1, {{"a": 1.0}});'
    'assert not {"tensorflow", "tensorboard"} & set(sys.modules);'
    'os.kill(os.getpid(), 9)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, timeout=120
  )
  assert done.returncode == -signal.SIGKILL, done.stderr
  events = accumulator.EventAccumulator(str(tmp_path / 'tensorboard')).Reload()
  assert [e.step for e in events.Scalars('a')] == [1]


def test_a_bucket_without_its_package_is_one_line(monkeypatch):
  """Catches the first run on gs:// that ends in tensorboardX's traceback."""
  monkeypatch.setitem(sys.modules, 'google.cloud.storage', None)
  with pytest.raises(UserError, match=r'gs://b/run needs google-cloud-storage: pip'):
    MetricWriter('gs://b/run')
