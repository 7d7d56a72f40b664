"""A PyTorch checkpoint of the authors' network becomes a run of ours."""

import collections
import math
import re

import jax
import numpy as np
from flax import traverse_util

from wild3d import files, network, settings, skeleton
from wild3d.configs import base
from wild3d.convert import names, torch_file
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.models.depth import LEVELS
from wild3d.training import checkpoints

_LISTED = 8  # groups of names in a message
_UNUSED = 'num_batches_tracked'  # a count that batch norms of PyTorch keep
_WANTED = ('conv1_.weight', 'lin_.0.0.weight', 'tmpOut.0.weight')
_DEFAULT_INPUT = 256  # px: of a 2D-only network, which works at any size
_TENSORS = 60  # a quarter of those of one stack and residual


def sizes(tensors: dict[str, np.ndarray]) -> dict[str, int]:
  """Fields of config.model, and input_size, from the names and shapes.

  Raises:
    UserError: it is not this network, or not of 16 joints.
  """
  stacks = _count(r'tmpOut\.(\d+)\.weight$', tensors)
  residuals = _count(r'hourglass\.0\.up1_\.(\d+)\.', tensors)
  blocks = _count(r'reg_\.(\d+)\.', tensors)
  first, feature, heatmap = _WANTED
  if not residuals or any(np.ndim(tensors.get(name)) != 4 for name in _WANTED):
    raise UserError(
      'it is not the stacked hourglass of this paper: expected names such as '
      f'{", ".join(_WANTED)}; it has {", ".join(list(tensors)[:4])}, ...'
    )
  # What follows takes time and memory by these counts: the file must bear them out.
  if stacks * residuals * _TENSORS > len(tensors):
    raise UserError(
      f'its names tell of {stacks} stacks of {residuals} residuals, too many for the '
      f'{len(tensors)} tensors that it has'
    )
  joints = tensors[heatmap].shape[0]
  if joints != len(skeleton.JOINTS):
    raise UserError(f'it has {joints} heatmaps, not those of the 16 joints of MPII')
  features, stem = tensors[feature].shape[0], tensors[first].shape[0]
  if tensors[feature].shape != (features, features, 1, 1) or features < 2 or not stem:
    shapes = ', '.join(f'{name} {tensors[name].shape}' for name in (first, feature))
    raise UserError(f'it has no width that fits: {shapes}')
  side = 0
  if np.ndim(tensors.get('reg.weight')) == 2:
    side = math.isqrt(tensors['reg.weight'].shape[1] // features)
  return {
    'stacks': stacks,
    'residuals': residuals,
    'features': features,
    'stem': stem,
    'depth_residuals': max(1, blocks // LEVELS),
    'input_size': side * 4 * 2**LEVELS if side else _DEFAULT_INPUT,
  }


def _count(pattern, tensors):
  return len({m[1] for name in tensors if (m := re.match(pattern, name))})


def is_flat(tensors: dict[str, np.ndarray]) -> bool:
  """Whether it is the 2D-only network: nothing of the depth module is there."""
  return not any(name.startswith('reg') for name in tensors)


def config_of(fields: dict[str, int], data=None):
  """The configuration of the released network: its input, targets and constants.

  Of `fields`, see `sizes`; with the datasets, evaluation sets and stages of `data`.
  """
  theirs = base.get_config()
  config = data or theirs
  model = dict(fields)
  config.input_size = model.pop('input_size')
  config.model.update({**theirs.model, **model})
  config.pixels.update({'order': 'bgr', 'divisor': 256.0})
  released = {
    'mask_unlabelled': False,
    'geometric_form': 'released',
    'depth_root': 'spine',
  }
  config.target.update({**theirs.target, **released})
  config.evaluation.refine = theirs.evaluation.refine
  config.evaluation.skeleton_mm = skeleton.ZHOU2017_SKELETON_MM
  return config


def variables_of(tensors: dict[str, np.ndarray], config) -> dict:
  """Our variables from their tensors; the depth head of a 2D-only one is fresh.

  Raises:
    UserError: names are missing or unknown; a shape differs; or a value is not finite
      in float32, or a variance negative.
  """
  m = config.model
  entries = names.table(m.stacks, m.residuals, m.depth_residuals, m.features, m.stem)
  flat = is_flat(tensors)
  taken = [e for e in entries if e.theirs in tensors or not (flat and e.of_depth)]
  known = {e.theirs for e in entries}
  missing = [e.theirs for e in taken if e.theirs not in tensors]
  unknown = [n for n in tensors if n not in known and not n.endswith(_UNUSED)]
  if missing or unknown:
    refused = ('missing', missing), ('unknown', unknown)
    raise UserError('; '.join(f'{what}: {_grouped(n)}' for what, n in refused if n))

  model = network.make_model(config)
  # Shapes alone: no memory is taken before the file has shown that it has as much.
  expected = traverse_util.flatten_dict(initial.shapes(model, config.input_size))
  for entry in taken:
    _check(entry, tensors[entry.theirs], expected[entry.ours].shape)

  leaves = {}
  if len(taken) < len(entries):
    fresh = initial.variables(model, jax.random.key(0), config.input_size)
    leaves = {p: np.asarray(x) for p, x in traverse_util.flatten_dict(fresh).items()}
  for entry in taken:
    leaf = entry.to_ours(tensors[entry.theirs], expected[entry.ours].shape)
    leaves[entry.ours] = np.ascontiguousarray(leaf, np.float32)
  return traverse_util.unflatten_dict(leaves)


def _check(entry, array, shape):
  wanted = entry.their_shape(shape)
  if array.shape != wanted:
    raise UserError(f'{entry.theirs} has shape {array.shape}, expected {wanted}')
  if array.dtype.kind != 'f':
    raise UserError(f'{entry.theirs} holds {array.dtype}, not real numbers')
  if not (np.abs(array) <= np.finfo(np.float32).max).all():
    raise UserError(
      f'{entry.theirs} holds values that are NaN, infinite or beyond float32'
    )
  if entry.theirs.endswith('running_var') and (array < 0).any():
    raise UserError(f'{entry.theirs} holds a negative variance')


def _grouped(found):
  """'reg_.0.* (12), reg.* (2)': names by their first two parts."""
  groups = collections.Counter(
    '.'.join(n.split('.')[:2][: max(1, n.count('.'))]) for n in found
  )
  shown = [f'{group}.* ({number})' for group, number in groups.most_common(_LISTED)]
  more = len(groups) - _LISTED
  return ', '.join(shown) + (f' and {more} more groups' if more > 0 else '')


def convert(source: str, out: str, data=None) -> str:
  """Writes a run folder, at step 0, from a PyTorch file; returns what to tell the user.

  Raises:
    UserError: see `torch_file.read`, `sizes` and `variables_of`; `out` exists or
      cannot be made. Nothing is written then.
  """
  folder = files.absolute(out)
  if folder.exists():
    raise UserError(f'{out} exists: name a new folder')
  found = torch_file.read(source)
  try:
    config = config_of(sizes(found.tensors), data)
    variables = variables_of(found.tensors, config)
  except UserError as error:
    raise UserError(f'{source}: {error}') from None
  checkpoints.save_model(folder, variables, {'config': settings.as_json(config)})
  m = config.model
  said = (
    f'{source}: {found.form}; {m.stacks} stacks, {m.residuals} residuals, {m.features} '
    f'features, {config.input_size} px; input BGR / 256, depth relative to the spine'
  )
  if is_flat(found.tensors):
    said += '\nno depth module in it: depths are those of an untrained one'
  return f'{said}\nwritten: {out}'
