"""What `probe` reads from, in memory, and it remembers the reads."""

from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB


@dataclass
class Stored:
    """A file of bytes and, for each number between them, as many zero bytes."""

    parts: tuple[bytes | int, ...]
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(part if isinstance(part, int) else len(part) for part in self.parts)

    def read(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        found, start, end = b"", 0, offset + length
        for part in self.parts:
            size = part if isinstance(part, int) else len(part)
            first, last = max(offset - start, 0), min(end - start, size)
            if first < last:
                found += bytes(last - first) if isinstance(part, int) else part[first:last]
            start += size
        return found


def stored(*parts: bytes | int) -> Stored:
    return Stored(parts)
