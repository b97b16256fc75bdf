"""Metal put into a CT of a patient without: the shapes of implants, and what a scanner would measure."""
