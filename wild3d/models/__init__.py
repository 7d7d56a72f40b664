"""The network: flax modules that know nothing of the rest."""
