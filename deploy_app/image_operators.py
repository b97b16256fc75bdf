"""Operators for any MONAI Deploy app: fill the SDK's images, and write them as DICOM series.

This file imports nothing but the App SDK and monai_inpaint, so it can be copied into another app.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from monai.deploy.core import Fragment, Operator, OperatorSpec
from monai.deploy.core.domain import Image

from monai_inpaint import Filler
from monai_inpaint.pacs.deploy_volumes import derivation_by, fill_volume, write_volume

if TYPE_CHECKING:
    from monai.deploy.operators.dicom_utils import ModelInfo  # whose module imports MONAI, which is not needed here

DERIVATION = "monai_inpaint_derivation"  # in the metadata of a filled image: what filled it, for the writer


class InpaintOperator(Operator):
    """Fills a hole of an image.

    Named input:
        image: Image of DICOMSeriesToVolumeOperator, (slices, rows, columns) in units (Hounsfield for CT).
        hole: the voxels to fill, boolean or 0 and 1; an Image or array of the same shape.

    Named output:
        image: Image of the same shape, type and metadata, equal outside the hole.
    """

    def __init__(self, fragment: Fragment, *args: Any, bundle: str | Path, engine: str = "auto", **kwargs: Any) -> None:
        """Load the bundle.

        Args:
            fragment: the application.
            bundle: "ct", "mr" or "cxr", or a bundle's name or folder.
            engine: what runs its network, as `monai-inpaint fill --engine` takes it.
        """
        self._filler = Filler(bundle, engine)
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("image")
        spec.input("hole")
        spec.output("image")

    def compute(self, op_input: Any, op_output: Any, _context: Any) -> None:
        image, hole = op_input.receive("image"), op_input.receive("hole")
        marked = hole.asnumpy() if isinstance(hole, Image) else np.asarray(hole)
        filled, derived = fill_volume(image.asnumpy(), marked, image.metadata(), self._filler)
        op_output.emit(Image(filled, {**image.metadata(), DERIVATION: derived}), "image")


class DICOMSeriesWriterOperator(Operator):
    """Writes an image as a derived DICOM series, in the geometry and encoding of the series it was computed from.

    Voxels that are equal to those of the series keep their stored values. The new series has its own UIDs and dates, is
    marked as derived and synthetic, and is read back before it appears.

    Named input:
        image: Image of the shape and units that DICOMSeriesToVolumeOperator gives; or an Image of monai_inpaint.
        study_selected_series_list: of DICOMSeriesSelectorOperator. As in the SDK's operators, the first selected series
            of the first study is the source.
    """

    def __init__(
        self, fragment: Fragment, *args: Any, output_folder: Path, model_info: ModelInfo | None = None, **kwargs: Any
    ) -> None:
        """Set the output.

        Args:
            fragment: the application.
            output_folder: for the files of the series; is made, and must be empty if it exists.
            model_info: creator, name and version of the model that computed the image. Images of InpaintOperator
                need none.
        """
        self._folder = Path(output_folder)
        self._model = model_info
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("image")
        spec.input("study_selected_series_list")

    def compute(self, op_input: Any, _op_output: Any, _context: Any) -> None:
        image, studies = op_input.receive("image"), op_input.receive("study_selected_series_list")
        volume, metadata = (image.asnumpy(), image.metadata()) if isinstance(image, Image) else (image, {})
        selected = [series.series for study in studies for series in study.selected_series][:1]
        instances = [one.get_native_sop_instance() for series in selected for one in series.get_sop_instances()]
        model, derived = self._model, metadata.get(DERIVATION)
        if model:
            derived = derivation_by(model.creator, model.name, model.version)
        write_volume(volume, metadata, instances, self._folder, derived)
