"""Named definitions of scores: what is compared, how aligned, how the mean is taken.

`ALL` is the one list of them; `get` also knows 'h36m_p1@64', every 64th frame.
"""

import re

from wild3d.errors import UserError
from wild3d.protocols import human36m, lsp, mpi_inf_3dhp, mpii, pose3d, validity
from wild3d.protocols.protocol import Protocol

ALL: dict[str, Protocol] = {
  protocol.name: protocol
  for module in (human36m, mpi_inf_3dhp, mpii, lsp, pose3d, validity)
  for protocol in module.PROTOCOLS
}


def named(names: str) -> list[Protocol]:
  """The protocols of --protocol=NAME[,NAME].

  Raises:
    UserError: see `get`; or one is there twice.
  """
  chosen = [get(name) for name in names.split(',')]
  if len({protocol.name for protocol in chosen}) < len(chosen):
    raise UserError(f'--protocol={names}: names a protocol twice; give it once')
  return chosen


def get(name: str) -> Protocol:
  """The protocol of this name; 'NAME@STRIDE' for every so many frames of Human3.6M.

  Raises:
    UserError: no protocol has this name, or the stride is none.
  """
  plain, at, stride = name.partition('@')
  if plain not in ALL or (at and ALL[plain] not in human36m.PROTOCOLS):
    raise UserError(
      f'unknown protocol {name!r}: choose from {", ".join(ALL)}; those of Human3.6M '
      'also take every so many frames, such as h36m_p1@64'
    )
  if not at:
    return ALL[plain]
  if not re.fullmatch('[1-9][0-9]{0,5}', stride):
    raise UserError(f'{name}: a whole number of frames follows @, such as {plain}@64')
  return human36m.every(ALL[plain], int(stride))
