"""MPII and Human3.6M as in configs/zhou2017.py, with what is expected to pay.

  wild3d train --config=configs/best.py --workdir=runs/best \
    --config.datasets.mpii.manual_dir=/data/mpii \
    --config.datasets.human36m.manual_dir=/data/h36m

Not run; cost as configs/zhou2017.py. Each departure from the paper names the row of
experiments/ablation that shows what it gives.
"""

from wild3d.configs import zhou2017


def get_config():
  """The paper's three stages with the lift, which also sees poses in new views."""
  config = zhou2017.get_config()
  config.model.depth_head = 'lift'  # every row of both heads
  config.perspective_correction = True  # row `camera_axes` is without it
  config.lift_poses = 256  # row `lift_poses`
  config.stages.depth.weights.lift = 1.0
  config.stages.geometric.weights.lift = 1.0
  return config
