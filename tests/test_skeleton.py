"""The joint table, its symmetry, and conversions between joint sets."""

import numpy as np
import pytest

from wild3d import skeleton

# Source index of each of the 16 slots, as the data sets' users publish them. Slot
# 7 holds the spine there, which is not the thorax.
H36M = (3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13)
MPI_INF_3DHP = (10, 9, 8, 11, 12, 13, 14, 15, 1, 0, 4, 3, 2, 5, 6, 7)
LSP = (0, 1, 2, 3, 4, 5, None, None, 12, 13, 6, 7, 8, 9, 10, 11)


def _joints(number):
  return np.random.default_rng(number).normal(size=(5, number, 3))


@pytest.mark.parametrize(
  ('name', 'table'), [('h36m17', H36M), ('mpi_inf_3dhp17', MPI_INF_3DHP)]
)
def test_convert_agrees_with_published_index_tables(name, table):
  # Catches two names swapped in a joint set, above all left and right.
  joints = _joints(17)
  with_spine = tuple('spine' if n == 'thorax' else n for n in skeleton.JOINTS)
  converted, known = skeleton.convert(joints, name, with_spine)
  np.testing.assert_array_equal(converted, joints[:, list(table)])
  assert known.all()


@pytest.mark.parametrize(
  ('name', 'shoulders'), [('h36m17', (11, 14)), ('mpi_inf_3dhp17', (2, 5))]
)
def test_thorax_is_the_middle_of_the_shoulders_not_the_spine(name, shoulders):
  # Catches the spine's passing for the MPII thorax.
  joints = _joints(17)
  converted, known = skeleton.convert(joints, name)
  np.testing.assert_allclose(converted[:, 7], joints[:, list(shoulders)].mean(1))
  assert known.all()


def test_lsp_table_and_derived_joints():
  # Catches an LSP order with the arms' ends exchanged, or underived joints.
  joints = _joints(14)
  converted, known = skeleton.convert(joints, 'lsp14')
  for slot, source in enumerate(LSP):
    if source is not None:
      np.testing.assert_array_equal(converted[:, slot], joints[:, source])
  np.testing.assert_allclose(converted[:, 6], (joints[:, 2] + joints[:, 3]) / 2)
  np.testing.assert_allclose(converted[:, 7], (joints[:, 8] + joints[:, 9]) / 2)
  assert known.all()


def test_joints_that_the_source_lacks_are_zero_and_unknown():
  # COCO has neither neck nor head top: catches unknown joints taken for labels.
  converted, known = skeleton.convert(_joints(17), 'coco17')
  missing = [skeleton.JOINTS.index(n) for n in ('upper_neck', 'head_top')]
  assert sorted(np.flatnonzero(~known)) == missing
  assert (converted[:, missing] == 0).all()
  assert (converted[:, known] != 0).all()


def test_convert_there_and_back():
  # Catches a conversion that depends on the direction.
  joints = _joints(16)
  lsp, _ = skeleton.convert(joints, 'mpii16', 'lsp14')
  back, _ = skeleton.convert(lsp, 'lsp14')
  kept = [i for i, source in enumerate(LSP) if source is not None]
  np.testing.assert_array_equal(back[:, kept], joints[:, kept])


def test_convert_refuses_unknown_sets_and_wrong_counts():
  with pytest.raises(ValueError, match="unknown joint set 'mpii'"):
    skeleton.convert(_joints(16), 'mpii')
  with pytest.raises(ValueError, match='16 joints given, the joint set has 17'):
    skeleton.convert(_joints(16), 'h36m17')


def test_flip_is_its_own_inverse_and_exchanges_names():
  # Catches a pair left out of the flip, or one joined across the middle.
  index = skeleton.FLIP_INDEX
  np.testing.assert_array_equal(index[index], np.arange(16))
  for name, other in zip(skeleton.JOINTS, index, strict=True):
    swapped = {'right': 'left', 'left': 'right'}
    side, _, rest = name.partition('_')
    expected = f'{swapped[side]}_{rest}' if side in swapped else name
    assert skeleton.JOINTS[other] == expected


def test_bones_and_groups_are_closed_under_the_flip():
  # Catches a bone listed on one side alone, or in another bone's place.
  flip = skeleton.FLIP_INDEX

  def unordered(bones):
    return sorted(tuple(sorted(map(int, bone))) for bone in bones)

  for bones in (skeleton.BONES, *skeleton.BONE_GROUPS.values()):
    assert unordered(bones) == unordered(flip[np.array(bones)])
  for right, left in skeleton.SYMMETRIC_BONES.values():
    assert unordered([right]) == unordered(flip[np.array([left])])
  assert len(set(unordered(skeleton.BONES))) == 14


def test_average_lengths_belong_to_their_bones():
  # Catches forearm and upper arm exchanged: the names of the ends decide.
  ends = {
    frozenset(('ankle', 'knee')): 452.125519758,
    frozenset(('knee', 'hip')): 456.008604234,
    frozenset(('hip', 'pelvis')): 134.201602044,
    frozenset(('wrist', 'elbow')): 249.772589249,
    frozenset(('elbow', 'shoulder')): 284.125346475,
    frozenset(('shoulder', 'upper_neck')): 180.776851782,
  }
  for name, bones in skeleton.BONE_GROUPS.items():
    for bone, mean in zip(bones, skeleton.GROUP_MEAN_MM[name], strict=True):
      parts = (skeleton.JOINTS[j] for j in bone)
      plain = frozenset(p.removeprefix('right_').removeprefix('left_') for p in parts)
      assert mean == ends[plain]


def test_constants_of_the_paper():
  assert skeleton.JOINTS[skeleton.ROOT] == 'pelvis'
  assert skeleton.ROOT == 6
  assert skeleton.ZHOU2017_SKELETON_MM == 4296.99233013
  assert [len(g) for g in skeleton.BONE_GROUPS.values()] == [4, 4, 2, 2]
