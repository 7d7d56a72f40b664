"""The default dataset: procedural people, drawn on this machine, nothing to download."""

import concurrent.futures
import dataclasses
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

import wild3d
from wild3d import skeleton
from wild3d.datasets import crop, make_record, options, units
from wild3d.synthetic import camera, motion, pose, scene
from wild3d.synthetic import person as person_lib

BATCH = 32  # images drawn at once; no picture depends on it
_SPLITS = ('lab_train', 'wild_train', 'wild_clips', 'lab_test', 'wild_test')
_ENCODERS = 2  # threads that write JPEGs while the next batch is drawn


@dataclasses.dataclass(kw_only=True)
class PeopleConfig(tfds.core.BuilderConfig):
  """How much to draw: a split's number of images, or of clips."""

  name: str
  # px, side of the stored square images. The person's box takes 1 / 1.2 of it, the
  # margin is for the augmentation.
  size: int = 160
  lab_train: int = 20_000
  wild_train: int = 20_000
  wild_clips: int = 500  # stored frame after frame
  lab_test: int = 1_000
  wild_test: int = 1_000
  clip_frames: int = 8  # of a clip, 12 a second
  seed: int = 0  # decides everything; sample i of a split is the same for all counts
  quality: int = 90  # of the JPEGs, 1 to 95

  def __post_init__(self):
    limits = dict.fromkeys((*_SPLITS, 'seed'), (0, 2**31 - 1))
    limits |= {'size': (16, 2048), 'clip_frames': (1, 1024), 'quality': (1, 95)}
    options.check(self, f'synthetic_people/{self.name}', limits=limits)


class Builder(tfds.core.GeneratorBasedBuilder):
  """Procedural people: a plain lab with 3D truth, and the wild.

  `lab_*` has one plain room and few garments, `wild_*` everything: crowds, things
  in front, people cut off, odd views. Both carry their true 3D joints, so that
  `wild_*` can be scored in 3D; the input pipeline withholds them from training
  where a source is declared 2D.
  """

  _log_download_bytes = _log_download_done = units.say_nothing

  VERSION = tfds.core.Version('1.1.0')
  RELEASE_NOTES = {  # noqa: RUF012
    '1.0.0': 'First release.',
    '1.1.0': 'Half as many wild people again in `quickstart`.',
  }
  BUILDER_CONFIGS = [  # noqa: RUF012
    PeopleConfig(name='default', description='A set of real size: 46,000 images.'),
    PeopleConfig(
      name='quickstart',
      description='Enough to learn from within the hour on a laptop.',
      size=96,
      lab_train=3_000,
      wild_train=4_500,
      wild_clips=0,
      lab_test=300,
      wild_test=400,
    ),
    PeopleConfig(
      name='clips',
      description="Clips alone, as large as the quickstart's images.",
      size=96,
      lab_train=0,
      wild_train=0,
      wild_clips=300,
      lab_test=0,
      wild_test=0,
    ),
    PeopleConfig(
      name='tiny',
      description='For tests.',
      size=64,
      lab_train=24,
      wild_train=24,
      wild_clips=2,
      lab_test=24,
      wild_test=24,
      clip_frames=4,
    ),
  ]

  def _info(self):
    config = self.builder_config
    return self.dataset_info_from_configs(
      description=self.__doc__,
      features=make_record.features(),
      # Frames of a clip stay side by side; the pipeline shuffles.
      disable_shuffling=True,
      metadata=tfds.core.MetadataDict(
        seed=config.seed,
        size=config.size,
        clip_frames=config.clip_frames,
        wild3d_version=wild3d.__version__,
      ),
    )

  def _split_generators(self, dl_manager):
    del dl_manager
    return {
      name: _Split(name, self.builder_config, self.info.metadata)
      for name in _SPLITS
      if getattr(self.builder_config, name)
    }

  def _generate_examples(self, split):
    yield from split


