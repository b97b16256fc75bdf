"""The exception for errors in the user's input; `failure` turns exceptions into sentences and exit codes."""


class InputError(Exception):
    """One clear sentence: names the file or argument at fault and says what to do.

    The command line prints the sentence without a stack trace and exits with code 2.
    """
