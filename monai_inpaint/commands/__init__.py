"""Commands of `monai-inpaint`, one per file, each with NAME, HELP, add_arguments(parser) and run(args) -> exit code.

Options that several commands share are in `arguments`. Commands contain no logic of filling. What is slow to import is
imported inside `run`.
"""
