"""A run's report: its scores by stage, its curves, and pictures of its predictions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from wild3d import geometry
from wild3d.pages import report
from wild3d.protocols import baselines
from wild3d.scoring import METRICS, NETWORK  # titles and units of the table
from wild3d.training import metric_writer

# Of what a step writes under train/, these are no losses.
_NO_LOSS = {'gradient_norm', 'learning_rate', 'stage', 'images_per_second'}


def write(
  path,
  *,
  folder: epath.Path,
  config,
  samples: list[dict],
  set_name: str,
  intro: str,
  command: str,
) -> None:
  """Writes the HTML report of a run.

  Args:
    path: the HTML file.
    folder: the run's, holding metrics.jsonl.
    config: its configuration.
    samples: of Evaluator.samples.
    set_name: the evaluation set that the tables show.
    intro: text below the title.
    command: by which the report can be made again.
  """
  lines = metric_writer.read(folder)
  report.write(
    path,
    title=f'wild3d: {folder.name}',
    intro=intro,
    stages=stage_tables(lines, config, set_name),
    curves=curves(lines),
    samples=[picture(sample, config) for sample in samples],
    settings={'command': command, 'scored on': set_name, 'config': str(config)},
    metrics=METRICS,
  )


def stage_tables(lines: list[dict], config, set_name: str) -> list[dict]:
  """The last scores of each stage: dicts with name, step and rows."""
  prefix = f'eval/{set_name}/'
  tables = {}
  for line in lines:
    rows = {}
    for row in (NETWORK, *baselines.NAMES):
      named = {m: line.get(f'{prefix}{row}/{m}') for m in METRICS}
      rows[row] = {m: value for m, value in named.items() if value is not None}
    rows = {row: values for row, values in rows.items() if values}
    if rows:
      name = config.schedule[int(line['eval/stage'])]
      tables[name] = {'name': name, 'step': line['step'], 'rows': rows}
  return list(tables.values())


def curves(lines: list[dict]) -> dict[str, list[tuple[int, float]]]:
  """Name of a loss -> [(step, value), ...], without losses that are always 0."""
  prefix = 'train/'
  keys = {key for line in lines for key in line if key.startswith(prefix)}
  names = {key.removeprefix(prefix) for key in keys}
  result = {}
  for name in sorted(names - _NO_LOSS, key=lambda name: (name != 'loss', name)):
    key = prefix + name
    points = [(line['step'], line[key]) for line in lines if key in line]
    if any(value for _, value in points):
      result[name] = points
  return result


def picture(sample, config):
  """One sample of Evaluator.samples as the report takes it: px and mm."""
  to_pixels = functools.partial(geometry.crop_to_pixels, size=sample['image'].shape[0])
  true3d = sample['joints3d'] if sample['has3d'] else None
  predicted3d = _millimetres(
    sample['predicted2d'], sample['predicted_depth'], config.evaluation.skeleton_mm
  )
  return {
    'id': sample['id'].decode(),
    'image': sample['image'],
    'predicted2d': np.asarray(to_pixels(jnp.asarray(sample['predicted2d']))),
    'true2d': np.asarray(to_pixels(jnp.asarray(sample['joints2d']))),
    'visible': sample['visible'],
    'predicted3d': np.asarray(predicted3d),
    'true3d': true3d,
  }


@jax.jit
def _millimetres(joints2d, depth, skeleton_mm):
  lifted = geometry.root_align(geometry.lift(joints2d, depth))
  return geometry.size_normalise(lifted, skeleton_mm)
