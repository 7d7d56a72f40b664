"""How many records the official releases give, where that is known for a fact.

COCO is absent: how many of its people are usable depends on what one asks of them.
"""

import dataclasses

# Below this share of the official number a split is meant to be a part of it: some
# subjects, or a few samples. Above it, what is missing got lost.
_MEANT_TO_BE_WHOLE = 0.9


@dataclasses.dataclass(frozen=True)
class Official:
  """An official number of records.

  Attributes:
    count: the number.
    exact: False where only its size is known; then nothing is judged by it.
  """

  count: int
  exact: bool = True


# (dataset, split, subject) -> number; the empty subject is the whole split.
OFFICIAL = {
  # The usual division of the training pictures (Tompson et al. 2014).
  ('mpii', 'train', ''): Official(22_246),
  ('mpii', 'validation', ''): Official(2_958),
  ('mpii', 'test', ''): Official(11_731),
  # S1, S5, S6, S7, S8, every fifth frame of four cameras.
  ('human36m', 'train', ''): Official(312_000, exact=False),
  # Frames with valid_frame = 1.
  ('mpi_inf_3dhp', 'test', ''): Official(2_929),
  ('mpi_inf_3dhp', 'test', 'TS1'): Official(603),
  ('mpi_inf_3dhp', 'test', 'TS2'): Official(540),
  ('mpi_inf_3dhp', 'test', 'TS3'): Official(505),
  ('mpi_inf_3dhp', 'test', 'TS4'): Official(553),
  ('mpi_inf_3dhp', 'test', 'TS5'): Official(276),
  ('mpi_inf_3dhp', 'test', 'TS6'): Official(452),
}


def compare(count: int, official: Official, left_out: int) -> tuple[str, bool]:
  """What to say of a number of records beside the official one.

  A part of the official set is no mistake, and neither are records that the builder
  left out and counted. A mistake is more records than there are, and a split that is
  nearly whole but for records that nobody counted.

  Args:
    count: records there are.
    official: the number to compare with.
    left_out: records of the dataset that its builder left out, by its own account.

  Returns:
    (a phrase, whether it is a mistake).
  """
  whole = official.count
  if not official.exact:
    return f'{count:,} (the whole at stride 5: about {whole:,})', False
  if count == whole:
    return f'{count:,}, the whole', False
  if count > whole:
    return f'{count:,}, more than the {whole:,} there are', True
  if count + left_out >= whole:
    return f'{count:,} of {whole:,}, the others left out on purpose', False
  if count < _MEANT_TO_BE_WHOLE * whole:
    return f'{count:,} of {whole:,}, a part of the official set', False
  return f'{count:,} of {whole:,}, {whole - count:,} are missing', True
