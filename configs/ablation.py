"""What each part of the method gives: rows that differ from the quickstart in a few fields.

  python experiments/ablation/run.py

trains every row with `wild3d train --config=configs/ablation.py`, stage by stage, and a
stage that several rows have in common once. `wild3d quickstart --ablation` trains the
first four with one seed. Cost and result: experiments/ablation/README.md.
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

_NEW_VIEWS = {
  'lift_poses': 256,
  'stages.depth.weights.lift': 1.0,
  'stages.geometric.weights.lift': 1.0,
}

# Half of Muon's rates: at all of them the heatmaps are no better, at less they are worse.
_ADAMW = {
  'optimizer.name': 'adamw',
  'optimizer.momentum': 0.9,
  'optimizer.weight_decay': 0.01,
  'stages.heatmap.learning_rate': 1e-2,
  'stages.depth.learning_rate': 5e-3,
  'stages.geometric.learning_rate': 2.5e-3,
}
_SYMMETRY = {'stages.geometric.weights.symmetry': 0.05}
_BOTH = ('regression', 'lift')  # the paper's head, and the quickstart's

# The paper's claim.
CLAIM = {
  '3d': Row('3D only', _LAB_ALONE | _NO_GEOMETRY, '', _BOTH),
  '3d_geometric': Row('3D only + geometric', _LAB_ALONE | _LAB_AS_2D, '3d', _BOTH),
  '3d_2d': Row('3D + 2D', _NO_GEOMETRY, '3d', _BOTH),
  '3d_2d_geometric': Row('3D + 2D + geometric', {}, '3d_2d', _BOTH),
}
FULL = '3d_2d_geometric'

# Past the paper: the last row of the claim with one thing more.
MORE = {
  'adamw': Row('AdamW instead of Muon', _ADAMW, FULL),
  'ema': Row('+ average of the weights', {'ema': 0.998}, FULL),
  'symmetry': Row('+ symmetry', _SYMMETRY, FULL),
  'angles': Row('+ angle limits', {'stages.geometric.weights.angles': 0.1}, FULL),
  'integral': Row('integral head instead', {'model.depth_head': 'integral'}, FULL),
  'bones': Row('bone head instead', {'model.depth_head': 'bones'}, FULL),
  'camera_axes': Row(
    'no perspective correction', {'perspective_correction': False}, FULL
  ),
  'clips': Row('+ clips', _CLIPS, FULL),
  'temporal': Row(
    '+ clips, temporal', _CLIPS | {'stages.geometric.weights.temporal': 5.0}, 'clips'
  ),
  'lift_poses': Row('+ poses in new views', _NEW_VIEWS, FULL),
  'together': Row('+ new views, symmetry', _NEW_VIEWS | _SYMMETRY, FULL),
}
ROWS = CLAIM | MORE


# What the stages before the last cannot see of a row: rows that are the same to a stage
# have it in common. A source `extra` is in nobody's stages but the last.
_LAST = ('stages.geometric.', 'datasets.extra.', 'sources.extra.', 'clip_frames')
_DEPTH = ('stages.depth.', 'model.depth_head', 'lift_poses', 'perspective_correction')
_UNSEEN = {'heatmap': _LAST + _DEPTH, 'depth': _LAST, 'geometric': ()}


def get_config():
  """The quickstart's, with a source that rows use as they need it."""
  config = quickstart.get_config()
  config.datasets.extra = quickstart.base.dataset('synthetic_people/quickstart')
  config.sources.extra = quickstart.base.source('extra', 'lab_train', '2d')
  return config


def fields(row: str, head: str) -> dict[str, object]:
  """The fields in which a row with a head differs from `get_config()`."""
  return {'model.depth_head': head} | ROWS[row].fields


def seen(row: str, head: str, stage: str) -> dict[str, object]:
  """Those of them that make a difference up to the end of a stage."""
  every = fields(row, head)
  return {k: v for k, v in every.items() if not k.startswith(_UNSEEN[stage])}


def beginning(row: str, head: str, stage: str) -> tuple[str, str]:
  """The first row, with its head, that a stage cannot tell from this one."""
  return next(
    (other, theirs)
    for other in ROWS
    for theirs in ROWS[other].heads
    if seen(other, theirs, stage) == seen(row, head, stage)
  )


def arguments(changed: dict[str, object]) -> list[str]:
  """Fields as arguments of the command line."""
  return [f'--config.{field}={value}' for field, value in changed.items()]
