"""Photographs as 2D, people drawn from real motion capture as 3D: the shipped weights.

  wild3d train --config=configs/wild.py --workdir=runs/wild \
    --config.datasets.photos.manual_dir=PHOTOS --config.datasets.people.manual_dir=MOCAP

PHOTOS holds MPII-form annotations (annot/train.json, annot/valid.json and images/; see
wild3d/datasets/mpii), MOCAP motion capture (docs/motion-capture.md); build the people with
`wild3d data build mocap_people/wild3d --manual_dir=MOCAP --set every=2` first. Cost and
result: docs/model-card.md.
"""

from wild3d.configs import base


def get_config():
  """Heatmaps, then depth, then geometry."""
  config = base.get_config()
  config.model.update(
    {'stacks': 1, 'residuals': 1, 'features': 128, 'stem': 32, 'depth_head': 'lift'}
  )
  config.input_size = 64
  config.batch_size = 16
  # Maps of 16 x 16 need sub-pixel targets and decoding; see losses.py on the loss.
  config.target.update({'loss': 'cross_entropy', 'sigma': 0.5, 'subpixel': True})
  config.evaluation.update({'refine': 'parabola', 'flip_test': True})
  config.optimizer.update({'name': 'muon', 'decay': 0.999, 'momentum': 0.95})
  config.augment.update(
    {'rotation': 30.0, 'rotation_limit': 90.0, 'rotation_probability': 0.5}
  )
  config.datasets.photos = base.dataset('mpii/small')
  config.datasets.people = base.dataset('mocap_people/wild3d')
  config.sources.photos = base.source('photos', 'train', '2d')
  config.sources.wild = base.source('people', 'wild_train', '3d')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  sources = ('photos', 'wild', 'lab')
  # No depth yet: at this rate it kills the lift, for good (docs/model-card.md).
  config.stages.heatmap = base.stage(
    16_000, 2e-2, sources, share_3d=0.25, decay='cosine', warmup=50
  )
  config.stages.depth = base.stage(
    2_500, 1e-2, sources, share_3d=0.5, decay='cosine', warmup=50, depth=0.5
  )
  config.stages.geometric = base.stage(
    800, 2e-3, sources, share_3d=0.25, decay='cosine', depth=0.5, geometric=0.1
  )
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.checkpoint.every = 1_000
  config.evaluation.every = 4_000
  config.evaluation.best = 'pck_torso_0.2'
  config.evaluation.main = 'photos'
  config.evaluation.sets.photos = base.evaluation_set('photos', 'validation')
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test', 400)
  return config