class _Split:
  """The records of a split; its length lets the progress bar tell the time left."""

  def __init__(self, name, config, metadata):
    self._name, self._config, self._metadata = name, config, metadata
    self._frames = config.clip_frames if name.endswith('_clips') else 1
    self._people = getattr(config, name)

  def __len__(self):
    return self._people * self._frames

  def __iter__(self):
    lengths = []
    with concurrent.futures.ThreadPoolExecutor(_ENCODERS) as encoders:
      for people, labels in self._drawn():
        images = labels['image'].reshape(-1, *labels['image'].shape[2:])
        jpegs = encoders.map(self._jpeg, images)
        for row, jpeg in enumerate(jpegs):
          person, frame = divmod(row, self._frames)
          labels_here = {key: value[person, frame] for key, value in labels.items()}
          lengths.append(skeleton.bone_lengths(labels_here['joints3d']).sum())
          yield self._record(people[person], frame, jpeg, labels_here)
    if self._name == 'lab_train':
      self._metadata['skeleton_mm'] = round(float(np.mean(lengths)), 3)

  def _drawn(self):
    """Yields (numbers of people, labels [N, T, ...]); draws one batch ahead."""
    batch = max(1, BATCH // self._frames)
    ahead = []
    for start in range(0, self._people, batch):
      people = range(start, min(start + batch, self._people))
      # The last batch is filled up with its last person: one shape, one compilation.
      padded = np.minimum(np.arange(start, start + batch), self._people - 1)
      labels = draw(
        seed=self._config.seed,
        split=self._name,
        people=padded,
        frames=self._frames,
        size=self._config.size,
      )
      ahead.append((people, labels))
      if len(ahead) > 1:
        yield _fetch(*ahead.pop(0))
    yield _fetch(*ahead.pop())

  def _jpeg(self, image):
    return crop.jpeg(PIL.Image.fromarray(image), self._config.quality)

  def _record(self, person, frame, jpeg, labels):
    index = person * self._frames + frame
    clip = f'synthetic_people/{self._name}/{person:06d}' if self._frames > 1 else ''
    return index, make_record.from_jpeg(
      **{**labels, 'image': jpeg},
      id=f'synthetic_people/{self._name}/{index:06d}',
      has3d=True,
      to_original=np.eye(2, 3),
      original_size=np.array([self._config.size] * 2),
      sequence=clip,
      frame=frame,
    )


def draw(
  *,
  seed: int,
  split: str,
  people: np.ndarray,
  frames: int,
  size: int,
  joints: np.ndarray | None = None,
) -> dict:
  """Draws some people of a split; person i depends on seed, split and i alone.

  Args:
    seed: of the dataset.
    split: its name; the part before the underscore is the domain.
    people: [N] their numbers in the split.
    frames: T; 1 for stills.
    size: px, side of the images.
    joints: [N, T, 16, 3] mm, world, above the floor: poses to draw in place of
      invented ones.

  Returns:
    What `scene.draw` returns, with leading axes [N, T].
  """
  key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(split.encode()))
  scenes, persons, placements = _sample(
    key, people, joints, domain=split.split('_')[0], frames=frames
  )
  # Frames are drawn as if they were stills, so that one program draws both.
  labels = _draw(scenes, placements, persons, size=size)
  return {k: v.reshape(-1, frames, *v.shape[1:]) for k, v in labels.items()}


# Hundreds of random numbers and few calculations: quick to run however compiled,
# and compiled four times as fast without LLVM's optimisations.
@jax.jit(
  static_argnames=('domain', 'frames'),
  compiler_options={'xla_backend_optimization_level': 0},
)
def _sample(key, people, joints, *, domain, frames):
  """Scenes, persons and placements of N people's T frames each, [N * T, ...]."""

  def one(number, joints):
    setting, moves = jax.random.split(jax.random.fold_in(key, number))
    drawn = scene.sample(setting, domain)
    if joints is not None:
      persons = jax.vmap(lambda j: person_lib.above_floor(person_lib.from_joints(j)))(
        joints
      )
    elif frames == 1:
      persons = jax.tree.map(lambda leaf: leaf[None], pose.sample(moves))
    else:
      persons = motion.sample(moves, frames)
    return drawn, persons, camera.place(drawn.view, persons.joints)

  scenes, persons, placements = jax.vmap(one)(people, joints)
  scenes, placements = jax.tree.map(
    lambda leaf: jnp.repeat(leaf, frames, axis=0), (scenes, placements)
  )
  persons = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), persons)
  return scenes, persons, placements


@jax.jit(static_argnames='size')
def _draw(scenes, placements, persons, *, size):
  return jax.vmap(lambda *of: scene.draw(*of, size))(scenes, placements, persons)


def _fetch(people, labels):
  labels = jax.device_get(labels)
  return people, {key: value[: len(people)] for key, value in labels.items()}
