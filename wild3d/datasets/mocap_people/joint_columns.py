"""Where our joints are among those of a motion capture file: by name, or as told."""

import pathlib
from collections.abc import Sequence

from wild3d import files, joint_names, skeleton
from wild3d.errors import UserError

JSON_NAME = 'joint_names.json'
# Pelvis and thorax are the middles of hips and shoulders.
MATCHED = tuple(j for j in skeleton.JOINTS if j not in ('pelvis', 'thorax'))


def told(folder: pathlib.Path) -> dict[str, str]:
  """The mapping ours -> theirs of `joint_names.json` in a folder; {} without one.

  Raises:
    UserError: the file is no object of names, or names a joint that is not ours.
  """
  path = folder / JSON_NAME
  if not path.exists():
    return {}
  mapping = files.read_json(path)
  if not isinstance(mapping, dict) or not all(
    isinstance(theirs, str) for theirs in mapping.values()
  ):
    raise UserError(f"{path}: must hold one object, of our joints' names to theirs")
  for ours in mapping:
    if ours not in MATCHED:
      raise UserError(
        f'{path}: {ours!r} is none of {", ".join(MATCHED)} (pelvis and thorax are '
        'the middles of hips and shoulders)'
      )
  return mapping


def find(
  names: Sequence[str], mapping: dict[str, str], path: pathlib.Path
) -> tuple[int, ...]:
  """Where each of MATCHED is among a file's joints.

  Args:
    names: of the file's joints.
    mapping: ours -> theirs, where the user says so; the rest is matched by name.
    path: of the file, for messages.

  Raises:
    UserError: a joint has no counterpart, or one joint is two of ours; the message
      lists the file's names.
  """
  found = joint_names.match(names, bones=True)
  found = {ours: names[places[0]] for ours, places in found.items()} | mapping
  said = ', '.join(name for name in names if not name.endswith('.End'))
  missing = [ours for ours in MATCHED if found.get(ours) not in names]
  if missing:
    raise UserError(
      f'{path}: no joint found for {", ".join(missing)}: name them in {JSON_NAME}, '
      f'as {{"{missing[0]}": "THEIRS"}}; this file has {said}'
    )
  chosen = [found[ours] for ours in MATCHED]
  for ours, theirs in zip(MATCHED, chosen, strict=True):
    if chosen.count(theirs) > 1:
      raise UserError(
        f'{path}: {theirs!r} would be {ours} and another joint too: name the right '
        f'ones in {JSON_NAME}; this file has {said}'
      )
  return tuple(list(names).index(theirs) for theirs in chosen)
