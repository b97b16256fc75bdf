"""The rules that MONAI's schema sets for the metadata of a bundle, in our own words, as a JSON schema."""

from __future__ import annotations

from typing import Any

TEXT, NUMBER, WHOLE, OBJECT, TRUTH = ({"type": kind} for kind in ("string", "number", "integer", "object", "boolean"))


def listed(item: dict[str, Any]) -> dict[str, Any]:
    """A list of such items."""
    return {"type": "array", "items": item}


def record(required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """An object with these keys; it may have others."""
    return {"type": "object", "properties": required | optional, "required": [*required]}


def named(item: dict[str, Any]) -> dict[str, Any]:
    """An object whose values are such items, whatever their names."""
    return {"type": "object", "additionalProperties": item}


TENSOR = record(
    {
        "type": TEXT,
        "format": TEXT,
        "num_channels": WHOLE,
        "spatial_shape": listed({"type": ["string", "integer"]}),
        "dtype": TEXT,
        "value_range": listed(NUMBER),
    },
    {"is_patch_data": TRUTH, "channel_def": OBJECT},
)
ARGUMENT = {"anyOf": [NUMBER, WHOLE, TEXT, TRUTH, TENSOR]}
METADATA = record(
    {
        **dict.fromkeys(("schema", "version", "monai_version", "pytorch_version", "numpy_version"), TEXT),
        **dict.fromkeys(("task", "description", "authors", "copyright"), TEXT),
        "required_packages_version": OBJECT,
        "network_data_format": record(
            {"inputs": named(ARGUMENT), "outputs": named(ARGUMENT)}, {"post_processed_outputs": named(ARGUMENT)}
        ),
    },
    {
        **dict.fromkeys(("data_source", "data_type", "image_classes", "label_classes", "pred_classes"), TEXT),
        **dict.fromkeys(("changelog", "eval_metrics", "supported_apps"), OBJECT),
        "intended_use": TEXT,
        "references": listed(TEXT),
    },
)
