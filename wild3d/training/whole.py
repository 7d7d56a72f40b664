"""Which of a run's checkpoints to read: the newest, or the best, that is whole."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
from etils import epath
from jax.experimental import multihost_utils

from wild3d import files
from wild3d.errors import UserError
from wild3d.training import manifest, processes

MODEL = ('model', 'run')  # what a network is read from
TRAINING = (*MODEL, 'optimizer', manifest.DATA)  # what training goes on from
_SCORES = ()  # alone: what Orbax reads of all checkpoints when it starts


class Place(NamedTuple):
  """Where the checkpoints of a run lie."""

  workdir: epath.Path

  def checkpoint(self, step: int | str) -> epath.Path:
    """The folder of a step."""
    return self.workdir / 'checkpoints' / str(step)

  def iterator(self, step: int | str) -> epath.Path:
    """The folder of the data iterators of a step, one folder a process."""
    return self.workdir / manifest.DATA / str(step)

  def steps(self) -> list[int]:
    """The steps that are saved, ascending."""
    found = self.workdir.glob('checkpoints/[0-9]*')
    found = [p for p in found if p.name.isdigit() and p.is_dir()]
    if '://' in str(self.workdir):  # a bucket cannot rename what is complete
      found = [p for p in found if (p / 'commit_success.txt').exists()]
    return sorted(int(p.name) for p in found)

  def scores(self, step: int) -> dict | None:
    """The scores that were saved with a step, if any; None where they are damaged."""
    path = self.checkpoint(step) / manifest.SCORES / 'metrics'
    try:
      return dict(json.loads(path.read_text())) if path.exists() else {}
    except (OSError, ValueError, TypeError):
      return None

  def fault(self, step: int, parts) -> str | None:
    """Says what is damaged, see manifest.fault; None where nothing is."""
    folder = self.checkpoint(step)
    fault = manifest.fault(folder, self.iterator(step), step, parts)
    if not fault and self.scores(step) is None:
      fault = 'its scores cannot be read'
    return f'{folder} is damaged: {fault}' if fault else None


def best(place: Place, score: str, lower_is_better: bool) -> int | None:
  """The step with the best score, of equal ones the newest; without any, the newest."""
  found = {step: place.scores(step) or {} for step in reversed(place.steps())}
  scored = {step: scores[score] for step, scores in found.items() if score in scores}
  order = min if lower_is_better else max
  return order(scored, key=scored.get) if scored else next(iter(found), None)


def choose(place: Place, wanted: str, find_best: Callable[[], int]) -> int:
  """The step that 'best', 'latest' or a number names, its model checked.

  In place of a damaged best or latest one, which is said, it is the newest whole one.

  Args:
    place: of the run.
    wanted: see above.
    find_best: finds the step with the best score.

  Raises:
    UserError: it names none; the step named is damaged, or all are.
  """
  steps = place.steps()
  if wanted.isdigit() and int(wanted) in steps:
    if fault := place.fault(int(wanted), MODEL):
      raise UserError(f'--step={wanted}: {fault}: choose another')
    _say_unchecked(place, int(wanted))
    return int(wanted)
  if wanted not in ('best', 'latest'):
    raise UserError(f"--step={wanted}: there are 'best', 'latest' and {steps}")
  order = steps[::-1]
  if wanted == 'best':
    for step in steps:
      if fault := place.fault(step, _SCORES):
        _say(f'{fault}: whether it is the best is not known')
    order = [find_best(), *order]
  faults = []
  for step in order:
    if not (fault := place.fault(step, MODEL)):
      for text in dict.fromkeys(faults):
        _say(f'{text}; step {step} is used')
      _say_unchecked(place, step)
      return step
    faults.append(fault)
  raise UserError(f'{"; ".join(dict.fromkeys(faults))}: copy the run again')


def resume(place: Place) -> int | None:
  """The newest step that is whole, optimiser and iterator too; None where none is saved.

  Damaged ones that are newer, which is said, are moved to WORKDIR/damaged, as their
  steps will be saved again. Process 0 looks, for all.

  Raises:
    UserError: there are checkpoints, and none is whole.
  """
  found, faults = None, {}
  for step in reversed(place.steps()) if jax.process_index() == 0 else ():
    fault = place.fault(step, TRAINING if found is None else _SCORES)
    if fault:
      faults[step] = fault
    elif found is None:
      found = step
  if found is not None:
    for step, text in faults.items():
      _say(f'{text}; moved to {_set_aside(place, step)}; step {found} is used')
    _say_unchecked(place, found)
  said = -2 if faults and found is None else -1 if found is None else found
  if jax.process_count() > 1:
    said = int(multihost_utils.broadcast_one_to_all(jax.numpy.int32(said)))
  if said == -2:
    why = '; '.join(faults.values())
    raise UserError(f'{why or place.workdir}: none is whole: start in a new --workdir')
  return None if said < 0 else said


@contextlib.contextmanager
def failures_told(
  place: Place, saving: int | None, path: epath.Path | None = None
) -> Iterator[None]:
  """Makes what a full disk does within a UserError that says which step is whole.

  Args:
    place: of the run.
    saving: the step that is on its way to the disk.
    path: what else is written, by us; None for that step, of which nothing is left.
  """
  try:
    yield
  except UserError:
    raise
  except Exception as error:  # Orbax, TensorStore and TensorFlow have their own
    if (path and not isinstance(error, OSError)) or processes.others_gone(error):
      raise
    if not path:
      path = place.checkpoint(saving)
      # It would take the room that is lacking; a later start would remove it.
      for rest in (*path.parent.glob(f'{saving}.*'), place.iterator(saving)):
        with contextlib.suppress(OSError):
          rest.rmtree()
    steps = [step for step in place.steps() if step != saving]
    at = f'checkpoint {steps[-1]} is whole' if steps else 'nothing is saved yet'
    raise UserError(
      f'{path} cannot be written: {files.why(error)}; {at}: make room, and the same '
      'command goes on from there'
    ) from error


def _set_aside(place, step):
  aside = place.workdir / 'damaged' / str(step)
  if aside.exists():
    aside.rmtree()
  aside.parent.mkdir(parents=True, exist_ok=True)
  place.checkpoint(step).rename(aside)
  if place.iterator(step).exists():
    place.iterator(step).rename(aside / manifest.DATA)
  return aside


def _say_unchecked(place, step):
  if not manifest.exists(place.checkpoint(step)):
    _say(
      f'{place.checkpoint(step)} has no {manifest.FILE}, as of an earlier wild3d: '
      'whether its files are as they were written is not known'
    )


def _say(text):
  if jax.process_index() == 0:
    print(f'wild3d: {text}', file=sys.stderr, flush=True)
