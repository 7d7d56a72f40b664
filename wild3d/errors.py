"""The one exception that means 'the user can mend this'."""


class UserError(Exception):
  """A mistake in the input: the message is one line and says what to do.

  It names the file, field or flag at fault. The command line prints it as
  `wild3d: error: ...` and exits with status 2, without a traceback.
  """
