"""What each part of the method gives: rows that differ from the quickstart in a few fields.

  python experiments/ablation/run.py

trains every row, each as `wild3d train --config=configs/ablation.py` with the row's
fields. All rows have the quickstart's network and optimiser, and steps and rates of their
own. `wild3d quickstart --ablation` trains the first four with the quickstart's steps. Cost
and result: experiments/ablation/README.md.
"""

from typing import NamedTuple

from wild3d.configs import quickstart


class Row(NamedTuple):
  """One row of the table: its name for readers, and the fields in which it differs."""

  title: str
  fields: dict[str, object]
  against: str  # the row that lacks what this one has; '' for none
  heads: tuple[str, ...] = ('lift',)  # of models.pose3d.HEADS: with which it is trained


_STAGES = ('heatmap', 'depth', 'geometric')
_NO_GEOMETRY = {'stages.geometric.weights.geometric': 0.0}
_LAB_ALONE = {
  f'stages.{stage}.{field}': value
  for stage in _STAGES
  for field, value in (('sources', ('lab',)), ('share_3d', 1.0))
}
# The geometric loss is of images without depth labels, so in the last stage the lab's
# images come as such too, in the share that the wild ones have in the rows below.
_LAB_AS_2D = {
  'stages.geometric.sources': ('lab', 'extra'),
  'stages.geometric.share_3d': 0.375,
}
_CLIPS = {
  'datasets.extra.name': 'synthetic_people/clips',
  'sources.extra.split': 'wild_clips[:1920]',
  'sources.extra.role': 'clip',
  'clip_frames': 4,
  'stages.geometric.sources': ('lab', 'wild', 'extra'),
  'stages.geometric.share_clip': 0.25,
}

# A last stage of three times the steps at a higher rate, with or without the loss.
_LONG = {'stages.geometric.steps': 900, 'stages.geometric.learning_rate': 5e-3}

_BOTH = ('regression', 'lift')  # the paper's head, and the quickstart's

# The paper's claim.
CLAIM = {
  '3d': Row('3D only', _LAB_ALONE | _NO_GEOMETRY, '', _BOTH),
  '3d_geometric': Row('3D only + geometric', _LAB_ALONE | _LAB_AS_2D, '3d', _BOTH),
  '3d_2d': Row('3D + 2D', _NO_GEOMETRY, '3d', _BOTH),
  '3d_2d_geometric': Row('3D + 2D + geometric', {}, '3d_2d', _BOTH),
}
FULL = '3d_2d_geometric'

# The same with more time for the loss, and more weight.
LONG = {
  '3d_2d_long': Row('3D + 2D, longer', _NO_GEOMETRY | _LONG, '', _BOTH),
  '3d_2d_geometric_long': Row(
    '3D + 2D + geometric, longer',
    _LONG | {'stages.geometric.weights.geometric': 0.25},
    '3d_2d_long',
    _BOTH,
  ),
}

# Past the paper: the last row of the claim with one thing more.
MORE = {
  'ema': Row('+ average of the weights', {'ema': 0.998}, FULL),
  'symmetry': Row('+ symmetry', {'stages.geometric.weights.symmetry': 0.2}, FULL),
  'angles': Row('+ angle limits', {'stages.geometric.weights.angles': 0.1}, FULL),
  'integral': Row('integral head instead', {'model.depth_head': 'integral'}, FULL),
  'bones': Row('bone head instead', {'model.depth_head': 'bones'}, FULL),
  'perspective': Row(
    '+ perspective correction', {'perspective_correction': True}, FULL
  ),
  'clips': Row('+ clips', _CLIPS, FULL),
  'temporal': Row(
    '+ clips, temporal', _CLIPS | {'stages.geometric.weights.temporal': 0.5}, 'clips'
  ),
  'lift_poses': Row(
    '+ poses in new views',
    {
      'lift_poses': 256,
      'stages.depth.weights.lift': 1.0,
      'stages.geometric.weights.lift': 1.0,
    },
    FULL,
  ),
}
ROWS = CLAIM | LONG | MORE


# The tables' own, so that a quickstart of more steps does not move them.
_PINNED = {
  'stages.heatmap.steps': 1200,
  'stages.depth.steps': 1600,
  'stages.geometric.steps': 300,
  'stages.geometric.learning_rate': 2e-3,
  'stages.geometric.weights.geometric': 0.1,
  'perspective_correction': False,
}


def get_config():
  """That of the tables' rows: the quickstart as it was when they were begun."""
  config = with_extra(quickstart.get_config())
  config.update_from_flattened_dict(_PINNED)
  return config


def with_extra(config):
  """The quickstart's, with a source that rows use as they need it."""
  config.datasets.extra = quickstart.base.dataset('synthetic_people/quickstart')
  config.sources.extra = quickstart.base.source('extra', 'lab_train', '2d')
  return config


def overrides(row: str, head: str, seed: int = 0) -> list[str]:
  """The arguments --config.a.b=c that make `get_config()` a row of the table."""
  own = {'model.depth_head': head, 'model.depth_residuals': 1, 'seed': seed}
  return arguments(own | ROWS[row].fields)


def arguments(fields: dict[str, object]) -> list[str]:
  """Fields as arguments of the command line."""
  return [f'--config.{field}={value}' for field, value in fields.items()]
