"""Pictures and videos from disk, and back."""
