"""Real photographs as 2D, synthetic lab people as 3D: a small network on two cores.

  wild3d train --config=configs/photos.py --workdir=runs/photos \
    --config.datasets.photos.manual_dir=DIR

DIR holds MPII-form annotations (annotations.json and images/; see
wild3d/datasets/mpii). Not run.
"""

from wild3d.configs import base


def get_config():
  """Warm start on synthetic people, then photographs."""
  config = base.get_config()
  config.model.update({'stacks': 1, 'residuals': 1, 'features': 64})
  config.input_size = 64
  config.batch_size = 32
  config.datasets.photos = base.dataset('mpii/small')
  config.datasets.people = base.dataset('synthetic_people/quickstart')
  config.sources.photos = base.source('photos', 'train', '2d')
  config.sources.lab = base.source('people', 'lab_train', '3d')
  config.sources.wild = base.source('people', 'wild_train', '2d')
  config.evaluation.sets.photos = base.evaluation_set('photos', 'validation')
  config.evaluation.sets.wild_test = base.evaluation_set('people', 'wild_test')
  return config
