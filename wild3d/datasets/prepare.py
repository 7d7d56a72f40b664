"""Finds a dataset by name and builds it where it has not been built yet."""

import contextlib
import dataclasses
import errno
import importlib
import json
import pathlib
import shutil

from etils import epath
from google.protobuf import json_format

from wild3d.errors import UserError, missing
from wild3d.files import absolute

NAMES = tuple(
  sorted(
    path.parent.name
    for path in pathlib.Path(__file__).parent.glob('*/*_dataset_builder.py')
  )
)
_ORIGIN = 'origin.json'


def builder(name: str, data_dir: str, options: dict[str, str] | None = None):
  """The tfds builder of a dataset such as 'synthetic_people/quickstart'.

  Args:
    name: 'dataset' or 'dataset/configuration'.
    data_dir: folder of built datasets.
    options: fields of the configuration to change, as text: {'stride': '64'}. The
      configuration is then a new one, based on the default, and needs a name of
      its own.

  Raises:
    UserError: no such dataset, builder configuration or option; a faulty value.
  """
  base, _, config = name.partition('/')
  if base not in NAMES:
    return _of_others(name, data_dir)
  Builder = _builder_class(base)
  known = {c.name: c for c in Builder.BUILDER_CONFIGS}
  if options:
    chosen = _custom(base, config, options, known)
  elif config and config not in known:
    return _custom_built(base, config, known, data_dir)
  else:
    chosen = config or None
  try:
    return Builder(config=chosen, data_dir=str(absolute(data_dir)))
  except (OSError, json_format.Error):
    _check_files(name, data_dir)
    raise


def official_counts(base: str) -> dict:
  """The numbers of records of a dataset's release; {} where they are not known."""
  return getattr(_builder_class(base), 'OFFICIAL_COUNTS', {}) if base in NAMES else {}


def limb_asymmetry(base: str) -> dict[str, float]:
  """Subjects whose labels are known to be less alike on both sides than people are."""
  return getattr(_builder_class(base), 'LIMB_ASYMMETRY', {}) if base in NAMES else {}


def _builder_class(base):
  module = importlib.import_module(f'wild3d.datasets.{base}.{base}_dataset_builder')
  return module.Builder


def _custom(base, config, options, known):
  """The dataset's default configuration under another name, with other values."""
  import tensorflow_datasets as tfds

  if not config or config in known:
    raise UserError(
      f'--set makes a new configuration, which needs a name: {base}/NAME, and not '
      f'one of {sorted(known)}'
    )
  default = next(iter(known.values()))
  own = {field.name for field in dataclasses.fields(default)}
  own -= {field.name for field in dataclasses.fields(tfds.core.BuilderConfig)}
  values = {}
  for field, text in options.items():
    if field not in own:
      raise UserError(
        f'--set {field}={text}: {base} has no such field: choose from {sorted(own)}'
      )
    values[field] = _parse(field, text, getattr(default, field))
  said = ', '.join(f'{field} {value}' for field, value in values.items())
  return dataclasses.replace(
    default, name=config, description=f'The default with {said}.', **values
  )


def _of_others(name, data_dir):
  """A built dataset whose builder lies elsewhere, as that of examples/new_dataset."""
  import tensorflow_datasets as tfds

  try:
    return tfds.core.read_only_builder.builder_from_files(
      name, data_dir=str(absolute(data_dir))
    )
  except (tfds.core.DatasetNotFoundError, ValueError):  # no name of a dataset
    raise UserError(
      f'unknown dataset {name.partition("/")[0]!r}: choose from {", ".join(NAMES)}, or '
      f'build yours in {data_dir} first'
    ) from None


def _custom_built(base, config, known, data_dir):
  """The builder of a configuration that was made with options, and built."""
  import tensorflow_datasets as tfds

  try:
    return tfds.core.read_only_builder.builder_from_files(
      f'{base}/{config}', data_dir=str(absolute(data_dir))
    )
  except tfds.core.DatasetNotFoundError:
    raise UserError(
      f'{base} has no configuration {config!r}, and none of that name is built in '
      f'{data_dir}: choose from {sorted(known)}, or make one: wild3d data build '
      f'{base}/{config} --set FIELD=VALUE'
    ) from None


def _parse(field, text, default):
  """Text as the type of `default`; tuples are separated by commas."""
  try:
    if isinstance(default, bool):
      return {'true': True, 'false': False}[text.lower()]
    if isinstance(default, tuple):
      parts = [part.strip() for part in text.split(',') if part.strip()]
      return tuple(int(part) if part.isdigit() else part for part in parts)
    return type(default)(text)
  except (KeyError, ValueError):
    kind = 'true or false' if isinstance(default, bool) else type(default).__name__
    raise UserError(f'--set {field}={text}: the value must be {kind}') from None


