"""Scores a network on named datasets and splits: one path for training and command."""

import functools
import json

import jax
import numpy as np
from etils import epath

from wild3d import files, geometry, network, scoring
from wild3d.data import pipeline
from wild3d.data.batch import BATCH_KEYS
from wild3d.datasets import prepare
from wild3d.errors import UserError
from wild3d.metrics import Mean
from wild3d.models.pose3d import Pose3D
from wild3d.protocols import baselines
from wild3d.training import mesh, step


class Evaluator:
  """Scores variables on config.evaluation.sets."""

  def __init__(self, config, model: Pose3D, devices):
    """Checks the fields, and prepares the datasets that the sets need.

    Raises:
      UserError: a field is wrong, or a dataset cannot be prepared.
    """
    mesh.check_batch_size(
      devices, config.evaluation.batch_size, 'config.evaluation.batch_size'
    )
    if config.evaluation.best not in scoring.METRICS:
      raise UserError(
        f'config.evaluation.best is {config.evaluation.best!r}: choose from '
        f'{", ".join(scoring.METRICS)}'
      )
    if config.evaluation.sets and config.evaluation.main not in config.evaluation.sets:
      raise UserError(
        f'config.evaluation.main is {config.evaluation.main!r}: choose from '
        f'{", ".join(sorted(config.evaluation.sets))}'
      )
    self._config = config
    self._devices = devices
    self._sets = {
      name: self._batches(fields.dataset, fields.split, fields.limit)
      for name, fields in config.evaluation.sets.items()
    }
    self._guesses = None
    predict = functools.partial(
      step.predict,
      model=model,
      loss=config.target.loss,
      refine=config.evaluation.refine,
      flip_test=config.evaluation.flip_test,
      pixels=network.make_pixels(config),
    )
    self._predict = jax.jit(predict)
    self._score = jax.jit(
      functools.partial(
        scoring.score_batch,
        predict=predict,
        skeleton_mm=config.evaluation.skeleton_mm,
      ),
      out_shardings=mesh.replicated(devices),
    )

  def scores(self, variables: dict) -> dict:
    """Scores the variables: set -> row -> metric -> value.

    Every set also has the entry 'examples', the number of them scored. A metric
    for which nothing could be counted (no 3D truth, no head size) is left out.

    Raises:
      UserError: fewer examples were scored than the set holds.
    """
    guesses = self.guesses()
    return {
      name: self._score_set(name, batches, variables, guesses)
      for name, batches in self._sets.items()
    }

  def samples(self, variables: dict, name: str, count: int) -> list[dict]:
    """The first `count` examples of a set with their predictions, for pictures.

    Returns:
      Dicts of one example's batch keys and id, and 'predicted2d' [J,2] and
      'predicted_depth' [J] in the crop frame.
    """
    result = []
    for batch in self._sets[name]:
      rows = {k: batch[k] for k in BATCH_KEYS}
      predicted = self._predict(variables, mesh.put(rows, self._devices)['image'])
      for i in np.flatnonzero(batch['weight']):
        if len(result) == count:
          return result
        result.append(
          {key: value[i] for key, value in batch.items()}
          | {
            'predicted2d': np.asarray(predicted['joints2d'][i]),
            'predicted_depth': np.asarray(predicted['depth'][i]),
          }
        )
    return result

  def predictions(self, variables: dict, name: str) -> dict[str, np.ndarray]:
    """Predictions for every example of a set, in stored order.

    Returns:
      'id' [N]; 'joints2d' [N, J, 2] and 'depth' [N, J] in the crop frame;
      'to_original' [N, 2, 3], the affine from the crop frame to the original's px.
    """
    rows = []
    for batch in self._sets[name]:
      fields = {k: batch[k] for k in BATCH_KEYS}
      found = self._predict(variables, mesh.put(fields, self._devices)['image'])
      real = np.flatnonzero(batch['weight'])
      row = {key: np.asarray(found[key])[real] for key in ('joints2d', 'depth')}
      rows.append(row | {key: batch[key][real] for key in ('id', 'to_original')})
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}

  def guesses(self) -> dict[str, baselines.Guess]:
    """The baselines, from the labels of the configuration's training sources."""
    if self._guesses is None:
      wanted = self._config.evaluation.baselines and len(self._config.sources)
      self._guesses = self._measure_guesses() if wanted else {}
    return self._guesses

  def _measure_guesses(self):
    poses, depths = Mean(0.0, 0.0), Mean(0.0, 0.0)
    for fields in self._config.sources.values():
      limit = self._config.evaluation.baseline_examples
      for batch in self._batches(fields.dataset, fields.split, limit):
        seen = batch['visible'] * batch['weight'][:, None]
        weights = np.broadcast_to(seen[..., None], batch['joints2d'].shape)
        poses = poses.merge(Mean.of(batch['joints2d'], weights, axis=0))
        if fields.role == '3d':
          depth = np.asarray(_depth_targets(batch['joints2d'], batch['joints3d']))
          weights = np.broadcast_to(batch['weight'][:, None], depth.shape)
          depths = depths.merge(Mean.of(depth, weights, axis=0))
    means = (np.nan_to_num(m.compute()).astype(np.float32) for m in (poses, depths))
    pose, depth = means
    return baselines.from_means(pose, np.broadcast_to(depth, pose.shape[:1]))

  def _score_set(self, name, batches, variables, guesses):
    sums, seen = None, 0
    for batch in batches:
      rows = mesh.put({key: batch[key] for key in BATCH_KEYS}, self._devices)
      new = self._score(variables, rows, guesses)
      new = jax.tree.map(np.float64, new)
      sums = new if sums is None else jax.tree.map(np.add, sums, new)
      seen += int(batch['weight'].sum())
    if jax.process_count() == 1 and seen != batches.num_examples:
      raise UserError(
        f'{name}: {seen} of {batches.num_examples} examples were read: build the '
        'dataset again'
      )
    table = {'examples': batches.num_examples}
    for row in (scoring.NETWORK, *guesses):
      values = {metric: Mean(*mean) for metric, mean in sums[row].items()}
      table[row] = {m: v.compute() for m, v in values.items() if v.count > 0}
    return table

  def _batches(self, dataset, split, limit):
    config = self._config
    return pipeline.evaluate(
      prepare_dataset(config, dataset),
      split=split,
      data_dir=files.absolute(config.data_dir),
      batch_size=config.evaluation.batch_size,
      input_size=config.input_size,
      process_index=jax.process_index(),
      process_count=jax.process_count(),
      limit=limit or None,
    )


