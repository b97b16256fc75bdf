"""From an archive and back: Orthanc -> app or service -> Orthanc, with a CT with metal, an MR and a film."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orthanc
import pydicom
import pytest
from cli_samples import smooth
from dicom_hole_samples import segmentation, sources
from io_samples import dicom_series
from metal_samples import pelvis
from orthanc import Orthanc
from pydicom.dataset import Dataset
from study_samples import cr

from benchmarks.deploy.app import PYTHON, ROOT
from benchmarks.deploy.service import Service, until
from monai_inpaint import Image

pytest.importorskip("highdicom", reason="needs the extra dicom")
pytest.importorskip("astra", reason="needs the extra metal")
pytestmark = pytest.mark.skipif(
    not (orthanc.PROGRAM and orthanc.DICOMWEB), reason="Orthanc with its DICOMweb plugin is not installed"
)

STUDY = "1.2.840.99"
RULES = [
    {"modality": "CT", "hole": "metal"},
    {"modality": "MR", "hole": "SEG", "segment": "lesion"},
    {"modality": "CR", "hole": "rectangles", "rectangles": [[20, 10, 24, 20]]},
]
SECONDS = 300


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """A CT of a pelvis with simulated metal, an MR with the SEG of a lesion, and a film."""
    from monai_inpaint.metal import simulate_metal

    folder = tmp_path_factory.mktemp("given")
    clean = np.repeat(np.rint(pelvis()).astype(np.int16).T[..., None], 3, axis=2)
    scan = simulate_metal(Image(clean, np.diag([2.0, 2.0, 3.0, 1.0]), "ct"), "hip", 0).artifact.voxels
    elements = {"StudyInstanceUID": STUDY, "RescaleSlope": 1, "RescaleIntercept": 0, "PixelSpacing": [2, 2]}
    dicom_series(folder / "ct", scan.transpose(2, 1, 0), series=f"{STUDY}.1", spacing=3.0, **elements)
    elements = {"StudyInstanceUID": STUDY, "Modality": "MR", "FrameOfReferenceUID": f"{STUDY}.8"}
    dicom_series(folder / "mr", (800 * smooth((4, 64, 64), 1)).astype(np.uint16), series=f"{STUDY}.2", **elements)
    marked = np.zeros((4, 64, 64), bool)
    marked[1:3, 20:33, 30:50] = True
    segmentation(folder / "seg.dcm", sources(folder / "mr"), marked, names=["lesion"])
    cr(folder / "film.dcm", study=STUDY)
    return folder


@pytest.fixture
def archive(tmp_path: Path, given: Path) -> Iterator[Orthanc]:
    """An archive that holds the study."""
    with Orthanc(tmp_path / "orthanc") as archive:
        archive.store(files(given))
        yield archive


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.dcm"))


def test_a_study_goes_from_orthanc_through_the_service_and_back_and_so_does_a_region_drawn_later(
    tmp_path: Path, given: Path
) -> None:
    service = Service(tmp_path / "service", 0, rules=RULES, listen={"callers": ["ARCHIVE"]})
    with Orthanc(tmp_path / "orthanc", {"FILLER": service.port}) as archive:
        service.settings["send"]["port"] = archive.dicom
        service.start()
        archive.store([path for path in files(given) if path.name != "seg.dcm"])

        archive.send(STUDY, "FILLER")
        service.wait_sent()
        archive.store([given / "seg.dcm"])
        archive.send(STUDY, "FILLER")
        service.wait_sent(2)

        check(archive, given)  # each series came back once
        # an archive that forwards whatever changes sends all again: that ends here
        archive.send(STUDY, "FILLER")
        until(lambda: "sent before" in service.lines(), SECONDS, "the study is not dropped", 0.5)
        assert service.interrupt() == 130


def test_orthanc_takes_by_dicomweb_what_it_has_already(tmp_path: Path, given: Path) -> None:
    from monai_inpaint.pacs.archive import instances_below
    from monai_inpaint.pacs.dicomweb import series_at, store
    from monai_inpaint.pacs.settings import WebNode

    with Orthanc(tmp_path / "orthanc") as archive:
        node = WebNode(archive.dicomweb)
        for _ in range(2):
            assert store(instances_below(given), node) == []

        assert archive.uids() == {pydicom.dcmread(path).SOPInstanceUID for path in files(given)}
        came = {dataset.SOPInstanceUID: dataset for dataset in series_at(STUDY, f"{STUDY}.2", node)}
        assert came == {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, (given / "mr").iterdir())}
        assert list(series_at(STUDY, "1.2.3", node)) == []


@pytest.mark.parametrize("protocol", ["DIMSE", "DICOMweb"])
def test_a_region_drawn_later_is_filled_in_a_series_that_is_fetched(protocol: str, tmp_path: Path, given: Path) -> None:
    service = Service(tmp_path / "service", 0, rules=RULES[1:2], listen={"callers": ["ARCHIVE"]})
    modalities = {"FILLER": service.port}
    with Orthanc(tmp_path / "orthanc", modalities, {"DicomAlwaysAllowGet": True}) as archive:
        node = {"port": archive.dicom, "title": "ARCHIVE"} if protocol == "DIMSE" else {"url": archive.dicomweb}
        service.settings |= {"send": node, "fetch": node}
        service.start()
        images = [path for path in files(given) if path.parent.name == "mr"]
        archive.store([*images, given / "seg.dcm"])

        seg = archive.ask("/tools/lookup", pydicom.dcmread(given / "seg.dcm").SOPInstanceUID.encode())[0]["ID"]
        archive.ask("/modalities/FILLER/store", json.dumps([seg]).encode())  # and not the series
        service.wait_sent()

        assert f"fetched 4 instances of series {STUDY}.2" in service.lines()
        originals = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, images)}
        made = [dataset for dataset in archive.retrieve(STUDY) if dataset.SOPInstanceUID not in originals]
        derived = [dataset for dataset in made if dataset.Modality == "MR"]
        assert len(derived) == 4
        holes = [dataset for dataset in made if dataset.Modality == "SEG" and dataset.Manufacturer == "monai-inpaint"]
        check_voxels(derived, holes, originals)
        # what was fetched counts as what came
        archive.send(STUDY, "FILLER")
        until(lambda: "sent before" in service.lines(), SECONDS, "the study is not dropped", 0.5)
        assert service.interrupt() == 130


@pytest.mark.deploy
@pytest.mark.skipif(not PYTHON.with_name("monai-deploy").exists(), reason="needs what make test-deploy installs")
def test_a_study_goes_from_orthanc_through_the_app_and_back(archive: Orthanc, given: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, dataset in enumerate(archive.retrieve(STUDY)):
        dataset.save_as(tmp_path / "in" / f"{number}.dcm", enforce_file_format=True)
    (tmp_path / "rules.json").write_text(json.dumps(RULES))
    command = 'ulimit -s 32768; exec "$0" "$@"'
    folders = ["-i", tmp_path / "in", "-o", tmp_path / "out", "-m", ROOT / "bundles"]

    subprocess.run(
        ["bash", "-c", command, str(PYTHON), str(ROOT / "deploy_app"), *map(str, folders)],
        check=True, capture_output=True, env={**os.environ, "MONAI_INPAINT_RULES": str(tmp_path / "rules.json")},
    )  # fmt: skip
    archive.store(files(tmp_path / "out"))

    check(archive, given)


def check(archive: Orthanc, given: Path) -> None:
    """What must hold of all that the archive has now, each instance opened from it."""
    originals = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, files(given))}
    held = archive.retrieve(STUDY)
    made = [dataset for dataset in held if dataset.SOPInstanceUID not in originals]
    assert {dataset.SOPInstanceUID for dataset in held} == archive.uids() >= set(originals)
    for dataset in held:  # what was there is as it was
        if dataset.SOPInstanceUID in originals:
            assert dataset.get("PixelData") == originals[dataset.SOPInstanceUID].get("PixelData")
    listed = {series["0020000E"]["Value"][0] for series in archive.series(STUDY)}
    assert listed == {dataset.SeriesInstanceUID for dataset in held}
    for dataset in made:
        assert dataset.StudyInstanceUID == STUDY
        referred = {element.value for element in dataset.iterall() if element.keyword == "ReferencedSOPInstanceUID"}
        assert referred
        assert all(archive.holds(uid) for uid in referred - {STUDY})  # which structures refer to
    kinds = [dataset.Modality for dataset in made]
    assert {kind: kinds.count(kind) for kind in ("CT", "MR", "CR", "SEG", "SR")} == {
        "CT": 3, "MR": 4, "CR": 1, "SEG": 3, "SR": 3,
    }  # fmt: skip
    holes = [dataset for dataset in made if dataset.Modality == "SEG"]
    for modality in ("CT", "MR", "CR"):
        check_voxels([dataset for dataset in made if dataset.Modality == modality], holes, originals)


def check_voxels(derived: list[Dataset], holes: list[Dataset], originals: dict[str, Dataset]) -> None:
    """A derived series differs from its source where its SEG says so, and nowhere else."""
    computed, changed = 0, 0
    for dataset in derived:
        source = originals[dataset.SourceImageSequence[0].ReferencedSOPInstanceUID]
        assert dataset.ImageType[0] == "DERIVED"
        assert dataset.SyntheticData == "YES"
        for keyword in ("PatientID", "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient",
                        "PixelSpacing", "RescaleSlope", "RescaleIntercept", "BitsStored"):  # fmt: skip
            assert dataset.get(keyword) == source.get(keyword), keyword
        inside = marked(holes, source)
        other = dataset.pixel_array != source.pixel_array
        assert not (other & ~inside).any()
        computed += int(inside.sum())
        changed += int(other.sum())
    assert computed
    assert changed > 0.5 * computed


def marked(holes: list[Dataset], source: Dataset) -> np.ndarray:
    """What the SEG of a source instance marks on it."""
    result = np.zeros((source.Rows, source.Columns), bool)
    for hole in holes:
        frames = hole.pixel_array.reshape(-1, hole.Rows, hole.Columns)
        for frame, group in zip(frames, hole.PerFrameFunctionalGroupsSequence, strict=True):
            drawn_on = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            if drawn_on == source.SOPInstanceUID:
                result |= frame != 0
    return result
