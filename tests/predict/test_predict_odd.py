"""Odd inputs of wild3d predict: none of them ends the others, or replaces them."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
from fakes.pictures import mutated, photo
from fakes.predict_command import command
from PIL import Image

from wild3d.errors import UserError
from wild3d.media import image_file
from wild3d.poses import poses_json, track
from wild3d.poses.pose import Box
from wild3d.predict import input_poses
from wild3d.predict.boxes import as_box
from wild3d.predict.predictor import Predictor

THIN = ((1, 194), (2000, 8), (120, 65430), (30000, 400), (100_000, 1))


def test_thin_pictures(run, tmp_path):
  """Catches a photograph enlarged to the height of the views, without limit."""
  for width, height in THIN:
    Image.new('RGB', (width, height), (90, 90, 90)).save(tmp_path / f'{width}.png')
  status, out = command(run, tmp_path, tmp_path, '--detector=whole')
  assert status == 0
  assert len(poses_json.read(out / 'poses.json').pictures) == len(THIN)
  for width, _ in THIN:
    with Image.open(out / 'pictures' / f'{width}.jpg') as drawn:
      assert max(drawn.size) < 5000


def test_mutated_pictures(run, tmp_path, capsys):
  """Catches any exception but ours after the reader, and poses that it loses."""
  folder = tmp_path / 'in'
  folder.mkdir()
  readable = 0
  for i, content in mutated(60):
    path = folder / f'{i}.png'
    path.write_bytes(content)
    try:
      image_file.read(path)
      readable += 1
    except UserError:
      pass
  for width, height in THIN[:2]:
    Image.new('L', (width, height), 90).save(folder / f'thin{width}.png')
  status, out = command(run, tmp_path, folder, '--detector=whole')
  assert status == 2
  said = capsys.readouterr().err
  assert 'Traceback' not in said
  assert f'{60 - readable} of 62 inputs' in said
  found = poses_json.read(out / 'poses.json').pictures
  assert len(found) == readable + 2
  assert len(list((out / 'pictures').iterdir())) == readable + 2


@pytest.mark.parametrize('kind', [MemoryError, OSError, ValueError])
def test_fault_of_one_input(kind, run, tmp_path, capsys, monkeypatch):
  """Catches an hour of poses lost to one picture."""
  for name in 'abc':
    Image.fromarray(photo()).save(tmp_path / f'{name}.png')
  save = input_poses._save_drawing

  def fails(image, poses, path):
    if path.stem == 'b':
      raise kind('Unable to allocate\n68 GiB')
    save(image, poses, path)

  monkeypatch.setattr(input_poses, '_save_drawing', fails)
  status, out = command(run, tmp_path, tmp_path, '--detector=whole')
  assert status == 2
  said = capsys.readouterr().err
  assert f'b.png: cannot be done: {kind.__name__}: Unable to allocate 68 GiB' in said
  names = [p.source[-5:] for p in poses_json.read(out / 'poses.json').pictures]
  assert names == ['a.png', 'c.png']


def test_files_of_one_name(run, tmp_path):
  """Catches a file that another input's silently replaces."""
  pytest.importorskip('wild3d.poses.trc')
  for name in ('a.jpg', 'a.png', 'a-2.jpg', 'A.bmp'):
    (tmp_path / 'in').mkdir(exist_ok=True)
    Image.fromarray(photo()).save(tmp_path / 'in' / name)
  status, out = command(
    run, tmp_path, tmp_path / 'in', '--detector=whole', '--formats=bvh,trc'
  )
  assert status == 0
  for folder in ('pictures', 'bvh', 'trc'):
    names = {p.name.casefold() for p in (out / folder).iterdir()}
    assert len(names) == 4, folder
  assert track.different(['a', 'a', 'a-2', 'a', 'A']) == [
    *('a', 'a-2', 'a-2-2', 'a-3', 'A-4')
  ]


