"""One update and all that surrounds it: the steps of a run."""
