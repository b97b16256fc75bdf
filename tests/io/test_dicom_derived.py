"""The derived series: what it says of itself, what it keeps, what it leaves out."""

from __future__ import annotations

import pydicom
import pytest
from dicom_samples import film
from io_samples import dicom_dataset, dicom_series, enhanced_ct, random_voxels, save
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from monai_inpaint import read_image, write_image
from monai_inpaint.errors import InputError

DERIVED = {"description": "Region filled", "model": "ct_inpainting 0.3", "version": "0.3"}


def derived(image, path, **more):
    write_image(image, path, derived=DERIVED | more)
    return [pydicom.dcmread(file) for file in sorted(path.iterdir())] if path.is_dir() else pydicom.dcmread(path)


@pytest.mark.slow
def test_uids_of_a_thousand_runs_are_all_different(tmp_path):
    image = read_image(save(dicom_dataset(random_voxels((4, 4), "int16")), tmp_path / "a.dcm"))
    seen = [image.header.datasets[0].SeriesInstanceUID, image.header.datasets[0].SOPInstanceUID]
    for _ in range(1000):
        write_image(image, tmp_path / "b.dcm", derived=DERIVED, overwrite=True)
        file = pydicom.dcmread(tmp_path / "b.dcm", specific_tags=["SeriesInstanceUID", "SOPInstanceUID"])
        seen += [file.SeriesInstanceUID, file.SOPInstanceUID]
    assert len(set(seen)) == len(seen) == 2002
    assert all(pydicom.uid.UID(uid).is_valid for uid in seen)


def test_how_an_image_was_derived_is_reported_in_words_and_codes_and_what_came_before_is_kept(tmp_path):
    before = Dataset()
    before.CodeValue, before.CodingSchemeDesignator, before.CodeMeaning = "113088", "DCM", "Gaussian blur"
    source = dicom_dataset(random_voxels((4, 4), "int16"), DerivationDescription="Smoothed")
    source.DerivationCodeSequence = Sequence([before])
    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm", label="Metal artifacts reduced")
    assert file.DerivationDescription == "Region filled; before: Smoothed"
    assert [item.CodeValue for item in file.DerivationCodeSequence] == ["113088", "113047", "COMPUTED"]
    assert file.SeriesDescription == "Metal artifacts reduced: Thorax"
    reference = file.SourceImageSequence[0]
    assert (reference.ReferencedSOPInstanceUID, reference.SpatialLocationsPreserved) == (source.SOPInstanceUID, "YES")
    equipment = file.ContributingEquipmentSequence[-1]
    purpose = equipment.PurposeOfReferenceCodeSequence[0]
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109100", "DCM")  # synthesizing equipment
    assert (equipment.ManufacturerModelName, equipment.SoftwareVersions) == ("ct_inpainting 0.3", "0.3")
    assert (file.SyntheticData, file["SyntheticData"].tag) == ("YES", 0x0008001C)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
def test_pixel_extremes_are_those_of_the_new_pixels(tmp_path, dtype):
    elements = {"SmallestImagePixelValue": 9, "LargestImagePixelValue": 9, "LargestPixelValueInSeries": 9}
    image = read_image(dicom_series(tmp_path / "s", random_voxels((3, 4, 5), dtype), **elements))
    for k, file in enumerate(derived(image, tmp_path / "out")):
        assert file.SmallestImagePixelValue == image.voxels[..., k].min()
        assert file.LargestImagePixelValue == image.voxels[..., k].max()
        assert file.LargestPixelValueInSeries == image.voxels.max()
        assert "SmallestPixelValueInSeries" not in file


def test_extremes_that_16_bits_do_not_hold_are_left_out(tmp_path):
    source = save(dicom_dataset(random_voxels((4, 5), "int32"), LargestImagePixelValue=9), tmp_path / "a.dcm")
    assert "LargestImagePixelValue" not in derived(read_image(source), tmp_path / "b.dcm")


