"""The rows of the paper's claim as a report shows them: sentences, tables, people."""

from collections.abc import Mapping, Sequence

from wild3d.configs import ablation
from wild3d.pages import report, sentences
from wild3d.protocols import paired, rows
from wild3d.protocols.scores_json import Scores


def of(
  scores: Mapping[str, Scores], samples: Mapping[str, Sequence[dict]]
) -> report.Claim:
  """The top of a report.

  Args:
    scores: each of ablation.CLAIM -> what it scores on the wild test people.
    samples: likewise -> the same people, as Evaluator.samples gives them.
  """
  titles = {name: row.title for name, row in ablation.CLAIM.items()}
  pairs = {
    f'{row.title} − {titles[row.against]}': ([scores[row.against]], [scores[name]])
    for name, row in ablation.CLAIM.items()
    if row.against
  }
  off, sides = (
    {name: paired.value_of(one, *measure) for name, one in scores.items()}
    for measure in (('pose3d', 'MPJPE'), ('geometry', 'left-right difference'))
  )
  people = [
    [sample | {'id': titles[name]} for name, sample in zip(samples, seen, strict=True)]
    for seen in zip(*samples.values(), strict=True)
  ]
  return report.Claim(
    sentences.of_claim(off, sides),
    [
      rows.means({titles[name]: [one] for name, one in scores.items()}),
      rows.differences(pairs, mark=''),
    ],
    people,
  )
