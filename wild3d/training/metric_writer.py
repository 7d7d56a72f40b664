"""Metrics on disk: one JSON line a step, TensorBoard events, and the log line.

TensorBoard also gets pictures and the configuration. Its tags have no spaces: 'mean
depth' is mean_depth there.
"""

import io
import json
import math
import textwrap
import time
from collections.abc import Mapping
from typing import SupportsFloat, SupportsInt

import numpy as np
from etils import epath
from jaxtyping import UInt8
from PIL import Image

from wild3d import files
from wild3d.errors import missing

FILE = 'metrics.jsonl'


class MetricWriter:
  """Appends metrics to workdir/metrics.jsonl and to workdir/tensorboard.

  The JSON lines have sorted keys: the metrics, `step`, and `time` (seconds since
  1970). Numbers keep full precision; those that are not finite become null,
  which every JSON reader takes. Each write is handed to the operating system
  before it returns, TensorBoard events too.

  Args:
    workdir: folder, made if need be.
    resume_step: the step of the checkpoint that training goes on from; what was
      written for later steps is dropped, since it will be written again. None
      keeps all but a half-written line.
    process: index of this process; all but process 0 write nothing.

  Raises:
    UserError: what writing event files to a bucket needs is not installed.
  """

  def __init__(self, workdir, *, resume_step: int | None = None, process: int = 0):
    self._active = process == 0
    if not self._active:
      return
    # Here, so that reading metrics needs no more than the core.
    from tensorboardX.event_file_writer import EventsWriter

    if str(workdir).startswith('gs://'):
      try:
        import google.cloud.storage  # noqa: F401 (tensorboardX would miss it later)
      except ImportError:
        raise missing(f'--workdir {workdir}', 'google-cloud-storage') from None
    workdir = epath.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    self._path = workdir / FILE
    _mend(self._path, math.inf if resume_step is None else resume_step)
    folder = workdir / 'tensorboard'
    folder.mkdir(exist_ok=True)
    # Not SummaryWriter: it writes from a thread, some time later, and changes names.
    # The nanoseconds: a restart within the second would empty the file before.
    self._events = EventsWriter(str(folder / 'events'), f'.{time.time_ns()}')
    if resume_step is not None:
      # TensorBoard forgets the events from this step on in earlier files.
      self._add_event(resume_step + 1, time.time(), session_log={'status': 'START'})

  def write(
    self,
    step: SupportsInt,
    metrics: Mapping[str, SupportsFloat],
    pictures: Mapping[str, UInt8[np.ndarray, '_ _ 3']] = {},
  ) -> None:
    """Writes the metrics of one step.

    Args:
      step: optimiser steps taken so far.
      metrics: name to number (Python, NumPy or a JAX array of one element).
      pictures: name to RGB, for TensorBoard alone.

    Raises:
      ValueError: a metric is called `step` or `time`.
    """
    if not self._active:
      return
    if clash := {'step', 'time'} & set(metrics):
      raise ValueError(f'metrics may not be called {sorted(clash)}')
    now = time.time()
    values = {name: float(value) for name, value in metrics.items()}
    line = {n: v if math.isfinite(v) else None for n, v in values.items()}
    line |= {'step': int(step), 'time': now}
    # Opened anew each time: a closed file survives kill -9, also in a bucket.
    with self._path.open('a') as file:
      file.write(json.dumps(line, sort_keys=True, allow_nan=False) + '\n')
    shown = [{'tag': _tag(n), 'simple_value': value} for n, value in values.items()]
    shown += [{'tag': _tag(n), 'image': _image(rgb)} for n, rgb in pictures.items()]
    self._add_event(int(step), now, summary={'value': shown})

  def write_text(self, step: SupportsInt, name: str, text: str) -> None:
    """Gives TensorBoard a text, shown as it is."""
    if not self._active:
      return
    from tensorboardX import summary

    as_it_is = textwrap.indent(text, '    ')  # code, in Markdown
    self._add_event(int(step), time.time(), summary=summary.text(_tag(name), as_it_is))

  def close(self) -> None:
    """Ends the TensorBoard file; writing again afterwards is an error."""
    if self._active:
      self._events.close()

  def _add_event(self, step, now, **what):
    from tensorboardX.proto.event_pb2 import Event

    self._events.write_event(Event(step=step, wall_time=now, **what))
    self._events.flush()

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.close()


def _tag(name):
  return name.replace(' ', '_')


def _image(rgb):
  """A picture as TensorBoard wants it; as JPEG, a quarter of the bytes."""
  jpeg = io.BytesIO()
  Image.fromarray(rgb).save(jpeg, 'JPEG', quality=85, subsampling=0)
  height, width = rgb.shape[:2]
  return {
    'height': height,
    'width': width,
    'colorspace': 3,
    'encoded_image_string': jpeg.getvalue(),
  }


def read(workdir) -> list[dict]:
  """Reads workdir/metrics.jsonl: a dict a line, in file order, NaN for null.

  A half-written line is left out. An absent file gives an empty list.
  """
  path = epath.Path(workdir) / FILE
  lines = [_parse(line) for line in _lines(path)]
  return [
    {k: math.nan if v is None else v for k, v in line.items()} for line in lines if line
  ]


def progress(
  step: SupportsInt,
  total: SupportsInt,
  rate: SupportsFloat,
  eta: SupportsFloat,
  *,
  stage: str = '',
  losses: Mapping[str, SupportsFloat] | None = None,
) -> str:
  """The log line: stage, step/total, images/s, time left, losses.

  Args:
    step: optimiser steps taken so far.
    total: steps that there will be.
    rate: images per second.
    eta: seconds left; shown as `?` unless finite.
    stage: name of the training stage.
    losses: name to number, shown with four significant digits.

  Returns:
    One line: `depth  1200/5000 (24%)  85.3 images/s  2h05m left  loss 0.03125`.
  """
  step, total, rate = int(step), int(total), float(rate)
  share = 100 * step // total if total else 100
  speed = f'{rate:.1f}' if rate < 1000 else f'{rate:.0f}'
  parts = [stage] if stage else []
  parts += [
    f'{step}/{total} ({share}%)',
    f'{speed} images/s',
    f'{_span(float(eta))} left',
  ]
  parts += [f'{name} {float(value):.4g}' for name, value in (losses or {}).items()]
  return '  '.join(parts)


def _span(seconds):
  if not math.isfinite(seconds) or seconds < 0:
    return '?'
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours >= 24:
    return f'{hours // 24}d{hours % 24:02d}h'
  if hours:
    return f'{hours}h{minutes:02d}m'
  return f'{minutes}m{seconds:02d}s' if minutes else f'{seconds}s'


def _lines(path):
  # A write that was cut short can end anywhere, also within a character.
  text = path.read_bytes().decode(errors='replace') if path.exists() else ''
  return text.split('\n')


def _parse(line):
  """The line's dict, or None if it was cut short."""
  try:
    parsed = json.loads(line)
  except ValueError:
    return None
  return parsed if isinstance(parsed, dict) and 'step' in parsed else None


def _mend(path, last_step):
  """Drops lines that are cut short or later than `last_step`."""
  before = _lines(path)
  parsed = [(line, _parse(line)) for line in before]
  kept = [line for line, value in parsed if value and value['step'] <= last_step]
  if [*kept, ''] != before and path.exists():
    files.write(path, ''.join(line + '\n' for line in kept))
