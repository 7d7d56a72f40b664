"""Three short stages of a tiny network on tiny synthetic people, to be killed."""

from wild3d.configs import base


def get_config():
  """60 steps of 16 images, a checkpoint every 7, scores every 10."""
  config = base.get_config()
  config.model.update(
    {'stacks': 1, 'residuals': 1, 'features': 8, 'depth_residuals': 1}
  )
  config.input_size = 64
  config.batch_size = 16
  config.clip_frames = 2
  config.datasets.people = base.dataset('synthetic_people/tiny')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  config.sources.wild = base.source('people', 'wild_train', '2d')
  config.sources.clips = base.source('people', 'wild_clips', 'clip')
  both = ('lab', 'wild')
  config.stages.heatmap = base.stage(20, 1e-3, both)
  config.stages.depth = base.stage(20, 1e-3, both, depth=0.1)
  config.stages.geometric = base.stage(
    20,
    1e-4,
    (*both, 'clips'),
    share_clip=0.25,
    depth=0.1,
    geometric=0.01,
    temporal=0.1,
  )
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.shuffle_buffer = 16
  config.log_every = 1
  config.checkpoint.every = 7
  config.evaluation.every = 10
  config.evaluation.batch_size = 8
  config.evaluation.main = 'wild'
  config.evaluation.sets.wild = base.evaluation_set('people', 'wild_test')
  return config
