"""What pictures are made of; `surfaces.plot` and `surfaces.animate` hand it on."""
