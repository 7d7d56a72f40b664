"""Every field that a configuration can have, with the paper's values.

Other files start from `get_config()` here and change what differs. A field that
is not here does not exist: `--config.a.typo=1` is an error.
"""

import ml_collections

from wild3d import files


def dataset(name, manual_dir=''):
  """A dataset on disk: its tfds name/config and the folder of the original files."""
  return ml_collections.ConfigDict({'name': name, 'manual_dir': manual_dir})


def source(dataset, split, role, weight=1.0):
  """A split used for training.

  Args:
    dataset: a key of config.datasets.
    split: its split, tfds syntax.
    role: '3d' (depth loss), '2d' or 'clip' (2D labels alone; geometric loss; a
      clip's frames also get the temporal loss).
    weight: share among the sources of the same role in a stage.
  """
  return ml_collections.ConfigDict(
    {'dataset': dataset, 'split': split, 'role': role, 'weight': weight}
  )


def stage(
  steps,
  learning_rate,
  sources,
  *,
  share_3d=0.5,
  share_clip=0.0,
  warmup=0,
  drops=(),
  decay='constant',
  heatmap=1.0,
  depth=0.0,
  geometric=0.0,
  angles=0.0,
  temporal=0.0,
  symmetry=0.0,
  lift=0.0,
  presence=0.0,
):
  """One stage of training: fresh optimiser, parameters of the stage before.

  Args:
    steps: updates.
    learning_rate: at the start of the stage.
    sources: keys of config.sources.
    share_3d: rows of a batch from '3d' sources, as a share.
    share_clip: rows from 'clip' sources; the rest are from '2d' sources.
    warmup: steps of linear rise from zero.
    drops: ((step, factor), ...): from that step of the stage on, times factor.
    decay: 'constant', or 'cosine' down to zero at the end of the stage.
    heatmap: weight of the heatmap loss (paper, equation 2).
    depth: weight of the depth loss, on 3D samples (paper, equation 4).
    geometric: weight of the geometric loss, on 2D samples (paper, equation 5).
    angles: weight of the limits of knees and elbows, on 2D samples.
    temporal: weight of the temporal bone loss, on clips.
    symmetry: weight of the difference of left and right limbs, on 2D samples.
    lift: weight of the depth loss on 3D poses without pictures (config.lift_poses).
    presence: weight of the cross-entropy of whether somebody is centred.
  """
  return ml_collections.ConfigDict(
    {
      'steps': steps,
      'learning_rate': learning_rate,
      'warmup': warmup,
      'drops': drops,
      'decay': decay,
      'sources': sources,
      'share_3d': share_3d,
      'share_clip': share_clip,
      'weights': {
        'heatmap': heatmap,
        'depth': depth,
        'geometric': geometric,
        'angles': angles,
        'temporal': temporal,
        'symmetry': symmetry,
        'lift': lift,
        'presence': presence,
      },
    }
  )


def evaluation_set(dataset, split, limit=0):
  """A split to score: `limit` examples from its start, 0 for all."""
  return ml_collections.ConfigDict({'dataset': dataset, 'split': split, 'limit': limit})


