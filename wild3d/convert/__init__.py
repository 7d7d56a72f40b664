"""Networks of other frameworks, to and from our checkpoints."""