def test_window_rescale_bits_and_padding_are_those_of_the_source(tmp_path):
    kept = {"WindowCenter": [40, 400], "WindowWidth": [80, 2000], "RescaleSlope": "2", "RescaleIntercept": "-1024",
            "BitsStored": 12, "HighBit": 11, "PixelPaddingValue": 3000}  # fmt: skip
    source = dicom_dataset(random_voxels((4, 5), "uint16") // 16, **kept)
    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm")
    assert all(file[keyword] == source[keyword] for keyword in kept)


def test_a_fill_never_takes_the_value_that_stands_for_no_image(tmp_path):
    pixels = random_voxels((4, 5), "uint16") // 16
    source = dicom_dataset(pixels, BitsStored=12, HighBit=11, PixelPaddingValue=0, PixelPaddingRangeLimit=3)
    image = read_image(save(source, tmp_path / "a.dcm"))
    assert image.padding == (0, 3)
    assert image.stored(image.units() * 0).min() == 4
    assert image.stored(image.units() * 0 + 4).max() == 4
    signed = dicom_dataset(random_voxels((4, 5), "int16"))
    signed.add_new("PixelPaddingValue", "US", 63536)  # -2000, written as if pixels were unsigned
    assert read_image(save(signed, tmp_path / "b.dcm")).padding == (-2000, -2000)


def test_private_elements_are_dropped_from_derived_images_only(tmp_path):
    source = dicom_dataset(random_voxels((4, 4), "int16"))
    source.private_block(0x0019, "MAKER", create=True).add_new(0x01, "LO", "Doe^Jane")
    item, deeper = Dataset(), Dataset()
    deeper.private_block(0x0029, "MAKER", create=True).add_new(0x02, "LO", "Doe^Jane")
    item.CodeMeaning, item.PurposeOfReferenceCodeSequence = "kept", Sequence([deeper])
    source.ReferencedImageSequence = Sequence([item])
    image = read_image(save(source, tmp_path / "a.dcm"))
    before = image.header.datasets[0].to_json()
    file = derived(image, tmp_path / "b.dcm")
    assert "MAKER" not in str(file)
    assert file.ReferencedImageSequence[0].CodeMeaning == "kept"
    assert image.header.datasets[0].to_json() == before
    write_image(image, tmp_path / "same.dcm")
    assert str(pydicom.dcmread(tmp_path / "same.dcm")).count("MAKER") == 2


def test_what_no_longer_holds_is_left_out(tmp_path):
    source = dicom_dataset(random_voxels((4, 4), "int16"), InstanceCreatorUID="1.2.9", ConcatenationUID="1.2.8")
    icon = Dataset()
    icon.Rows = 1
    source.IconImageSequence = Sequence([icon])
    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm")
    for tag in ("InstanceCreatorUID", "ConcatenationUID", "IconImageSequence"):
        assert tag not in file


def test_the_step_of_the_examination_that_made_the_source_did_not_make_the_derived_series(tmp_path):
    step = {"PerformedProcedureStepID": "12", "PerformedProcedureStepDescription": "CT thorax"}
    step |= {f"PerformedProcedureStep{end}Date": "20200102" for end in ("Start", "End")}
    step |= {f"PerformedProcedureStep{end}Time": "101112" for end in ("Start", "End")}
    source, referred, request = dicom_dataset(random_voxels((4, 4), "int16"), **step), Dataset(), Dataset()
    referred.ReferencedSOPClassUID, referred.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.3", "1.2.3.99"
    request.ScheduledProcedureStepID = "7"
    source.ReferencedPerformedProcedureStepSequence = Sequence([referred])
    source.RequestAttributesSequence = Sequence([request])

    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm")

    assert not [element.keyword for element in file if "PerformedProcedureStep" in element.keyword]
    assert file.RequestAttributesSequence == source.RequestAttributesSequence  # was asked for


def test_who_sent_the_source_is_not_stated(tmp_path):
    source = dicom_dataset(random_voxels((4, 4), "int16"))
    source.file_meta.SourceApplicationEntityTitle = "SCANNER7"
    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm")
    assert "SourceApplicationEntityTitle" not in file.file_meta


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("693_J2KI.dcm", ("01", "ISO_15444_1")),
        ("JPEG2000.dcm", ("01", "ISO_15444_1")),
        ("MR_small_jp2klossless.dcm", (None, None)),
        ("CT_small.dcm", (None, None)),
    ],
)
def test_an_image_that_was_compressed_with_loss_says_so_when_it_is_written_uncompressed(tmp_path, name, loss):
    file = derived(read_image(get_testdata_file(name, download=False)), tmp_path / "b.dcm")
    assert (file.get("LossyImageCompression"), file.get("LossyImageCompressionMethod")) == loss
    assert loss[0] is None or file.LossyImageCompressionRatio > 1


