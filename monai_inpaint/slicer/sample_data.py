"""Sample volumes of Slicer's own, offered in its module Sample Data."""

from pathlib import Path

_STORE = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/"
_VOLUMES = (
    ("InpaintMRHead", "MR-head.nrrd", "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"),
    ("InpaintCTChest", "CT-chest.nrrd", "4507b664690840abb6cb9af2d919377ffc4ef75b167cb6fd0f747befdb12e38e"),
)


def register(icon: Path) -> None:
    """Register the volumes under the category Inpaint, with the module's icon."""
    import SampleData

    for name, file, checksum in _VOLUMES:
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Inpaint",
            sampleName=name,
            thumbnailFileName=str(icon),
            uris=_STORE + checksum,
            fileNames=file,
            checksums=f"SHA256:{checksum}",
            nodeNames=name,
        )
