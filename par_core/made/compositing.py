"""People on other scenes, shard by shard: occluded, in low light, as a camera takes them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from par_core.datasets.outlines import outlined_photos, read_picture
from par_core.errors import BadConfigError, BadInputError
from par_core.ids import image_id
from par_core.made.camera import Camera, draw_camera, photograph
from par_core.made.garments import LOWER, UPPER, Dressed, garments, largest, read_dressed
from par_core.made.marking import marked_jpeg
from par_core.made.occluders import occlude
from par_core.made.paste import Canvas, hidden_attributes
from par_core.made.plan import MakingPlan, Source, Tally, sources_of
from par_core.made.recolouring import labels_by_name, mapped_people
from par_core.made.rows import MadePerson
from par_core.made.standing import stand, stand_before

__all__ = ["CompositeSettings", "composite_shard", "plan_composite", "scenes_in"]

KIND: Final = "composite"
_SIDE: Final = 480  # of a scene's shorter side, in pixels
_LEAST_VISIBLE, _LEAST_AREA = 0.1, 60  # of a person who is counted, as the segmenter's training has it
_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")
_PERSON_IN_FRONT: Final = 0.4  # of the occluded, who are hidden by a person and not by a thing
_MARGIN: Final = 0.05  # of the box on each side of a person's own picture


Dressing = Callable[[Source], Dressed | None]


class CompositeSettings(BaseModel):
    """How scenes are composed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: tuple[Annotated[int, Field(ge=1, le=20)], Annotated[int, Field(ge=1, le=20)]] = (1, 4)
    height: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16, le=2000)]] = (64, 256)
    occlude: Annotated[float, Field(ge=0, le=1)] = 0.4
    low_light: Annotated[float, Field(ge=0, le=1)] = 0.3
    scenes: tuple[tuple[str, str], ...]
    """Id of the image and file of each scene."""


def scenes_in(folder: Path) -> list[Path]:
    """The pictures of a folder; of COCO's people in YOLO's form only those without people.

    Raises:
        BadConfigError: There is none.
    """
    if (folder / "coco_people").is_dir() or (folder / "polygons").is_dir():
        return [photo.image for photo in outlined_photos("empty", folder)]
    listed = sorted(folder.iterdir()) if folder.is_dir() else []
    scenes = [path for path in listed if path.suffix.lower() in _ENDINGS]
    if not scenes:
        raise BadConfigError(f"{folder} holds no pictures ({', '.join(_ENDINGS)}) of scenes without people")
    return scenes


def plan_composite(
    folder: Path, dataset: str, root: Path, scenes: Path, n: int, seed: int, settings: dict[str, Any]
) -> MakingPlan:
    """Plan n pictures of people with maps on scenes without people.

    Raises:
        BadConfigError: A range is the wrong way round, there are no scenes, or as ``mapped_people``.
    """
    for name in ("people", "height"):
        low, high = settings[name]
        if low > high:
            raise BadConfigError(f"--{name} {low}-{high} is the wrong way round")
    named = tuple((image_id(path.read_bytes()), str(path.resolve())) for path in scenes_in(scenes))
    checked = CompositeSettings(scenes=named, **settings)
    sources = sources_of(root.resolve(), [person.image for person in mapped_people(dataset, root)])
    return MakingPlan(
        folder, KIND, checked.model_dump(mode="json"), dataset, root.resolve(), seed, sources, n
    )


def composite_shard(plan: MakingPlan, shard: int) -> None:
    """Make the pictures of one shard, and write its file last."""
    settings = CompositeSettings.model_validate(plan.settings)
    rows, files, tally = list[MadePerson](), dict[str, bytes](), Tally(0, 0, {})
    by_file = {person.image: person for person in mapped_people(plan.dataset, plan.root)}

    def dressed(source: Source) -> Dressed | None:
        person = by_file.get(plan.root / source.file)
        return read_dressed(person) if person is not None else None

    for item in plan.items_of(shard):
        made, contents, counted = _Composition(plan, settings, item).make(dressed)
        rows += made
        files |= contents
        tally += counted
    plan.finish_shard(shard, rows, files, tally)


