"""A window that shows frames while they are done (Tk, which comes with Python)."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from wild3d.errors import UserError


class Window:
  """One picture after the other, until it is closed.

  Attributes:
    is_open: false once the user has closed it.
  """

  def __init__(self, title: str):
    """Opens it.

    Raises:
      UserError: there is no display, or Python came without Tk.
    """
    try:
      import tkinter

      from PIL import ImageTk
    except ImportError:
      raise UserError(
        '--show needs Tk, which is not in this Python: install python3-tk, or leave it out'
      ) from None
    try:
      self._root = tkinter.Tk()
    except tkinter.TclError as error:
      raise UserError(f'--show: there is no display here ({error})') from None
    self._photo_of = ImageTk.PhotoImage
    self._root.title(title)
    self._root.protocol('WM_DELETE_WINDOW', self.close)
    self._label = tkinter.Label(self._root)
    self._label.pack()
    self.is_open = True

  def show(self, image: UInt8[np.ndarray, 'H W 3']) -> None:
    """Shows RGB in place of what was there; nothing once it is closed."""
    if self.is_open:
      # Tk keeps no picture alive: the label's must be held here.
      self._photo = self._photo_of(Image.fromarray(image), master=self._root)
      self._label.configure(image=self._photo)
      self._root.update()

  def close(self) -> None:
    """Closes it."""
    if self.is_open:
      self.is_open = False
      self._root.destroy()
