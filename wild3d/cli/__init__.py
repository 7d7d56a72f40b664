"""The commands, one thin file each: arguments in, a function of wild3d called."""
