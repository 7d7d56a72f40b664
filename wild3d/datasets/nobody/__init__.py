"""Pictures without people: windows of them, in which nobody is to be found."""
