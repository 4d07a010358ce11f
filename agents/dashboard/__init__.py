"""The page of the whole group: what each worker says of itself, added up, and drawn as HTML and SVG. No Kafka in it."""
