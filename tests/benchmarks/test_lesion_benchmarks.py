"""How films around findings, and what they are good for, are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT, film
from printed_tables import table_of
from training_samples import image_features

from benchmarks.__main__ import main
from benchmarks.classification import Film, accuracy, auroc_of, by_source, gain, grouped, learned_by, part_of
from benchmarks.outpainting import film_at, halves, hole_of
from monai_inpaint import Image, write_image


def data_list(folder: Path, notes: dict[str, str]) -> Path:
    """Films of made-up lungs; the sick ones with a bright place."""
    lines = ["path,modality,split,patient,note"]
    for number, (name, note) in enumerate(notes.items()):
        pixels = film(RIGHT, LEFT, shape=(128, 128)) + np.random.default_rng(number).normal(0, 3, (128, 128))
        if note == "Pneumonia":
            pixels[50:66, 32:46] += 70
        write_image(Image(pixels.clip(0, 255).astype(np.uint8)), folder / f"{name}.png")
        lines.append(f"{name}.png,CR,{'train' if name.startswith('t') else 'val'},p{number},{note}")
    (folder / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "data.csv"


def test_films_that_are_drawn_are_held_against_real_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = data_list(tmp_path, {"v0": "No_findings", "v1": "NORMAL", "v2": "Pneumonia", "v3": "NORMAL"})
    words = ["outpainting", "--data", str(data), "--methods", "biharmonic", "--features", str(image_features(tmp_path))]

    assert main(words) == 0

    printed = capsys.readouterr().out
    rows = table_of(printed)
    assert [row[0] for row in rows] == ["other real films", "biharmonic", "cxr_lesion_painting"]
    assert "3 films without a finding" in printed
    assert "512 x 512 pixels, cxr_lesion_painting: the whole command" in printed
    assert float(rows[1][1]) > 0
    assert float(rows[1][2]) == 0  # a biharmonic fill draws nothing
    assert float(rows[2][2]) > 0


def test_painted_films_and_findings_are_measured_by_diversity_seam_and_what_they_keep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = data_list(tmp_path, {"v0": "No_findings", "v1": "Pneumonia", "v2": "NORMAL"})

    assert main(["painting", "--tiny", "--data", str(data), "--features", str(image_features(tmp_path))]) == 0

    printed = capsys.readouterr().out
    rows = table_of(printed)
    trained = {"outpainting": "cxr_lesion_painting", "inpainting": "cxr_lesion_inpainting"}
    house = ("cxr_inpainting", "cxr_inpainting, best estimate")
    assert [row[0] for row in rows] == [
        f"{way}: {name}" for way, own in trained.items() for name in ("real films", own, *house)
    ]
    assert [row[2] for row in rows] == ["-", "4/4", "4/4", "2/2"] * 2
    assert all(float(row[3]) > 0 for row in rows)
    assert [row[1] for row in rows if row[0].endswith(("films", "estimate"))] == ["-"] * 4
    assert float(rows[1][1]) > 0
    assert "2 films without a finding" in printed


def test_classifiers_with_and_without_added_films_are_compared_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = {f"{split}{n}": "Pneumonia" if n % 2 else "NORMAL" for split in "tv" for n in range(4)}
    data = data_list(tmp_path, notes)
    kept = tmp_path / "kept"
    words = ["classification", "--tiny", "--data", str(data), "--fractions", "50", "--output", str(kept)]

    assert main(words) == 0

    printed = capsys.readouterr().out
    rows = table_of(printed)
    arms = ["none", "outpainting", "outpainting-both", "outpainting-quarter", "outpainting-first"]
    assert [row[:3] for row in rows] == [["50 %", arm, "2"] for arm in arms]
    assert all(0 <= float(row[column].split()[0]) <= 1 for row in rows for column in (3, 4))
    assert rows[0][5] == "-"
    areas = [float(row[4].split()[0]) for row in rows]
    assert [float(row[5].split()[0]) for row in rows[1:]] == pytest.approx([a - areas[0] for a in areas[1:]], abs=2e-3)
    assert "4 films of 4 patients" in printed

    (one,) = kept.glob("films-50-outpainting-both-0-cxr_lesion_painting-*.npy")
    one.unlink()
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert main(words) == 0
    assert table_of(capsys.readouterr().out) == rows
    changed = {path.name for path in kept.iterdir() if path.stat().st_mtime_ns != before.get(path)}
    assert changed - {"settings.json"} == {one.name}


def test_children_and_adults_are_classified_apart_where_both_classes_are_there() -> None:
    def films(*sources: str) -> list[Film]:
        return [Film(np.zeros((2, 2), np.uint8), "p", sick, source) for source in sources for sick in (False, True)]

    healthy = Film(np.zeros((2, 2), np.uint8), "p", sick=False, source="other")
    groups = by_source([*films("kermany", "nih"), healthy], [*films("kermany"), healthy, *films("nih")])

    assert list(groups) == ["kermany", "nih"]
    for source, parts in groups.items():
        assert [[film.source for film in part] for part in parts] == [[source] * 2] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--arms", "more"), "no arm 'more'"),
        (("--fractions", "0"), "above 0"),
        (("--fractions", "half"), "give numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = data_list(tmp_path, {"t0": "NORMAL", "v0": "NORMAL"})
    try:
        code = main(["classification", "--data", str(data), *words])
    except SystemExit as ended:
        code = ended.code

    assert code == 2
    assert message in capsys.readouterr().err


def test_parts_have_so_many_of_each_class_and_lie_in_larger_ones() -> None:
    films = [Film(np.zeros((2, 2), np.uint8), str(n), n % 4 == 0) for n in range(40)]

    half, quarter = (part_of(films, percent, 3) for percent in (50, 25))

    assert [sum(film.sick for film in part) for part in (half, quarter)] == [5, 2]
    assert len(half) == 20
    assert {film.patient for film in quarter} < {film.patient for film in half}


def test_measures_of_classification_count_films_by_patient() -> None:
    nothing = np.zeros((2, 2), np.uint8)
    scores = [(Film(nothing, p, s), score) for p, s, score in (("a", False, 0.2), ("a", False, 0.7), ("b", True, 0.6))]

    groups = grouped(scores)

    assert [len(group) for group in groups] == [1, 1]
    assert accuracy(*groups) == pytest.approx(2 / 3)
    assert auroc_of(*groups) == pytest.approx(0.5)


def test_gains_compare_both_scores_of_the_same_patients() -> None:
    healthy, sick = [[(False, (0.2, 0.6))]], [[(True, (0.4, 0.5))], [(True, (0.1, 0.9))]]

    assert gain(healthy, sick) == pytest.approx(0.5 - 0.5)
    assert gain(healthy, sick[:1]) == pytest.approx(1.0 - 0.0)


def test_arms_add_outpainted_films_of_the_part_that_is_trained_with() -> None:
    films = [Film(np.full((2, 2), n, np.uint8), str(n), n % 2 == 1) for n in range(12)]
    others = {id(film): Film(film.pixels + 100, film.patient, film.sick) for film in films}
    used = films[:8]

    def added(arm: str, part: int = 0) -> list[str]:
        return [film.patient for film in learned_by(arm, used, others)[part] if film.pixels[0, 0] >= 100]

    assert learned_by("none", used, {}) == [used]
    assert added("outpainting") == ["1", "3", "5", "7"]
    assert added("outpainting-both") == [str(n) for n in range(8)]
    assert added("outpainting-quarter") == ["0", "4"]
    assert learned_by("outpainting-first", used, others)[1] == used
    assert added("outpainting-first") == [str(n) for n in range(8)]


def test_films_are_squeezed_and_their_holes_leave_little() -> None:
    tall = np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 128))

    assert film_at(Image(tall)).shape == (128, 128)
    assert film_at(Image(tall))[-1, 0] > 250
    kept = [1 - hole_of(number, 0).mean() for number in range(20)]
    assert 0.02 < min(kept) < max(kept) < 0.25
    features = [np.random.default_rng(n).normal(size=(8, 4)) for n in range(10)]
    assert 0 < halves(features, 0) < 2