def test_deidentified_images_stay_so_and_nothing_is_added(tmp_path):
    kept = {"PatientIdentityRemoved": "YES", "DeidentificationMethod": "by hand", "BurnedInAnnotation": "YES",
            "LongitudinalTemporalInformationModified": "REMOVED", "PatientName": "Anon", "PatientID": ""}  # fmt: skip
    source = dicom_dataset(random_voxels((4, 4), "int16"), **kept)
    file = derived(read_image(save(source, tmp_path / "a.dcm")), tmp_path / "b.dcm")
    assert {keyword: file.get(keyword) for keyword in kept} == kept
    added = {element.keyword for element in file} - {element.keyword for element in source}
    assert added == {"InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime",
                     "ContentDate", "ContentTime", "DerivationDescription", "DerivationCodeSequence",
                     "SourceImageSequence", "ContributingEquipmentSequence", "SyntheticData"}  # fmt: skip


def test_cleaned_pixels_are_reported_and_of_a_deidentified_image_the_method(tmp_path):
    elements = {"BurnedInAnnotation": "YES"}
    image = read_image(save(dicom_dataset(random_voxels((4, 4), "int16"), **elements), tmp_path / "a.dcm"))
    file = derived(image, tmp_path / "b.dcm", burned_in="NO")
    assert file.BurnedInAnnotation == "NO"
    assert "DeidentificationMethodCodeSequence" not in file
    elements |= {"PatientIdentityRemoved": "YES"}
    image = read_image(save(dicom_dataset(random_voxels((4, 4), "int16"), **elements), tmp_path / "c.dcm"))
    file = derived(image, tmp_path / "d.dcm", burned_in="NO")
    assert file.DeidentificationMethodCodeSequence[0].CodeValue == "113101"


def test_frames_of_an_enhanced_image_say_each_that_they_are_derived_and_from_which(tmp_path):
    source = enhanced_ct(tmp_path / "a.dcm", random_voxels((3, 5, 6), "int16"), [[0, 0, z] for z in (10, 0, 5)])
    dataset = pydicom.dcmread(source)
    kind = Dataset()
    kind.FrameType = ["ORIGINAL", "PRIMARY", "AXIAL", "NONE"]
    dataset.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence = Sequence([kind])
    dataset.ContentQualification = "PRODUCT"
    dataset.save_as(source)
    image = read_image(source)
    file = derived(image, tmp_path / "b.dcm")
    assert file.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType[:2] == ["DERIVED", "PRIMARY"]
    assert file.ContentQualification == "RESEARCH"
    for number, group in enumerate(file.PerFrameFunctionalGroupsSequence, start=1):
        reference = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert reference.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        assert reference.ReferencedFrameNumber == number
    evidence = file.SourceImageEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert evidence.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID
    frame_type = image.header.datasets[0].SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType
    assert frame_type[0] == "ORIGINAL"


@pytest.mark.parametrize("keyword", ["SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_a_source_that_nothing_can_refer_to_is_not_derived_from(tmp_path, keyword):
    dataset = pydicom.dcmread(save(dicom_dataset(random_voxels((4, 4), "int16")), tmp_path / "a.dcm"))
    del dataset[keyword]
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match=f"has no {keyword}"):
        write_image(read_image(tmp_path / "a.dcm"), tmp_path / "b.dcm", derived=DERIVED)


@pytest.mark.parametrize("charset", ["ISO_IR 192", "ISO_IR 100", ["", "ISO 2022 IR 87"], "ISO_IR 166"])
def test_names_keep_their_letters_in_every_character_set(tmp_path, charset):
    letters = {"ISO_IR 192": "Müller^日本", "ISO_IR 100": "Müller^Jürgen", "ISO_IR 166": "นาย^ก"}
    name = letters.get(charset, "Yamada^山田") if isinstance(charset, str) else "Yamada^Tarou=山田^太郎"
    source = film(tmp_path / "a.dcm", SpecificCharacterSet=charset, PatientName=name, SeriesDescription="Thorax")
    file = derived(read_image(source), tmp_path / "b.dcm")
    assert str(file.PatientName) == name
    assert file.SpecificCharacterSet == pydicom.dcmread(source).SpecificCharacterSet
