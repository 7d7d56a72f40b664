"""`wild3d` in float64, so that what differs between two runs is no rounding."""

import sys

import jax
import jax.numpy as jnp

jax.config.update('jax_enable_x64', True)
jnp.float32 = jnp.float64  # before Flax and wild3d take it for their parameters

from wild3d.__main__ import main  # noqa: E402

sys.exit(main())
