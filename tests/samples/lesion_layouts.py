"""Small folders in the layouts of VinDr-CXR, VinDr-Mammo and CBIS-DDSM, with a bright place in each box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from dicom_samples import film

LOCAL = (
    *("Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture", "Consolidation"),
    *("Edema", "Emphysema", "Enlarged PA", "ILD", "Infiltration", "Lung Opacity", "Lung cavity", "Lung cyst"),
    *("Mediastinal shift", "Nodule/Mass", "Pleural effusion", "Pleural thickening", "Pneumothorax"),
    *("Pulmonary fibrosis", "Rib fracture", "Other lesion"),
)  # the 22 findings that have boxes
GLOBAL = ("COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other diseases", "No finding")
ROWS, COLUMNS = 96, 80
BOX = (20, 30, 50, 70)  # left, top, right, bottom
DARK, BRIGHT = 500, 3500
MAMMO = (
    "study_id,series_id,image_id,laterality,view_position,height,width,breast_birads,breast_density,"
    "finding_categories,finding_birads,xmin,ymin,xmax,ymax,split"
)
CBIS = (
    "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,mass margins,"
    "assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path"
)


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def dicom(path: Path, pixels: np.ndarray, modality: str = "MG", inverted: bool = False) -> Path:
    """Pixels as a DICOM file; `inverted`: as MONOCHROME1, whose low values are bright."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film(path, Modality=modality)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.PixelData = (4095 - pixels if inverted else pixels).astype(np.uint16).tobytes()
    dataset.save_as(path)
    return path


def spotted(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (ROWS, COLUMNS), seed: int = 0) -> np.ndarray:
    """Dark noise, bright in the boxes (left, top, right, bottom)."""
    pixels = np.random.default_rng(seed).normal(DARK, 30, shape)
    for left, top, right, bottom in boxes:
        pixels[top:bottom, left:right] = BRIGHT
    return pixels


def vindr_cxr(folder: Path) -> Path:
    """Six films of train with three readers each, all with one of two findings but the last two, and two of test."""
    labels = [f"image_id,rad_id,{','.join((*LOCAL, *GLOBAL))}"]
    boxes = ["image_id,rad_id,class_name,x_min,y_min,x_max,y_max"]
    for number in range(6):
        name, finding = f"{number:032x}", ("Nodule/Mass", "Pleural effusion")[number % 2]
        sick = number < 4
        dicom(folder / "train" / f"{name}.dicom", spotted(*[BOX] * sick, seed=number), "DX", inverted=number == 1)
        for reader in ("R8", "R9", "R10"):
            agrees = sick and reader != "R10"
            given = (finding, "Pneumonia") if agrees else ("No finding",)
            labels.append(f"{name},{reader}," + ",".join(str(int(label in given)) for label in (*LOCAL, *GLOBAL)))
            corners = "20.0,30.0,50.0,70.0" if agrees else ",,,"
            boxes.append(f"{name},{reader},{finding if agrees else 'No finding'},{corners}")
    write(folder / "annotations" / "image_labels_train.csv", *labels, "f" * 32 + ",R8" + ",0" * 27 + ",1")
    write(folder / "annotations" / "annotations_train.csv", *boxes)
    tests = [f"image_id,{','.join((*LOCAL, *GLOBAL))}"]
    for number in (10, 11):
        dicom(folder / "test" / f"{number:032x}.dicom", spotted(seed=number), "DX")
        tests.append(f"{number:032x}" + ",0" * 27 + ",1")
    write(folder / "annotations" / "image_labels_test.csv", *tests)
    every = [f"{10:032x},{finding},{4 * n},1,{4 * n + 3},5" for n, finding in enumerate(LOCAL)]
    header = "image_id,class_name,x_min,y_min,x_max,y_max"
    write(folder / "annotations" / "annotations_test.csv", header, *every, f"{11:032x},No finding,,,,")
    return folder


def vindr_mammo(folder: Path, exams: int = 4) -> Path:
    """Exams of two mammograms: one with a mass, one without a finding; the last exam is of the test split."""
    rows = [MAMMO]
    for number in range(exams):
        study, split = f"study{number}", "test" if number == exams - 1 else "training"
        beside = f"{study},series{number}"
        columns = f"L,CC,{ROWS},{COLUMNS},BI-RADS 4,DENSITY C"
        dicom(folder / "images" / study / f"mass{number}.dicom", spotted(BOX, seed=number), inverted=number == 1)
        dicom(folder / "images" / study / f"none{number}.dicom", spotted(seed=number + 100))
        corners = "20.0,30.0,50.0,70.0"
        rows.append(f"{beside},mass{number},{columns},\"['Mass', 'Skin Retraction']\",BI-RADS 4,{corners},{split}")
        rows.append(f"{beside},none{number},{columns},['No Finding'],,,,,,{split}")
    write(folder / "finding_annotations.csv", *rows)
    return folder


def cbis_ddsm(folder: Path) -> Path:
    """Three patients with a mass, the first with two in one mammogram, the last of test; a mask of another size."""
    tables: dict[str, list[str]] = {"train": [CBIS], "test": [CBIS]}
    places = {"P_00001": [BOX, (5, 5, 10, 15)], "P_00002": [BOX], "P_00003": [BOX]}
    for patient, boxes in places.items():
        part = "test" if patient == "P_00003" else "train"
        case = f"Mass-{'Test' if part == 'test' else 'Training'}_{patient}_LEFT_CC"
        series = folder / "CBIS-DDSM" / case / "07-20-2016-DDSM-NA-74994"
        dicom(series / "1.000000-full mammogram images-24515" / "1-1.dcm", spotted(*boxes))
        for number, (left, top, right, bottom) in enumerate(boxes, start=1):
            scale = 2 if patient == "P_00003" else 1
            mask = np.zeros((ROWS * scale, COLUMNS * scale))
            mask[top * scale : bottom * scale, left * scale : right * scale] = 255
            region = folder / "CBIS-DDSM" / f"{case}_{number}" / "07-20-2016-DDSM-NA-30000"
            files = ["1-1.dcm", "1-2.dcm"][:: -1 if number == 2 else 1]
            dicom(region / "1.000000-ROI mask images-1" / files[0], mask)
            dicom(region / "1.000000-ROI mask images-1" / files[1], spotted(shape=(bottom - top, right - left)))
            old = f"{case}_{number}/1.3.6/1.3.7"
            tables[part].append(
                f"{patient},3,LEFT,CC,{number},mass,OVAL,SPICULATED,4,MALIGNANT,4,{case}/1.3.4/1.3.5/000000.dcm,"
                f'{old}/000001.dcm,"{old}/000000.dcm\n"'
            )
    not_there = "Mass-Training_P_00009_LEFT_CC"
    tables["train"].append(
        f"P_00009,3,LEFT,CC,1,mass,OVAL,ILL_DEFINED,4,BENIGN,4,{not_there}/1/1/0.dcm,{not_there}_1/1/1/0.dcm,"
        f"{not_there}_1/1/1/1.dcm"
    )
    for part, lines in tables.items():
        write(folder / f"mass_case_description_{part}_set.csv", *lines)
    return folder
