"""Parts of a study: worked on once, and kept."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from numeric import Digits, NumericError
from numeric.studies.running import Part, Setting, Tables, measured
from tests.digits import small_digits

WORKED: list[int] = []


def work(number: int, digits: Digits | None = None) -> Tables:
    WORKED.append(number)
    assert torch.get_num_threads() == 1
    return {"numbers": [{"number": number, "images": len(digits.arrays[0]) if digits else None}]}


def not_json(number: float) -> Tables:
    return {"numbers": [{"number": number}]}


def parts(*numbers: int) -> list[Part]:
    return [Part(f"part-{number}", work, {"number": number}) for number in numbers]


@pytest.fixture(autouse=True)
def _forget() -> None:
    WORKED.clear()


def test_what_is_finished_is_not_worked_on_again(tmp_path: Path) -> None:
    setting = Setting(tmp_path / "new")
    first = measured(parts(1, 2), setting)
    assert [row["number"] for row in first["numbers"]] == [1, 2]
    more = measured(parts(2, 3, 1), setting)
    assert [row["number"] for row in more["numbers"]] == [2, 3, 1]
    assert WORKED == [1, 2, 3]


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    setting, (part,) = Setting(tmp_path), parts(1)
    first = measured([part], setting)
    for damage in ("{", "[]", '{"tables": 3}', '{"tables": {"numbers": [{"number": NaN}]}}'):
        part.file(tmp_path).write_text(damage)
        assert measured([part], setting) == first
    assert len(WORKED) == 5
    assert json.loads(part.file(tmp_path).read_text())["settings"] == {"number": 1}


def test_other_images_are_another_part(tmp_path: Path) -> None:
    one = small_digits()
    other = Digits(one.train_images * np.float32(0.5), *one.arrays[1:])
    files = {
        Part("part", work, {"number": 1}, data).file(tmp_path)
        for data in ({}, {"digits": one}, {"digits": other})
    }
    assert len(files) == 3
    data = {"digits": small_digits()}
    assert Part("part", work, {"number": 1}, data).file(tmp_path) in files


def test_parts_that_end_in_another_order_are_told_in_theirs(tmp_path: Path) -> None:
    with joblib.parallel_config(backend="threading"):
        found = measured(parts(*range(6)), Setting(tmp_path, jobs=3))
    assert [row["number"] for row in found["numbers"]] == list(range(6))


def test_the_threads_of_torch_are_given_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        measured(parts(1), Setting(tmp_path))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_measurements_that_json_does_not_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match="expected the measurements of odd to be JSON"):
        measured([Part("odd", not_json, {"number": float("inf")})], Setting(tmp_path))
    assert not list(tmp_path.iterdir())


def test_jobs_are_counted_from_one(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match=r"expected jobs to be .*, got 0"):
        measured(parts(1), Setting(tmp_path, jobs=0))


def test_a_setting_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match="expected digits for a study that needs images"):
        Setting(tmp_path).images()
