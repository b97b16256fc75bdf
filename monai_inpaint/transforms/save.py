"""What all transforms share that write a derived image."""

from __future__ import annotations

from pathlib import Path

from monai.transforms import Transform

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image
from monai_inpaint.version import __version__


class SaveDerived(Transform):
    """Writes images to a folder, marked as derived; of its kinds each says in `description` what was done.

    Args:
        output_dir: made if it does not exist.
        model: said in the written file, beside this package's version.
    """

    description: str

    def __init__(self, output_dir: str | Path, model: str) -> None:
        self.output_dir, self.model = Path(output_dir), model

    def write(self, image: Image, name: str) -> None:
        """Write the image into the folder under that name."""
        self.output_dir.mkdir(parents=True, exist_ok=True)
        derived = {"description": self.description, "model": self.model, "version": __version__}
        write_image(image, self.output_dir / name, derived=derived)
