"""Who may import whom, and what a machine without TensorFlow can do."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent / 'wild3d'
HEAVY = ('tensorflow', 'tensorflow_datasets', 'tensorboard')
LIGHT = (
  'wild3d.__main__',
  'wild3d.training.checkpoints',
  'wild3d.settings',
  'wild3d.convert.from_torch',
  'wild3d.export.run',
  'wild3d.training.guard',
  'wild3d.losses',
  'wild3d.training.metric_writer',
  'wild3d.models.pose3d',
  'wild3d.poses.describe',
  'wild3d.predict.run',
  'wild3d.benchmark.run',
  'wild3d.benchmark.start',
  'wild3d.pages.report',
  'wild3d.network',
  'wild3d.training.state',
  'wild3d.training.step',
  'wild3d.synthetic.scene',
  'wild3d.draw.pixels',
  'wild3d.draw.charts',
)
# Module, or package -> what of wild3d it may import. Modules that are not
# named may import what they like except the ones at the top.
ALLOWED = {
  'skeleton': set(),
  'errors': set(),
  'data.batch': set(),
  'geometry': {'skeleton'},
  'heatmaps': {'geometry'},
  'losses': {'skeleton', 'geometry', 'heatmaps'},
  'models': {'models'},
  'models.bones': {'models', 'skeleton'},
  'network': {
    *('models', 'heatmaps', 'geometry', 'skeleton', 'settings', 'weights', 'errors'),
    *('training.checkpoints', 'training.mesh', 'training.check_config'),
  },
  'joint': set(),
  'synthetic': {'joint', 'skeleton', 'geometry', 'synthetic', 'data.batch'},
  'training.step': {
    'losses',
    'models.pixels',
    'data.batch',
    'training.state',
    'training.mesh',
    'training.lift_poses',
  },
  'training.lift_poses': {'geometry', 'skeleton', 'models.lift'},
  'training.schedule': {'losses'},
  'joint_names': set(),
  'weights': {'files', 'errors'},
  'media': {'errors', 'files', 'media'},
  'poses': {'errors', 'files', 'skeleton', 'media', 'poses'},
  'training.optimizer': {'errors'},
  'training.mesh': {'errors'},
  'draw': {'draw', 'skeleton', 'poses.pose'},
}
TOP = {'train', 'evaluate', 'cli', '__main__'}
FROM_TOP = {'train', 'cli', '__main__'}  # who may import those
ONLY_IMPORTER = {
  'matplotlib': {'draw.charts'},
  'jinja2': {'pages.page'},
  'orbax': {'training.checkpoints'},
  'av': {'media.video_file', 'media.video_writer'},
  'cv2': {'data.pixels', 'predict.hog'},
  'ezc3d': {'poses.c3d'},
  'onnx': {'export.onnx_graph'},
  'onnxruntime': {'export.formats'},
  'pillow_heif': {'media.image_file'},
  'rerun': {'viewer.rerun_file'},
  'torch': {'convert.to_torch', 'predict.torchvision_detector'},
  'torchvision': {'predict.torchvision_detector'},
}


def _modules():
  for path in sorted(ROOT.rglob('*.py')):
    name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    yield name.removesuffix('.__init__'), ast.parse(path.read_text())


def _imported(tree, nodes=None):
  """All modules imported, at any depth, as dotted names."""
  for node in nodes or ast.walk(tree):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
      yield from (f'{node.module}.{alias.name}' for alias in node.names)


def _rule(name):
  return next((ALLOWED[p] for p in (name, name.split('.')[0]) if p in ALLOWED), None)


def _within(imported, names):
  return any(imported == n or imported.startswith(f'{n}.') for n in names)


def test_arrows():
  """Catches an import that goes up: a loss that knows of the training loop."""
  wrong = []
  for name, tree in _modules():
    for imported in _imported(tree):
      root, _, inner = imported.partition('.')
      for package, importers in ONLY_IMPORTER.items():
        if root == package and name not in importers:
          wrong.append(f'{name} imports {imported}')
      if root != 'wild3d' or not inner:
        continue
      allowed = _rule(name)
      up = _within(inner, TOP) and not _within(name, FROM_TOP)
      if up or (allowed is not None and not _within(inner, allowed)):
        wrong.append(f'{name} imports {imported}')
  assert not wrong


def test_heavy_packages_stay_in_their_place():
  """Catches TensorFlow creeping to the top of a module that need not have it."""
  homes = {'data', 'datasets'}
  wrong = [
    f'{name} imports {imported}'
    for name, tree in _modules()
    for imported in _imported(tree, tree.body)
    if imported.split('.')[0] in HEAVY and not _within(name, homes)
  ]
  assert not wrong


@pytest.mark.parametrize('blocked', [HEAVY, (*HEAVY, 'matplotlib', 'cv2')])
def test_light_modules_without(blocked):
  """Catches an import of TensorFlow, direct or not, that a plain machine lacks."""
  names = [n for n in LIGHT if 'matplotlib' not in blocked or n not in _CHARTS]
  code = (
    f'import sys\nfor name in {blocked!r}: sys.modules[name] = None\n'
    f'import importlib\nfor name in {names!r}: importlib.import_module(name)'
  )
  done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('missing', ['tensorflow', 'cv2'])
def test_the_extra_is_named_where_it_is_missing(missing, tmp_path):
  """Catches a traceback of `wild3d train` on a plain installation."""
  code = (
    f'import sys\nsys.modules[{missing!r}] = None\nfrom wild3d.__main__ import main\n'
    f'sys.exit(main(["quickstart", "--workdir={tmp_path}"]))'
  )
  done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
  assert done.returncode == 2
  assert f'wild3d: error: wild3d quickstart needs {missing}: pip install' in done.stderr
  assert done.stderr.count('\n') == 1


_CHARTS = ('wild3d.draw.charts', 'wild3d.pages.report')
