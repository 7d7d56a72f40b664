"""The network that comes with wild3d, trained on with five pictures of one's own.

  wild3d train --config=examples/new_dataset/config.py --workdir=runs/five

Five pictures teach nobody anything new: this shows the way from a format to a run.
"""

from wild3d import weights
from wild3d.configs import base, wild


def get_config():
  """One short stage on 2D labels; the depth of people stays as it was learned."""
  config = wild.get_config()  # the same network, so that its parameters fit
  config.init_from = weights.SHIPPED
  config.lift_poses = 0
  config.augment.away = 0.0
  config.batch_size = 4
  config.datasets = {'five': base.dataset('five_pictures/default')}
  config.sources = {'five': base.source('five', 'train', '2d')}
  config.stages = {
    'five': base.stage(50, 1e-3, ('five',), share_3d=0.0, decay='cosine')
  }
  config.schedule = ('five',)
  config.log_every = 10
  config.evaluation.update({'every': 0, 'batch_size': 1, 'main': 'five'})
  config.evaluation.sets = {'five': base.evaluation_set('five', 'validation')}
  return config
