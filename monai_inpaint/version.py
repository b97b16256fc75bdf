"""The version and the notice of use, for the package, the command line, reports and the build."""

__version__ = "0.3.0"

NOTICE = "Research use only. Not for diagnosis."  # on all that is shown or written
