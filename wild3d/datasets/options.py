"""Options of a dataset's configuration, checked before hours of work go by them."""

from collections.abc import Collection, Mapping

from wild3d.errors import UserError


def check(
  config,
  dataset: str,
  *,
  limits: Mapping[str, tuple[int | float, int | float]] = {},
  choices: Mapping[str, Collection] = {},
) -> None:
  """Refuses values that cannot be meant.

  Args:
    config: a dataclass; the type of each field is that of its default.
    dataset: for messages.
    limits: field -> smallest and largest value; whole numbers where the smallest is an
      int.
    choices: field -> what it may be; of a tuple, what may be in it, once each.

  Raises:
    UserError: naming the dataset and the field.
  """
  for field, (low, high) in limits.items():
    value = getattr(config, field)
    kind = int if isinstance(low, int) else int | float
    if (
      isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high
    ):
      whole = 'a whole number, ' * (kind is int)
      raise UserError(
        f'{dataset}: {field} must be {whole}{low:g} to {high:g}, got {value!r}'
      )
  for field, known in choices.items():
    value = getattr(config, field)
    given = value if isinstance(value, tuple) else (value,)
    if set(given) - set(known) or len(set(given)) < len(given):
      some = 'some of ' if isinstance(value, tuple) else 'one of '
      listed = ', '.join(map(str, known))
      raise UserError(f'{dataset}: {field} must be {some}{listed}, got {value!r}')
