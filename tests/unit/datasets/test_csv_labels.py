"""Labels of one's own in a CSV file."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.crops import crop_people
from par_core.datasets.csv_labels import read_csv_labels
from par_core.errors import BadConfigError
from tests.published import pictures

WHOLE = """image,x1,y1,x2,y2,identity,part,hat,red coat
a.jpg,2,4,10,20,ann,train,1,0
a.jpg,12,0,20,20,bob,val,0,
sub/b.jpg,,,,,,test,,1
"""


def write(folder: Path, text: str) -> Path:
    pictures(folder, ["a.jpg"], (40, 30))
    pictures(folder / "sub", ["b.jpg"], (16, 32))
    (folder / "labels.csv").write_text(text, encoding="utf-8-sig")
    return folder


def test_every_column_means_what_the_page_says(tmp_path: Path) -> None:
    data = read_attribute_set("csv", write(tmp_path, WHOLE))
    assert data.attributes == ("hat", "red coat")
    assert [person.image for person in data.people] == [
        tmp_path / "a.jpg",
        tmp_path / "a.jpg",
        tmp_path / "sub" / "b.jpg",
    ]
    assert data.people[0].labels == (1, 0)
    assert data.people[1].labels[0] == 0
    assert math.isnan(data.people[1].labels[1])
    assert data.identities == ("ann", "bob", "")
    assert data.parts == {"train": (0,), "val": (1,), "test": (2,)}
    assert data.boxes is not None
    assert data.boxes[0].tolist() == [2, 4, 10, 20]
    assert np.isnan(data.boxes[2]).all()
    assert read_attribute_set("csv", tmp_path / "labels.csv").identities == data.identities


def test_an_image_and_one_attribute_are_enough(tmp_path: Path) -> None:
    data = read_attribute_set("csv", write(tmp_path, "hat, image\n1, a.jpg\n\n0, sub/b.jpg\n"))
    assert [person.labels for person in data.people] == [(1,), (0,)]
    assert (data.identities, data.parts, data.boxes) == ((), {}, None)


def test_all_people_have_a_part_or_none_has(tmp_path: Path) -> None:
    assert read_attribute_set("csv", write(tmp_path, "image,part,hat\na.jpg,,1\n")).parts == {}
    assert read_attribute_set(
        "csv", write(tmp_path, "image,part,hat\na.jpg,train,1\na.jpg,val,1\n")
    ).parts == {"train": (0,), "val": (1,)}
    with pytest.raises(BadConfigError, match=r"line 3: 'part' is '', not one of train, val, test"):
        read_attribute_set("csv", write(tmp_path, "image,part,hat\na.jpg,train,1\na.jpg,,1\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: there is no column 'image', only: nothing"),
        ("file,hat\na.jpg,1\n", "line 1: there is no column 'image', only: file, hat"),
        ("image,identity\na.jpg,1\n", "line 1: there is no column of an attribute"),
        ("image,hat,hat\na.jpg,1,1\n", "line 1: the column 'hat' is there twice"),
        ("image,x1,y1,x2,hat\na.jpg,1,1,2,1\n", "line 1: a box needs .* there is no y2"),
        ("image,hat\n", "has no rows"),
        ("image,hat\na.jpg\n", "line 2: 1 cells, but 2 columns"),
        ("image,hat\n\na.jpg,yes\n", "line 3: 'hat' is 'yes', not 1, 0 or empty"),
        ("image,hat\n,1\n", "line 2: 'image' is empty"),
        (
            "image,hat,x1,y1,x2,y2\na.jpg,1,1,,3,4\n",
            r"line 2: the box is 1 \(empty\) 3 4, not four numbers or nothing",
        ),
        ("image,hat,x1,y1,x2,y2\na.jpg,1,5,1,3,4\n", "line 2: the box 5 1 3 4 is not x1 y1 x2 y2 in pixels"),
        ("image,hat,x1,y1,x2,y2\na.jpg,1,1,-2,3,4\n", "line 2: the box 1 -2 3 4 is not"),
        (
            "image,hat,x1,y1,x2,y2\na.jpg,1,1,2,nan,4\n",
            r"line 2: the box is 1 2 \(empty\) 4, not four numbers or nothing",
        ),
        ("image,hat,x1,y1,x2,y2\na.jpg,1,1,2,inf,4\n", "line 2: the box 1 2 inf 4 is not"),
        ("image,hat\n" + "a.jpg,2\n" * 7, "line 2: .*; line 6: 'hat' is '2', not 1, 0 or empty; and 2 more$"),
        ('image,hat\n"a.jpg,1\n', "is no CSV file in UTF-8"),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadConfigError, match=rf"labels.csv,? .*{message}"):
        read_attribute_set("csv", write(tmp_path, text))


def test_the_split_by_people_leaves_out_who_is_not_known_with_box_and_all(tmp_path: Path) -> None:
    rows = "".join(
        f"a.jpg,{x},0,{x + 5},9,{who},1\n" for x, who in enumerate(["ann", "", "bob", "cat", "dan", "eve"])
    )
    data = read_attribute_set("csv", write(tmp_path, "image,x1,y1,x2,y2,identity,hat\n" + rows), "zs")
    assert data.identities == ("ann", "bob", "cat", "dan", "eve")
    assert data.boxes is not None
    assert data.boxes[:, 0].tolist() == [0, 2, 3, 4, 5]
    assert [len(rows) for rows in data.parts.values()] == [3, 1, 1]


def test_people_in_boxes_become_pictures_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    photo = np.zeros((30, 40, 3), np.uint8)
    photo[4:20, 2:10] = 255
    Image.fromarray(photo).save(tmp_path / "a.png")
    text = WHOLE.replace("a.jpg", "a.png")
    data = read_attribute_set("csv", write(tmp_path, text))
    cut = crop_people(data, tmp_path / "crops")
    assert cut.boxes is None
    first = np.asarray(Image.open(cut.people[0].image))
    assert first.shape == (18, 8, 3)  # 5 % more on each side: 0.8 rows, 0.4 columns
    assert first.mean() == pytest.approx(255 * 16 / 18)
    assert cut.people[2].image == tmp_path / "sub" / "b.jpg"
    made = cut.people[0].image.stat().st_mtime_ns
    assert crop_people(data, tmp_path / "crops").people[0].image.stat().st_mtime_ns == made
    outside = read_attribute_set("csv", write(tmp_path, text.replace("12,0,20,20", "50,0,60,20")))
    with pytest.raises(BadConfigError, match=r"the box of row 2, .* lies outside of .*a.png \(40 x 30\)"):
        crop_people(outside, tmp_path / "crops")


def test_labels_as_pandas_writes_them(tmp_path: Path) -> None:
    """With its index, truth values, real numbers, and a word where nothing is known."""
    text = """,image,x1,y1,x2,y2,identity,part,hat,bag
