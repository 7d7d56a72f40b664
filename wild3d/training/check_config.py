"""What may stand in a configuration: checked where a run starts, before any work.

`rules` has every field of configs/base.py; NAMES, the fields that name what another
section defines; `_check_mixture`, what the fields of a stage must say together. `*` stands
for the names that a configuration gives its datasets, sources, stages and sets.
"""

import numbers
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from wild3d import heatmaps, losses
from wild3d.data import mixture
from wild3d.errors import UserError
from wild3d.models import pixels, pose3d
from wild3d.protocols import overview
from wild3d.training import optimizer, schedule


class Rule(NamedTuple):
  """What may stand in a field, in words and as a test of any value."""

  says: str
  holds: Callable[[Any], bool]


def _whole(low) -> Rule:
  # Steps and rows are counted in 32 bits.
  return Rule(
    f'it must be a whole number, at least {low} and below 2**31',
    lambda value: _is(value, numbers.Integral) and low <= value < 2**31,
  )


def _number(low, high=float('inf'), *, above=False) -> Rule:
  """From `low` (or above it) to `high`; below that where it is infinite."""
  said = f'above {low:g}' if above else f'at least {low:g}'
  said += f' and at most {high:g}' if high < float('inf') else ''
  return Rule(
    f'it must be a number, {said}',
    lambda value: (
      _is(value, numbers.Real)
      and (value > low if above else value >= low)
      and value <= high
      and value < float('inf')
    ),
  )


def _one_of(known) -> Rule:
  return Rule(
    f'choose from {", ".join(known)}', lambda value: _is(value, str) and value in known
  )


def _is(value, kind):
  return isinstance(value, kind) and not isinstance(value, bool)


def _may_be_names(value):
  return isinstance(value, tuple | list) and all(isinstance(v, str) for v in value)


def _are_names(value):
  return _may_be_names(value) and len(value) > 0


def _are_drops(value):
  return isinstance(value, tuple | list) and all(
    isinstance(drop, tuple | list)
    and len(drop) == 2
    and _whole(0).holds(drop[0])
    and _number(0).holds(drop[1])
    for drop in value
  )


_FLAG = Rule('it must be True or False', lambda value: isinstance(value, bool))
_TEXT = Rule('it must be text', lambda value: isinstance(value, str))
_FILLED = Rule('it must be text, not empty', lambda v: isinstance(v, str) and bool(v))
_SHARE = _number(0, 1)
_DECAY = Rule(
  'it must be a number, at least 0 and below 1',
  lambda value: _SHARE.holds(value) and value < 1,
)
_DROPS = Rule('it must be pairs of step and factor: ((160000, 0.1),)', _are_drops)
_SIZE = Rule(
  'it must be a whole number, a multiple of 64',
  lambda value: _whole(64).holds(value) and value % 64 == 0,
)


def _names(of) -> Rule:
  return Rule(f"it must name {of}, at least one: ('a', 'b')", _are_names)


def rules() -> dict[str, Rule]:
  """Every field of a configuration -> its rule."""
  return {
    'seed': _whole(0),
    'model.backbone': _one_of(pose3d.BACKBONES),
    'model.stacks': _whole(1),
    'model.residuals': _whole(1),
    'model.features': _whole(2),
    'model.stem': _whole(1),
    'model.depth_head': _one_of(pose3d.HEADS),
    'model.depth_residuals': _whole(1),
    'model.presence': _FLAG,
    'model.dtype': _one_of(pose3d.DTYPES),
    'model.remat': _FLAG,
    'pixels.order': _one_of(pixels.ORDERS),
    'pixels.divisor': _number(0, above=True),
    'target.sigma': _number(0, above=True),
    'target.truncate': _whole(0),
    'target.subpixel': _FLAG,
    'target.loss': _one_of(losses.HEATMAP_LOSSES),
    'target.mask_unlabelled': _FLAG,
    'target.geometric_form': _one_of(losses.FORMS),
    'target.depth_root': _one_of(losses.DEPTH_ROOTS),
    'optimizer.name': _one_of(optimizer.NAMES),
    'optimizer.decay': _DECAY,
    'optimizer.momentum': _DECAY,
    'optimizer.eps': _number(0, above=True),
    'optimizer.clip_norm': _number(0),
    'optimizer.weight_decay': _number(0),
    'ema': _DECAY,
    'data_dir': _FILLED,
    'datasets.*.name': _FILLED,
    'datasets.*.manual_dir': _TEXT,
    'sources.*.dataset': _FILLED,
    'sources.*.split': _FILLED,
    'sources.*.role': _one_of(mixture.ROLES),
    'sources.*.weight': _number(0, above=True),
    'batch_size': _whole(1),
    'accumulate': _whole(1),
    'input_size': _SIZE,
    'clip_frames': _whole(1),
    'lift_poses': _whole(0),
    'perspective_correction': _FLAG,
    'shuffle_buffer': _whole(1),
    'augment.scale': _number(0),
    'augment.scale_limit': _number(0),
    'augment.rotation': _number(0),
    'augment.rotation_limit': _number(0),
    'augment.rotation_probability': _SHARE,
    'augment.flip_probability': _SHARE,
    'augment.color': _SHARE,
    'augment.augment_3d': _FLAG,
    'augment.shift': _SHARE,
    'augment.half_body': _SHARE,
    'augment.cover': _SHARE,
    'augment.away': _SHARE,
    'stages.*.steps': _whole(1),
    'stages.*.learning_rate': _number(0),
    'stages.*.warmup': _whole(0),
    'stages.*.drops': _DROPS,
    'stages.*.decay': _one_of(schedule.DECAYS),
    'stages.*.sources': _names('sources'),
    'stages.*.share_3d': _SHARE,
    'stages.*.share_clip': _SHARE,
    **{f'stages.*.weights.{term}': _number(0) for term in losses.TERMS},
    'schedule': _names('stages'),
    'init_from': _TEXT,
    'init_fresh': Rule("it must name parts of the network: ('lift',)", _may_be_names),
    'guard_loss': _number(0, above=True),
    'guard_parameter': _number(0, above=True),
    'log_every': _whole(1),
    'checkpoint.every': _whole(1),
    'checkpoint.minutes': _number(0),
    'checkpoint.keep': _whole(1),
    'evaluation.every': _whole(0),
    'evaluation.batch_size': _whole(1),
    'evaluation.sets.*.dataset': _FILLED,
    'evaluation.sets.*.split': _FILLED,
    'evaluation.sets.*.limit': _whole(0),
    'evaluation.main': _TEXT,
    'evaluation.best': _one_of(overview.ENTRIES),
    'evaluation.flip_test': _FLAG,
    'evaluation.refine': _one_of(heatmaps.REFINES),
    'evaluation.skeleton_mm': _number(0, above=True),
    'evaluation.baselines': _FLAG,
    'evaluation.baseline_examples': _whole(1),
  }


