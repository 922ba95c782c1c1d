"""What the suites of a store have in common."""

import pytest

from profilecore.testing.places import Place, Store, Traits


class StoreContract:
    """A suite for what is kept in one place."""

    traits: Traits

    @pytest.fixture
    async def store(self, place: Place[Store]) -> Store:
        return await place.open()
