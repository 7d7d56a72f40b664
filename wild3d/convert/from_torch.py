"""A PyTorch checkpoint of the authors' network becomes a run of ours."""

import collections
import math
import re

import jax
import numpy as np
from flax import traverse_util

from wild3d import checkpoints, restore, skeleton, workdir
from wild3d import config as configs
from wild3d.configs import base
from wild3d.convert import names, torch_file
from wild3d.errors import UserError
from wild3d.models import initial
from wild3d.models.depth import LEVELS

_LISTED = 8  # groups of names in a message
_DEFAULT_INPUT = 256  # px: of a 2D-only network, which works at any size


def sizes(tensors: dict[str, np.ndarray]) -> dict[str, int]:
  """Fields of config.model, and input_size, from the shapes.

  Raises:
    UserError: it is not this network, or not of 16 joints.
  """
  count = lambda pattern: len(  # noqa: E731
    {m[1] for name in tensors if (m := re.match(pattern, name))}
  )
  stacks = count(r'tmpOut\.(\d+)\.weight$')
  residuals = count(r'hourglass\.0\.up1_\.(\d+)\.')
  blocks = count(r'reg_\.(\d+)\.')
  wanted = ('conv1_.weight', 'lin_.0.0.weight', 'tmpOut.0.weight')
  if not stacks or not residuals or any(name not in tensors for name in wanted):
    raise UserError(
      'it is not the stacked hourglass of this paper: expected names such as '
      f'{", ".join(wanted)}; it has {", ".join(list(tensors)[:4])}, ...'
    )
  joints = tensors['tmpOut.0.weight'].shape[0]
  if joints != len(skeleton.JOINTS):
    raise UserError(f'it has {joints} heatmaps, not those of the 16 joints of MPII')
  features = tensors['lin_.0.0.weight'].shape[0]
  side = 4
  if 'reg.weight' in tensors:
    side = math.isqrt(max(0, tensors['reg.weight'].shape[-1] // features))
  return {
    'stacks': stacks,
    'residuals': residuals,
    'features': features,
    'stem': tensors['conv1_.weight'].shape[0],
    'depth_residuals': max(1, blocks // LEVELS),
    'input_size': side * 4 * 2**LEVELS if side else _DEFAULT_INPUT,
  }


def is_flat(tensors: dict[str, np.ndarray]) -> bool:
  """Whether it is the 2D-only network: nothing of the depth module is there."""
  return not any(name.startswith('reg') for name in tensors)


def config_of(fields: dict[str, int]):
  """The configuration of the released network: its input, targets and constants."""
  config = base.get_config()
  model = dict(fields)
  config.input_size = model.pop('input_size')
  config.model.update(model)
  config.pixels.update({'order': 'bgr', 'divisor': 256.0})
  config.target.update(
    {
      'mask_unlabelled': False,
      'geometric_form': 'released',
      'depth_root': 'spine',
    }
  )
  config.evaluation.skeleton_mm = skeleton.ZHOU2017_SKELETON_MM
  return config


def variables_of(tensors: dict[str, np.ndarray], config) -> dict:
  """Our variables from their tensors; the depth head of a 2D-only one is fresh.

  Raises:
    UserError: names are missing or unknown, shapes differ, or a value is not finite.
  """
  model = restore.make_model(config)
  fresh = initial.variables(model, jax.random.key(0), config.input_size)
  leaves = {
    path: np.asarray(x) for path, x in traverse_util.flatten_dict(fresh).items()
  }
  m = config.model
  entries = names.table(m.stacks, m.residuals, m.depth_residuals, m.features, m.stem)
  flat = is_flat(tensors)
  taken = [e for e in entries if e.theirs in tensors or not (flat and e.of_depth)]
  missing = [e.theirs for e in taken if e.theirs not in tensors]
  known = {e.theirs for e in entries}
  extra = [
    name
    for name in tensors
    if name not in known and not name.endswith('num_batches_tracked')
  ]
  if missing or extra:
    parts = [('missing', missing), ('unknown', extra)]
    raise UserError('; '.join(f'{what}: {_grouped(n)}' for what, n in parts if n))
  for entry in taken:
    array = tensors[entry.theirs]
    if array.dtype.kind != 'f':
      raise UserError(f'{entry.theirs} holds {array.dtype}, not real numbers')
    if not np.isfinite(array).all():
      raise UserError(f'{entry.theirs} holds values that are NaN or infinite')
    try:
      leaf = entry.to_ours(array, leaves[entry.ours].shape)
    except ValueError as error:
      raise UserError(str(error)) from None
    leaves[entry.ours] = np.ascontiguousarray(leaf, np.float32)
  return traverse_util.unflatten_dict(leaves)


def _grouped(missing):
  """'reg_.0.* (12), reg.* (2)': names by their first two parts."""
  groups = collections.Counter(
    '.'.join(n.split('.')[:2][: max(1, n.count('.'))]) for n in missing
  )
  shown = [f'{group}.* ({number})' for group, number in groups.most_common(_LISTED)]
  more = len(groups) - _LISTED
  return ', '.join(shown) + (f' and {more} more groups' if more > 0 else '')


def convert(source: str, out: str) -> str:
  """Writes a run folder, at step 0, from a PyTorch file; returns what to tell the user.

  Args:
    source: see `torch_file.read`.
    out: a folder that does not exist yet.

  Raises:
    UserError: see `torch_file.read`, `sizes` and `variables_of`; `out` exists or
      cannot be made. Nothing is written then.
  """
  folder = workdir.place(out)
  if folder.exists():
    raise UserError(f'{out} exists: name a new folder')
  found = torch_file.read(source)
  try:
    config = config_of(sizes(found.tensors))
    variables = variables_of(found.tensors, config)
  except UserError as error:
    raise UserError(f'{source}: {error}') from None
  checkpoints.save_model(folder, variables, {'config': configs.as_json(config)})
  m = config.model
  said = (
    f'{source}: {found.form}; {m.stacks} stacks, {m.residuals} residuals, {m.features} '
    f'features, {config.input_size} px; input BGR / 256, depth relative to the spine'
  )
  if is_flat(found.tensors):
    said += '\nno depth module in it: depths are those of an untrained one'
  return f'{said}\nwritten: {out}'
