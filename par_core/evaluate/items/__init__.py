"""The items that an evaluation has scored, one by one, and the figures that are computed from them.

Intervals draw items again, and two runs are compared item by item; so both need more than the scores of a
run. Every figure is a function of the numbers of the images drawn
(:func:`par_core.metrics.bootstrap.bootstrap_rows`), and higher is better for all of them.

figures       what intervals and comparisons need of items
attributes    people with labels and probabilities
retrieval     text queries and the score of every person
person_search captions and how early each finds its person
segmentation  photographs with the number of people matched and missed
tables        reads items from their tables
"""

from par_core.evaluate.items.attributes import ACCURACIES, CLOTHING, AttributeItems
from par_core.evaluate.items.figures import Figures, Items
from par_core.evaluate.items.person_search import PersonSearchItems
from par_core.evaluate.items.retrieval import RetrievalItems
from par_core.evaluate.items.segmentation import SegmentationItems
from par_core.evaluate.items.tables import items_of

__all__ = [
    "ACCURACIES",
    "CLOTHING",
    "AttributeItems",
    "Figures",
    "Items",
    "PersonSearchItems",
    "RetrievalItems",
    "SegmentationItems",
    "items_of",
]
