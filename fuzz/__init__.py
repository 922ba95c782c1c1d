"""Random bytes for each parser of ours; `nox -s fuzz -- SECONDS` lets coverage guide them."""
