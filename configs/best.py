"""MPII and Human3.6M as in configs/zhou2017.py, with what the ablation found to pay.

  wild3d train --config=configs/best.py --workdir=runs/best \
    --config.datasets.mpii.manual_dir=/data/mpii \
    --config.datasets.human36m.manual_dir=/data/h36m

Not run; cost as configs/zhou2017.py. Each departure from the paper names the row of
experiments/ablation that it rests on.
"""

from wild3d.configs import zhou2017


def get_config():
  """The paper's three stages, and what made wild people's 3D better on synthetic ones."""
  config = zhou2017.get_config()
  config.ema = 0.999  # row `ema`
  return config
