"""People in images: masks, boxes, cutting out."""
