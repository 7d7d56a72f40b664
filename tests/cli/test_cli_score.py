"""wild3d score: both files, the table, the JSON; mistakes in one line, status 2."""

import json
import os
import pathlib

import numpy as np
import pytest
from fakes import prediction_files as fake

from wild3d import __main__ as command_line

SAMPLES = os.environ.get('WILD3D_SAMPLES')


def _files(tmp_path, ids=fake.IDS, **truth):
  """(truth, predictions) 30 mm too far right at one of 16 joints, as npz and JSON."""
  joints2d, joints3d = fake.people()
  arrays = {
    'ids': np.array(fake.IDS),
    'joints': 'mpii16',
    'joints2d': joints2d,
    'joints3d': joints3d,
    'units': 'mm',
    'subject': np.full(fake.COUNT, 'S9'),
    'sequence': np.full(fake.COUNT, 'S9/Walking 1'),
    'frame': np.arange(fake.COUNT) * 5,
    'action': np.full(fake.COUNT, 'Walking'),
  }
  np.savez(tmp_path / 't.npz', **(arrays | truth))
  samples = fake.samples()
  for sample in samples:
    sample['joints3d'][0][0] += 30.0
  keep = [s for s in samples if s['id'] in ids]
  fake.write_json(tmp_path / 'p.json', keep)
  return [f'--predictions={tmp_path / "p.json"}', f'--truth={tmp_path / "t.npz"}']


def test_scores_are_printed_and_written(tmp_path, capsys):
  """Catches a figure that is not the definition's, or a count that is not there."""
  out, page = tmp_path / 'scores.json', tmp_path / 'page.html'
  arguments = ['score', '--protocol=h36m_p1,h36m_p2', *_files(tmp_path)]
  assert command_line.main([*arguments, f'--out={out}', f'--page={page}']) == 0
  printed = capsys.readouterr().out
  assert '1.88' in printed or '1.9' in printed  # 30 mm / 16 joints
  assert '5 scored' in printed
  written = json.loads(out.read_text())
  p1 = written['protocols']['h36m_p1']
  assert p1['measures'][0]['value'] == pytest.approx(30 / 16)
  assert p1['samples'] == {'given': 5, 'selected': 5, 'scored': 5}
  assert written['header']['samples'] == 5
  assert written['header']['predictions'].endswith('p.json')
  assert '--protocol=h36m_p1,h36m_p2' in written['header']['command']
  assert '<html' in page.read_text()


def test_outputs_are_checked_before_any_work(tmp_path, capsys):
  """Catches predictions written over, and a page that fails after the JSON is there."""
  files = _files(tmp_path)
  before = (tmp_path / 'p.json').read_bytes()
  same = f'{tmp_path}/x.json'
  for arguments, said in (
    ([f'--out={tmp_path}/p.json'], 'is --predictions too'),
    ([f'--page={tmp_path}/./t.npz'], 'is --truth too'),
    ([f'--out={same}', f'--page={same}'], 'is --out too'),
    ([f'--out={same}', f'--page={tmp_path}'], 'is a folder'),
    (['--seed=-1', f'--out={same}'], '--seed=-1: must be 0 or above'),
  ):
    assert command_line.main(['score', '--protocol=h36m_p1', *files, *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out
  assert (tmp_path / 'p.json').read_bytes() == before
  assert not (tmp_path / 'x.json').exists()


def test_compare_writes_over_no_scores(tmp_path, capsys):
  """Catches the table written over one of the files that it compares."""
  out = tmp_path / 'scores.json'
  files = _files(tmp_path)
  assert command_line.main(['score', '--protocol=h36m_p1', *files, f'--out={out}']) == 0
  before = out.read_bytes()
  assert command_line.main(['compare', str(out), str(out), f'--out={out}']) == 2
  assert f'is {out} too' in capsys.readouterr().err
  assert out.read_bytes() == before


def test_frames_that_a_protocol_leaves_out_need_no_prediction(tmp_path, capsys):
  """Catches strides counted in stored frames, or predictions asked of all frames."""
  ids = [fake.IDS[0], fake.IDS[2], fake.IDS[4]]  # frames 0, 10, 20
  arguments = _files(tmp_path, ids=ids)
  assert command_line.main(['score', '--protocol=h36m_p1@10', *arguments]) == 0
  assert '3 scored' in capsys.readouterr().out
  assert command_line.main(['score', '--protocol=h36m_p1', *arguments]) == 2
  assert '2 of 5 samples are missing' in capsys.readouterr().err


def test_a_dataset_as_truth(people_dir, tmp_path, capsys):
  """Catches a built dataset that cannot be scored, or a page without its pictures."""
  from wild3d.protocols import read_truth

  truth = read_truth.read('synthetic_people/tiny', people_dir)
  path = tmp_path / 'p.npz'
  moved = truth.joints3d.copy()
  moved[:, 0] += 30
  np.savez(path, ids=truth.ids, joints='mpii16', joints3d=moved, units='mm')
  page = tmp_path / 'page.html'
  status = command_line.main(
    [
      'score',
      '--protocol=geometry',
      f'--predictions={path}',
      '--truth=synthetic_people/tiny:lab_test',
      f'--data_dir={people_dir}',
      f'--page={page}',
    ]
  )
  assert status == 0, capsys.readouterr().err
  assert f'{len(truth)} scored' in capsys.readouterr().out
  assert 'data:image/jpeg' in page.read_text()


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (['--protocol=h36m_p9'], "unknown protocol 'h36m_p9'"),
    (['--protocol=h36m_p1,h36m_p1'], 'names a protocol twice'),
    (['--protocol=mpi_inf_3dhp'], 'scores none of the 5 samples'),
    (['--protocol=h36m_p1', '--out=absent/s.json'], 'folder does not exist'),
    (['--protocol=h36m_p1', '--predictions=absent.npz'], 'absent.npz: does not exist'),
    (['--protocol=h36m_p1', '--truth=absent'], "no prepared dataset 'absent'"),
    (['--protocol=h36m_p1', '--units=m'], 'units=m: but'),
  ],
)
def test_mistakes_get_one_line(arguments, said, tmp_path, monkeypatch, capsys):
  """Catches a traceback, a status 0, or a result written beside an error."""
  monkeypatch.chdir(tmp_path)
  files = _files(tmp_path)
  before = sorted(tmp_path.iterdir())
  assert command_line.main(['score', *files, '--data_dir=d', *arguments]) == 2
  error = capsys.readouterr().err.strip().splitlines()[-1]
  assert error.startswith('wild3d: error: ')
  assert said in error
  assert sorted(tmp_path.iterdir()) == before


