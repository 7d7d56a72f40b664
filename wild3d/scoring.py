"""The scores of a batch, for the network and for predictors that do not look."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from wild3d import geometry, metrics, skeleton
from wild3d.data.batch import BATCH_KEYS
from wild3d.protocols import baselines

# metric -> (unit, whether higher is better, what it is). The 3D ones count the
# visible joints of examples with 3D truth whose pelvis is visible, root-aligned.
METRICS = {
  'pck_torso_0.2': ('share', True, '2D joints within 0.2 torso lengths'),
  'pck_torso_0.2_upright': (
    'share',
    True,
    'the same, torso within 30 degrees of upright',
  ),
  'pckh_0.5': ('share', True, '2D joints within half a head size'),
  'mpjpe': ('mm', False, 'error, skeleton scaled to config.evaluation.skeleton_mm'),
  'mpjpe_oracle': ('mm', False, "error, skeleton scaled to the true one's size"),
  'pa_mpjpe': ('mm', False, 'error after Procrustes alignment'),
  'pck3d_150': ('share', True, 'oracle-scale 3D joints within 150 mm'),
  'auc3d': ('share', True, 'mean PCK over 0, 5, ..., 150 mm, oracle scale'),
  'left_right': ('mm', False, 'difference of left and right limb lengths'),
}
NETWORK = 'network'  # the row of the network's own predictions
_UPRIGHT_COSINE = np.cos(np.deg2rad(30.0))


def score_example(joints2d, depth, truth: dict, skeleton_mm: float) -> dict:
  """Every metric of one prediction.

  Args:
    joints2d: [J,2], crop frame.
    depth: [J], crop units.
    truth: one example of a batch, see data/batch.py.
    skeleton_mm: sum of 14 bone lengths to which 'mpjpe' scales.

  Returns:
    metric -> (value, weight): the mean over what was counted, and how much was.
  """
  visible, true2d, true3d = truth['visible'], truth['joints2d'], truth['joints3d']
  counted3d = visible & visible[skeleton.ROOT] & truth['has3d']
  lifted = geometry.root_align(geometry.lift(joints2d, depth))
  bones = geometry.bone_lengths(true3d)
  sized = geometry.size_normalise(lifted, skeleton_mm, visible)
  oracle = geometry.size_normalise(lifted, jnp.sum(bones), visible, bones)
  errors = metrics.joint_errors(oracle, true3d)
  pck, pck_weight = metrics.pck_torso(joints2d, true2d, visible)
  asymmetry, pairs = metrics.left_right_difference(lifted, visible, skeleton_mm)
  scores = {
    'pck_torso_0.2': (pck, pck_weight),
    'pck_torso_0.2_upright': (pck, pck_weight * is_upright(true2d, visible)),
    'pckh_0.5': metrics.pckh(joints2d, true2d, visible, truth['head_size']),
    'mpjpe': metrics.mpjpe(sized, true3d, counted3d),
    'mpjpe_oracle': metrics.mpjpe(oracle, true3d, counted3d),
    'pa_mpjpe': metrics.pa_mpjpe(lifted, true3d, counted3d),
    'pck3d_150': metrics.pck3d(errors, counted3d),
    'auc3d': metrics.auc3d(errors, counted3d),
    'left_right': (
      geometry.safe_divide(jnp.sum(asymmetry), jnp.sum(pairs)),
      jnp.sum(pairs),
    ),
  }
  return {name: (v, w * truth['weight']) for name, (v, w) in scores.items()}


def is_upright(joints2d, visible):
  """1.0 if the torso, pelvis to neck, is within 30 degrees of upright, else 0.0."""
  pelvis, neck = skeleton.ROOT, skeleton.JOINTS.index('upper_neck')
  torso = joints2d[neck] - joints2d[pelvis]
  cosine = geometry.safe_divide(-torso[1], geometry.safe_norm(torso[None])[0])
  return (visible[pelvis] & visible[neck] & (cosine > _UPRIGHT_COSINE)) * 1.0


def score_batch(variables, batch, guesses, *, predict, skeleton_mm):
  """Sums of every metric over a batch, for the network and each baseline.

  Args:
    variables: of the model.
    batch: see data/batch.py.
    guesses: row -> baselines.Guess, see there.
    predict: step.predict with all but variables and images given.
    skeleton_mm: see score_example.

  Returns:
    row -> metric -> metrics.Mean; the row 'network' is the network's own.
  """
  predicted = predict(variables, batch['image'])
  truth = {key: batch[key] for key in BATCH_KEYS if key != 'image'}
  score = functools.partial(score_example, skeleton_mm=skeleton_mm)
  rows = {NETWORK: baselines.Guess(None, None)} | guesses
  sums = {}
  for row, guess in rows.items():
    joints2d, depth = guess.applied_to(predicted['joints2d'], predicted['depth'])
    scores = jax.vmap(score)(joints2d, depth, truth)
    sums[row] = {name: metrics.Mean.of(v, w) for name, (v, w) in scores.items()}
  return sums


def table(scores: dict) -> str:
  """Scores (see Evaluator.scores) as text: a block a set, a line a metric."""
  lines = []
  for name, rows in scores.items():
    by_row = {row: values for row, values in rows.items() if row != 'examples'}
    lines.append(f'{name}: {rows["examples"]} examples')
    lines.append(f'  {"":24}' + ''.join(f'{row:>14}' for row in by_row))
    for metric, (unit, _, _) in METRICS.items():
      if any(metric in values for values in by_row.values()):
        digits = 1 if unit == 'mm' else 3
        cells = (
          f'{values[metric]:14.{digits}f}' if metric in values else f'{"-":>14}'
          for values in by_row.values()
        )
        lines.append(f'  {f"{metric} ({unit})":24}' + ''.join(cells))
  return '\n'.join(lines)


def flat(scores: dict) -> dict[str, float]:
  """Scores (see Evaluator.scores) by names such as 'eval/set/row/metric'."""
  return {
    f'eval/{name}/{row}/{metric}': value
    for name, rows in scores.items()
    for row, values in rows.items()
    if row != 'examples'
    for metric, value in values.items()
  }
