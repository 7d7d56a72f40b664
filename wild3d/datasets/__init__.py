"""Dataset builders, one folder each, all writing the records of data/batch.py."""
