"""The whole study of autoencoders, on tiny networks and images, and what it says of its figures."""

from __future__ import annotations

import copy

import pytest

from numeric.features import sharing
from numeric.studies import autoencoder_study as study
from numeric.studies.account import Account
from numeric.studies.autoencoder_account import autoencoder_account
from numeric.studies.autoencoder_study import Sizes, autoencoder_study
from numeric.studies.running import Setting
from tests.digits import like_mnist

TINY = Sizes(
    seeds=2, fits=2, together=(0.0, 0.95), steps=(60, 20), samples=500, depths=(2,), epochs=5,
    width=16, hidden=16, images=10, features=(12, 6), whole=(18,),
)  # fmt: skip
DIGITS = like_mnist(inputs=36)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        # Shared features that need not be good ones.
        patch.setattr(sharing, "_WHILE", 5)
        patch.setattr(sharing, "_STEPS", 9)
        patch.setattr(study, "_MERGING_PENALTIES", (0.1, 0.4))
        setting = Setting(folder, digits=lambda: DIGITS, fashion=lambda: "nobody has it")
        found = autoencoder_study(setting, TINY)
        before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
        assert autoencoder_study(setting, TINY).tables == found.tables
        assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    return found


def test_every_question_has_a_section_and_both_sides_are_told(account: Account) -> None:
    assert [section.heading for section in account.sections] == [
        "What is merged",
        "What is kept",
        "What is found again",
        "Whose feature a latent is",
        "What is predicted",
    ]
    assert all(section.rows for section in account.sections)
    assert account.speaks_for
    assert account.speaks_against
    assert any("nobody has it" in text for text in account.sections[2].words)
    for draw in account.pictures.values():
        assert draw().axes


def test_pairs_are_judged_for_each_method_and_share(account: Account) -> None:
    rows = account.tables["merging"]
    assert {(row["method"], row["together"]) for row in rows} == {
        (method, share) for method in ("TopK 2", "TopK 4", "L1") for share in TINY.together
    }
    assert all(len(row) == len(account.sections[0].columns) for row in account.sections[0].rows)


def test_that_latents_are_matched_no_better_than_chance_is_said_by_intervals(
    account: Account,
) -> None:
    tables = copy.deepcopy(account.tables)

    def told(cosines: dict[str, float]) -> tuple[bool, bool]:
        for place, row in enumerate(tables["stability"]):
            row["cosine"] = cosines[row["method"].split(",")[0]] + 0.001 * (place % 2)
        found = autoencoder_account(tables)
        return tuple(  # type: ignore[return-value]
            any("against the same data" in said for said in side)
            for side in (found.speaks_for, found.speaks_against)
        )

    assert told({"TopK 8": 0.9, "random": 0.5}) == (False, True)
    assert told({"TopK 8": 0.5, "random": 0.5}) == (True, False)


def test_an_autoencoder_that_keeps_less_speaks_against_it(account: Account) -> None:
    tables = copy.deepcopy(account.tables)

    def sentence(agreement: float) -> str:
        for row in tables["replacing"]:
            row["agreement"] = agreement if row["method"] == "TopK" else 0.5
            row["active"] = 8 if row["method"] == "TopK" else row["active"]
        found = autoencoder_account(tables)
        side = found.speaks_against if agreement > 0.5 else found.speaks_for
        (said,) = (said for said in side if said.startswith("Depth 2, state 1, 8 numbers"))
        return said

    assert "90.00% of the test images with TopK, and on 50.00%" in sentence(0.9)
    assert "10.00% of the test images with TopK, and on 50.00%" in sentence(0.1)
