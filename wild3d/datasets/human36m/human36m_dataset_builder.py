"""Human3.6M (Ionescu et al. 2014), from the downloads or what others made of them."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

import tensorflow_datasets as tfds
from absl import logging

from wild3d.datasets import options
from wild3d.datasets.human36m import h36m_fetch, joints, mmpose, official, zhou2017
from wild3d.datasets.official_counts import Official
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError

FORMS = (official, h36m_fetch, zhou2017, mmpose)


@dataclasses.dataclass
class Human36mConfig(tfds.core.BuilderConfig):
  """Which frames, and how they are stored."""

  size: int = 384  # px, longest side of a stored crop; smaller ones are not enlarged
  margin: float = 1.5  # side of the stored crop over the side of the person box
  # Of 1, 5, 6, 7, 8 (train), 9, 11 (validation); () for all that are there.
  subjects: tuple[int, ...] = ()
  cameras: tuple[str | int, ...] = ()  # ids, see joints.CAMERAS; () for all
  # Of the training videos (50 frames a second); 5 is the 10 frames a second of Zhou
  # et al. 2017.
  stride: int = 5
  # 5 is what every form can give; 64 is usual for protocol 1, 200 the quick test of
  # Zhou et al.
  validation_stride: int = 5
  # 'true' labels joints where the lens shows them; 'zhou2017' where the authors'
  # training labels have them, see joints.scaled_orthographic.
  projection: str = 'true'
  # The three takes of S9 whose labels lie 200 mm beside the person: 'keep' (as others
  # report their figures), 'skip', or 'correct'.
  shifted: str = 'keep'
  # So many consecutive stored frames share one crop, so that they can be a clip of
  # the temporal loss; 1 for a crop for each frame.
  clip_frames: int = 1

  def __post_init__(self):
    # The command line reads numbers as int.
    self.cameras = tuple(str(camera) for camera in self.cameras)
    count = (1, 10**6)
    options.check(
      self,
      'human36m',
      limits={
        **{'size': count, 'stride': count, 'validation_stride': count},
        **{'clip_frames': count, 'margin': (1.0, 10.0)},
      },
      choices={
        'projection': ('true', 'zhou2017'),
        'shifted': ('keep', 'skip', 'correct'),
        'subjects': sum(joints.SUBJECTS.values(), ()),
        'cameras': joints.CAMERAS,
      },
    )


class Builder(UnitBuilder):
  """One person in a laboratory, four cameras, with 3D positions of the joints.

  Splits: 'train' holds S1, S5, S6, S7, S8; 'validation' S9 and S11. One unit is one
  video. Left out, and counted: S11 Directions of camera 54138969, whose video is
  corrupt; frames of a video after its last label; what the configuration leaves out.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES: ClassVar = {'1.0.0': 'First version.'}
  # S1, S5, S6, S7, S8, every fifth frame of four cameras.
  OFFICIAL_COUNTS: ClassVar = {('train', ''): Official(312_000, exact=False)}
  HOMEPAGE = 'http://vision.imar.ro/human3.6m'
  CITATION = """@article{ionescu2014,
  author={Ionescu, Catalin and Papava, Dragos and Olaru, Vlad and Sminchisescu, Cristian},
  title={Human3.6M: Large Scale Datasets and Predictive Methods for 3D Human Sensing in
    Natural Environments},
  journal={IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume={36}, number={7}, pages={1325--1339}, year={2014}}
@inproceedings{catalin2011, author={Ionescu, Catalin and Li, Fuxin and Sminchisescu,
  Cristian}, title={Latent Structured Models for Human Pose Estimation},
  booktitle={ICCV}, year={2011}}"""
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Register at http://vision.imar.ro/human3.6m and get, for S1, S5, S6, S7, S8, S9 '
    'and S11, Poses_D3_Positions_mono, Videos and, if wanted, Poses_D2_Positions, and '
    'metadata.xml from the code of the release. Point manual_dir at one of: '
    + '; '.join(f'({form.NAME}) {form.LAYOUT}' for form in FORMS)
    + '.'
  )
  BUILDER_CONFIGS: ClassVar = [
    Human36mConfig(name='default', description='Crops of up to 384 px.'),
    Human36mConfig(name='small', description='Crops of up to 192 px.', size=192),
    Human36mConfig(
      name='zhou2017',
      description="Crops of up to 384 px, 2D labels as in the authors' training data.",
      projection='zhou2017',
    ),
  ]

  @property
  def projects(self):
    """False for the authors' 2D labels (see UnitBuilder.projects)."""
    return self.builder_config.projection == 'true'

  def units(self, manual_dir):
    """One unit for each video (see UnitBuilder.units)."""
    config = self.builder_config
    for form in FORMS:
      if form.found(manual_dir):
        splits = form.units(manual_dir, config)
        logging.info('human36m: %s holds the form %s', manual_dir, form.NAME)
        return splits
    raise UserError(
      f'{manual_dir}: no form of Human3.6M. It may be '
      + '; or '.join(f'({form.NAME}) {form.LAYOUT}' for form in FORMS)
    )

  def records(self, unit):
    """The frames of one video (see UnitBuilder.records)."""
    yield from records(unit, self.builder_config)


def records(unit: Unit, config) -> Iterator[dict | Skipped]:
  """The records of a unit of any form; all frames of a take at fault are left out."""
  take = unit.payload['take']
  if take.frames and (fault := take.fault(config)):
    yield from [Skipped(fault)] * len(take.frames)
    return
  form = next(form for form in FORMS if unit.payload['form'] == form.NAME)
  yield from form.records(unit, config)
