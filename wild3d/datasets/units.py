"""Datasets as units of work: what a builder lists, and the records of one unit.

A builder that reads original files derives from `UnitBuilder` and says two things:
`units`, which units make up each split (a video, a few hundred photographs), and
`records`, what one unit holds. Reading in parallel, going on after an interruption,
progress, and Apache Beam are the same for all and live in `build.py`.
"""

import abc
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any, ClassVar

import tensorflow_datasets as tfds
from tensorflow_datasets.core import dataset_builder

import wild3d
from wild3d.datasets import build, make_record, official_counts
from wild3d.errors import UserError


@dataclasses.dataclass(frozen=True)
class Unit:
  """A part of a split that one process reads and writes at one go, in order."""

  # Unique in the dataset, such as 'S1/Directions 1.54138969'. The id of every record
  # of the unit is f'{name}#{something}'.
  name: str
  count: int  # about how many records it gives; for the progress bar
  payload: Any  # what `records` needs; must survive pickling, so no open files


@dataclasses.dataclass(frozen=True)
class Skipped:
  """Yielded in place of a record that is left out: nothing is dropped silently."""

  # Why, in words that also make sense as the row of a table: 'S9 Greeting: shifted by
  # 200 mm'. Counted by reason.
  reason: str


def say_nothing(builder) -> None:
  """In place of what TFDS says of a download: none of the datasets here has one."""


class UnitBuilder(dataset_builder.FileReaderBuilder):
  """A TFDS builder that lists units and reads one at a time.

  Derived classes are called `Builder`, have VERSION, RELEASE_NOTES,
  MANUAL_DOWNLOAD_INSTRUCTIONS, BUILDER_CONFIGS, HOMEPAGE, CITATION and, where known,
  OFFICIAL_COUNTS and LIMB_ASYMMETRY, and define `units` and `records`.
  """

  HOMEPAGE: ClassVar[str] = ''
  CITATION: ClassVar[str] = ''
  # See official_counts.py.
  OFFICIAL_COUNTS: ClassVar[dict[tuple[str, str], official_counts.Official]] = {}
  # Subject -> by which share its left and right limbs may differ for `data verify`, where
  # the release's own labels do.
  LIMB_ASYMMETRY: ClassVar[dict[str, float]] = {}
  _log_download_bytes = _log_download_done = say_nothing
  workers: int = 0  # processes; 0: one for each core, or none for small datasets

  @property
  def projects(self) -> bool:
    """Whether joints3d project onto joints2d; `data verify` asks for it then."""
    return True

  def without_originals(self) -> UserError:
    """What is said where the folder of the original files is not told, or empty."""
    return UserError(
      f'{self.name}: manual_dir (--manual_dir, or config.datasets.NAME.manual_dir) '
      f'is missing or empty. {self.MANUAL_DOWNLOAD_INSTRUCTIONS}'
    )

  @abc.abstractmethod
  def units(self, manual_dir: pathlib.Path) -> dict[str, list[Unit]]:
    """Split name -> its units, in the order in which they are stored.

    Checks all that can be checked without decoding pictures: a mistake is found
    before the hours of work, not after.

    Args:
      manual_dir: the folder of the original files; it exists.

    Raises:
      UserError: naming the file that is missing or faulty, and what to do.
    """

  @abc.abstractmethod
  def records(self, unit: Unit) -> Iterator[dict | Skipped]:
    """The records of one unit, for `make_record.checked`; deterministic.

    Holds one picture at a time in memory. Runs in other processes and on other
    machines: it depends on the unit and on `self.builder_config` alone.

    Raises:
      UserError: naming the file and what is wrong with it.
    """

  def _info(self):
    return self.dataset_info_from_configs(
      description=type(self).__doc__,
      features=make_record.features(),
      homepage=self.HOMEPAGE or None,
      citation=self.CITATION or None,
      disable_shuffling=True,  # frames of a video stay side by side
      metadata=tfds.core.MetadataDict(
        wild3d_version=wild3d.__version__,
        left_out={},
        joints3d_project=self.projects,
      ),
    )

  def _download_and_prepare(self, dl_manager, download_config=None):
    try:
      manual_dir = pathlib.Path(dl_manager.manual_dir)
    except AssertionError:
      raise self.without_originals() from None
    build.build(self, manual_dir, download_config)
