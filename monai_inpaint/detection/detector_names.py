"""Names of the detectors and their backbones, known to the command line without any library for training."""

DETECTORS = RETINANET, FASTER_RCNN, CASCADE_RCNN = ("retinanet", "faster-rcnn", "cascade-rcnn")
BACKBONES = ("resnet18", "resnet50")
