"""Left and right along a sequence: swapped from one frame to the next, or throughout."""

import numpy as np

from wild3d.datasets.verify import measures
from wild3d.skeleton import FLIP_INDEX, ROOT

_BENT_ENOUGH = 40  # bent joints of a sequence from which its sides can be told
_NEARER = 2.0  # times; among frames of motion capture, 5 a second, no swap passes 0.8


class Neighbours:
  """Reads records in stored order; keeps the last frame and the last sequence alone."""

  def __init__(self):
    # How often left and right change places between neighbouring frames, and the id of
    # the first frame after that.
    self.swaps, self.first_swap = 0, ''
    # How many sequences bend their knees and elbows the wrong way, and the first's name.
    self.mirrored, self.first_mirrored = 0, ''
    self._last = None
    self._sequence, self._hits, self._count = b'', 0.0, 0

  def add(self, record: dict[str, np.ndarray]) -> None:
    """Adds N records, which follow those added before."""
    keys = ('id', 'sequence', 'frame', 'has3d', 'joints3d')
    rows = {key: record[key] for key in keys}
    if self._last is not None:
      rows = {key: np.concatenate([self._last[key], rows[key]]) for key in keys}
    joints = rows['joints3d']
    hinges = np.hstack(
      [measures.knees_forwards(joints), measures.elbows_forwards(joints)]
    )
    hinges[~rows['has3d']] = np.nan
    self._find_swaps(rows, hinges)
    new = slice(0 if self._last is None else 1, None)
    self._find_mirrored(rows['sequence'][new], hinges[new])
    self._last = {key: rows[key][-1:] for key in keys}

  def end(self) -> None:
    """Judges the last sequence."""
    told = self._sequence and self._count >= _BENT_ENOUGH
    if told and self._hits < self._count / 2:
      self.first_mirrored = self.first_mirrored or self._sequence.decode()
      self.mirrored += 1
    self._hits, self._count = 0.0, 0

  def _find_swaps(self, rows, hinges):
    sequence, frame, has3d = rows['sequence'], rows['frame'], rows['has3d']
    follows = (
      (sequence[1:] != b'')
      & (sequence[1:] == sequence[:-1])
      & (frame[1:] == frame[:-1] + 1)
      & has3d[1:]
      & has3d[:-1]
    )
    joints = rows['joints3d'].astype(np.float64)
    joints = joints - joints[:, ROOT, None]
    before, after = joints[:-1], joints[1:]
    plain = np.linalg.norm(after - before, axis=-1).sum(axis=-1)
    swapped = np.linalg.norm(after[:, FLIP_INDEX] - before, axis=-1).sum(axis=-1)
    # Who turns round between two distant frames also comes nearer to the swapped
    # pose, but goes on bending the knees forwards.
    applies = ~np.isnan(hinges)
    natural = np.where(applies, hinges, 0.5).mean(axis=-1) - 0.5
    turned = natural[1:] * natural[:-1] < 0
    found = np.flatnonzero(follows & (_NEARER * swapped < plain) & turned)
    if len(found) and not self.swaps:
      self.first_swap = rows['id'][found[0] + 1].decode()
    self.swaps += len(found)

  def _find_mirrored(self, sequences, hinges):
    starts = np.flatnonzero(sequences[1:] != sequences[:-1]) + 1
    for part in np.split(np.arange(len(sequences)), starts):
      if sequences[part[0]] != self._sequence:
        self.end()
        self._sequence = sequences[part[0]]
      self._hits += np.nansum(hinges[part])
      self._count += int(np.sum(~np.isnan(hinges[part])))
