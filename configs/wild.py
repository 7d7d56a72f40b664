"""Photographs as 2D, people drawn from real motion capture as 3D: the shipped weights.

Two runs, at 64 px and then, from its parameters, at 128 px:

  DATA="--config.datasets.photos.manual_dir=PHOTOS --config.datasets.people.manual_dir=MOCAP \
    --config.datasets.nobody.manual_dir=NOBODY"
  wild3d train --config=configs/wild.py --workdir=runs/wild64 $DATA --config.input_size=64
  wild3d train --config=configs/wild.py --workdir=runs/wild128 $DATA \
    --config.init_from=runs/wild64

PHOTOS holds MPII-form annotations (annot/train.json, annot/valid.json and images/; see
wild3d/datasets/mpii), MOCAP motion capture (docs/motion-capture.md), NOBODY pictures without
people (experiments/wild/pictures_of_nobody.py); build the people with
`wild3d data build mocap_people/wild3d --manual_dir=MOCAP --set every=2` first. Cost and
result: docs/model-card.md.
"""

from wild3d.configs import base


def get_config():
  """Heatmaps, then depth too, then geometry, with the learning rate going down."""
  config = base.get_config()
  config.model.update(
    {'stacks': 1, 'residuals': 1, 'features': 128, 'stem': 32, 'depth_head': 'lift'}
  )
  config.model.presence = True
  config.input_size = 128
  config.batch_size = 16
  # Sub-pixel targets and decoding: the maps are small. See losses.py on the loss.
  config.target.update({'loss': 'cross_entropy', 'sigma': 0.75, 'subpixel': True})
  config.evaluation.update({'refine': 'parabola', 'flip_test': True})
  config.optimizer.update({'name': 'muon', 'decay': 0.999, 'momentum': 0.95})
  config.augment.update(
    {'rotation': 30.0, 'rotation_limit': 90.0, 'rotation_probability': 0.5}
  )
  config.augment.update({'shift': 0.08, 'half_body': 0.15, 'cover': 0.3, 'away': 0.12})
  config.lift_poses = 256
  config.perspective_correction = True
  config.datasets.photos = base.dataset('mpii/small')
  config.datasets.people = base.dataset('mocap_people/wild3d')
  config.datasets.nobody = base.dataset('nobody')
  config.sources.photos = base.source('photos', 'train', '2d', weight=4.0)
  config.sources.nobody = base.source('nobody', 'train', '2d')
  config.sources.wild = base.source('people', 'wild_train', '3d')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  every = ('photos', 'nobody', 'wild', 'lab')
  # No depth yet: at this rate it kills the lift, for good (docs/model-card.md).
  config.stages.heatmap = base.stage(
    12_000, 2e-2, every, share_3d=0.25, decay='cosine', warmup=50, presence=0.1
  )
  config.stages.depth = base.stage(
    4_000, 8e-3, every, share_3d=0.25, warmup=200, depth=0.2, lift=1.0, presence=0.1
  )
  config.stages.geometric = base.stage(
    3_000, 8e-3, every, share_3d=0.25, decay='cosine', depth=0.2, lift=1.0, presence=0.1
  )
  config.stages.geometric.weights.update(
    {'geometric': 0.02, 'symmetry': 0.2, 'angles': 0.1}
  )
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.checkpoint.every = 500
  config.evaluation.every = 4_000
  config.evaluation.best = 'pck_torso_0.2'
  config.evaluation.main = 'photos'
  config.evaluation.sets.photos = base.evaluation_set('photos', 'validation')
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test', 400)
  return config
