"""A headless Chromium driven by the WebDriver protocol, with the standard library."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

_ARGUMENTS = (
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--window-size=1280,1000',
)


@contextlib.contextmanager
def open_browser():
  """A Browser; the test is skipped where chromium and chromedriver are not there."""
  driver, chromium = shutil.which('chromedriver'), shutil.which('chromium')
  if not driver or not chromium:
    pytest.skip('chromium and chromedriver are not installed')
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  with tempfile.TemporaryDirectory() as folder:
    process = subprocess.Popen(
      [driver, f'--port={port}'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
      opened = Browser(f'http://127.0.0.1:{port}', chromium, folder)
      yield opened
      opened.close()
    finally:
      process.terminate()
      process.wait(10)


class Browser:
  """One window."""

  def __init__(self, address, chromium, folder):
    self._address = address
    capabilities = {
      'goog:chromeOptions': {
        'binary': chromium,
        'args': [*_ARGUMENTS, f'--user-data-dir={folder}'],
      },
      'goog:loggingPrefs': {'browser': 'ALL'},
    }
    for _ in range(100):
      try:
        self._send('GET', '/status')
        break
      except urllib.error.URLError:
        time.sleep(0.1)
    answer = self._send(
      'POST', '/session', {'capabilities': {'alwaysMatch': capabilities}}
    )
    self._address += f'/session/{answer["sessionId"]}'

  def _send(self, method, path, body=None):
    request = urllib.request.Request(
      self._address + path,
      method=method,
      data=None if body is None else json.dumps(body).encode(),
      headers={'Content-Type': 'application/json'},
    )
    try:
      with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)['value']
    except urllib.error.HTTPError as error:
      raise AssertionError(json.load(error)['value']['message']) from None

  def close(self):
    self._send('DELETE', '')

  def show(self, path):
    """Opens a file."""
    self._send('POST', '/url', {'url': pathlib.Path(path).resolve().as_uri()})
    self._settle()

  def go(self, path):
    """Opens the viewer's page, and waits until its first picture is drawn."""
    self.show(path)
    self.wait('return !slider.max || +slider.max < 0 || photo.width > 0')
    self._settle()

  def run(self, script, wait=False):
    """What the script returns; with `wait`, what it passes to its last argument."""
    kind = 'async' if wait else 'sync'
    return self._send('POST', f'/execute/{kind}', {'script': script, 'args': []})

  def wait(self, script):
    """Waits until the script returns true."""
    for _ in range(100):
      if self.run(script):
        return
      time.sleep(0.05)
    raise AssertionError(f'never true: {script}')

  def _settle(self):
    """Waits until what was asked for is drawn: two frames."""
    self.run(
      'const done = arguments[0];'
      'requestAnimationFrame(() => requestAnimationFrame(() => done(1)))',
      wait=True,
    )

  def _middle(self, selector):
    return self.run(
      f'const e = document.querySelector({json.dumps(selector)});'
      'e.scrollIntoView({block: "center"}); const b = e.getBoundingClientRect();'
      'return [b.left + b.width / 2, b.top + b.height / 2]'
    )

  def _act(self, kind, identity, actions, **parameters):
    source = {'type': kind, 'id': identity, 'actions': actions} | parameters
    self._send('POST', '/actions', {'actions': [source]})
    self._settle()

  def _pointer(self, actions):
    self._act('pointer', 'mouse', actions, parameters={'pointerType': 'mouse'})

  def move(self, x, y):
    self._pointer([_to(x, y)])

  def drag(self, selector, dx, dy):
    x, y = self._middle(selector)
    steps = [_to(x + dx * i / 4, y + dy * i / 4) for i in range(1, 5)]
    self._pointer([_to(x, y), _DOWN, *steps, _UP])

  def click(self, selector):
    self._pointer([_to(*self._middle(selector)), _DOWN, _UP])

  def double_click(self, selector):
    self._pointer([_to(*self._middle(selector)), _DOWN, _UP, _DOWN, _UP])

  def wheel(self, selector, dy):
    x, y = (round(v) for v in self._middle(selector))
    scroll = {'type': 'scroll', 'x': x, 'y': y, 'deltaX': 0, 'deltaY': dy}
    self._act('wheel', 'wheel', [scroll])

  def key(self, key):
    """Presses a key, by the code points of WebDriver."""
    press = [{'type': kind, 'value': key} for kind in ('keyDown', 'keyUp')]
    self._act('key', 'keyboard', press)

  def resize(self, width, height):
    """The size of the page itself: headless windows have a least width."""
    metrics = {
      'width': width,
      'height': height,
      'deviceScaleFactor': 1,
      'mobile': False,
    }
    self._send(
      'POST',
      '/goog/cdp/execute',
      {'cmd': 'Emulation.setDeviceMetricsOverride', 'params': metrics},
    )

  def errors(self):
    """Messages of the console since the last call, but plain information."""
    logs = self._send('POST', '/se/log', {'type': 'browser'})
    return [entry['message'] for entry in logs if entry['level'] != 'INFO']


_DOWN = {'type': 'pointerDown', 'button': 0}
_UP = {'type': 'pointerUp', 'button': 0}


def _to(x, y):
  move = {'type': 'pointerMove', 'duration': 0, 'origin': 'viewport'}
  return move | {'x': round(x), 'y': round(y)}
