"""Real poses, procedural bodies: the renderer driven by the user's motion capture."""

import collections
import dataclasses
import pathlib
import zlib
from collections.abc import Iterator

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from wild3d.datasets import crop, make_record, options
from wild3d.datasets.mocap_people import body, captures, joint_columns
from wild3d.datasets.synthetic_people import (
  synthetic_people_dataset_builder as people,
)
from wild3d.datasets.units import Skipped, Unit, UnitBuilder
from wild3d.errors import UserError

PER_UNIT = 512  # pictures of one unit, about
HELD_OUT = 10  # every tenth person is for testing


@dataclasses.dataclass(kw_only=True)
class MocapPeopleConfig(tfds.core.BuilderConfig):
  """What to draw of the motion, and how to read it."""

  name: str
  # px, side of the stored square images. The person's box takes 1 / 1.2 of it, the
  # margin is for the augmentation.
  size: int = 160
  frames_per_second: float = 12.0  # to which motions are resampled
  # 1: stills; more: clips of so many frames with one camera, stored frame after frame.
  clip_frames: int = 1
  # Frames from one still to the next, or from the start of one clip to that of the
  # next (they do not overlap); of single poses, one in so many is drawn.
  every: int = 6
  views: int = 1  # pictures (or clips) of each pose, each with its own body and camera
  # As in synthetic_people: which splits to make.
  domains: tuple[str, ...] = ('lab', 'wild')
  up_axis: str = 'auto'  # of the files: 'y', 'z', or 'auto'
  # Of the files; 0: found from the length of the legs.
  millimetres_per_unit: float = 0.0
  seed: int = 0  # decides bodies, clothes, cameras and places
  quality: int = 90  # of the JPEGs, 1 to 95

  def __post_init__(self):
    options.check(
      self,
      f'mocap_people/{self.name}',
      limits={
        'size': (16, 2048),
        'frames_per_second': (0.1, 1000),
        'clip_frames': (1, 1024),
        'every': (1, 10**6),
        'views': (1, 1000),
        'millimetres_per_unit': (0.0, 1e5),
        'seed': (0, 2**31 - 1),
        'quality': (1, 95),
      },
      choices={'up_axis': ('auto', 'y', 'z'), 'domains': ('lab', 'wild')},
    )
    if not self.domains:
      raise UserError(f'mocap_people/{self.name}: domains must be lab, wild or both')


@dataclasses.dataclass(frozen=True)
class Drawing:
  """What one unit draws."""

  folder: str  # of the files
  split: str  # such as 'lab_train'
  # (file, checksum of the file, index of the clip in it, first frame).
  picks: tuple[tuple[str, int, int, int], ...]
  reading: captures.Reading  # how to read the files


