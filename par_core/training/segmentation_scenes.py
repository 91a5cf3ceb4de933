"""Makes training pictures: photographs at random scales, with people copied into them and the look of the
camera varied.

Copy-paste follows Ghiasi et al., "Simple Copy-Paste", CVPR 2021. People come from three sources with their
outlines, are scaled strongly and are often cut by the frame, because archives are full of cut people and the
outlined photographs are not. Every picture is a function of (seed, step, place in the batch), so that
training resumes exactly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Int64

from par_core.datasets.outlines import LabelMap, Photo, read_photo
from par_core.types import BoxesXYXY, ImageU8

__all__ = ["LARGE", "SMALL", "TALL", "WILD", "Scene", "SceneRecipe", "make_batch"]

Photos = Mapping[str, tuple[Photo, ...]]

_GREY = 127
_LEAST_SIDE, _LEAST_AREA, _LEAST_VISIBLE = 5, 60, 0.10


@dataclass(frozen=True, slots=True)
class SceneRecipe:
    """How training pictures are composed.

    Attributes:
        canvases: Heights and widths to choose from, pixels.
        side: A photograph's shorter side, before its scale is varied; what inference will use.
        scales: Least and largest scale.
        shares: Weights of the sources; those without photographs are left out. ``portrait``: a person of
            ``ccp`` cut to head and shoulders; ``made``: composites.
        pasted: Shares of the sources of people who are copied into a picture.
    """

    canvases: tuple[tuple[int, int], ...]
    side: int
    scales: tuple[float, float]
    shares: tuple[tuple[str, float], ...]
    pasted: tuple[tuple[str, float], ...] = (("ccp", 0.6), ("coco", 0.25), ("pennfudan", 0.15))


#: The first round's: quick.
SMALL: Final = SceneRecipe(
    canvases=((384, 512), (384, 512), (448, 448), (512, 384)),
    side=400,
    scales=(0.6, 1.8),
    shares=(
        ("pennfudan", 0.40),
        ("coco", 0.27),
        ("empty", 0.11),
        ("ccp", 0.10),
        ("portrait", 0.12),
        ("made", 0.10),
    ),
)
#: The second round's: more of arbitrary scenes, larger; the canvas shows a part.
LARGE: Final = SceneRecipe(
    canvases=((448, 608), (448, 608), (512, 512), (608, 448)),
    side=512,
    scales=(0.5, 1.7),
    shares=(
        ("pennfudan", 0.32),
        ("coco", 0.36),
        ("empty", 0.13),
        ("ccp", 0.08),
        ("portrait", 0.11),
        ("made", 0.10),
    ),
)
#: The third round's: at the size of inference, with canvases as high as the highest person; more people of
# arbitrary scenes.
TALL: Final = SceneRecipe(
    canvases=((560, 768), (640, 640), (896, 576)),
    side=640,
    scales=(0.5, 1.7),
    shares=(
        ("pennfudan", 0.22),
        ("coco", 0.42),
        ("empty", 0.20),
        ("ccp", 0.06),
        ("portrait", 0.10),
        ("made", 0.10),
    ),
    pasted=(("ccp", 0.45), ("coco", 0.4), ("pennfudan", 0.15)),
)
#: The fourth round's: the same with more pictures without people.
WILD: Final = replace(
    TALL,
    shares=(
        ("pennfudan", 0.18),
        ("coco", 0.39),
        ("empty", 0.26),
        ("ccp", 0.03),
        ("portrait", 0.04),
        ("made", 0.10),
    ),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A training picture.

    Attributes:
        picture: (h, w, 3).
        boxes: (n, 4), tight around the masks.
        masks: (n, h, w); people do not overlap.
    """

    picture: ImageU8
    boxes: BoxesXYXY
    masks: Bool[np.ndarray, "n h w"]


def make_batch(
    photos: Photos, recipe: SceneRecipe, seed: int, step: int, places: Iterable[int]
) -> list[Scene]:
    """Compose training pictures of one step, all of one canvas.

    Args:
        photos: To compose from, by source; ``ccp`` stands for any photographs of single outlined people.
        recipe: How.
        seed: Seed of the run.
        step: Number of the step in the run.
        places: Numbers of the pictures in the step's batch.
    """
    height, width = recipe.canvases[np.random.default_rng([seed, step]).integers(len(recipe.canvases))]
    return [
        _make_scene(photos, recipe, np.random.default_rng([seed, step, place]), height, width)
        for place in places
    ]