def get_config():
  """The paper's network and losses; no data and no stages yet."""
  config = ml_collections.ConfigDict()
  config.seed = 0

  # models.pose3d.Pose3D (section 3.1 and 3.2).
  config.model = {
    'backbone': 'hourglass',  # of models.pose3d.BACKBONES
    'stacks': 2,
    'residuals': 2,  # per place in the hourglass
    'features': 256,
    'stem': 64,  # features of the first convolution
    'depth_head': 'regression',  # of models.pose3d.HEADS; this is the paper's
    'depth_residuals': 2,  # per level of the regression
    'presence': False,  # a head that tells people from anything else
    'dtype': 'float32',  # of the computation, or 'bfloat16'; parameters: float32
    'remat': False,  # train in less memory: blocks are computed twice (docs/speed.md)
  }

  # models.pixels.Pixels: what the network is given.
  config.pixels = {
    'order': 'rgb',  # of the channels, or 'bgr'
    'divisor': 255.0,  # of the 8-bit values
  }

  # losses.Target.
  config.target = {
    'sigma': 1.75,  # heatmap px; the released code's Gaussian
    'truncate': 3,  # heatmap px: it is zero farther than this (a 7x7 patch)
    'subpixel': False,  # centre it on the label, not on the label's pixel
    'loss': 'squared',  # of heatmaps; or 'cross_entropy' over places
    'mask_unlabelled': True,  # False, as released: trained towards empty maps
    'geometric_form': 'paper',  # or 'released': groups weighted by bone length
    'depth_root': 'pelvis',  # where depth is 0; or 'spine', as released
  }

  # optimizer.make.
  config.optimizer = {
    'name': 'rmsprop',  # or 'adam', 'adamw', 'muon'
    'decay': 0.99,  # of the mean squared gradient (Adam's b2)
    'momentum': 0.0,  # Adam's b1
    'eps': 1e-8,  # outside the square root
    'clip_norm': 0.0,  # of the whole gradient; 0: no clipping
    'weight_decay': 0.0,  # of adamw: each step kernels lose so much times the rate
  }
  # Above 0, a moving average of parameters and statistics with this decay is what is
  # evaluated, exported and begun from; checkpoints hold what is trained beside it.
  config.ema = 0.0

  # data.pipeline.
  config.data_dir = files.DATA_DIR  # where built datasets are kept
  config.datasets = ml_collections.ConfigDict()  # name: dataset(...)
  config.sources = ml_collections.ConfigDict()  # name: source(...)
  config.batch_size = 6  # over all devices
  # Parts that a batch is trained in, one after the other: as many times less memory,
  # the same update but for the batch statistics, which are each part's (docs/speed.md).
  config.accumulate = 1
  config.input_size = 256  # px: side of the network's input
  config.clip_frames = 1  # frames of a clip
  # 3D poses beside each batch, turned to new views: they teach the head 'lift' alone,
  # with the 2D errors that the heatmaps of the batch make (training/lift_poses.py).
  config.lift_poses = 0
  # 3D as seen along the line through the crop's centre, and predictions turned back:
  # where cameras are known (data/batch.py, sight axes; Mehta et al. 2017).
  config.perspective_correction = False
  config.shuffle_buffer = 4096  # examples, as JPEG bytes
  config.augment = {
    'scale': 0.25,  # standard deviation of log2 of the box side
    'scale_limit': 0.5,  # its bound
    'rotation': 30.0,  # degrees, standard deviation
    'rotation_limit': 60.0,  # degrees, its bound
    'rotation_probability': 0.4,
    'flip_probability': 0.5,
    'color': 0.4,  # each channel times U(1 - color, 1 + color)
    'augment_3d': True,  # 3D images too: their labels turn and flip exactly
    'shift': 0.0,  # the window moves by up to this share of its side
    'half_body': 0.0,  # share cut round the upper body alone
    'cover': 0.0,  # share with a rectangle laid over them
    'away': 0.0,  # share cut where nobody is centred: they teach `presence`
  }

  # train.train: the stages, run in the order of `schedule`.
  config.stages = ml_collections.ConfigDict()  # name: stage(...)
  config.schedule = ()  # names of stages
  # A workdir, its parameters: the latest, or those of WORKDIR/checkpoints/STEP.
  # Where to start from: a workdir (its latest parameters), WORKDIR/checkpoints/STEP, or a
  # file of weights. Parts of the network that are not there are drawn anew, and so are
  # those of init_fresh, such as ('lift',).
  config.init_from = ''
  config.init_fresh = ()
  config.guard_loss = 1e3  # a loss above it, or not finite, ends the run
  config.guard_parameter = 1e3  # likewise a parameter; the paper's stay below 100
  config.log_every = 100  # steps

  # checkpoints.
  config.checkpoint = {
    'every': 2000,  # steps
    'minutes': 0.0,  # also when the last one is as old; 0: by steps alone
    'keep': 2,  # latest ones; the best one is kept beside them
  }

  # evaluate.Evaluator, after every stage and every so many steps.
  config.evaluation = {
    'every': 0,  # steps; 0: at the end of each stage
    'batch_size': 32,
    'sets': {},  # name: evaluation_set(...)
    'main': '',  # the set that chooses the best checkpoint and fills the report
    'best': 'mpjpe',  # of protocols.overview.ENTRIES: what chooses it
    'flip_test': False,  # mean over the image and its mirror image
    'refine': 'quarter',  # sub-pixel decoding, as released; others: heatmaps.py
    'skeleton_mm': 4296.99233013,  # sum of the 14 bones that sets the scale
    'baselines': True,  # score mean pose, mean depth and zero depth beside it
    'baseline_examples': 2000,  # training examples from which they are computed
  }
  return config
