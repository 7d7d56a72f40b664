"""The devices are kept busy: what the loop of a stage does while a step runs."""

import functools
import types
from unittest import mock

import numpy as np
import pytest

from wild3d import train
from wild3d.training import schedule


def test_the_next_batch_is_on_its_way_before_a_step_is_waited_for(monkeypatch):
  """Catches a loop that keeps the devices waiting: a step's metrics fetched at once."""
  events = []

  class Batches:
    source_names = ()

    def __next__(self):
      events.append('batch')
      return {'id': [b''], 'source': []}

  def run_step(state, *_):
    if events.count('step') == 3:
      raise StopIteration
    events.append('step')
    after = types.SimpleNamespace(step=state.step + 1)
    return after, {'at': state.step, 'example_loss': np.zeros(1)}

  def fetch(metrics):
    events.append(f'look{metrics["at"]}')
    return metrics

  monkeypatch.setattr(train.sources, 'for_training', lambda *_: Batches())
  monkeypatch.setattr(train.mesh, 'put', lambda *_: events.append('put'))
  monkeypatch.setattr(train.jax, 'device_get', fetch)
  monkeypatch.setattr(train.guard, 'check', lambda *_, **__: None)
  run = mock.MagicMock(train_step=run_step)
  run.config.evaluation.every, run.config.checkpoint.every = 0, 100
  run.config.batch_size, run.config.log_every = 1, 100
  run.requests.now.return_value = 0
  run._report = functools.partial(train.Run._report, run)
  stage = schedule.Stage('a', 0, 0, 100, 1e-3, 0, (), 'constant', {})
  with pytest.raises(StopIteration):
    train.Run.stage(run, types.SimpleNamespace(step=0), stage, resumed=False)
  wanted = 'batch put step batch put step look0 batch put step look1 batch put'
  assert events == wanted.split()
