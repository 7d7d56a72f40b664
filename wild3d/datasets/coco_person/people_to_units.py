"""The people of a file in stored order, cut into units; frames of a track together."""

import collections
import dataclasses
import itertools

import numpy as np

from wild3d.datasets import crop
from wild3d.datasets.coco_person.person import Person
from wild3d.errors import UserError

UNIT = 256  # about this many people in a unit


def cut(people: list[Person], clip: int, where: str) -> list[list[Person]]:
  """Units of about UNIT people: stills by picture, tracks by frame.

  Args:
    people: in the order of their pictures.
    clip: frames of a track that share one crop box, see `shared_boxes`; 0: none do.
    where: the file, for messages.

  Raises:
    UserError: two people of one frame belong to the same track.
  """
  groups = collections.defaultdict(list)  # a picture, or a track: stay in one unit
  for person in people:
    picture = person.picture
    track = (picture.sequence, person.track)
    groups[track if picture.sequence else picture.index].append(person)
  made = [[]]
  for group in groups.values():
    if group[0].picture.sequence:
      group = _in_time(group, where)
      group = shared_boxes(group, clip) if clip else group
    if made[-1] and len(made[-1]) + len(group) > UNIT:
      made.append([])
    made[-1] += group
  return made


def shared_boxes(track: list[Person], clip: int) -> list[Person]:
  """Gives each run of `clip` consecutive frames one box, the smallest round theirs.

  Clips need it: a box that follows the person would hide how the camera sees them
  move. Longer runs let a person who walks away shrink in the crop.
  """
  numbers = crop.clips([person.picture.frame for person in track], 1, clip)
  made, start = [], 0
  for end in (*(np.flatnonzero(np.diff(numbers)) + 1), len(track)):
    made += _one_box(track[start:end])
    start = end
  return made


def _one_box(run):
  center, side = crop.box_of_boxes(
    np.stack([person.center for person in run]),
    np.array([person.side for person in run]),
  )
  # A run is a sequence of its own, so that no clip reaches into the next box.
  track = f'{run[0].track}@{run[0].picture.frame}'
  return [
    dataclasses.replace(person, center=center, side=side, track=track) for person in run
  ]


def _in_time(track, where):
  track = sorted(track, key=lambda person: person.picture.frame)
  for one, other in itertools.pairwise(track):
    if one.picture.frame == other.picture.frame:
      raise UserError(
        f'{where}: annotations {one.annotation} and {other.annotation} are both in '
        f'frame {one.picture.frame} of sequence {one.picture.sequence}: give each person '
        'a track_id, and each picture its own frame_id'
      )
  return track
