"""The method in miniature, on synthetic people: minutes on two cores.

  wild3d quickstart

Cost and result: see README.md.
"""

from wild3d.configs import base


def get_config():
  """Three short stages of a small network."""
  config = base.get_config()
  config.model.update(
    {'stacks': 1, 'residuals': 1, 'features': 64, 'depth_residuals': 1}
  )
  config.input_size = 64
  config.target.update({'sigma': 1.0, 'subpixel': True})
  config.evaluation.refine = 'parabola'
  config.optimizer.update({'name': 'adam', 'decay': 0.999, 'momentum': 0.9})
  config.batch_size = 32
  config.datasets.people = base.dataset('synthetic_people/quickstart')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  config.sources.wild = base.source('people', 'wild_train', '2d')
  both = ('lab', 'wild')
  config.stages.heatmap = base.stage(1500, 1e-3, both, warmup=50)
  config.stages.depth = base.stage(600, 1e-3, both, depth=0.1)
  config.stages.geometric = base.stage(
    300, 5e-4, both, depth=0.1, geometric=0.01, decay='cosine'
  )
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.log_every = 50
  config.checkpoint.every = 300
  config.evaluation.batch_size = 50
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test')
  config.evaluation.sets.lab_test = base.evaluation_set('people', 'lab_test')
  return config