class Builder(UnitBuilder):
  """Procedural people in the poses of the user's own motion capture.

  Reads BVH files and npz files of joints; `lab_*` and `wild_*` look as in
  synthetic_people. Every tenth person (or file, where the person is not known) is
  in `*_test`.
  """

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First release.'}  # noqa: RUF012
  MANUAL_DOWNLOAD_INSTRUCTIONS = (
    'Put motion capture files into manual_dir, or into folders in it: *.bvh, such as '
    'those of the CMU database (http://mocap.cs.cmu.edu), or *.npz with joints3d '
    '(N, 16, 3). docs/motion-capture.md says more.'
  )
  BUILDER_CONFIGS = [  # noqa: RUF012
    MocapPeopleConfig(name='default', description='Stills, two a second of motion.'),
    MocapPeopleConfig(
      name='clips', description='Clips of 8 frames, 12 a second.', clip_frames=8
    ),
    MocapPeopleConfig(
      name='tiny', description='For tests.', size=64, every=4, domains=('lab',)
    ),
  ]

  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """Reads all files, so that a faulty one is known before anything is drawn."""
    config = self.builder_config
    reading = captures.Reading(
      up_axis=config.up_axis,
      millimetres_per_unit=float(config.millimetres_per_unit),
      frames_per_second=float(config.frames_per_second),
      joint_names=tuple(sorted(joint_columns.told(manual_dir).items())),
    )
    files = captures.find(manual_dir)
    if not files:
      raise UserError(
        f'{manual_dir}: no *.bvh and no *.npz in it. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}'
      )
    picks, kinds = collections.defaultdict(list), collections.defaultdict(list)
    for path in files:
      capture = captures.load(path, reading)
      kinds[
        capture.kind, capture.fps, capture.up_axis, capture.millimetres_per_unit
      ].append(capture.leg_mm)
      name = path.relative_to(manual_dir).as_posix()
      checksum = zlib.crc32(path.read_bytes())
      for index, clip in enumerate(capture.clips):
        if config.clip_frames > 1 and not clip.fps:
          raise UserError(f'{path}: holds single poses: clip_frames must be 1')
        last = len(clip.joints) - config.clip_frames
        for start in range(0, last + 1, max(config.every, config.clip_frames)):
          picks[clip.subject or name].append((name, checksum, index, start))
    for kind, legs in kinds.items():
      print(_told(kind, legs), flush=True)
    return self._split(manual_dir, reading, picks)

  def _split(self, manual_dir, reading, picks):
    config = self.builder_config
    people = sorted(picks)
    tested = people[HELD_OUT - 1 :: HELD_OUT] or people[1:][-1:]
    at_once = max(1, PER_UNIT // (config.clip_frames * config.views))
    splits = {}
    for part in ('train', 'test'):
      chosen = [
        pick
        for person in people
        if (person in tested) == (part == 'test')
        for pick in picks[person]
      ]
      for domain in config.domains:
        split = f'{domain}_{part}'
        splits[split] = [
          Unit(
            name=f'mocap_people/{split}/{start // at_once:05d}',
            count=len(some) * config.clip_frames * config.views,
            payload=Drawing(str(manual_dir), split, some, reading),
          )
          for start in range(0, len(chosen), at_once)
          for some in [tuple(chosen[start : start + at_once])]
        ]
    return splits

  def records(self, unit: Unit) -> Iterator[dict | Skipped]:
    """The pictures of one unit."""
    config = self.builder_config
    at_once = max(1, people.BATCH // config.clip_frames)
    waiting = []
    for item in self._poses(unit.payload):
      if isinstance(item, Skipped):
        yield item
        continue
      waiting.append(item)
      if len(waiting) == at_once:
        yield from self._drawn(unit, waiting, at_once)
        waiting = []
    if waiting:
      yield from self._drawn(unit, waiting, at_once)

  def _poses(self, drawing):
    """Yields (what it is called, clip, joints [T, 16, 3]) or Skipped."""
    frames = self.builder_config.clip_frames
    read = None
    for file, checksum, index, start in drawing.picks:
      if read != file:
        path = pathlib.Path(drawing.folder, file)
        if zlib.crc32(path.read_bytes()) != checksum:
          raise UserError(f'{path}: changed while the dataset was being built')
        capture, read = captures.load(path, drawing.reading), file
      clip = capture.clips[index]
      joints = clip.joints[start : start + frames]
      called = f'{file}:{clip.name}:{start}' if clip.name else f'{file}:{start}'
      if body.plausible(joints).all():
        for view in range(self.builder_config.views):
          yield f'{called}:{view}', clip, body.stand(joints)
      else:
        yield Skipped('a limb that is too short or too long for a person')

  def _drawn(self, unit, waiting, at_once):
    config = self.builder_config
    frames, size = config.clip_frames, config.size
    # Filled up with the last one: one shape, one compilation. What is drawn depends
    # on what it is called alone, so that other files change nothing.
    filled = waiting + waiting[-1:] * (at_once - len(waiting))
    labels = people.draw(
      seed=config.seed,
      split=unit.payload.split,
      people=np.array([zlib.crc32(c.encode()) for c, *_ in filled], np.uint32),
      frames=frames,
      size=size,
      joints=np.stack([joints for *_, joints in filled]).astype(np.float32),
    )
    labels = {key: np.asarray(value) for key, value in labels.items()}
    for row, (called, clip, _) in enumerate(waiting):
      for frame in range(frames):
        here = {key: value[row, frame] for key, value in labels.items()}
        name = f'{unit.name}#{called}'
        yield make_record.from_jpeg(
          id=f'{name}:{frame}' if frames > 1 else name,
          image=crop.jpeg(PIL.Image.fromarray(here.pop('image')), config.quality),
          **here,
          has3d=True,
          to_original=np.eye(2, 3),
          original_size=np.array([size, size]),
          sequence=name if frames > 1 else '',
          frame=frame,
          subject=clip.subject,
          action=clip.action,
        )


def _told(kind, legs):
  name, fps, up, unit = kind
  rate = f'{fps:.3g} frames a second' if fps else 'single poses'
  return (
    f'{name}: {rate}, {up} up, {unit:.5g} mm a unit, legs of {min(legs):.0f} to '
    f'{max(legs):.0f} mm: {len(legs)} file{"s" * (len(legs) > 1)}'
  )
