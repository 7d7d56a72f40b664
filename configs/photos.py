"""Real photographs as 2D, synthetic lab people as 3D: a small network on two cores.

  wild3d train --config=configs/photos.py --workdir=runs/photos \
    --config.datasets.photos.manual_dir=DIR

DIR holds MPII-form annotations (annotations.json and images/; see
wild3d/datasets/mpii). On 1,980 photographs of Leeds Sports Pose Extended all stages
took 85 minutes of two cores (AMD EPYC, 2026-11-24, with much other work beside) and
reached PCK@0.2 (torso) 0.524 on 213 held back ones, 0.601 on the upright (mean pose:
0.068, 0.108): see experiments/README.md.
"""

from wild3d.configs import base


def get_config():
  """Warm start on synthetic people, then photographs, then depth and geometry."""
  config = base.get_config()
  config.model.update(
    {'stacks': 1, 'residuals': 1, 'features': 64, 'stem': 16, 'depth_head': 'lift'}
  )
  config.input_size = 64
  config.batch_size = 16
  # Maps of 16 x 16 need sub-pixel targets and decoding; see losses.py on the loss.
  config.target.update({'loss': 'cross_entropy', 'sigma': 0.5, 'subpixel': True})
  config.evaluation.update({'refine': 'parabola', 'flip_test': True})
  config.optimizer.update({'name': 'muon', 'decay': 0.999, 'momentum': 0.95})
  # Sports photographs: people turn every way, a third are upside down.
  config.augment.update(
    {'rotation': 60.0, 'rotation_limit': 180.0, 'rotation_probability': 0.6}
  )
  config.datasets.photos = base.dataset('mpii/small')
  config.datasets.people = base.dataset('synthetic_people/quickstart')
  config.sources.photos = base.source('photos', 'train', '2d', weight=3.0)
  config.sources.wild = base.source('people', 'wild_train', '2d', weight=1.0)
  config.sources.lab = base.source('people', 'lab_train', '3d')
  config.stages.people = base.stage(
    1_500, 2e-2, ('wild', 'lab'), share_3d=0.25, warmup=50
  )
  config.stages.heatmap = base.stage(
    20_000, 2e-2, ('photos', 'wild', 'lab'), share_3d=0.125, decay='cosine'
  )
  config.stages.depth = base.stage(
    2_000, 5e-3, ('photos', 'wild', 'lab'), share_3d=0.25, decay='cosine', depth=0.5
  )
  config.stages.geometric = base.stage(
    800,
    2e-3,
    ('photos', 'wild', 'lab'),
    share_3d=0.25,
    decay='cosine',
    depth=0.5,
    geometric=0.1,
  )
  config.schedule = ('people', 'heatmap', 'depth', 'geometric')
  config.checkpoint.every = 1_000
  config.evaluation.every = 2_000
  config.evaluation.best = 'pck_torso_0.2'
  config.evaluation.skeleton_mm = 4070.848  # `skeleton_mm` of the people's metadata
  config.evaluation.main = 'photos'
  config.evaluation.sets.photos = base.evaluation_set('photos', 'validation')
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test')
  return config