def test_metres_and_missing_dimensions(tmp_path, capsys):
  """Catches metres scored as mm, and 2D predictions given to a 3D protocol."""
  files = _files(tmp_path)
  fake.write_json(tmp_path / 'p.json', fake.samples(scale=1e-3))
  assert command_line.main(['score', '--protocol=h36m_p1', *files]) == 2
  assert 'these look like m: state --units=m' in capsys.readouterr().err
  flat = [{'id': s['id'], 'joints2d': s['joints2d']} for s in fake.samples()]
  fake.write_json(tmp_path / 'p.json', flat)
  assert command_line.main(['score', '--protocol=h36m_p1', *files]) == 2
  assert 'no 3D predictions, which protocol h36m_p1 compares' in capsys.readouterr().err


@pytest.mark.skipif(not SAMPLES, reason='WILD3D_SAMPLES is not set')
@pytest.mark.parametrize('name', ['s1', 'tompson'])
def test_published_figures(name, tmp_path, capsys):
  """Catches any difference from the published PCKh, from the command line on."""
  folder = pathlib.Path(SAMPLES) / 'fixtures/mpii_pckh'
  out = tmp_path / 'scores.json'
  status = command_line.main(
    [
      'score',
      '--protocol=mpii_pckh',
      f'--predictions={folder / "preds" / name}.npz',
      f'--truth={folder / "gt_valid.mat"}',
      f'--out={out}',
    ]
  )
  assert status == 0, capsys.readouterr().err
  expected = json.loads((folder / 'EXPECTED.json').read_text())[name]
  measures = json.loads(out.read_text())['protocols']['mpii_pckh']['measures']
  figures = {m['name']: round(m['value'], 2) for m in measures}
  assert (
    figures['PCKh@0.5 total (official MATLAB)'] == expected['mean14_count_weighted']
  )
  assert figures['PCKh@0.5 mean (bearpaw)'] == expected['mean14_unweighted']
  assert figures['PCKh@0.5 mean (HRNet)'] == expected['mean14_count_weighted']
  assert figures['PCKh@0.1'] == expected['at0p1_count_weighted']
  assert figures['head@0.5 (official MATLAB)'] == expected['head89']
  assert figures['head@0.5 (bearpaw, HRNet)'] == expected['head9']
  for limb in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'):
    assert figures[f'{limb}@0.5'] == expected[limb]


def test_the_examples_of_the_docs(tmp_path, capsys):
  """Catches a documented file that is refused."""
  text = (pathlib.Path(__file__).parents[2] / 'docs/scoring.md').read_text()
  examples = [part.split('```')[0] for part in text.split('```json\n')[1:]]
  for name, example in zip(('p.json', 't.json'), examples, strict=True):
    (tmp_path / name).write_text(example)
  files = [f'--predictions={tmp_path / "p.json"}', f'--truth={tmp_path / "t.json"}']
  status = command_line.main(['score', '--protocol=h36m_p1', *files])
  assert status == 0, capsys.readouterr().err
