"""Files of predictions and of truth: each reader gives named arrays, unchecked."""
