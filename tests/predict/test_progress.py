"""Bars on a terminal, and quiet elsewhere."""

import io
import sys

from wild3d.predict import progress


class _Terminal(io.StringIO):
  def isatty(self):
    return True


def test_a_terminal_has_a_bar(monkeypatch):
  """Catches a bar without its end, or a line that is drawn into it."""
  screen = _Terminal()
  monkeypatch.setattr(sys, 'stderr', screen)
  monkeypatch.setattr(sys, 'stdout', screen)
  with progress.bar(4, 'frame', 'walk.mp4') as bar:
    bar.update(2)
    bar.refresh()
    progress.say('a fault', error=True)
    progress.say('a fact')
  shown = screen.getvalue()
  assert 'walk.mp4:  50%' in shown
  assert '2/4' in shown
  lines = [line.split('\r')[-1] for line in shown.split('\n')]
  assert lines[:2] == ['a fault', 'a fact']
  assert not lines[2].strip(), 'the bar is gone at the end'


def test_elsewhere_are_few_lines(capsys, monkeypatch):
  """Catches a log of a line for each picture, and one that says nothing for hours."""
  with progress.bar(1000, 'input') as bar:
    for _ in range(1000):
      bar.update()
    progress.say('a fact')
  assert capsys.readouterr() == ('a fact\n', '')
  monkeypatch.setattr(progress, '_SELDOM', 0.0)
  with progress.bar(4, 'input') as bar:
    bar.update(2)
  assert '2 of 4 inputs' in capsys.readouterr().err
  with progress.bar(4, 'input', hidden=True) as bar:
    bar.update(2)
  assert capsys.readouterr() == ('', '')
