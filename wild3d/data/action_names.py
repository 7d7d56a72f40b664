"""Human3.6M's actions in one spelling: its files have two, and numbers of takes."""

import re

_ALTERNATES = {
  'Photo': 'TakingPhoto',
  'WalkDog': 'WalkingDog',
  'WalkingTogether': 'WalkTogether',
  'Purchase': 'Purchases',
}


def normalised(take: str) -> str:
  """'Photo 1' -> 'TakingPhoto'; what is no action of Human3.6M keeps its spelling."""
  name = re.sub(r'[ _-]*\d*$', '', take)
  return _ALTERNATES.get(name, name)
