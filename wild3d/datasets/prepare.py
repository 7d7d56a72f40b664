"""Finds a dataset by name and builds it where it has not been built yet."""

import importlib
import json
import pathlib

from etils import epath

from wild3d.errors import UserError
from wild3d.workdir import place

NAMES = tuple(
  sorted(
    path.parent.name
    for path in pathlib.Path(__file__).parent.glob('*/*_dataset_builder.py')
  )
)
_ORIGIN = 'origin.json'


def builder(name: str, data_dir: str):
  """The tfds builder of a dataset such as 'synthetic_people/quickstart'.

  Raises:
    UserError: no such dataset or builder configuration.
  """
  base, _, config = name.partition('/')
  if base not in NAMES:
    raise UserError(f'unknown dataset {base!r}: choose from {", ".join(NAMES)}')
  module = importlib.import_module(f'wild3d.datasets.{base}.{base}_dataset_builder')
  known = [c.name for c in module.Builder.BUILDER_CONFIGS]
  if config and config not in known:
    raise UserError(f'{base} has no configuration {config!r}: choose from {known}')
  return module.Builder(config=config or None, data_dir=str(place(data_dir)))


def prepare(name: str, data_dir: str, manual_dir: str = ''):
  """Builds the dataset unless it is there; returns its builder.

  Args:
    name: 'dataset' or 'dataset/configuration'.
    data_dir: folder of built datasets.
    manual_dir: folder of the original files, for datasets that have some.

  Raises:
    UserError: see `builder`; the original files are missing or faulty; data_dir
      cannot be written, or holds this dataset built from another manual_dir.
  """
  import tensorflow_datasets as tfds

  result = builder(name, data_dir)
  folder = epath.Path(result.data_dir)
  origin = str(place(manual_dir)) if manual_dir else ''
  if folder.exists():
    _check_origin(name, folder, origin)
    return result
  try:
    result.download_and_prepare(
      download_config=tfds.download.DownloadConfig(manual_dir=origin or None)
    )
    (folder / _ORIGIN).write_text(json.dumps({'manual_dir': origin}))
  except PermissionError as error:
    raise UserError(
      f'{data_dir}: cannot write there: choose another --config.data_dir'
    ) from error
  return result


def _check_origin(name, folder, origin):
  path = folder / _ORIGIN
  built_from = json.loads(path.read_text())['manual_dir'] if path.exists() else ''
  if origin and origin != built_from:
    raise UserError(
      f'{folder} holds {name} built from {built_from or "nothing known"}, not from '
      f'{origin}: choose another data_dir, or delete that folder'
    )
