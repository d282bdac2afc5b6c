"""A local web app in which people teach, test and bind gestures, over the functions that commands use."""
