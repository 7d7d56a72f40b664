"""Exact mixing: which role each row of a batch has, which source feeds a role."""

import numpy as np

from wild3d.errors import UserError

ROLES = ('2d', '3d', 'clip')


def shares(share_3d, share_clip):
  """Role -> share of a batch's rows, for those that have some; '2d' has the rest.

  Raises:
    UserError: there is no rest to have.
  """
  rest = round(1 - share_3d - share_clip, 12)  # 1 - 0.9 - 0.1 is no share
  if rest < 0:
    raise UserError(
      f'share_3d {share_3d:g} and share_clip {share_clip:g} add up to more than 1'
    )
  every = {'2d': rest, '3d': share_3d, 'clip': share_clip}
  return {role: share for role, share in every.items() if share}


def roles_in_use(sources, shares):
  """The roles of a batch, in ROLES' order.

  Raises:
    UserError: an unknown role, a role with a share but no source or the other
      way round, a weight that is not positive, or two sources of one name.
  """
  for source in sources:
    if source.role not in ROLES:
      raise UserError(f'source {source.name!r}: role {source.role!r} is not in {ROLES}')
    if not source.weight > 0:
      raise UserError(f'source {source.name!r}: weight must be > 0')
  names = [source.name for source in sources]
  if len(set(names)) < len(names):
    raise UserError(f'source names must differ: {", ".join(names)}')
  given = {source.role for source in sources}
  asked = {role for role, share in shares.items() if share}
  if given != asked:
    raise UserError(
      f'roles of the sources ({", ".join(sorted(given)) or "none"}) and roles with '
      f'a share ({", ".join(sorted(asked)) or "none"}) differ'
    )
  return [role for role in ROLES if role in asked]


def row_roles(batch_size, shares, clip_frames=1):
  """The role of each row of every batch: a fixed, evenly interleaved pattern.

  Rows come in groups of `clip_frames`: a clip, or as many stills. Any number of
  processes that divides every role's count sees the same mix in its rows.

  Args:
    batch_size: rows of the global batch.
    shares: role -> share of the rows; they add up to 1.
    clip_frames: T.

  Returns:
    list of batch_size roles.

  Raises:
    UserError: a share gives no whole number of rows, clip rows are not whole
      clips, or a role is unknown.
  """
  if clip_frames < 1 or batch_size % clip_frames:
    raise UserError(
      f'batch_size {batch_size} is not a multiple of clip_frames {clip_frames}'
    )
  unknown = sorted(set(shares) - set(ROLES))
  if unknown:
    raise UserError(f'shares: unknown role {unknown[0]!r}: choose from {ROLES}')
  counts = {}
  for role in ROLES:
    rows = batch_size * shares.get(role, 0.0)
    counts[role] = round(rows)
    if rows < 0 or abs(rows - counts[role]) > 1e-6:
      raise UserError(
        f'shares: {shares[role]:g} of batch_size {batch_size} for role {role!r} is '
        f'{rows:g} rows, not a whole number'
      )
  if sum(counts.values()) != batch_size:
    raise UserError(f'shares: they add up to {sum(shares.values()):g}, not 1')
  clips = counts['clip']
  if clips and (clip_frames == 1 or clips % clip_frames):
    raise UserError(
      f'shares: {clips} clip rows are not whole clips of clip_frames {clip_frames} '
      '(more than 1)'
    )
  stills = iter(_interleave([counts['2d'], counts['3d']]))
  groups = _interleave([(batch_size - clips) // clip_frames, clips // clip_frames])
  return [
    'clip' if group else ROLES[next(stills)]
    for group in groups
    for _ in range(clip_frames)
  ]


def choose(streams, weights):
  """Mixes endless datasets so that every count stays within one of its share.

  Args:
    streams: datasets of equal element specs.
    weights: positive, one for each.

  Returns:
    Dataset whose n-th element comes from the stream that is furthest behind
    n * weight / sum(weights).
  """
  import tensorflow as tf

  if len(streams) == 1:
    return streams[0]
  share = tf.constant(np.asarray(weights, np.float64) / np.sum(weights))

  def step(taken, n):
    due = share * tf.cast(n + 1, tf.float64) - tf.cast(taken, tf.float64)
    index = tf.argmax(due)
    return taken + tf.one_hot(index, len(streams), dtype=tf.int64), index

  taken = tf.zeros(len(streams), tf.int64)
  choice = tf.data.Dataset.counter().scan(taken, step)
  return tf.data.Dataset.choose_from_datasets(streams, choice)


def _interleave(counts):
  """Indices 0..len(counts)-1, each `counts` times, spread as evenly as can be."""
  total, taken, order = sum(counts), np.zeros(len(counts), np.int64), []
  for n in range(total):
    index = int(np.argmax(np.asarray(counts) * (n + 1) - taken * total))
    taken[index] += 1
    order.append(index)
  return order
