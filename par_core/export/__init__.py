"""Export of people of a store to other programs: Parquet, CSV, COCO, FiftyOne, with crops and vectors."""
