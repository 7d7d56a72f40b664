"""The paper's schedule: Zhou et al. 2017, section 4.1, on MPII and Human3.6M.

  wild3d train --config=configs/zhou2017.py --workdir=runs/zhou2017 \
    --config.datasets.mpii.manual_dir=/data/mpii \
    --config.datasets.human36m.manual_dir=/data/h36m

Not run. What to expect is what the paper reports: MPJPE of 64.90 mm on Human3.6M (S9, S11;
protocol h36m_zhou2017), and 65.69 mm with `--config.stages.geometric.weights.geometric=0`;
on MPI-INF-3DHP a PCK of 69.2 and an AUC of 32.5 (protocol mpi_inf_3dhp_zhou2017).

Cost: 480,000 steps of 6 images; estimates by machine: docs/scaling.md. On a CPU three stages
of two steps with their evaluations take 5.2 GB of memory and 223 CPU seconds.

The least that it runs on: any form of MPII that docs/datasets.md names, and of Human3.6M
one or more of subjects 1, 5, 6, 7, 8 (split `train`) and of 9, 11 (`validation`). The paper's
figures are of all seven.
"""

from wild3d.configs import base


def get_config():
  """Three stages of 240k, 200k and 40k steps."""
  config = base.get_config()
  config.datasets.mpii = base.dataset('mpii')
  config.datasets.human36m = base.dataset('human36m')
  config.sources.mpii = base.source('mpii', 'train', '2d')
  config.sources.human36m = base.source('human36m', 'train', '3d')
  both = ('mpii', 'human36m')
  config.stages.heatmap = base.stage(240_000, 2.5e-4, both)
  config.stages.depth = base.stage(
    200_000, 2.5e-4, both, drops=((160_000, 0.1),), depth=0.1
  )
  config.stages.geometric = base.stage(40_000, 2.5e-5, both, depth=0.1, geometric=0.01)
  config.schedule = ('heatmap', 'depth', 'geometric')
  config.augment.augment_3d = False  # their code augments 2D images alone
  config.evaluation.main = 'human36m'
  config.evaluation.sets.human36m = base.evaluation_set('human36m', 'validation')
  config.evaluation.sets.mpii = base.evaluation_set('mpii', 'validation')
  config.evaluation.every = 20_000
  return config