def _make_scene(
    photos: Photos, recipe: SceneRecipe, rng: np.random.Generator, height: int, width: int
) -> Scene:
    there = [
        (kind, share) for kind, share in recipe.shares if photos.get("ccp" if kind == "portrait" else kind)
    ]
    whole_share = sum(share for _, share in there)
    kind = str(rng.choice([kind for kind, _ in there], p=[share / whole_share for _, share in there]))
    listed = photos["ccp" if kind == "portrait" else kind]
    picture, labels = read_photo(listed[rng.integers(len(listed))])
    if kind == "portrait":
        picture, labels = _head_and_shoulders(picture, labels, rng)
    picture, labels = _place(picture, labels, rng, height, width, recipe if kind != "portrait" else None)
    whole = np.bincount(labels.ravel(), minlength=256)
    if kind != "portrait":
        most = 3 if kind == "empty" else 2
        for _ in range(int(rng.integers(most + 1))):
            picture, labels, whole = _paste_person(picture, labels, whole, photos, recipe, rng)
    picture = _vary_look(picture, rng)
    return _to_scene(picture, labels, whole)


def _place(
    picture: ImageU8,
    labels: LabelMap,
    rng: np.random.Generator,
    height: int,
    width: int,
    recipe: SceneRecipe | None,
) -> tuple[ImageU8, LabelMap]:
    """Scale, mirror, and crop or pad to the canvas; without a recipe the picture about fills it."""
    fit = (recipe.side if recipe else min(height, width)) / min(picture.shape[:2])
    scale = fit * (np.exp(rng.uniform(*np.log(recipe.scales))) if recipe else rng.uniform(0.8, 1.15))
    stretch = np.exp(rng.uniform(-0.1, 0.1))
    new_w, new_h = picture.shape[1] * scale * stretch, picture.shape[0] * scale / stretch
    left, top = (
        rng.uniform(min(0, width - new_w), max(0, width - new_w)),
        rng.uniform(min(0, height - new_h), max(0, height - new_h)),
    )
    across = new_w / picture.shape[1]
    if rng.random() < 0.5:
        across, left = -across, left + new_w
    matrix = np.array([[across, 0, left], [0, new_h / picture.shape[0], top]])
    return _warp(picture, matrix, height, width, _GREY), cv2.warpAffine(
        labels, matrix, (width, height), flags=cv2.INTER_NEAREST
    )


def _warp(picture: ImageU8, matrix: np.ndarray, height: int, width: int, border: int) -> ImageU8:
    shrink = float(np.hypot(*matrix[:, 1]))
    if shrink < 0.7:  # blur first, else thin things alias
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / shrink)
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(border,) * 3)