# Fields that name what a section defines.
NAMES = {
  'sources.*.dataset': 'datasets',
  'stages.*.sources': 'sources',
  'schedule': 'stages',
  'evaluation.sets.*.dataset': 'datasets',
  'evaluation.main': 'evaluation.sets',
}
_MISSING = object()


def check(config, *sections: str) -> None:
  """Raises unless every field holds what may stand there.

  Args:
    config: see configs/base.py.
    sections: the first parts of the fields to look at, such as 'model'; all of them,
      and whether the stages of the schedule can be run, where none is given.

  Raises:
    UserError: names the field, what it holds and what it may.
  """
  tree = config.to_dict()
  wanted = lambda field: not sections or field.split('.')[0] in sections  # noqa: E731
  known = set()
  for field, rule in rules().items():
    for path, value in _found(field, tree) if wanted(field) else ():
      known.add(path)
      # A loss that a stage does not name weighs nothing.
      if value is _MISSING and '.weights.' not in path:
        raise UserError(f'config.{path} is missing: {rule.says}')
      if value is not _MISSING and not rule.holds(value):
        raise UserError(f'config.{path} is {value!r:.60}: {rule.says}')
  for path in _leaves(tree):
    if wanted(path) and path not in known:
      raise UserError(_unknown(path, known))
  for field, section in NAMES.items():
    for path, value in _found(field, tree) if wanted(field) else ():
      _check_names(path, value, next(_found(section, tree))[1])
  for name in () if sections else config.schedule:
    _check_mixture(name, tree)
    _check_heads(name, tree)


def _found(field: str, tree) -> Iterator[tuple[str, Any]]:
  """(path, value) of a field, for each name that `*` stands for."""
  first, _, rest = field.partition('.')
  if not isinstance(tree, dict):
    yield field, _MISSING
    return
  for key in tree if first == '*' else [first]:
    inner = tree.get(key, _MISSING)
    if not rest:
      yield key, inner
      continue
    for path, value in _found(rest, inner):
      yield f'{key}.{path}', value


def _leaves(tree, prefix=''):
  for key, value in tree.items():
    if isinstance(value, dict):
      yield from _leaves(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}'


def _unknown(path, known):
  section = path.rpartition('.')[0]
  beside = [field for field in known if field.rpartition('.')[0] == section]
  names = ', '.join(sorted(field.rpartition('.')[2] for field in beside))
  return f'there is no field config.{path}: ' + (
    f'choose from {names}' if names else 'the fields are in configs/base.py'
  )


def _check_names(path, value, section):
  if path == 'evaluation.main' and not section:  # nothing is scored
    return
  for name in [value] if isinstance(value, str) else value:
    if name not in section:
      known = (
        f'choose from {", ".join(sorted(section))}' if section else 'none is there'
      )
      raise UserError(f'config.{path} names {name!r}: {known}')


def _check_mixture(name, tree):
  """Raises UserError unless a stage's shares are whole rows of sources that it has.

  So must they be in each part of a batch, or the parts would not count alike.
  """
  stage, parts = tree['stages'][name], tree['accumulate']
  used = [
    types.SimpleNamespace(name=source, **tree['sources'][source])
    for source in stage['sources']
  ]
  try:
    shares = mixture.shares(stage['share_3d'], stage['share_clip'])
    mixture.row_roles(tree['batch_size'], shares, tree['clip_frames'])
    mixture.roles_in_use(used, shares)
  except UserError as error:
    raise UserError(f'config.stages.{name}: {error}') from None
  rows, over = divmod(tree['batch_size'], parts)
  if over:
    raise UserError(f'config.accumulate is {parts}: it must divide config.batch_size')
  try:
    mixture.row_roles(rows, shares, tree['clip_frames'])
  except UserError as error:
    raise UserError(
      f'config.stages.{name}: in each of the {parts} parts of config.accumulate, {error}'
    ) from None


def _check_heads(name, tree):
  """Raises UserError unless the network has the heads that a stage's losses teach."""
  stage, model = tree['stages'][name], tree['model']
  field = f'config.stages.{name}.weights'
  if stage['weights'].get('presence') and not model['presence']:
    raise UserError(f'{field}.presence needs --config.model.presence=True')
  if stage['weights'].get('lift'):
    if model['depth_head'] != 'lift':
      raise UserError(f'{field}.lift needs --config.model.depth_head=lift')
    if not tree['lift_poses'] or not stage['share_3d']:
      raise UserError(f'{field}.lift needs config.lift_poses and a share_3d above 0')