def test_surest_of_a_file(run, tmp_path):
  """Catches the first of a file's boxes taken for the surest."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  boxes = [
    {'box': [i, 5, 30, 40], 'score': s} for i, s in ((1, 0.2), (9, 0.9), (5, 0.4))
  ]
  (tmp_path / 'boxes.json').write_text(json.dumps({'x.png': boxes}))
  flags = [f'--boxes={tmp_path / "boxes.json"}', '--no_pictures']
  _, out = command(run, tmp_path, tmp_path / 'x.png', *flags, '--people=2')
  (picture,) = poses_json.read(out / 'poses.json').pictures
  assert [p.box.score for p in picture.poses] == [0.9, 0.4]
  _, out = command(run, tmp_path, tmp_path / 'x.png', *flags)
  (picture,) = poses_json.read(out / 'poses.json').pictures
  assert [p.box.score for p in picture.poses] == [0.2, 0.9, 0.4]


@pytest.mark.parametrize('box', ['0,0,0,50', '5,5,10,-3', 'nan,0,5,5', '0,0,inf,5'])
def test_boxes_of_no_extent(box, run, tmp_path, capsys):
  """Catches a box of no width said to lie outside of the picture."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  status, _ = command(run, tmp_path, tmp_path / 'x.png', f'--box={box}')
  assert status == 2
  said = capsys.readouterr().err
  assert '--box' in said
  assert 'outside' not in said


def test_huge_box(run, tmp_path):
  """Catches memory for all that a box holds."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  status, _ = command(run, tmp_path, tmp_path / 'x.png', '--box=0,0,1000000,1000000')
  assert status == 0


def test_other_files_of_a_folder(run, tmp_path, capsys):
  """Catches '1 files', and dots where nothing was left out."""
  Image.fromarray(photo()).save(tmp_path / 'x.png')
  (tmp_path / 'note.txt').write_text('x')
  command(run, tmp_path, tmp_path, '--detector=whole', '--no_pictures')
  said = capsys.readouterr().out
  assert f'1 file is no picture or video: {tmp_path / "note.txt"}\n' in said


def test_the_documented_name():
  """Catches a Predictor that is not where the manual says, or a slow --help."""
  code = (
    'import sys, wild3d.predict\n'
    'assert "jax" not in sys.modules\n'
    'from wild3d.predict import Predictor\n'
    'assert Predictor.from_checkpoint\n'
  )
  subprocess.run([sys.executable, '-c', code], check=True)
  import wild3d.predict

  assert wild3d.predict.Predictor is Predictor
  with pytest.raises(AttributeError, match='Predicter'):
    wild3d.predict.Predicter  # noqa: B018


def test_arguments_of_a_predictor(run):
  """Catches a shape error of the depths of JAX, or a float picture seen as black."""
  predictor = Predictor.from_checkpoint(run)
  # Without the check of annotations, which only the tests have.
  predict = inspect.unwrap(Predictor.predict)
  network = inspect.unwrap(Predictor.network)
  image = photo()
  wrong = (image[..., 0], image / 255, image[None], image.tolist(), image[:0])
  for picture in (*wrong, np.dstack([image, image[..., :1]])):
    with pytest.raises(UserError, match=r'image: expected uint8 RGB \[H, W, 3\], got'):
      predict(predictor, picture)
  crops = np.zeros((2, 64, 64, 3), np.uint8)
  for images in (crops[0], crops[:0], crops / 255, crops[:, :32], crops[..., :1]):
    with pytest.raises(UserError, match=r'images: expected .*64, 64, 3\].* got'):
      network(predictor, images)
  with pytest.raises(UserError, match='at least one'):
    predictor.of_crops([])
  with pytest.raises(UserError, match='as many of each'):
    predictor.predict_many([image], [])
  assert predictor.predict_many([], []) == []


def test_plain_boxes(run):
  """Catches four numbers refused, or read as corners."""
  predictor = Predictor.from_checkpoint(run)
  image = photo()
  plain = predictor.predict(image, [(30, 10, 40, 60)])[0]
  array = predictor.predict_many([image], [[np.array([30, 10, 40, 60])]])[0][0]
  boxed = predictor.predict(image, [Box((30.0, 10.0, 40.0, 60.0))])[0]
  assert plain.box == boxed.box == array.box
  np.testing.assert_array_equal(plain.joints2d, boxed.joints2d)
  for wrong in ((1, 2, 3), 30, 'abcd'):
    with pytest.raises(UserError, match='left, top, width, height'):
      inspect.unwrap(as_box)(wrong)


@pytest.mark.parametrize('side', [50.0, 700.0])
def test_padding_moves_no_pose(side, run):
  """Catches a pose that changes with black round the picture."""
  predictor = Predictor.from_checkpoint(run)
  image = photo(900, 700)
  padded = np.pad(image, ((13, 40), (27, 5), (0, 0)))
  (one,) = predictor.predict(image, [(100.5, 50.25, side, 0.7 * side)])
  (other,) = predictor.predict(padded, [(127.5, 63.25, side, 0.7 * side)])
  np.testing.assert_array_equal(one.joints_mm, other.joints_mm)
  np.testing.assert_allclose(one.joints2d, other.joints2d - [27, 13], rtol=0, atol=1e-9)