def _head_and_shoulders(
    picture: ImageU8, labels: LabelMap, rng: np.random.Generator
) -> tuple[ImageU8, LabelMap]:
    """Cut a portrait from the photograph of a standing person."""
    rows = np.flatnonzero(labels.any(1))
    person_height = rows[-1] - rows[0] + 1
    bottom = int(rows[0] + person_height * rng.uniform(0.18, 0.6))
    top = int(max(0, rows[0] - person_height * rng.uniform(0, 0.12)))
    columns = np.flatnonzero(labels[rows[0] : rows[0] + max(person_height // 6, 1)].any(0))
    centre = columns.mean() + rng.normal(0, 0.04) * person_height
    half = (bottom - top) * rng.uniform(0.35, 0.8)
    left, right = int(max(0, centre - half)), int(min(picture.shape[1], centre + half))
    if right - left < 16 or bottom - top < 16:
        return picture, labels
    return picture[top:bottom, left:right], np.ascontiguousarray(labels[top:bottom, left:right])


def _paste_person(
    picture: ImageU8,
    labels: LabelMap,
    whole: Int64[np.ndarray, " 256"],
    photos: Photos,
    recipe: SceneRecipe,
    rng: np.random.Generator,
) -> tuple[ImageU8, LabelMap, Int64[np.ndarray, " 256"]]:
    """Copy one person of another photograph to a random place, size and side, in front of what is there."""
    height, width = labels.shape
    there = [(source, share) for source, share in recipe.pasted if photos.get(source)]
    if not there:
        return picture, labels, whole
    source = str(
        rng.choice(
            [source for source, _ in there],
            p=np.array([share for _, share in there]) / sum(share for _, share in there),
        )
    )
    person, outline = read_photo(photos[source][rng.integers(len(photos[source]))])
    numbers = np.flatnonzero(np.bincount(outline.ravel())[1:]) + 1
    free = np.setdiff1d(np.arange(1, 256), np.unique(labels))
    if not len(numbers) or not len(free):
        return picture, labels, whole
    mask = (outline == rng.choice(numbers)).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(mask)
    if h < 40 or w < 12:
        return picture, labels, whole
    if source == "ccp" and rng.random() < 0.25:  # cut at the waist or knee, as by a table or a car
        mask[y + int(h * rng.uniform(0.4, 0.9)) :] = 0
    target = height * np.exp(rng.uniform(np.log(0.12), np.log(1.6)))
    scale = min(target / h, 1.6)
    cut = rng.random() < 0.35
    reach_x, reach_y = (0.45, 0.6) if cut else (0.0, 0.0)
    w_new, h_new = w * scale, h * scale
    left = rng.uniform(min(-reach_x * w_new, width - w_new), max(width - (1 - reach_x) * w_new, 0))
    top = rng.uniform(min(-0.1 * cut * h_new, height - h_new), max(height - (1 - reach_y) * h_new, 0))
    across, offset = (scale, left - x * scale) if rng.random() < 0.5 else (-scale, left + (x + w) * scale)
    matrix = np.array([[across, 0, offset], [0, scale, top - y * scale]])
    alpha = cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)
    inside = alpha > 0.5
    if not inside.any():
        return picture, labels, whole
    soft = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.5, 1.5))[..., None]
    moved = _warp(person, matrix, height, width, 0).astype(np.float32) * rng.uniform(0.75, 1.2) + rng.uniform(
        -15, 15
    )
    picture = np.clip(picture * (1 - soft) + moved * soft, 0, 255).astype(np.uint8)
    number = int(free[0])
    labels = np.where(inside, np.uint8(number), labels)
    whole = whole.copy()
    whole[number] = inside.sum()
    return picture, labels, whole


def _vary_look(picture: ImageU8, rng: np.random.Generator) -> ImageU8:
    """Vary colour, contrast, sharpness, noise and compression."""
    look = picture.astype(np.float32)
    if rng.random() < 0.8:
        grey = look @ np.array([0.299, 0.587, 0.114], np.float32)
        look = grey[..., None] + (look - grey[..., None]) * rng.uniform(0.4, 1.5)
        look = (look - look.mean()) * rng.uniform(0.7, 1.3) + look.mean() * rng.uniform(0.7, 1.3)
        look *= rng.uniform(0.9, 1.1, 3).astype(np.float32)
    if rng.random() < 0.12:
        look = np.repeat((look @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    if rng.random() < 0.2:
        look = cv2.GaussianBlur(look, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.2:
        look = look + rng.normal(0, rng.uniform(2, 12), look.shape).astype(np.float32)
    varied = np.clip(look, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", varied, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])[1]
        varied = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return varied


def _to_scene(picture: ImageU8, labels: LabelMap, whole: Int64[np.ndarray, " 256"]) -> Scene:
    """Keep the people with enough visible pixels."""
    boxes, masks = [], []
    for number in np.flatnonzero(np.bincount(labels.ravel(), minlength=256)[1:]) + 1:
        mask = labels == number
        area = int(mask.sum())
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        if min(w, h) >= _LEAST_SIDE and area >= max(_LEAST_AREA, _LEAST_VISIBLE * whole[number]):
            boxes.append((x, y, x + w, y + h))
            masks.append(mask)
    shape = labels.shape
    return Scene(
        picture, np.array(boxes, np.float32).reshape(-1, 4), np.array(masks, bool).reshape(-1, *shape)
    )