def check(
  name: str,
  data_dir: str,
  manual_dir: str = '',
  options: dict[str, str] | None = None,
):
  """What `prepare` sees before any work; returns the builder.

  Raises:
    UserError: see `builder`; manual_dir is no folder or not told, or the dataset is
      there, built from another one or with other options.
  """
  result = builder(name, data_dir, options)
  folder = epath.Path(result.data_dir)
  origin = str(absolute(manual_dir)) if manual_dir else ''
  if folder.exists():
    _check_files(name, data_dir)
    _check_origin(name, folder, origin, options)
  elif origin and not epath.Path(origin).is_dir():
    raise UserError(f'{name}: manual_dir {origin} is no folder')
  elif not origin and hasattr(result, 'without_originals'):
    raise result.without_originals()
  return result


def prepare(
  name: str,
  data_dir: str,
  manual_dir: str = '',
  *,
  options: dict[str, str] | None = None,
  workers: int = 0,
  beam: str = '',
):
  """Builds the dataset unless it is there; returns its builder.

  Args:
    name: 'dataset' or 'dataset/configuration'.
    data_dir: folder of built datasets.
    manual_dir: folder of the original files, for datasets that have some.
    options: see `builder`.
    workers: processes; 0: as many as are worth it.
    beam: options of an Apache Beam pipeline, such as '--runner=DirectRunner'; empty:
      on this machine, without Beam.

  Raises:
    UserError: see `check`; the original files are missing or faulty; data_dir cannot
      be written.
  """
  import tensorflow_datasets as tfds

  result = check(name, data_dir, manual_dir, options)
  folder = epath.Path(result.data_dir)
  origin = str(absolute(manual_dir)) if manual_dir else ''
  if folder.exists():
    return result
  try:
    epath.Path(absolute(data_dir)).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise UserError(
      f'{data_dir}: cannot be made ({error.strerror}): choose another data_dir'
    ) from error
  result.workers = workers
  print(f'making {result.info.full_name} in {folder}', flush=True)
  try:
    result.download_and_prepare(
      download_config=tfds.download.DownloadConfig(
        manual_dir=origin or None, beam_options=_beam_options(beam, result)
      )
    )
    said = {'manual_dir': origin, 'options': options or {}}
    (folder / _ORIGIN).write_text(json.dumps(said))
  except PermissionError as error:
    raise UserError(
      f'{data_dir}: cannot write there ({error.filename}): choose another data_dir'
    ) from error
  except Exception as error:
    if not _is_full_disk(error):
      raise
    raise UserError(
      f'{data_dir}: the disk is full: make room and run the same command again'
    ) from error
  finally:
    _sweep(folder)
  return result


def _sweep(folder):
  """Removes what an attempt and TFDS left that holds no record: folders and notes."""
  if '://' in str(folder):
    return
  config, name, root = list(pathlib.Path(folder).parents)[:3]
  parts = config / f'{folder.name}.parts'
  if not any(note.name != 'plan.json' for note in parts.glob('*.json')):
    shutil.rmtree(parts, ignore_errors=True)  # no unit is done
  for empty in (root / 'downloads/extracted', root / 'downloads', config):
    with contextlib.suppress(OSError):
      empty.rmdir()
  if [path.name for path in name.glob('*')] == ['.config']:
    shutil.rmtree(name)
  with contextlib.suppress(OSError):
    root.rmdir()


def _is_full_disk(error):
  """Whether that is what made an error: TFDS wraps it, TensorFlow has its own word."""
  import tensorflow as tf

  if error is None:
    return False
  return (
    isinstance(error, tf.errors.ResourceExhaustedError)
    or getattr(error, 'errno', None) == errno.ENOSPC
    or _is_full_disk(error.__cause__ or error.__context__)
  )


def _beam_options(text, builder):
  if not text:
    return None
  if not hasattr(builder, 'units'):
    raise UserError(f'{builder.name} is drawn on this machine, without --beam')
  try:
    from apache_beam.options import pipeline_options
  except ImportError:
    raise missing('--beam', 'apache-beam') from None
  return pipeline_options.PipelineOptions(text.split())


def _check_files(name, data_dir):
  """Raises UserError if what describes the built dataset is missing or damaged."""
  from wild3d.data import records

  records.find(name, absolute(data_dir))


def _check_origin(name, folder, origin, options):
  """Raises UserError if the built dataset is not the one that is asked for."""
  path = folder / _ORIGIN
  built = json.loads(path.read_text()) if path.exists() else {'manual_dir': ''}
  if origin and origin != built['manual_dir']:
    raise UserError(
      f'{folder} holds {name} built from {built["manual_dir"] or "nothing known"}, not '
      f'from {origin}: choose another data_dir, or delete that folder'
    )
  if options and options != built.get('options', {}):
    made = ' '.join(f'{k}={v}' for k, v in built.get('options', {}).items())
    raise UserError(
      f'{folder} holds {name} built with {made or "no options"}: choose another name, '
      'or delete that folder'
    )
