"""The method in miniature, on synthetic people: minutes on two cores.

  wild3d quickstart

Cost and result: see README.md.
"""

from wild3d.configs import base


def get_config():
  """Three short stages of a small network."""
  config = base.get_config()
  config.model.update({'stacks': 1, 'residuals': 1, 'features': 64, 'stem': 16})
  config.model.update({'depth_head': 'lift', 'depth_residuals': 1})
  config.input_size = 64
  config.batch_size = 16
  # Maps of 16 x 16 need sub-pixel targets and decoding; see losses.py on the loss.
  config.target.update({'loss': 'cross_entropy', 'sigma': 0.5, 'subpixel': True})
  config.evaluation.update({'refine': 'parabola', 'flip_test': True})
  config.optimizer.update({'name': 'muon', 'decay': 0.999, 'momentum': 0.95})
  # The people come in every pose and view already; mirror them, shift little.
  config.augment.update(
    {'scale': 0.1, 'scale_limit': 0.2, 'rotation': 10.0, 'rotation_limit': 20.0}
  )
  config.perspective_correction = True
  config.datasets.people = base.dataset('synthetic_people/quickstart')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  config.sources.wild = base.source('people', 'wild_train', '2d')
  both = ('lab', 'wild')
  config.stages.heatmap = base.stage(
    2000, 2e-2, both, share_3d=0.25, warmup=50, decay='cosine'
  )
  config.stages.depth = base.stage(
    2400, 1e-2, both, share_3d=0.375, decay='cosine', depth=0.5
  )
  config.stages.geometric = base.stage(
    900, 5e-3, both, share_3d=0.375, decay='cosine', depth=0.5, geometric=0.25
  )
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.log_every = 100
  config.checkpoint.every = 1000
  config.checkpoint.keep = 3  # with the end of `depth`, where --ablation goes on
  config.evaluation.batch_size = 48
  config.evaluation.skeleton_mm = 4070.848  # `skeleton_mm` of the set's metadata
  config.evaluation.main = 'wild_test'
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test')
  config.evaluation.sets.lab_test = base.evaluation_set('people', 'lab_test')
  return config
