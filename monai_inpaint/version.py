"""The version, said once: read by the package, the command line, reports and the build; and the notice of use."""

__version__ = "0.3.0"

NOTICE = "Research use only. Not for diagnosis."  # on all that is shown or written
