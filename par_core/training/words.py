"""Write the table of the words that the shipped text tower has learned, with the ids of CLIP's tokenizer.

python -m par_core.training.words --data DATA

The tower learns composed captions, whose words are in its file, and sentences that people wrote.
"""

import argparse
import json
import string
from collections.abc import Iterable
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer

from par_core.models.shipped import FILES, FOLDER, WORDS, note_digest
from par_core.models.shipped_networks import read_metadata
from par_core.models.text import GRAMMAR
from par_core.models.tokenizer import split_words
from par_core.training.sentences import read_sentences

__all__ = ["write_words"]


def write_words(sentences: Iterable[str], folder: Path = FOLDER) -> int:
    """Write the table, and note its digest; returns the number of words.

    Args:
        sentences: The sentences of the training.
        folder: Folder of the shipped text tower.
    """
    known = json.loads(read_metadata(FILES[2], folder)["known_words"])
    learned = [*known, *sentences, *GRAMMAR, *string.digits, *string.punctuation]
    words = sorted({word for text in learned for word in split_words(text)})
    tokenizer = SimpleTokenizer()
    path = folder / WORDS
    path.write_text(json.dumps({word: tokenizer.encode(word) for word in words}, ensure_ascii=False) + "\n")
    path.chmod(0o644)
    note_digest(folder, WORDS)
    return len(words)


def main() -> None:
    """Write the table beside the shipped text tower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    sentences = read_sentences(parser.parse_args().data)
    print(write_words(caption.text for caption in sentences), "words")


if __name__ == "__main__":
    main()
