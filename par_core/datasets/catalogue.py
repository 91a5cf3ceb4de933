"""What each data set holds, which files it needs, and where it is to be had. PAR ships and downloads none of
them.
"""

from dataclasses import dataclass
from typing import Final, Literal

from par_core.errors import BadConfigError

__all__ = ["DATASETS", "Dataset", "dataset"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that PAR can read.

    Attributes:
        name: As ``--dataset`` wants it.
        kinds: What is labelled: ``attributes``, ``outlines`` or both; ``captions`` are sentences.
        holds: What is in it.
        files: What must be in its folder.
        terms: Its licence, as its authors state it, and where to get it.
    """

    name: str
    kinds: tuple[Literal["attributes", "captions", "outlines"], ...]
    holds: str
    files: tuple[str, ...]
    terms: str


DATASETS: Final = (
    Dataset(
        "peta",
        ("attributes",),
        "19,000 pedestrians of ten data sets; 35 evaluated of 105 attributes; splits 0 to 4"
        " (9,500/1,900/7,600), zs",
        ("PETA.mat and images/00001.png ...", "or, for zs: 3DPeS/archive/Label.txt and so on, ten folders"),
        "no licence stated, for research: mmlab.ie.cuhk.edu.hk/projects/PETA.html",
    ),
    Dataset(
        "rapv1",
        ("attributes",),
        "41,585 people in a shopping centre; 51 evaluated of 92 attributes; splits 0 to 4 (33,268/8,317)",
        ("RAP_annotation/RAP_annotation.mat", "RAP_dataset/"),
        "on request, for research: www.rapdataset.com",
    ),
    Dataset(
        "rapv2",
        ("attributes",),
        "84,928 people in a shopping centre, 26,638 of known identity; 54 evaluated of 152 attributes; splits"
        " 0 to 4 (50,957/16,986/16,985), zs",
        ("RAP_annotation/RAP_annotation.mat", "RAP_dataset/"),
        "on request, for research: www.rapdataset.com",
    ),
    Dataset(
        "pa100k",
        ("attributes",),
        "100,000 pedestrians; 26 attributes; one split (80,000/10,000/10,000)",
        ("annotation.mat", "data/000001.jpg ..."),
        "terms at github.com/xh-liu/HydraPlus-Net",
    ),
    Dataset(
        "market1501",
        ("attributes",),
        "1,501 identities on a campus; 27 attributes, of which age becomes four; one split (751/750"
        " identities), zs",
        ("market_attribute.mat", "bounding_box_train/", "bounding_box_test/"),
        "labels: github.com/vana77/Market-1501_Attribute; photographs: Market-1501 (Zheng et al. 2015), for"
        " research",
    ),
    Dataset(
        "upar",
        ("attributes",),
        "pictures of PA-100K, PETA, RAPv2 and Market-1501 with the same 40 attributes; splits 0 to 9, or the"
        " one of the challenge",
        (
            "the folders PA100k/, PETA/, RAP2/, Market1501/ and UPAR/dataset_all.pkl",
            "or annotations/task1/train/gt.csv and val/gt.csv, or phase1/train/train.csv",
        ),
        "annotations CC BY-NC-SA 3.0 DE: github.com/speckean/upar_dataset and upar_challenge",
    ),
    Dataset(
        "msp60k",
        ("attributes",),
        "60,122 people in eight scenes; 57 attributes; split 0 at random, 1 and 2 by scene",
        ("images/, random_split.json, merged_labels.json, Multi_Sences2.json",),
        "terms at github.com/Event-AHU/OpenPAR",
    ),
    Dataset(
        "openimages",
        ("attributes", "outlines"),
        "men, women, boys and girls by their boxes; outlines of people; the parts of its files",
        (
            "images/IMAGEID.jpg",
            "attributes: train-annotations-bbox.csv ...",
            "outlines: *-annotations-object-segmentation.csv, masks/",
        ),
        "annotations CC BY 4.0, photographs listed as CC BY 2.0: storage.googleapis.com/openimages",
    ),
    Dataset(
        "cuhk-pedes",
        ("captions",),
        "40,206 pictures of 13,003 people, two sentences about each; train, val, test",
        ("reid_raw.json, imgs/",),
        "on request, for research: github.com/ShuangLI59/Person-Search-with-Natural-Language-Description",
    ),
    Dataset(
        "icfg-pedes",
        ("captions",),
        "54,522 pictures of 4,102 people, a sentence about each; train, test",
        ("ICFG-PEDES.json, imgs/",),
        "on request, for research: github.com/zifyloo/SSAN",
    ),
    Dataset(
        "rstpreid",
        ("captions",),
        "20,505 pictures of 4,101 people, two sentences about each; train, val, test",
        ("data_captions.json, imgs/",),
        "on request, for research: github.com/NjtechCVLab/RSTPReid-Dataset",
    ),
    Dataset(
        "coco",
        ("outlines",),
        "people in photographs of everyday scenes, and scenes without people",
        (
            "annotations/instances_NAME.json and NAME/",
            "or YOLO's form: images/, polygons/NAME.txt, boxes/NAME.txt",
        ),
        "annotations CC BY 4.0, photographs under Flickr's terms: cocodataset.org",
    ),
    Dataset(
        "pennfudan",
        ("outlines",),
        "pedestrians in street scenes",
        ("PNGImages/", "PedMasks/NAME_mask.png"),
        "no licence stated, for research: www.cis.upenn.edu/~jshi/ped_html",
    ),
    Dataset(
        "ccp",
        ("attributes", "outlines"),
        "one person each on photographs of street fashion; clothing by PAR's own words; no split",
        ("photos/", "annotations/pixel-level/", "annotations/image-level/", "label_list.mat"),
        "Apache-2.0: github.com/bearpaw/clothing-co-parsing",
    ),
    Dataset(
        "mit",
        ("attributes",),
        "pedestrians of 64 x 128 pixels; gender and orientation; no split",
        ("NNNNN_male_fore.jpg ... NNNNN_female_back.jpg",),
        "no licence stated, for research (MIT CBCL, a part of PETA)",
    ),
    Dataset(
        "csv",
        ("attributes",),
        "labels of your own; see docs/datasets.md; the split of its column part, zs",
        ("labels.csv: image, attributes; if there are x1 y1 x2 y2, identity, part",),
        "yours",
    ),
)


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        BadConfigError: There is none; names those that there are.
    """
    for each in DATASETS:
        if each.name == name:
            return each
    raise BadConfigError(f"no data set {name!r}; there are: {', '.join(each.name for each in DATASETS)}")
