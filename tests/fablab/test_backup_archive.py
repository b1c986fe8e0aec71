"""The archive's form: every byte counts, open and sealed."""

import datetime as dt
import hashlib
import io
import tarfile
import zlib

import pytest

from fablab.backup import sealing
from fablab.backup.archive import LEVEL, verify
from fablab.backup.errors import ArchiveUnusable
from fablab.backup.manifest import FORMAT, FileFacts, Manifest, TableFacts, encoded
from fablab.backup.sealing import OpeningSource, SealingSink
from fablab.backup.tape import TapeReader, TapeWriter

PASSPHRASE = "four words without sense"
ROWS = b"1\tSaw\n2\tLaser\n"
PHOTO = b"picture" * 100


@pytest.fixture(autouse=True)
def cheap_key(monkeypatch):
    """The cost of guessing is not what is tested here."""
    monkeypatch.setattr(sealing, "COST_LOG2", 4)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def written(*, form=FORMAT, rows=2, passphrase=""):
    """A whole archive of one table and one file."""
    out = io.BytesIO()
    sealed = SealingSink(out, passphrase) if passphrase else None
    tape = TapeWriter(sealed or out)
    squeezer = zlib.compressobj(LEVEL, wbits=31)
    packed = squeezer.compress(ROWS) + squeezer.flush()
    tape.add("tables/machine/000000.gz", len(packed), [packed])
    tape.add("files/photo.jpg", len(PHOTO), [PHOTO[:300], PHOTO[300:]])
    manifest = Manifest(
        created_at=dt.datetime(2026, 3, 11, 2, 40, tzinfo=dt.UTC),
        app_version="1",
        commit="",
        postgres_version="18",
        migrations=[("people", "0001_initial")],
        tables=[TableFacts("machine", ["id", "name"], rows, sha256(ROWS))],
        sequences=[],
        files=[FileFacts("photo.jpg", "files/photo.jpg", len(PHOTO), sha256(PHOTO))],
        vanished_files=[],
        field_key_marks=[],
        has_secrets=False,
        sha256_before=tape.sha256,
        format=form,
    )
    tape.finish(encoded(manifest))
    if sealed:
        sealed.finish()
    return out.getvalue()


def read(tmp_path, content, passphrase=""):
    path = tmp_path / "fablab-20260311T024000Z.tar"
    path.write_bytes(content)
    return verify(path, passphrase)


def refusal(tmp_path, content, passphrase=""):
    with pytest.raises(ArchiveUnusable) as refused:
        read(tmp_path, content, passphrase)
    return str(refused.value)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "sealed"])
def test_archive_is_read_as_it_was_written(tmp_path, passphrase):
    manifest = read(tmp_path, written(passphrase=passphrase), passphrase)

    assert (manifest.row_count, manifest.files_bytes) == (2, len(PHOTO))


def test_open_archive_is_a_tar_for_any_program():
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        names = archive.getnames()
        photo = archive.extractfile("files/photo.jpg").read()

    assert names[:2] == ["tables/machine/000000.gz", "files/photo.jpg"]
    assert photo == PHOTO


@pytest.mark.slow
@pytest.mark.parametrize(("passphrase", "step"), [("", 1), (PASSPHRASE, 7)], ids=["open", "sealed"])
def test_every_flipped_byte_is_refused(tmp_path, passphrase, step):
    content = written(passphrase=passphrase)

    for place in range(0, len(content), step):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        assert refusal(tmp_path, bytes(damaged), passphrase), place


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "sealed"])
def test_every_shorter_archive_is_refused(tmp_path, passphrase):
    content = written(passphrase=passphrase)

    for length in range(0, len(content), 37):
        assert refusal(tmp_path, content[:length], passphrase), length


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "sealed"])
def test_archive_with_something_behind_it_is_refused(tmp_path, passphrase):
    assert refusal(tmp_path, written(passphrase=passphrase) + b"\0", passphrase)


@pytest.mark.parametrize(
    ("content", "passphrase", "sentence"),
    [
        (written(passphrase=PASSPHRASE), "another passphrase", "The passphrase does not open this archive."),
        (written(passphrase=PASSPHRASE), "", "is sealed: give its passphrase"),
        (written()[:2000], "", "it was cut short"),
        (written(rows=3), "", "the table machine is not what was written"),
        (written(form=FORMAT + 1), "", "A later version of the lab made this archive"),
        (b"", "", "is empty"),
        (b"holiday picture" * 100, "", "is not a backup of a lab"),
    ],
    ids=["wrong passphrase", "no passphrase", "cut short", "row missing", "later form", "empty", "not an archive"],
)
def test_refusal_says_what_is_wrong(tmp_path, content, passphrase, sentence):
    assert sentence in refusal(tmp_path, content, passphrase)


def test_archive_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ArchiveUnusable, match="cannot be read"):
        verify(tmp_path / "missing.tar", "")


@pytest.mark.parametrize("size", [0, 1, sealing.CHUNK_BYTES - 1, sealing.CHUNK_BYTES, 2 * sealing.CHUNK_BYTES + 5])
def test_sealed_bytes_come_back(size):
    plain, sealed = bytes(index % 251 for index in range(size)), io.BytesIO()
    sink = SealingSink(sealed, PASSPHRASE)
    sink.write(plain[: size // 3])
    sink.write(plain[size // 3 :])
    sink.finish()
    sealed.seek(0)

    source = OpeningSource(sealed, PASSPHRASE)

    assert source.read(size + 10) == plain
    assert size < 20 or plain[:20] not in sealed.getvalue()


def test_sealed_archive_that_lost_its_last_part_is_refused():
    sealed = io.BytesIO()
    sink = SealingSink(sealed, PASSPHRASE)
    sink.write(bytes(sealing.CHUNK_BYTES * 2))
    sink.finish()
    kept = sealed.getvalue()[: -(sealing.CHUNK_BYTES + sealing.TAG_BYTES)]
    source = OpeningSource(io.BytesIO(kept), PASSPHRASE)

    with pytest.raises(ArchiveUnusable, match="too early"):
        source.read(sealing.CHUNK_BYTES * 3)


def test_name_that_tar_cannot_hold_becomes_a_hash():
    out = io.BytesIO()
    tape = TapeWriter(out)

    short = tape.add("files/photo.jpg", 0, [])
    long = tape.add(f"files/{'é' * 200}.jpg", 0, [])
    tape.finish(b"{}")

    assert short == "files/photo.jpg"
    assert long.startswith("files/by-hash/")
    out.seek(0)
    assert [member.name for member in TapeReader(out).members()] == [short, long]
