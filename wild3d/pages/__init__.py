"""Every HTML page, with one frame and one style."""
