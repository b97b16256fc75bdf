"""The commands of `monai-inpaint`, one a file: NAME, HELP, add_arguments(parser), run(args) -> exit code.

They hold no logic of filling. Whatever is slow to import is imported inside `run`.
"""
