"""Golden files: their content, and one clear line for each kind of mistake."""

from pathlib import Path

import pytest

from par_core.errors import BadConfigError
from par_core.gate.golden import Golden, GoldenQuery, load_golden
from tests.pictures import save, scene


def written(folder: Path, content: str) -> Path:
    (folder / "golden.yaml").write_text(content)
    return folder / "golden.yaml"


def test_a_golden_file_says_what_is_expected(tmp_path: Path) -> None:
    picture = save(tmp_path / "queries" / "red.png", scene("red"))
    golden = load_golden(
        written(
            tmp_path,
            """
            store: {failed_share_at_most: 0.05, people_fall_at_most: 0.2}
            queries:
              - {text: a red person, where: height_px > 20, among_top: 10, at_least: 2, probability: 0.6}
              - {where: "hat", at_most: 0}
              - name: the man at the gate
                image: queries/red.png
                among_top: 3
                expect: [gate/1.jpg, gate/2.jpg]
                recall: 0.5
            """,
        )
    )
    assert (golden.store.verified, golden.store.failed_share_at_most, golden.store.people_fall_at_most) == (
        True,
        0.05,
        0.2,
    )
    assert [str(query) for query in golden.queries] == [
        "a red person where height_px > 20",
        "where hat",
        "the man at the gate",
    ]
    assert [query.top for query in golden.queries] == [10, 10_000, 3]
    assert golden.queries[2].image == picture  # a relative path starts at the file's folder


def test_an_empty_mapping_expects_a_verified_store() -> None:
    assert Golden().store.verified
    assert GoldenQuery(text="a man", at_least=1).top == 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("quieries: []", r"golden\.yaml: quieries: Extra inputs are not permitted"),
        (
            "queries: [{text: a man, at_leest: 3, at_least: 3}]",
            r"golden\.yaml: queries\.0\.at_leest: Extra inputs",
        ),
        ("store: {failed_share_at_most: 5}", r"store\.failed_share_at_most: .*less than or equal to 1"),
        ("queries: [{text: a man}]", r"queries\.0: .*nothing is expected; give at_least, at_most or expect"),
        ("queries: [{at_least: 1}]", r"queries\.0: .*give a text, an image or where"),
        ("queries: [{text: a man, image: a.png, expect: [a.png]}]", "not both"),
        ("queries: [{image: a.png, at_least: 1}]", "no probability to count by"),
        ("queries: [{image: a.png, expect: [b.png]}]", r"no picture at .*a\.png"),
        ("queries: [{where: hat, among_top: 5, at_least: 1}]", "leave among_top out"),
        ("queries: [{text: a man, among_top: 5, at_least: 6}]", "only 5 hits are looked at"),
        ("queries: [{text: a man, among_top: 5, at_most: 5}]", "only 5 hits are looked at"),
        ("queries: [{where: hat and, at_least: 1}]", "does not make sense here"),
        ("queries: [{text: [a man}", "is no YAML"),
        # or the first would be ignored
        ("queries: [{where: hat, at_least: 1}]\nqueries: []", "'queries' stands twice.* line 1"),
        ("queries: [{where: hat, at_least: 1, at_least: 9}]", "'at_least' stands twice"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),  # never executed
        ("- a list", r"golden\.yaml: the file: .*valid dictionary"),
        ("", r"golden\.yaml: the file: .*valid dictionary"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(BadConfigError, match=message):
        load_golden(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"none\.yaml cannot be read: No such file"):
        load_golden(tmp_path / "none.yaml")


def test_an_expected_path_is_canonical_and_an_end_of_a_name_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    names = f"[link/1.jpg, ../{tmp_path.name}/link/2.jpg, {tmp_path}/link/3.jpg, 0f9c]"
    golden = load_golden(written(tmp_path, f"queries: [{{where: hat, expect: {names}}}]"))
    expected = ("link/1.jpg", f"{tmp_path}/real/2.jpg", f"{tmp_path}/real/3.jpg", "0f9c")
    assert golden.queries[0].expect == expected
