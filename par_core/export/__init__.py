"""People of a store for other programs: Parquet, CSV, COCO, FiftyOne, with crops and vectors."""
