"""Data lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from evaluation_samples import list_of_films

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import in_order, read_data_list


@pytest.fixture
def films(tmp_path) -> Path:
    return list_of_films(tmp_path / "data")


def test_a_data_list_is_filtered_and_its_paths_start_at_its_folder(films):
    entries = read_data_list(films, split="val", modality="CR")
    assert [entry.name for entry in entries] == [
        "films/0.png",
        "films/1.png",
        "films/2.png",
        "films/3.png",
        "notes.txt",
    ]
    assert entries[0].path == films.parent / "films" / "0.png"
    assert entries[0].kind == "cxr"


def test_files_whose_name_tells_that_they_hold_labels_are_no_images(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path,modality\nt1.nii,MR\nt1_seg_gif.nii,MR\nmask-0.png,MR\nmasked.nii,MR\n")

    assert [entry.name for entry in read_data_list(path)] == ["t1.nii", "masked.nii"]


def test_a_list_of_nothing_but_labels_is_refused(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path\nt1_seg.nii\n")

    with pytest.raises(InputError, match="names masks and label maps only"):
        read_data_list(path)


def test_masks_of_other_rows_are_no_images(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path,mask,modality\na.nii,a_mask.nii,CT\na_mask.nii,,CT\n")
    (entry,) = read_data_list(path)
    assert entry.lesion == tmp_path / "a_mask.nii"


def test_images_are_taken_in_a_seeded_order_until_enough_are_usable(films):
    entries = read_data_list(films)
    order = in_order(entries, 3, 5)
    assert order == in_order(entries, 3, 5)
    assert sorted(order, key=entries.index) == entries
    assert in_order(entries, None, 5) == entries


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (None, {}, "does not exist; check the path"),
        ("", {}, "'path'"),
        ("image,patient\na.png,1\n", {}, "'path'"),
        ("path,patient\n", {}, "no images"),
        ("path,patient\n,1\n", {}, "has no path"),
        ("path,patient\na.png\n", {}, "line 2"),
        ("path,patient\na.png,1,2\n", {}, "line 2"),
        ("path,patient\na.png,1\n", {"split": "val"}, "no column 'split'"),
        ("path,split\na.png,train\n", {"split": "val"}, "the list then contains train"),
        (b"\xff\xfe\x00path", {}, "CSV"),
    ],
    ids=[
        "missing",
        "empty",
        "no path column",
        "no rows",
        "empty path",
        "short",
        "long",
        "no split",
        "no match",
        "binary",
    ],
)
def test_a_bad_data_list_is_the_users_fault_in_one_sentence(tmp_path, text, options, words):
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        read_data_list(path, **options)
    assert "list.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