class _Composition:
    """One picture."""

    def __init__(self, plan: MakingPlan, settings: CompositeSettings, item: int) -> None:
        self._plan, self._settings, self._item = plan, settings, item
        self._rng = plan.rng(item)

    def make(self, dressed: Dressing) -> tuple[list[MadePerson], dict[str, bytes], Tally]:
        """Rows, files and what was tried: people."""
        rng, settings = self._rng, self._settings
        scene_id, scene_file = settings.scenes[int(rng.integers(len(settings.scenes)))]
        canvas = Canvas.of(_scaled(read_picture(Path(scene_file))))
        wanted = int(rng.integers(settings.people[0], settings.people[1] + 1))
        smallest, tallest = np.log(settings.height)
        heights = [float(height) for height in np.sort(np.exp(rng.uniform(smallest, tallest, wanted)))]
        chosen, others = list[tuple[Source, Dressed]](), set[Source]()
        tried = without_map = 0
        while heights and tried < 2 * wanted:
            height, source = heights.pop(0), self._any_source()
            who = dressed(source)
            tried += 1
            if who is None:
                without_map += 1
                continue
            stand(canvas, who, height, rng)
            chosen.append((source, who))
            if rng.random() < settings.occlude:
                other = self._any_source()
                front = dressed(other)
                if front is not None and rng.random() < _PERSON_IN_FRONT:
                    tried += 1
                    if stand_before(canvas, len(chosen), front, height * rng.uniform(0.95, 1.2), rng):
                        chosen.append((other, front))
                elif occlude(canvas, len(chosen), front, rng):
                    others.add(other)
        camera = draw_camera(rng, low_light=settings.low_light, least_height=float(settings.height[0]))
        picture = photograph(canvas.picture, camera, rng)
        rows, files = self._written(canvas, picture, camera, chosen, others, scene_id)
        counts = {
            "no map of the picture's size": without_map,
            "hidden": len(chosen) - len(rows),
            "no place": tried - without_map - len(chosen),
        }
        return rows, files, Tally(tried, len(rows), {name: n for name, n in counts.items() if n})

    def _any_source(self) -> Source:
        return self._plan.sources[int(self._rng.integers(len(self._plan.sources)))]

    def _written(
        self,
        canvas: Canvas,
        picture: np.ndarray,
        camera: Camera,
        chosen: Sequence[tuple[Source, Dressed]],
        others: set[Source],
        scene: str,
    ) -> tuple[list[MadePerson], dict[str, bytes]]:
        everybody = sorted({*(source for source, _ in chosen), *others}, key=lambda source: source.id)
        name = f"pictures/{self._item:06d}.jpg"
        rows, files, numbers = list[MadePerson](), dict[str, bytes](), np.zeros_like(canvas.numbers)
        for number, (source, who) in enumerate(chosen, start=1):
            seen = canvas.numbers == number
            share = 1 - canvas.covered_share(number)
            if share < _LEAST_VISIBLE or int(seen.sum()) < _LEAST_AREA:
                continue
            instance = len(rows) + 1
            numbers[seen] = instance
            box = _grown(cv2.boundingRect(seen.astype(np.uint8)), picture.shape)
            part = np.s_[box[1] : box[3], box[0] : box[2]]
            own = f"people/{self._item:06d}-{instance}.jpg", f"maps/{self._item:06d}-{instance}.png"
            files[own[0]] = marked_jpeg(picture[part], KIND)
            regions = np.where(seen, canvas.regions, 0)[part].astype(np.uint8)
            files[own[1]] = cv2.imencode(".png", regions)[1].tobytes()
            hidden = hidden_attributes(canvas, number)
            labels = {n: v for n, v in labels_by_name(who.person).items() if n not in hidden}
            colours = {n: c for n, c in who.person.colours if n not in hidden and not camera.grey}
            worn = garments(who.picture, who.regions)
            upper, lower = largest(worn, UPPER), largest(worn, LOWER)
            sources = [source, *(other for other in everybody if other != source)]
            rows.append(
                MadePerson(
                    picture=own[0],
                    map=own[1],
                    scene_picture=name,
                    instance=instance,
                    box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                    kind=KIND,
                    of=source.id,
                    sources=tuple(each.id for each in sources),
                    files=tuple(each.file for each in sources),
                    scene=scene,
                    labels=labels,
                    changed=dict.fromkeys(sorted(hidden), "unknown"),
                    colours=colours,
                    upper=colours.get(upper.attribute) if upper else None,
                    lower=colours.get(lower.attribute) if lower else None,
                    seed=self._plan.seed,
                    parameters={"item": self._item, "visible": share, "camera": camera.parameters()},
                )
            )
        if rows:
            files[name] = marked_jpeg(picture, KIND)
            files[f"masks/{self._item:06d}.png"] = cv2.imencode(".png", numbers)[1].tobytes()
        return rows, files


def _scaled(scene: np.ndarray) -> np.ndarray:
    if min(scene.shape[:2]) < 32:
        raise BadInputError(f"a scene of {scene.shape[1]} x {scene.shape[0]} pixels is too small")
    scale = _SIDE / min(scene.shape[:2])
    size = round(scene.shape[1] * scale), round(scene.shape[0] * scale)
    return np.asarray(
        cv2.resize(scene, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    )


def _grown(rectangle: Sequence[int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    x, y, w, h = rectangle
    across, down = round(_MARGIN * w), round(_MARGIN * h)
    left, top = max(0, x - across), max(0, y - down)
    return left, top, min(shape[1], x + w + across), min(shape[0], y + h + down)
