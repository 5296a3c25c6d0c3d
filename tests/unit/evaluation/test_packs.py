"""Tables of all packs of a study, each line with its variant."""

import json

import pytest
from unit.evaluated import history

from calotype.evaluation.packs import Pack, PackOrigin, history_table, layers_table, origins_text, read_origins
from calotype.util.errors import CalotypeError
from calotype.util.files import write_csv


def pack(folder, variant, first, last, units=4, **origin):
    """Write a pack as training does; the loss of each seed is its number, and its model has so many parameters."""
    (folder / variant / str(first)).mkdir(parents=True)
    made = Pack(variant, first, last, folder / variant / str(first) / "provenance.json")
    made.provenance.write_text(json.dumps({"device": "cpu"} | origin), encoding="utf-8")
    write_csv(
        history(*((seed, 1, "loss", seed + 0.1) for seed in range(first, last + 1))),
        made.provenance.with_name("history.csv"),
    )
    made.provenance.with_name("layers.csv").write_text(
        f"layer,kind,output_shape,parameters\ndense,Dense,(None),{units}\n"
    )
    return made


@pytest.fixture
def packs(tmp_path):
    return [pack(tmp_path, "wide", 0, 1), pack(tmp_path, "wide", 2, 4), pack(tmp_path, "001", 0, 2, units=9)]


def test_a_history_holds_the_seeds_that_are_asked_for_and_names_their_variants(packs):
    found = history_table(packs, {"wide": 4, "001": 1})
    assert found.columns.tolist() == ["variant", "seed", "epoch", "metric", "value"]
    assert found.drop(columns=["epoch", "metric"]).to_numpy().tolist() == [
        ["wide", 0, 0.1], ["wide", 1, 1.1], ["wide", 2, 2.1], ["wide", 3, 3.1], ["001", 0, 0.1]
    ]  # fmt: skip


def test_layers_of_a_variant_are_those_of_its_first_pack(packs):
    assert layers_table(packs).drop(columns=["kind", "output_shape"]).to_numpy().tolist() == [
        ["wide", "dense", 4], ["001", "dense", 9]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "gather"), [("history.csv", lambda packs: history_table(packs, {"wide": 5})), ("layers.csv", layers_table)]
)
def test_a_missing_table_of_a_pack_is_named_with_what_to_do(packs, name, gather):
    lost = packs[0].provenance.with_name(name)
    lost.unlink()
    with pytest.raises(CalotypeError) as problem:
        gather(packs)
    assert str(problem.value).startswith(f"{lost}: ")
    assert f"\nHint: delete {packs[0].provenance} to train the pack again." in str(problem.value)


def test_provenance_of_all_packs_survives_its_file(packs, tmp_path):
    file = tmp_path / "provenance.json"
    file.write_text(origins_text(packs), encoding="utf-8")
    assert read_origins(file, "dots") == [
        PackOrigin("dots", each.variant, each.first, each.last, {"device": "cpu"}) for each in packs
    ]


@pytest.mark.parametrize("content", [None, b"", b'[["wide"', b"\xff\xfe", b"[1]"])
def test_broken_provenance_is_named(tmp_path, content):
    file = tmp_path / "provenance.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CalotypeError, match=r"provenance\.json: .*\nHint: delete it"):
        read_origins(file, "dots")
    if content != b"[1]":
        with pytest.raises(CalotypeError, match=r"provenance\.json: .*\nHint: delete it to train the pack again"):
            Pack("wide", 0, 1, file).origin()
