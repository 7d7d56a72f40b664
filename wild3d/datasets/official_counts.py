"""How many records an official release gives, where that is known for a fact.

A builder lists such numbers as OFFICIAL_COUNTS: (split, subject) -> number; the empty
subject is the whole split. COCO's lists none: how many of its people are usable depends
on what one asks of them.
"""

import dataclasses

# Below this share of the official number a split is meant to be a part of it: some
# subjects, or a few samples. Above it, what is missing got lost.
_MEANT_TO_BE_WHOLE = 0.9


@dataclasses.dataclass(frozen=True)
class Official:
  """An official number of records."""

  count: int  # the number
  exact: bool = True  # False where only its size is known; then nothing is judged by it


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
