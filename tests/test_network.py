"""The configuration that a checkpoint holds."""

import pytest

from wild3d import settings
from wild3d.configs import base
from wild3d.errors import UserError


@pytest.mark.parametrize('damage', [{'model': 3}, {'input_size': 'large'}])
def test_a_damaged_configuration(damage):
  """Catches a traceback of ml_collections for a field of another type."""
  saved = settings.as_json(base.get_config()) | damage
  with pytest.raises(UserError, match='configuration is damaged') as error:
    settings.complete(saved)
  assert '\n' not in str(error.value)
