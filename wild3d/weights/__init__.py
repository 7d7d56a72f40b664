"""A network as one file: parameters and configuration, without an optimiser.

`SHIPPED` comes with wild3d: docs/model-card.md says what it was trained on, what it can
do and what not. `wild3d export --out=NAME.npz` writes such files of any run.
"""

import json
import os
import pathlib
import zipfile
import zlib

import jax
import numpy as np
from flax import traverse_util

from wild3d import files
from wild3d.errors import UserError

SHIPPED = str(pathlib.Path(__file__).parent / 'wild.npz')
_RUN = 'run'  # the name of the text; all other arrays are named by their path
# What NumPy, zipfile and JSON make of damaged files.
_FAULTS = (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError)
_FAULTS += (AttributeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def is_file(source: str | os.PathLike) -> bool:
  """Whether it names such a file, and not the folder of a run."""
  return str(source).endswith('.npz') or os.path.isfile(source)


def write(path: str | os.PathLike, variables: dict, run: dict) -> None:
  """Writes the file, whole or not at all.

  Args:
    path: NAME.npz.
    variables: 'params' and 'batch_stats'.
    run: as `Checkpoints.run` gives it, and 'step'.

  Raises:
    UserError: it cannot be written.
  """
  flat = traverse_util.flatten_dict(variables, sep='/')
  with files.opened(path) as stream:
    np.savez_compressed(stream, **{_RUN: np.array(json.dumps(run))}, **flat)


class File:
  """Such a file, to be read as `training.checkpoints.Checkpoints` are: it has one step."""

  def __init__(self, path: str | os.PathLike):
    """Reads it; nothing of the file is executed.

    Raises:
      UserError: it is missing, or damaged, or another kind of file.
    """
    self._path = path
    try:
      with np.load(files.absolute(path), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
      self._run = json.loads(str(arrays.pop(_RUN)))
      self._step = int(self._run['step'])
      dict(self._run['config'])
    except FileNotFoundError:
      raise UserError(f'{path}: there is no such file') from None
    except _FAULTS as error:
      why = ' '.join(str(error).split())[:160]
      raise UserError(
        f'{path}: no weights of wild3d, or a damaged file ({type(error).__name__}: '
        f'{why}): give the folder of a run, or what `wild3d export --out=NAME.npz` wrote'
      ) from None
    self._variables = {'batch_stats': {}} | traverse_util.unflatten_dict(
      arrays, sep='/'
    )

  def latest(self) -> int:
    """The step at which the network was saved."""
    return self._step

  def choose(self, wanted: str) -> int:
    """The step that 'best', 'latest' or a number names.

    Raises:
      UserError: another step.
    """
    if wanted not in ('best', 'latest', str(self._step)):
      raise UserError(f'--step={wanted}: {self._path} holds step {self._step} alone')
    return self._step

  def run(self, step: int) -> dict:
    """What `write` was given as `run`."""
    del step
    return self._run

  def restore_model(self, step: int, abstract: dict) -> dict:
    """'params' and 'batch_stats', placed as `abstract` says.

    Raises:
      UserError: they are of another network.
    """
    del step
    if jax.tree.map(np.shape, self._variables) != jax.tree.map(np.shape, abstract):
      raise UserError(
        f'{self._path}: its parameters are not those of the network of the configuration'
      )
    return jax.tree.map(
      lambda value, leaf: jax.device_put(np.asarray(value, leaf.dtype), leaf.sharding),
      self._variables,
      abstract,
    )
