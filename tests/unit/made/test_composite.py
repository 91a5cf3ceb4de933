"""Composites: who is where, what is still seen of them, and what a camera does."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.datasets.merged_labels import NAMES, labelled_people
from par_core.datasets.outlines import outlined_photos, read_photo
from par_core.errors import BadConfigError
from par_core.made.camera import Camera, draw_camera, photograph
from par_core.made.erasing import erase_copies
from par_core.made.folder import MadeFolder
from par_core.made.garments import Dressed, read_dressed
from par_core.made.marking import is_marked
from par_core.made.occluders import occlude
from par_core.made.paste import HIDDEN, Canvas, CutOut, cut_person, hidden_attributes, would_hide
from par_core.made.standing import stand, stand_before
from tests.dressed import small_ccp

CLEAR = Camera(0.0, (1.0, 1.0, 1.0), 1e7, 0.0, 0.0, 0.0, 0.0, 1.0, 100, False)


def generate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


@pytest.fixture
def who(tmp_path: Path) -> Dressed:
    small_ccp(tmp_path, [("coat", "red", "pants", "black")])
    dressed = read_dressed(labelled_people("ccp", tmp_path)[0])
    assert dressed is not None
    return dressed


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("street")
    small_ccp(root)
    for number in range(2):
        scene = np.random.default_rng(number).integers(60, 200, (60, 80, 3), np.uint8)
        (root / "scenes").mkdir(exist_ok=True)
        Image.fromarray(scene).resize((320, 240)).save(root / "scenes" / f"{number}.png")
    arguments = ["--root", root, "--scenes", root / "scenes", "--n", 8, "--workers", 1, "-q"]
    assert generate("composite", *arguments, "--out", root / "made").exit_code == 0
    assert generate("composite", *arguments, "--out", root / "again").exit_code == 0
    return root


def test_masks_boxes_and_own_pictures_are_of_the_same_people(street: Path) -> None:
    made = MadeFolder.open(street / "made")
    photos = {f"pictures/{photo.image.name}": photo for photo in outlined_photos("made", street / "made")}
    assert len(photos) == made.manifest["pictures"] == 8
    assert made.manifest["tried"] == made.manifest["kept"] + sum(made.manifest["refused"].values())
    for row in made.people:
        assert row.scene_picture is not None
        assert row.box is not None
        assert row.map is not None
        picture, numbers = read_photo(photos[row.scene_picture])
        left, top, right, bottom = map(int, row.box)
        mask = numbers == row.instance
        assert mask.sum() >= 60
        assert mask[top:bottom, left:right].sum() == mask.sum()
        own = np.asarray(Image.open(made.folder / row.picture)).astype(int)
        assert np.abs(own - picture[top:bottom, left:right].astype(int)).mean() < 3
        regions = cv2.imread(str(made.folder / row.map), cv2.IMREAD_GRAYSCALE)
        assert ((regions > 0) == mask[top:bottom, left:right]).all()
        assert is_marked((made.folder / row.picture).read_bytes())
        assert is_marked((made.folder / row.scene_picture).read_bytes())
        assert row.sources[0] == row.of
        assert len(row.sources) == len(row.files)
        assert not set(row.changed) & set(row.labels)
        assert not (set(row.changed) & set(row.colours))
        assert row.colours == {} or not row.parameters["camera"]["grey"]


def test_a_segmenter_is_scored_on_them(street: Path) -> None:
    arguments = ["segmentation", "--dataset", "made", "--root", street / "made", "--profile", "fake"]
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--json", "-"])
    assert done.exit_code == 0, done.output
    scores = json.loads(done.stdout[done.stdout.index("{") :])
    made = MadeFolder.open(street / "made")
    assert (scores["images"], scores["people"]) == (8, len(made.people))


def test_two_runs_are_equal_to_the_byte(street: Path) -> None:
    first, again = (
        {str(p.relative_to(street / name)): p.read_bytes() for p in (street / name).rglob("*.[jp]*[gt]")}
        for name in ("made", "again")
    )
    assert first == again
    assert len(first) > 30


def test_a_scene_goes_with_everybody_in_it(street: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    shutil.copytree(street / "made", folder)
    made = MadeFolder.open(folder)
    gone = made.people[0].of
    scenes = {row.scene_picture for row in made.people if gone in row.sources}
    assert erase_copies(folder, lambda image, _: image == gone) == sum(
        row.scene_picture in scenes for row in made.people
    )
    left = MadeFolder.open(folder)
    assert all(gone not in row.sources for row in left.people)
    assert len(list((folder / "pictures").iterdir())) == len(list((folder / "masks").iterdir()))
    assert {f"pictures/{path.name}" for path in (folder / "pictures").iterdir()} == {
        row.scene_picture for row in left.people
    }


def test_a_person_is_pasted_with_soft_edges_and_nothing_of_their_background(who: Dressed) -> None:
    scene = np.full((240, 160, 3), (0, 255, 0), np.uint8)
    canvas = Canvas.of(scene)
    person = cut_person(who, 120.0, mirrored=False)
    assert person.alpha.shape[0] == 120
    canvas.put(person, 20, 50, person=True)
    body = canvas.numbers == 1
    assert (
        canvas.picture[~cv2.dilate(body.astype(np.uint8), np.ones((5, 5))).astype(bool)] == scene[0, 0]
    ).all()
    inner = cv2.erode(body.astype(np.uint8), np.ones((5, 5))) > 0
    assert (canvas.picture[inner].astype(int)[:, 1] < 250).all()
    assert set(np.unique(canvas.regions[body])) <= {*range(1, 1 + len(NAMES)), 255}
    assert (canvas.regions[~body] == 0).all()


def test_a_garment_that_is_mostly_covered_is_unknown(who: Dressed) -> None:
    canvas = Canvas.of(np.full((240, 120, 3), 120, np.uint8))
    canvas.put(cut_person(who, 220.0, mirrored=False), 10, 10, person=True)
    assert hidden_attributes(canvas, 1) == frozenset()
    trousers = canvas.regions == 1 + NAMES.index("trousers")
    rows = np.flatnonzero(trousers.any(axis=1))
    for share, hidden in ((HIDDEN + 0.1, frozenset()), (HIDDEN - 0.1, frozenset({"trousers"}))):
        covered = Canvas(canvas.picture.copy(), canvas.numbers.copy(), canvas.regions.copy(), canvas.placed)
        top = int(rows[0] + share * len(rows))
        wall = CutOut(
            np.zeros((300, 120, 3), np.uint8), np.ones((300, 120), np.float32), np.zeros((300, 120), np.uint8)
        )
        expected = would_hide(canvas, 1, wall, 0, top)
        covered.put(wall, 0, top, person=False)
        assert hidden_attributes(covered, 1) == hidden
        assert covered.covered_share(1) - canvas.covered_share(1) == pytest.approx(expected)


def test_what_stands_in_front_hides_a_tenth_to_a_half(who: Dressed) -> None:
    placed = {"thing": 0, "person": 0}
    for seed in range(12):
        for kind in placed:
            rng = np.random.default_rng(seed)
            canvas = Canvas.of(np.full((480, 640, 3), 120, np.uint8))
            stand(canvas, who, 150.0, rng)
            before = canvas.covered_share(1)
            if kind == "person":
                stand_before(canvas, 1, who, 160.0, rng)
                assert len(canvas.placed) in (1, 2)
            else:
                occlude(canvas, 1, None, rng)
                assert len(canvas.placed) == 1
            if (after := canvas.covered_share(1)) > before:
                placed[kind] += 1
                assert 0.1 <= after <= 0.5
    assert min(placed.values()) >= 8


def test_a_clear_camera_leaves_the_scene_and_a_dark_one_halves_the_light() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    scene = cv2.resize(scene, (64, 48), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    assert np.abs(photograph(scene, CLEAR, rng).astype(int) - scene).mean() < 3
    grey = np.full((32, 32, 3), 188, np.uint8)  # half of the light, linearly
    dark = Camera(-1.0, (1.0, 1.0, 1.0), 1e7, 0.0, 0.0, 0.0, 0.0, 1.0, 100, False)
    assert photograph(grey, dark, rng).mean() == pytest.approx(137, abs=1.5)  # a quarter
    noisy = Camera(-1.0, (1.0, 1.0, 1.0), 200.0, 0.01, 0.0, 0.0, 0.0, 1.0, 100, False)
    assert photograph(grey, noisy, rng).std() > 5


def test_cameras_blur_shrink_and_lose_colour() -> None:
    edge = np.zeros((40, 40, 3), np.uint8)
    edge[:, 20:] = (255, 0, 0)
    rng = np.random.default_rng(0)

    def sharpness(**what: object) -> float:
        camera = Camera(**{**CLEAR.parameters(), "white": (1.0, 1.0, 1.0), **what})
        taken = photograph(edge, camera, rng)
        assert taken.shape == edge.shape
        return float(np.abs(np.diff(taken[20, :, 0].astype(int))).max())

    clear = sharpness()
    assert sharpness(motion=6.0) < 0.6 * clear
    assert sharpness(defocus=2.0) < 0.6 * clear
    assert sharpness(shrink=0.4) < 0.8 * clear
    assert sharpness(motion=6.0, angle=90.0) > 0.9 * clear
    taken = photograph(edge, Camera(**{**CLEAR.parameters(), "white": (1.0, 1.0, 1.0), "grey": True}), rng)
    assert np.abs(taken.astype(int).max(axis=2) - taken.min(axis=2)).max() <= 3


def test_cameras_are_drawn_dark_as_often_as_said() -> None:
    drawn = [draw_camera(np.random.default_rng(i), low_light=0.3, least_height=64.0) for i in range(400)]
    assert np.mean([camera.exposure < -0.9 for camera in drawn]) == pytest.approx(0.3, abs=0.07)
    assert all(-3 <= camera.exposure <= 0.3 and camera.shrink * 64 >= 39.9 for camera in drawn)
    assert np.mean([camera.grey for camera in drawn]) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--people", "4-1"], "wrong way round"),
        (["--height", "tall"], "two whole numbers"),
        (["--scenes", "nowhere"], "holds no pictures"),
    ],
)
def test_wrong_options_are_named(street: Path, wrong: list[str], said: str) -> None:
    arguments = ["--root", street, "--scenes", street / "scenes", "--out", street / "x", *wrong]
    with pytest.raises(BadConfigError, match=said):
        raise generate("composite", *arguments).exception or AssertionError
