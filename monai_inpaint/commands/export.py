"""`monai-inpaint export BUNDLE OUTPUT --format onnx|openvino|tensorrt`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_inpaint.commands.arguments import nonempty_text, path_text
from monai_inpaint.engines.names import EXPORTS
from monai_inpaint.failure import DONE

NAME = "export"
HELP = "Write a bundle's network as ONNX or OpenVINO, or compile it by TensorRT."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "bundle", type=nonempty_text, metavar="BUNDLE", help="cxr, ct, mr, or a bundle's name or folder"
    )
    parser.add_argument(
        "output",
        type=path_text,
        metavar="OUTPUT",
        help="file ending with .onnx, .xml (weights in a .bin of the same name) or .engine",
    )
    parser.add_argument("--format", choices=EXPORTS, required=True, help="format of OUTPUT")
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16"),
        default="fp32",
        help="precision of convolutions and matrix products (default: fp32)",
    )
    parser.add_argument("--batch", type=_three, metavar="MIN,OPT,MAX", help="number of windows at once (tensorrt)")
    parser.add_argument("--side", type=_three, metavar="MIN,OPT,MAX", help="side of the windows in voxels (tensorrt)")
    parser.add_argument(
        "--gpu", type=_names, default=(), metavar="sm_86,...", help="GPU generations to compile for (only tensorrt-rtx)"
    )
    parser.add_argument(
        "--sampler", action="store_true", help="export the network that draws samples, in place of the best estimate's"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")


def run(args: argparse.Namespace) -> int:
    from monai_inpaint.jobs.export_bundle import export_bundle

    export_bundle(
        args.bundle,
        Path(args.output),
        args.format,
        precision=args.precision,
        batch=args.batch,
        side=args.side,
        gpus=args.gpu,
        sampler=args.sampler,
        overwrite=args.overwrite,
    )
    return DONE


def _three(text: str) -> tuple[int, int, int]:
    try:
        least, usual, most = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be MIN,OPT,MAX, for example 1,8,64") from None
    return least, usual, most


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in nonempty_text(text).split(",") if part.strip())
