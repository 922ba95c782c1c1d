"""Pictures that were changed at random."""

import random
import struct
import zlib
from collections.abc import Callable
from typing import Final

from tests.support import pictures
from tests.support.pictures import PNG, chunk, encoded, photograph, scene

NUMBERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
WORDS: Final = (
    *(b"icc_profile", b"exif", b"xmp", b"transparency", b"gamma", b"dpi", b"duration", b"loop"),
    *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"iCCP", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"zTXt"),
    *(
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"ALPH",
        b"ANIM",
        b"ANMF",
        b"EXIF",
        b"ICCP",
        b"Exif\0\0",
        b"MPF\0",
    ),
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xee", b"\xff\xd9"),
)

Mutation = Callable[[random.Random, bytearray, bytes], None]


def seeds() -> list[bytes]:
    """Small ones of every kind that is taken."""
    small = photograph(48, 32)
    kinds = [
        encoded(small),
        encoded(small, progressive=True),
        encoded(small.convert("L"), restart_marker_blocks=2),
        pictures.stored_as(scene(), 6),
        pictures.mpo(),
        encoded(small, "PNG"),
        encoded(small, "WEBP"),
        encoded(small, "WEBP", lossless=True),
        pictures.moving("PNG"),
        pictures.moving("WEBP"),
        pictures.webp_of(60, 40),
    ]
    kinds += [make() for make, _ in pictures.COLOURS.values()]
    kinds += [make() for make in pictures.CLEAR.values()]
    return kinds + list(pictures.marked().values())


def flipped(rng: random.Random, data: bytearray, _other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwritten(rng: random.Random, data: bytearray, _: bytes) -> None:
    number = struct.pack(rng.choice("<>") + "I", rng.choice(NUMBERS))
    at = rng.randrange(len(data))
    data[at : at + rng.choice((1, 2, 4))] = number[: rng.choice((1, 2, 4))]


def named(rng: random.Random, data: bytearray, _: bytes) -> None:
    word, at = rng.choice(WORDS), rng.randrange(len(data))
    data[at : at + rng.choice((0, len(word)))] = word


def cut(rng: random.Random, data: bytearray, _: bytes) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 4, 100, len(data)))]


def repeated(rng: random.Random, data: bytearray, _: bytes) -> None:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.choice((1, 4, 50, 500))]
    data[at:at] = piece * rng.choice((1, 2, 30))


def crossed(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(other))
    place = rng.randrange(len(data))
    data[place : place + rng.choice((0, 100))] = other[at : at + rng.choice((10, 100, 1_000))]


def text_added(rng: random.Random, data: bytearray, _: bytes) -> None:
    if data.startswith(PNG):
        text = rng.choice(WORDS) + b"\0" + bytes(rng.choice(((0,), (1, 2, 3), (255,) * 300)))
        data[:] = pictures.with_chunk(bytes(data), chunk(rng.choice((b"tEXt", b"iTXt")), text))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(flipped, flipped, overwritten, named, cut, repeated, crossed, text_added),
)


def with_good_checksums(data: bytes) -> bytes:
    """As an attacker would send it: what is behind the checksum is looked at then."""
    repaired, at = bytearray(data), len(PNG)
    while at + 12 <= len(repaired):
        (length,) = struct.unpack_from(">I", repaired, at)
        end = at + 8 + length
        if end + 4 > len(repaired):
            break
        struct.pack_into(">I", repaired, end, zlib.crc32(repaired[at + 4 : end]))
        at = end + 4
    return bytes(repaired)


def mutant(rng: random.Random, kinds: list[bytes]) -> bytes:
    data = bytearray(rng.choice(kinds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        if data:
            rng.choice(MUTATIONS)(rng, data, rng.choice(kinds))
    if data.startswith(PNG) and rng.random() < 0.7:
        return with_good_checksums(bytes(data))
    return bytes(data)
