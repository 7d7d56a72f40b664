"""`wild3d data browse`: one file, whole or not at all, nothing unescaped."""

import base64
import io
import os
import re

import numpy as np
import pytest
import tensorflow_datasets as tfds
from etils import epath
from PIL import Image
from readers import html_page

from wild3d.data import records
from wild3d.datasets import make_record
from wild3d.errors import UserError
from wild3d.pages import dataset
from wild3d.skeleton import JOINTS

NAME = 'synthetic_people/tiny'


def _page(people_dir, path, **options):
  dataset.write(NAME, people_dir, path, **options)
  return html_page.Page(path.read_text(encoding='utf-8'))


def test_page_needs_nothing_else(people_dir, tmp_path):
  """Catches a link to the network, an unbalanced tag, and a missing sample."""
  page = _page(people_dir, tmp_path / 'new' / 'page.html', count=7)
  for tag, attributes in page.tags:
    assert tag not in ('script', 'link', 'iframe')
    assert 'href' not in attributes
    assert attributes.get('src', 'data:').startswith('data:')
  tags = [tag for tag, _ in page.tags]
  assert tags.count('article') == tags.count('img') == 7
  assert 'url(' not in (tmp_path / 'new/page.html').read_text()
  for words in ('7 of 104 records', 'wild_clips', 'mm in camera axes', 'right knee'):
    assert words in page.text


def test_seed_and_split_choose(people_dir, tmp_path):
  """Catches another choice at each call, and samples of another split."""
  ids = []
  for seed in (0, 0, 1):
    page = _page(people_dir, tmp_path / 'p.html', split='lab_test', count=6, seed=seed)
    ids.append(re.findall(r'synthetic_people/(\w+)/(\d{6})', page.text))
  assert ids[0] == ids[1] != ids[2]
  assert {split for split, _ in ids[0]} == {'lab_test'}
  assert len(set(ids[0])) == 6


def test_more_samples_than_records(people_dir, tmp_path):
  """Catches a sample shown twice, or an error, where the dataset is small."""
  page = _page(people_dir, tmp_path / 'p.html', split='wild_clips', count=50)
  assert len(set(re.findall(r'wild_clips/\d+', page.text))) == 8


def test_some_of_each_split():
  """Catches a small split crowded out by a large one."""
  chosen = dataset._choose({'big': 10_000, 'small': 2, 'none': 0}, 9, 0)
  assert {split: len(places) for split, places in chosen.items()} == {
    'big': 7,
    'small': 2,
  }


def test_pictures_and_drawing_match_the_record(people_dir, tmp_path):
  """Catches the joints of one record over the picture of another, or re-encoding."""
  builder = records.find(NAME, people_dir)
  by_id = {
    row['id'].decode(): row
    for row in records.in_order(builder, 'wild_test').as_numpy_iterator()
  }
  dataset.write(NAME, people_dir, tmp_path / 'p.html', split='wild_test', count=5)
  articles = re.findall(
    '<article>.*?</article>', (tmp_path / 'p.html').read_text(), re.DOTALL
  )
  assert len(articles) == 5
  for article in articles:
    row = by_id[re.search(r'<h3>(.*?)</h3>', article)[1]]
    assert base64.b64decode(re.search('base64,([^"]*)"', article)[1]) == row['image']
    drawn = re.search('<svg class="overlay".*?</svg>', article, re.DOTALL)[0]
    dots = re.findall(
      r'cx="([-\d.]+)" cy="([-\d.]+)"[^>]*class="(\w+)( hollow)?"', drawn
    )
    found = np.array([dot[:2] for dot in dots], float)
    np.testing.assert_allclose(found, row['joints2d'][row['labelled']], atol=0.006)
    hollow = [bool(dot[3]) for dot in dots]
    assert hollow == row['occluded'][row['labelled']].tolist()
    names = np.array(JOINTS)[row['labelled']]
    for name, (_, _, side, _) in zip(names, dots, strict=True):
      assert side == {'right': 'right', 'left': 'left'}.get(name.split('_')[0], 'trunk')


def test_texts_are_escaped_and_2d_has_no_views(tmp_path):
  """Catches a page that a file name breaks, and 3D drawn where there is none."""
  buffer = io.BytesIO()
  Image.new('RGB', (40, 40), 'green').save(buffer, 'JPEG')
  name = 'mine/<b>&"\'.jpg#0'
  row = make_record.from_jpeg(
    id=name,
    image=buffer.getvalue(),
    joints2d=np.full((16, 2), 20.0),
    labelled=np.ones(16, bool),
    center=(20, 20),
    side=30,
    to_original=np.eye(2, 3),
    original_size=(40, 40),
    subject='<i>',
    action='</article>',
  )
  broken = row | {'id': 'mine/broken', 'image': b'\xff\xd8 no picture'}
  tfds.dataset_builders.store_as_tfds_dataset(
    name='made',
    config='plain',
    version='1.0.0',
    data_dir=tmp_path,
    split_datasets={'train': [(0, row), (1, broken)]},
    features=make_record.features(),
    disable_shuffling=True,
  )
  out = tmp_path / 'p.html'
  dataset.write('made/plain', tmp_path, out)
  page = html_page.Page(out.read_text(encoding='utf-8'))
  assert 'b' not in {tag for tag, _ in page.tags}
  assert name in page.text
  assert '</article>' in page.text
  assert 'cannot be decoded' in page.text
  assert 'class="views"' not in out.read_text()


@pytest.mark.parametrize(
  ('options', 'said'),
  [
    ({'split': 'nowhere'}, 'no split'),
    ({'count': 0}, '--count'),
    ({'seed': -1}, '--seed'),
  ],
)
def test_bad_options(options, said, people_dir, tmp_path):
  """Catches a traceback for a mistake on the command line."""
  with pytest.raises(UserError, match=said) as error:
    dataset.write(NAME, people_dir, tmp_path / 'p.html', **options)
  assert '\n' not in str(error.value)
  assert not (tmp_path / 'p.html').exists()


def test_folder_or_unwritable_out(people_dir, tmp_path, monkeypatch):
  """Catches a traceback, half a page, or an old page lost when the disk is full."""
  with pytest.raises(UserError, match='is a folder'):
    dataset.write(NAME, people_dir, tmp_path)
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot be written'):
    dataset.write(NAME, people_dir, tmp_path / 'file' / 'p.html', count=1)
  out = tmp_path / 'p.html'
  out.write_text('old')

  plain = type(epath.Path(out)).open

  def full(path, *arguments, **named):
    if 'p.html' not in path.name:  # the dataset is read as ever
      return plain(path, *arguments, **named)
    os.write(os.open(path, os.O_CREAT | os.O_WRONLY), b'half')
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(type(epath.Path(out)), 'open', full)
  with pytest.raises(UserError, match='No space left'):
    dataset.write(NAME, people_dir, out, count=1)
  monkeypatch.undo()
  assert out.read_text() == 'old'
  assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'p.html']
