"""The one exception that means "the user's input is at fault"."""


class InputError(Exception):
    """One clear sentence: names the file or argument at fault and says what to do.

    The command line prints the sentence without a stack trace and exits with code 2.
    """
