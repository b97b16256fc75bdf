"""Fill a hole: choose the windows that touch it, run the network, draw samples, and composite the result.

filler.py     the entry point: check image and hole, fill once for the best estimate and once for each sample
slices.py     2D images, and volumes whose network has no start: each slice by itself
volume.py     volumes (ct, mr): continuation and interpolation (continuation.py), slices, slices with a start, weighted
blocks.py     run the network on the windows (windows.py) of a block (cutting.py): in one pass, or coarse to fine
sampler.py    the noise and the time steps of a sample; blocks.py runs them
compose.py    composite the fills into the image: the only place
uncertainty.py  the predicted error at each voxel (the spread), and of the whole fill, for the report
report.py     what was filled, by what, in how long; memory.py: how much memory a fill will take
"""
