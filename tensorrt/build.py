"""Compile bundles ahead of time, by TensorRT-RTX for GPUs that need not be here, by TensorRT for the one that is."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from monai_inpaint.engines.tensorrt_builder import BACKENDS, PRECISIONS, find_backend
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.jobs.export_bundle import export_bundle
from monai_inpaint.registry import bundles, find_bundle


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    return exit_code_of(lambda: _build(argv))


def _build(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser("python tensorrt/build.py", description=__doc__)
    parser.add_argument("--bundles", default="all", metavar="A,B", help="names or folders (default: all that ship)")
    parser.add_argument("--backend", choices=BACKENDS, help="what compiles (default: the first one installed)")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp16", help="of convolutions and matrix products")
    parser.add_argument("--gpu", default="", metavar="sm_86,...", help="generations, of rtx (default: from Ampere on)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where NAME.engine files go")
    parser.add_argument("--overwrite", action="store_true", help="existing engines may be replaced")
    args = parser.parse_args(argv)
    chosen = bundles() if args.bundles == "all" else [find_bundle(name) for name in args.bundles.split(",")]
    backend = find_backend(args.backend)
    args.output.mkdir(parents=True, exist_ok=True)
    print(f"{backend.name} {backend.version}, {args.precision}")
    for bundle in chosen:
        start, path = time.perf_counter(), args.output / f"{bundle.name}.engine"
        export_bundle(
            bundle.path,
            path,
            "tensorrt",
            precision=args.precision,
            gpus=[name for name in args.gpu.split(",") if name],
            backend=backend.name,
            overwrite=args.overwrite,
        )
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB in {time.perf_counter() - start:.1f} s", flush=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
