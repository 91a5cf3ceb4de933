"""What a camera does to a scene: light, colour of the light, noise, blur, resolution, compression.

Light and noise act on linear intensities, as on a sensor: photons are counted (Poisson), and reading adds a
normal error (Foi et al., "Practical Poissonian-Gaussian noise modeling", IEEE TIP 2008). Then follow the
curve of sRGB (IEC 61966-2-1) and the file.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import Float32

from par_core.types import ImageU8

__all__ = ["Camera", "draw_camera", "photograph"]

_GREY_SHARE: Final = 0.1
_GREY: Final = np.array([0.2126, 0.7152, 0.0722], np.float32)  # luminance of linear sRGB


@dataclass(frozen=True, slots=True)
class Camera:
    """How a picture is taken.

    Attributes:
        exposure: In stops, 0 for the scene as it is.
        white: Gains of red, green and blue.
        photons: Counted at full intensity.
        read_noise: Standard deviation, of full intensity 1.
        motion: Length of the motion blur in pixels; 0 for none.
        angle: Its direction in degrees.
        defocus: Standard deviation of the blur in pixels; 0 for none.
        shrink: Share of the resolution that is left, in (0, 1].
        quality: Of the JPEG file in the camera.
        grey: Whether the picture has no colour, as by infrared light.
    """

    exposure: float
    white: tuple[float, float, float]
    photons: float
    read_noise: float
    motion: float
    angle: float
    defocus: float
    shrink: float
    quality: int
    grey: bool

    def parameters(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return asdict(self) | {"white": list(self.white)}


def draw_camera(rng: np.random.Generator, *, low_light: float, least_height: float) -> Camera:
    """Draw a camera.

    Args:
        rng: Decides everything.
        low_light: Probability of a dark scene, one to three stops under.
        least_height: Height in pixels of the smallest person, who keeps at least 40 pixels of resolution.
    """
    dark = rng.random() < low_light
    exposure = rng.uniform(-3, -1) if dark else rng.uniform(-0.5, 0.3)
    warmth = rng.normal(0, 0.06)
    white = (float(np.exp(warmth)), float(np.exp(rng.normal(0, 0.02))), float(np.exp(-warmth)))
    blur = rng.random()
    coarse = float(rng.uniform(max(0.35, 40 / least_height), 1)) if rng.random() < 0.3 else 1.0
    return Camera(
        exposure=float(exposure),
        white=white,
        photons=float(np.exp(rng.uniform(np.log(300), np.log(5000)))),
        read_noise=float(rng.uniform(0.0005, 0.004)),
        motion=float(rng.uniform(2, 6)) if blur < 0.15 else 0.0,
        angle=float(rng.uniform(0, 180)),
        defocus=float(rng.uniform(0.4, 1.3)) if 0.15 <= blur < 0.35 else 0.0,
        shrink=min(1.0, coarse),
        quality=int(rng.integers(20, 71)) if rng.random() < 0.5 else int(rng.integers(71, 96)),
        grey=bool(rng.random() < _GREY_SHARE),
    )


def photograph(scene: ImageU8, camera: Camera, rng: np.random.Generator) -> ImageU8:
    """Take the picture of a scene, of the same size.

    Args:
        scene: As the eye sees it, in sRGB.
        camera: How.
        rng: Decides the noise.
    """
    light = _linear(scene) * np.float32(2.0**camera.exposure) * np.array(camera.white, np.float32)
    if camera.motion:
        light = cv2.filter2D(light, -1, _line(camera.motion, camera.angle))
    if camera.defocus:
        light = cv2.GaussianBlur(light, (0, 0), camera.defocus)
    height, width = scene.shape[:2]
    if camera.shrink < 1:
        size = max(1, round(width * camera.shrink)), max(1, round(height * camera.shrink))
        light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    if camera.grey:
        light = np.repeat((light @ _GREY)[..., None], 3, axis=2)
    counted = rng.poisson(np.clip(light, 0, None) * camera.photons) / camera.photons
    noise = rng.normal(0, camera.read_noise, counted.shape)
    if camera.grey:  # one sensor
        counted, noise = (np.repeat(each[..., :1], 3, axis=2) for each in (counted, noise))
    encoded = np.rint(_encoded((counted + noise).astype(np.float32)) * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", encoded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    taken = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    if camera.shrink < 1:
        taken = cv2.resize(taken, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(taken, np.uint8)


def _linear(picture: ImageU8) -> Float32[np.ndarray, "h w 3"]:
    levels = np.arange(256, dtype=np.float32) / 255
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[picture]


def _encoded(light: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    clipped = np.clip(light, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def _line(length: float, angle: float) -> Float32[np.ndarray, "k k"]:
    """Kernel of a straight motion."""
    size = 2 * int(np.ceil(length / 2)) + 1
    kernel, middle = np.zeros((size, size), np.float32), size // 2
    across, up = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    for step in np.linspace(-length / 2, length / 2, 4 * size):
        kernel[round(middle + step * up), round(middle + step * across)] += 1
    return kernel / kernel.sum()
