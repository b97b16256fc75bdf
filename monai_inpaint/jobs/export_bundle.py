"""Export a bundle to one file that another program runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from monai_inpaint.engines.base import CHANNELS
from monai_inpaint.engines.names import EXPORTS
from monai_inpaint.engines.tensorrt_builder import Precision, build, find_backend, graph_of, profile_of
from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import check_output, staged
from monai_inpaint.registry import BundleInfo, find_bundle

Three = tuple[int, int, int]


def export_bundle(
    name: str | Path,
    output: Path,
    kind: str,
    *,
    precision: Precision = "fp32",
    batch: Three | None = None,
    side: Three | None = None,
    gpus: Sequence[str] = (),
    backend: str | None = None,
    sampler: bool = False,
    overwrite: bool = False,
) -> None:
    """Write a bundle's network with input `image` and output `pred`, both float32 in the image's units.

    Args:
        name: of the bundle, or its folder.
        output: a file with the suffix of its format; OpenVINO's weights are written to a .bin beside it.
        kind: one of `EXPORTS`.
        precision: of convolutions and matrix products; all else is float32.
        batch, side: smallest, most usual and largest number of windows, and their sides in voxels; None: those that the
            package itself uses. For TensorRT only: other formats accept any.
        gpus: see `tensorrt_builder.build`; without any, TensorRT-RTX compiles for every GPU from Ampere on.
        backend: "tensorrt" or "rtx"; None: the first one installed.
        sampler: export the network that draws samples, instead of that of best estimates.
        overwrite: an existing output may be replaced.

    Raises:
        InputError: no such bundle, or one without a network for samples; an output of another suffix, or that exists; a
            network that cannot be compiled.
    """
    found = find_bundle(name)
    bundle = found.sampler if sampler else found
    if bundle is None:
        raise InputError(f"The bundle {found.name} has no network for samples alone; leave out --sampler.")
    if kind not in EXPORTS:
        raise InputError(f"There is no format {kind}; use {', '.join(EXPORTS)}.")
    if output.suffix != EXPORTS[kind]:
        raise InputError(f"{output} is not the name of an export to {kind}; give one that ends with {EXPORTS[kind]}.")
    if kind != "tensorrt" and (batch or side or gpus):
        raise InputError(f"--batch, --side and --gpu are for tensorrt; leave them out of an export to {kind}.")
    if not bundle.graph.is_file() or bundle.kind not in CHANNELS:
        raise InputError(f"{bundle.path} has no exported network; export another bundle.")
    weights = output.with_suffix(".bin")
    for path in (output, weights) if kind == "openvino" else (output,):
        check_output(path, overwrite=overwrite, sources=[bundle.graph])
    write = _writer(bundle, kind, precision, batch, side, gpus, backend)
    with staged(output, overwrite=overwrite) as place:
        write(place)


def _writer(
    bundle: BundleInfo,
    kind: str,
    precision: Precision,
    batch: Three | None,
    side: Three | None,
    gpus: Sequence[str],
    backend: str | None,
) -> Callable[[Path], object]:
    """Return the function that writes the file; nothing is written before the network is ready."""
    if kind == "tensorrt":
        usual = profile_of(bundle)
        profile = replace(usual, batch=batch or usual.batch, side=side or usual.side)
        found = find_backend(backend)
        engine, _ = build(graph_of(bundle, precision), profile, found, gpus)
        return lambda place: place.write_bytes(engine)
    graph = graph_of(bundle, precision)
    if kind == "onnx":
        return lambda place: place.write_bytes(graph)
    try:
        from monai_inpaint.engines.quiet_openvino import openvino
    except ModuleNotFoundError as error:
        raise InputError("An export to openvino needs OpenVINO: pip install openvino") from error
    model = openvino.Core().read_model(graph)  # pyright: ignore[reportUnknownMemberType]
    return lambda place: openvino.save_model(model, place, compress_to_fp16=False)
