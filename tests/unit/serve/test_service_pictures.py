"""Crops, photographs and outlines that the service shows, and pictures that it searches with."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from par_core.errors import BadConfigError, UnreadableImageError
from par_core.people.masks import decode_mask
from par_core.query.crops import mask_of
from par_core.serve import person_pictures
from par_core.serve.problems import GoneError, UnknownIdError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import jpeg_pixels, small_store


def test_a_crop_shows_the_person(service: ArchiveService) -> None:
    hit = service.search("yellow").result.hits[0]
    pixels = jpeg_pixels(service.crop(hit.person_id))
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].astype(int)
    assert pixels.shape[0] == 320
    assert np.abs(middle - (255, 255, 0)).max() < 40


def test_a_crop_is_cut_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service, cut = ArchiveService(folder / "store", FAKE), []
    crops_of = person_pictures.crops_of
    monkeypatch.setattr(person_pictures, "crops_of", lambda *given: cut.append(given) or crops_of(*given))
    hit = service.search("yellow").result.hits[0]
    assert service.crop(hit.person_id) == service.crop(hit.person_id)
    assert len(cut) == 1


def test_a_whole_photograph_is_upright_small_and_without_metadata(tmp_path: Path) -> None:
    from PIL import Image

    wide = np.kron(scene("red"), np.ones((20, 20, 1), np.uint8))
    (tmp_path / "photos").mkdir()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET-CAMERA"
    Image.fromarray(wide).save(tmp_path / "photos" / "big.jpg", exif=exif, quality=95)
    index(tmp_path / "store", [tmp_path / "photos"])
    service = ArchiveService(tmp_path / "store", FAKE)
    hit = service.search(where="height_px > 0").result.hits[0]
    content = service.image(hit.image_id)
    assert jpeg_pixels(content).shape == (1333, 1600, 3)  # 1600 x 1920 pixels, turned
    assert b"SECRET-CAMERA" not in content


def test_another_file_under_the_same_name_is_not_shown(own: Path) -> None:
    service = ArchiveService(own / "store", FAKE)
    hit = service.search("yellow").result.hits[0]
    save(own / "photos" / "0003.png", scene("green", seed=77))
    with pytest.raises(GoneError, match="another one now"):
        service.image(hit.image_id)
    with pytest.raises(GoneError, match="another one now"):
        service.crop(hit.person_id)


def test_an_image_is_found_in_another_of_its_places(tmp_path: Path) -> None:
    small_store(tmp_path)
    shutil.copy(tmp_path / "photos" / "0003.png", tmp_path / "photos" / "copy.png")
    index(tmp_path / "store", [tmp_path / "photos"])
    service = ArchiveService(tmp_path / "store", FAKE)
    hit = service.search("yellow").result.hits[0]
    assert len(service.person(hit.person_id).hit.uris) == 2
    Path(hit.uri.removeprefix("file://")).unlink()
    assert jpeg_pixels(service.image(hit.image_id)).shape == (96, 80, 3)


def test_an_outline_goes_around_the_mask(service: ArchiveService) -> None:
    hit = service.search("yellow").result.hits[0]
    outline = service.outline(hit.person_id)
    mask = decode_mask(
        mask_of(Store.open(service.store.root), service.person(hit.person_id).info.segment_config, hit)
    )
    rows, columns = np.nonzero(mask)
    (polygon,) = outline.polygons
    assert (outline.width, outline.height) == (mask.shape[1], mask.shape[0])
    assert (min(x for x, _ in polygon), min(y for _, y in polygon)) == (columns.min(), rows.min())
    assert (max(x for x, _ in polygon), max(y for _, y in polygon)) == (columns.max(), rows.max())
    assert outline.box == hit.box


def test_a_picture_gives_a_name_and_keeps_only_the_embedding(service: ArchiveService, tmp_path: Path) -> None:
    content = save(tmp_path / "query.png", scene("yellow", seed=5)).read_bytes()
    picture = service.add_picture(content)
    assert picture == service.add_picture(content)
    (one,) = picture.people
    assert picture.name == one.name
    assert abs(np.linalg.norm(one.person.vector) - 1) < 1e-5
    with pytest.raises(BadConfigError, match="nobody was found"):
        service.add_picture(save(tmp_path / "empty.png", scene()).read_bytes())
    with pytest.raises(UnreadableImageError):
        service.add_picture(b"no picture")


def test_everybody_in_a_picture_can_be_searched_by_name(service: ArchiveService, tmp_path: Path) -> None:
    content = save(tmp_path / "three.png", scene("yellow", "magenta", "cyan", seed=31)).read_bytes()
    picture = service.add_picture(content)
    assert (picture.width, picture.height, len(picture.people)) == (160, 96, 3)
    assert len({one.name for one in picture.people}) == 3
    seen = {}
    for one in picture.people:
        best = service.search(f"picture:{one.name}", top=1, weak=True, apart=True).result.hits[0]
        seen[round(one.person.box[0])] = Path(best.uri).name
        x, y = one.outline.polygons[0][0]
        assert one.person.box[0] <= x <= one.person.box[2]
        assert one.person.box[1] <= y <= one.person.box[3]
    assert seen[30] == "0003.png"  # the yellow one
    assert seen[70] == seen[110] == "0004.png"  # magenta and cyan


def test_a_box_names_the_person_in_it_or_all_that_is_in_it(service: ArchiveService, tmp_path: Path) -> None:
    content = save(tmp_path / "three.png", scene("yellow", "magenta", "cyan", seed=31)).read_bytes()
    boxed = service.add_picture(content, (60.0, 20.0, 100.0, 96.0))
    (one,) = boxed.people
    assert one.person.score > 0
    assert one.person.box == pytest.approx((70, 31, 90, 91), abs=1)
    names = {other.name for other in service.add_picture(content).people}
    assert boxed.name not in names
    (nobody,) = service.add_picture(content, (0.0, 0.0, 28.0, 60.0)).people
    assert nobody.person.score == 0
    assert nobody.person.box == (0, 0, 28, 60)
    assert decode_mask(nobody.person.mask).sum() == 28 * 60
    outside = (500.0, 500.0, 600.0, 700.0)
    for box in ((10.0, 10.0, 14.0, 80.0), (10.0, 10.0, 60.0, 20.0), outside, (60.0, 90.0, 20.0, 10.0)):
        with pytest.raises(BadConfigError, match="the box is"):
            service.add_picture(content, box)
    nan = float("nan")
    for wrong in ((nan, 0.0, 60.0, 90.0), (0.0, 0.0, 60.0, nan), (nan, nan, nan, nan)):
        with pytest.raises(BadConfigError, match="x1 < x2 and y1 < y2"):
            service.add_picture(content, wrong)
    with pytest.raises(BadConfigError, match="x1 < x2 and y1 < y2"):
        service.add_picture(content, (60.0, 90.0, 20.0, 10.0))


def test_a_picture_without_people_is_an_answer_where_a_box_may_follow(
    service: ArchiveService, tmp_path: Path
) -> None:
    content = save(tmp_path / "empty.png", scene()).read_bytes()
    picture = service.add_picture(content, empty=True)
    assert (picture.name, picture.people) == ("", ())
    assert jpeg_pixels(service.shown_picture(content)).shape == scene().shape


def test_everybody_in_a_photograph_is_given_with_an_outline(service: ArchiveService) -> None:
    hit = service.search("green").result.hits[0]
    found = service.image_people(hit.image_id)
    assert (found.width, found.height) == (hit.image_width, hit.image_height)
    assert [one.person_id for one in found.people] == sorted(
        [hit.person_id, *service.person(hit.person_id).others],
        key=lambda person: service.person(person).hit.box[0],
    )
    for one in found.people:
        assert one.outline == service.outline(one.person_id)
    with pytest.raises(UnknownIdError):
        service.image_people("0" * 32)


def test_a_crop_of_a_large_jpeg_is_that_of_the_whole_picture(tmp_path: Path) -> None:
    from PIL import Image

    small = scene("red", height=120, person_height=100)
    (tmp_path / "photos").mkdir()
    for times in (1, 12):  # of the larger one an eighth of the pixels are decoded
        wide = np.kron(small, np.ones((times, times, 1), np.uint8))
        Image.fromarray(wide).save(tmp_path / "photos" / f"{times}.jpg", quality=95)
    index(tmp_path / "store", [tmp_path / "photos"])
    service = ArchiveService(tmp_path / "store", FAKE)
    hits = service.search(where="height_px > 0", apart=True).result.hits
    one, other = (jpeg_pixels(service.crop(hit.person_id)).astype(int) for hit in hits)
    assert one.shape[0] == other.shape[0] == 320
    assert abs(one.shape[1] - other.shape[1]) <= 2
    width = min(one.shape[1], other.shape[1])
    assert np.abs(one[:, :width] - other[:, :width]).mean() < 8
