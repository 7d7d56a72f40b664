"""From the sums of each split to tables and to the reasons for failing."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from wild3d.datasets import official_counts
from wild3d.datasets.verify import checks
from wild3d.datasets.verify.neighbours import Neighbours
from wild3d.datasets.verify.tally import Tally
from wild3d.skeleton import BONES, JOINTS

_ROWS = 40  # subjects listed for a split; further ones only where they fail
_COLUMNS = 10  # subjects whose bones are listed

# What a failing check usually means.
_HINTS = {
  'knees bend forwards': 'left and right swapped, or a mirrored picture or axis',
  'elbows bend forwards': 'left and right swapped, or a mirrored picture or axis',
  'sides agree in 2D and 3D': 'left and right swapped in one of the two',
  'hips ordered as shoulders, 2D': 'left and right swapped in one of the two',
  'limbs not crossed, 2D': 'left and right swapped in these joints',
  'limbs not crossed, 3D': 'left and right swapped in these joints',
  'chest to the camera, without 3D': 'left and right swapped, unless most people are '
  'seen from behind: look at some with wild3d data browse',
  '3D onto 2D, px: median, 99 %, most': 'wrong camera, joints, frames or units',
  'skeleton mm': 'wrong units, or wrong joints',
  'limb spread': 'not one person, or wrong joints',
  'left/right limbs': 'wrong joints',
}


@dataclasses.dataclass
class Examples:
  """How many ids, and the first of them."""

  count: int = 0
  first: str = ''

  def add(self, name: str) -> None:
    """Counts one."""
    self.first = self.first or name
    self.count += 1


@dataclasses.dataclass
class Found:
  """What was read of one split."""

  promised: int  # records that the dataset says it has
  # Subject -> its sums, in order of appearance.
  subjects: dict[str, Tally] = dataclasses.field(default_factory=dict)
  # What follows from the order of the frames.
  neighbours: Neighbours = dataclasses.field(default_factory=Neighbours)
  damaged: str = ''  # why reading stopped early
  # Faulty records.
  twice: Examples = dataclasses.field(default_factory=Examples)
  undecodable: Examples = dataclasses.field(default_factory=Examples)
  not_square: Examples = dataclasses.field(default_factory=Examples)
  # px, sides of the stored pictures; NaN if there are none.
  smallest: float = float('nan')
  largest: float = float('nan')

  def whole(self) -> Tally:
    """The sums of all subjects."""
    total = Tally()
    for tally in self.subjects.values():
      total += tally
    return total


@dataclasses.dataclass(frozen=True)
class Verdict:
  """What `verify` found."""

  name: str  # of the dataset, with configuration and version
  # (heading, rows of cells), the first row being the head.
  sections: list[tuple[str, list[list[str]]]]
  failures: list[str]  # one line a reason; empty for a good dataset
  warnings: list[str]  # what could not be judged, a line each

  def table(self) -> str:
    """All tables as text that is also Markdown; cells that failed end in '!'."""
    parts = [f'# {self.name}']
    for heading, rows in self.sections:
      parts.append(f'## {heading}\n\n{_table(rows)}')
    return '\n\n'.join(parts)


def judge(
  *,
  name: str,
  official: dict[tuple[str, str], official_counts.Official],
  splits: dict[str, Found],
  left_out: dict[str, int],
  projects: bool = True,
  asymmetry: Mapping[str, float] = {},
) -> Verdict:
  """Applies the bounds.

  Args:
    name: for the heading.
    official: the builder's OFFICIAL_COUNTS.
    splits: what was read.
    left_out: reason -> how many, by the builder's own account.
    projects: whether the 3D labels are meant to project onto the 2D ones; those of
      MPI-INF-3DHP that are scaled to one skeleton height are not.
    asymmetry: the builder's LIMB_ASYMMETRY.
  """
  failures = []
  wholes = {split: found.whole() for split, found in splits.items()}
  if not any(found.promised for found in splits.values()):
    failures.append('there are no records at all')
  sections = [
    ('Records', _records(splits, wholes, asymmetry, failures)),
    ('Checks', _checks(splits, wholes, projects, failures)),
  ]
  compared = _official(official, splits, wholes, sum(left_out.values()), failures)
  if compared:
    sections.append(('Official numbers', compared))
  if left_out:
    rows = [[reason, f'{number:,}'] for reason, number in sorted(left_out.items())]
    sections.append(('Left out by the builder', [['reason', 'records'], *rows]))
  bones = _bones(splits)
  if bones:
    sections.append(('Bones, mm: mean ± standard deviation', bones))
  sections.append(('Joints: labelled, and of those occluded', _joints(wholes)))
  warnings = [
    f'{split}: cannot tell whether left and right are swapped, {reason}: look at some '
    'with wild3d data browse'
    for split, whole in wholes.items()
    for reason in checks.sides_untold(whole)
  ]
  return Verdict(name, sections, failures, warnings)


def _records(splits, wholes, asymmetry, failures):
  rows = []
  for split, found in splits.items():
    listed = []
    for subject, tally in found.subjects.items():
      results = checks.of_subject(
        tally,
        known=subject not in ('', 'others'),
        asymmetry=asymmetry.get(subject, checks.ASYMMETRY),
      )
      failed = _note(failures, f'{split} {subject}'.strip(), results)
      if failed or len(listed) < _ROWS:
        listed.append(_record_row(split, subject or '–', tally, results))
    whole = wholes[split]
    if len(found.subjects) != 1:
      title = f'all {len(found.subjects)}'
      results = checks.of_subject(whole, known=False)
      listed.append(_record_row(split, title, whole, results))
    rows += listed
  every = checks.of_subject(Tally(), known=True)
  head = ['split', 'subject', 'records', 'with 2D', 'with 3D', *(c.name for c in every)]
  return [head, *rows, ['bound', '', '', '', '', *(c.bound for c in every)]]


def _record_row(split, subject, tally, results):
  numbers = (tally.records, tally.with2d, tally.with3d)
  return [split, subject, *(f'{n:,}' for n in numbers), *map(_cell, results)]


def _checks(splits, wholes, projects, failures):
  columns = {}
  for split, found in splits.items():
    results = [
      *_file_checks(found, wholes[split]),
      *checks.of_split(wholes[split], projects=projects),
      *_order_checks(found),
    ]
    _note(failures, split, results)
    columns[split] = results
  first = next(iter(columns.values()), [])
  rows = [
    [check.name, *(_cell(column[i]) for column in columns.values()), check.bound]
    for i, check in enumerate(first)
  ]
  return [['check', *columns, 'bound'], *rows]


def _file_checks(found, whole):
  """Of the files: read to the end, decodable, each id once."""
  sides = [found.smallest, found.largest]
  shown = '–' if np.isnan(sides[0]) else ' to '.join(f'{s:.0f}' for s in sides)
  read = f'{whole.records:,}'
  if found.damaged or whole.records != found.promised:
    read += f' of {found.promised:,}'
    read += f' ({found.damaged[:120]})' if found.damaged else ''
  ends_early = bool(found.damaged) or whole.records != found.promised
  return [
    checks.Check('records read', 'all', read, ends_early),
    _none('ids that occur twice', found.twice.count, found.twice.first),
    _none('pictures not decodable', found.undecodable.count, found.undecodable.first),
    _none('pictures not square', found.not_square.count, found.not_square.first),
    _none('records with NaN or infinity', whole.not_finite, ''),
    checks.Check('side of the pictures, px', '', shown),
  ]


def _order_checks(found):
  """Of the sequences."""
  n = found.neighbours
  return [
    _none('sides swapped from frame to frame', n.swaps, n.first_swap),
    _none('sequences with swapped sides', n.mirrored, n.first_mirrored),
  ]


def _none(name, count, first):
  shown = f'{count:,}' + (f' (first: {first})' if first else '')
  return checks.Check(name, '0', shown, count > 0)


def _official(official, splits, wholes, left_out, failures):
  rows = []
  for (split, subject), number in official.items():
    if split not in splits:
      continue
    tally = splits[split].subjects.get(subject) if subject else wholes[split]
    if tally is None:
      rows.append([split, subject, f'none of {number.count:,}'])
      continue
    said, failed = official_counts.compare(tally.records, number, left_out)
    rows.append([split, subject, said + ('!' if failed else '')])
    if failed:
      failures.append(f'{split} {subject}'.strip() + f': {said}')
  return [['split', 'subject', 'records'], *rows] if rows else []


def _bones(splits):
  """Rows are bones, columns subjects; of several splits together."""
  subjects = {}
  for found in splits.values():
    for subject, tally in found.subjects.items():
      if tally.bones.count:
        subjects.setdefault(subject or 'unknown', Tally()).bones += tally.bones
  if not subjects:
    return []
  if len(subjects) > _COLUMNS:
    everyone = Tally()
    for tally in subjects.values():
      everyone += tally
    subjects = {f'all {len(subjects)} subjects': everyone}
  rows = [
    [
      f'{JOINTS[a]} – {JOINTS[b]}'.replace('_', ' '),
      *(f'{t.bones.mean[i]:.0f} ± {t.bones.spread[i]:.1f}' for t in subjects.values()),
    ]
    for i, (a, b) in enumerate(BONES)
  ]
  return [['bone', *subjects], *rows]


def _joints(wholes):
  rows = [
    [
      name.replace('_', ' '),
      *(
        f'{_percent(t.labelled.value[i])} / {_percent(t.occluded.value[i])}'
        for t in wholes.values()
      ),
    ]
    for i, name in enumerate(JOINTS)
  ]
  return [['joint', *wholes], *rows]


def _percent(share):
  return '–' if np.isnan(share) else f'{share:.0%}'.replace('%', ' %')


def _note(failures, where, results):
  """Adds those that failed to the failures; whether any did."""
  failed = [check for check in results if check.failed]
  for check in failed:
    hint = f': {_HINTS[check.name]}' if check.name in _HINTS else ''
    failures.append(
      f'{where}: {check.name} {check.shown} (must be {check.bound}){hint}'
    )
  return bool(failed)


def _cell(check):
  return check.shown + ('!' if check.failed else '')


def _table(rows):
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = [
    '| ' + ' | '.join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + ' |'
    for row in rows
  ]
  lines.insert(1, '|' + '|'.join('-' * (w + 2) for w in widths) + '|')
  return '\n'.join(lines)