def prepare_dataset(config, name: str) -> str:
  """Builds the dataset that config.datasets calls `name`; returns its tfds name.

  Raises:
    UserError: there is none of that name, or it cannot be built.
  """
  if name not in config.datasets:
    raise UserError(
      f'config.datasets has no {name!r}: choose from {sorted(config.datasets)}'
    )
  fields = config.datasets[name]
  prepare.prepare(fields.name, config.data_dir, fields.manual_dir)
  return fields.name


_INTRO = 'Pictures: predictions of the checkpoint of step {}.'
_depth_targets = jax.jit(jax.vmap(geometry.depth_target))


def main(
  folder, wanted: str, out: str | None, page: str | None, overrides: list[str]
) -> None:
  """Restores, scores and prints the table; writes JSON and the HTML report if asked."""
  config, at, model, variables, devices = network.restore(folder, wanted, overrides)
  if not config.evaluation.sets:
    raise UserError('config.evaluation.sets is empty: nothing to score')
  evaluator = Evaluator(config, model, devices)
  scores = evaluator.scores(variables)
  print(f'{folder}, step {at}')
  print(scoring.table(scores))
  if out:
    result = {'workdir': str(folder), 'step': at, 'scores': scores}
    files.write(epath.Path(out), json.dumps(result, indent=1) + '\n')
    print(f'written: {out}')
  if page:
    write_report(page, folder, config, evaluator, variables, intro=_INTRO.format(at))
    print(f'written: {page}')


def write_report(page, folder, config, evaluator, variables, intro, count=12) -> None:
  """Writes the HTML report of a run, with pictures of config.evaluation.main."""
  from wild3d.pages import run_summary

  shown = config.evaluation.main
  run_summary.write(
    page,
    folder=epath.Path(folder),
    config=config,
    samples=evaluator.samples(variables, shown, count),
    set_name=shown,
    intro=intro,
    command=f'wild3d evaluate --workdir={folder} --report={page}',
  )
