"""The version, said once: read by the package, the command line, reports and the build."""

__version__ = "0.3.0"
