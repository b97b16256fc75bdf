"""Everything of the module Inpaint that is not Qt: works on any MRML scene, in Slicer and without it.

Nothing here computes a fill: the installed package `monai-inpaint` does, in a process of its own.
"""