0,a.jpg,2.0,4.0,10.0,20.0,ann,train,True,1.0
1,sub/b.jpg,NaN,NaN,NaN,NaN,NaN,test,False,NaN
"""
    data = read_csv_labels(write(tmp_path, text), 0)
    assert next(person.labels for person in data.people) == (1.0, 1.0)
    assert data.people[1].labels[0] == 0
    assert np.isnan(data.people[1].labels[1])
    assert data.boxes is not None
    assert np.isnan(data.boxes[1]).all()
    assert data.boxes[0].tolist() == [2, 4, 10, 20]


SPREADSHEET = (
    "image;x1;y1;x2;y2;part;hat;;\r\na.jpg;2,5;4;10,0;20;Train;1,0;;\r\nsub\\b.jpg;;;;;TEST;0.00;;\r\n"
)


@pytest.mark.parametrize(
    "content",
    [
        SPREADSHEET.encode(),
        ("sep=;\r\n" + SPREADSHEET).encode(),
        SPREADSHEET.replace(";", "\t").encode("utf-16"),
        ("\ufeff" + SPREADSHEET.replace(";", "\t")).encode("utf-16-be"),
        SPREADSHEET.replace(",", ".").replace(";", ",").encode("utf-8-sig"),
        SPREADSHEET.replace(";;\r", "\r").replace("\r\n", "\n").encode(),
    ],
    ids=["semicolons", "sep=", "UTF-16", "UTF-16, big", "commas", "no empty columns"],
)
def test_labels_as_spreadsheets_write_them(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "")
    (tmp_path / "labels.csv").write_bytes(content)
    data = read_csv_labels(tmp_path, 0)
    assert [person.image for person in data.people] == [tmp_path / "a.jpg", tmp_path / "sub" / "b.jpg"]
    assert [person.labels for person in data.people] == [(1.0,), (0.0,)]
    assert data.boxes is not None
    assert data.boxes[0].tolist() == [2.5, 4, 10, 20]
    assert np.isnan(data.boxes[1]).all()
    assert data.parts == {"train": (0,), "test": (1,)}


def test_the_lines_of_mistakes_are_counted_from_the_top_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match=r"line 3: 'hat' is '2'"):
        read_csv_labels(write(tmp_path, "sep=;\nimage;hat\na.jpg;2\n"), 0)


def test_a_box_a_hair_outside_is_clipped(tmp_path: Path) -> None:
    data = read_csv_labels(write(tmp_path, "image,x1,y1,x2,y2,hat\na.jpg,-0.4,-0.9,20,10,1\n"), 0)
    assert data.boxes is not None
    assert data.boxes[0].tolist() == [0, 0, 20, 10]
    with pytest.raises(BadConfigError, match=r"line 2: the box -1 0 20 10 is not"):
        read_csv_labels(write(tmp_path, "image,x1,y1,x2,y2,hat\na.jpg,-1,0,20,10,1\n"), 0)


def test_a_column_without_a_name_that_holds_something_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="line 1: the column '' is there twice or has no name"):
        read_csv_labels(write(tmp_path, "image,hat,\na.jpg,1,0\n"), 0)
