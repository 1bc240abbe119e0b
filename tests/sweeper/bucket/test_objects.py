"""Conditional writes whose answers are lost, faults, and what a store is refused for."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import obstore
import pytest

from sweeper.bucket.address import is_bucket, parse_address
from sweeper.bucket.credentials import s3_settings
from sweeper.bucket.mirror import FORMAT_FILE
from sweeper.bucket.objects import Bucket
from sweeper.cli import main
from sweeper.errors import BucketError, UserError
from tests.chaos.proxy import Proxy
from tests.sweeper.bucket.object_store import BUCKET, SECRET, FaultyStore
from tests.sweeper.bucket.two_writers import assert_one_has_it
from tests.sweeper.grids import write_grid


def test_a_write_that_was_done_and_not_heard_is_ones_own(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    store.proxy.chances = {"unanswered": 0.6}
    tags = [bucket.create(f"lease/{number}", f"own {number}".encode()) for number in range(8)]
    renewed = [
        bucket.update(f"lease/{number}", f"again {number}".encode(), tag or {})
        for number, tag in enumerate(tags)
    ]
    assert store.proxy.done["unanswered"] > 0
    assert None not in tags
    assert None not in renewed


def test_of_two_writers_one_has_the_object(store: FaultyStore, address: str) -> None:
    bucket = Bucket(address)
    renewed = assert_one_has_it(bucket)
    store.proxy.answer = 404, error("NoSuchKey")  # by which AWS answers for one that is gone
    assert bucket.update("lease", b"one, still", renewed) is None


def test_faults_are_outlasted(store: FaultyStore, address: str, tmp_path: Path) -> None:
    bucket, large = Bucket(address), bytes(range(256)) * 2**17
    store.proxy.delay_s = 0.1
    store.proxy.chances = dict.fromkeys(("late", "refused", "half_answered"), 0.1)
    for number in range(12):
        bucket.put(f"folder/{number}", str(number).encode())
    bucket.put("large", large)
    entries = {entry.key: entry for entry in bucket.entries()}
    assert bucket.download(entries["large"], tmp_path / "large")
    contents = [bucket.get(f"folder/{number}") for number in range(12)]
    assert store.proxy.faults > 0
    assert [one and one.content for one in contents] == [str(n).encode() for n in range(12)]
    assert (tmp_path / "large").read_bytes() == large
    assert bucket.names("folder") == sorted(str(number) for number in range(12))
    bucket.delete(["folder/0", "never"])
    assert bucket.find("folder/0") is None


def test_an_upload_whose_end_was_not_heard_of_is_made_again(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some stores know an upload no more once it has ended; this one says so of the second end."""
    proxy, ends = store.proxy, Counter[str]()

    def fault(verb: str, path: str) -> str:
        ends.update(["POST"] * (verb == "POST"))
        third = verb == "POST" and ends["POST"] == 3
        proxy.answer = (404, error("NoSuchUpload")) if third else None
        return "unanswered" if verb == "POST" and ends["POST"] == 2 else "passed"

    monkeypatch.setattr(proxy, "fault", fault)
    bucket, large = Bucket(address), bytes(range(256)) * 2**15
    tag = bucket.put("large", large)
    assert ends["POST"] == 5
    found = bucket.find("large")
    assert found
    assert (found.tag, found.size) == (tag, len(large))


def test_where_one_is_missing_the_others_are_deleted(
    store: FaultyStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google's and Azure's stores end a deletion of several at the first that is not there."""
    delete, bucket = obstore.delete, Bucket(address)

    def one_after_the_other(at: Any, keys: Sequence[str]) -> None:
        for key in keys:
            obstore.head(at, key)
            delete(at, [key])

    monkeypatch.setattr(obstore, "delete", one_after_the_other)
    for key in ("a", "c"):
        bucket.put(key, b"1")
    bucket.delete(["a", "b", "c", "d"])
    assert bucket.entries() == []


def error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def answers(status: int, code: str) -> Callable[[Proxy], None]:
    def change(proxy: Proxy) -> None:
        proxy.answer = status, error(code)

    return change


def ignores_conditions(proxy: Proxy) -> None:
    proxy.without = frozenset({"if-match", "if-none-match"})


def has_another_clock(proxy: Proxy) -> None:
    proxy.headers = {"Last-Modified": format_datetime(datetime.now(UTC) - timedelta(hours=1))}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (answers(403, "InvalidAccessKeyId"), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (answers(403, "SignatureDoesNotMatch"), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (answers(301, "PermanentRedirect"), "another region than the one that is set"),
        (answers(400, "AuthorizationHeaderMalformed"), "another region than the one that is set"),
        (answers(403, "RequestTimeTooSkewed"), "the clock of this machine differs too much"),
        (answers(501, "NotImplemented"), "does not support a request"),
        (ignores_conditions, "ignores conditional writes"),
        (has_another_clock, "the clock of this machine is 36.. s ahead of"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_in_one_sentence(
    store: FaultyStore,
    address: str,
    change: Callable[[Proxy], None],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(store.proxy)
    text = run_digits(store.folder, address, capsys)
    assert_one_sentence(text, said)


def test_a_bucket_that_does_not_exist(
    store: FaultyStore, capsys: pytest.CaptureFixture[str]
) -> None:
    text = run_digits(store.folder, "s3://no-such-bucket/sweeps", capsys)
    assert_one_sentence(text, "there is no bucket 'no-such-bucket'")


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        ("logs/today.txt", b"", "is in use by something else: it has 'logs'"),
        (FORMAT_FILE, b"[]", "is in use by something else than sweeper"),
        (FORMAT_FILE, json.dumps({"schema": 99}).encode(), "has storage format 99"),
    ],
)
def test_a_prefix_in_use_by_something_else(
    store: FaultyStore,
    address: str,
    key: str,
    content: bytes,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Bucket(address).put(key, content)
    assert_one_sentence(run_digits(store.folder, address, capsys), said)


def run_digits(folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `sweeper run` says of an error of the user's; nothing is trained."""
    grid = write_grid(
        folder,
        "experiment: demo\ndata: digits\ndefaults: {network: linear, d_z: 4, epochs: 1}\n"
        "trials:\n  - {model: sigma_vae, sigma: 0.1}\n",
    )
    tracking = f"sqlite:///{folder}/mlflow.db"
    code = main(["run", str(grid), "--inline", "--storage", address, "--tracking", tracking])
    told = capsys.readouterr()
    assert code == 2
    assert SECRET not in told.out + told.err
    return told.err


def assert_one_sentence(text: str, said: str) -> None:
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert re.search(said, " ".join(text[text.index("error: ") :].split()))


@pytest.mark.parametrize("text", ["s3://", "s3://A/b", "s3://ab", "s3://abc/../d", "s3://abc/a b"])
def test_an_address_that_is_none(text: str) -> None:
    assert is_bucket(text)
    with pytest.raises(UserError, match="bucket"):
        parse_address(text)


def test_an_address() -> None:
    found = parse_address(f"s3://{BUCKET}//a/b/")
    assert (found.bucket, found.prefix, str(found)) == (BUCKET, "a/b", f"s3://{BUCKET}/a/b")
    assert not is_bucket("./sweeps")
    assert not is_bucket("hdfs://sweeps")


def test_credentials_of_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text(
        "[lab]\naws_access_key_id = a\naws_secret_access_key=b\n"
    )
    (tmp_path / "config").write_text("[profile lab]\nregion = eu-west-1\n[default]\nregion = x\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    assert s3_settings() == {**keys, "region": "eu-west-1"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    assert s3_settings() == {"region": "eu-west-1"}
    (tmp_path / "config").write_text("no INI file")
    assert s3_settings() == {}


@pytest.mark.parametrize(
    ("address", "variables", "said"),
    [
        ("s3", {"AWS_ACCESS_KEY_ID": "key"}, "cannot be read .*; set AWS_ACCESS_KEY_ID and AWS_S"),
        ("s3", {"AWS_ENDPOINT_URL": "no address"}, "AWS_ENDPOINT_URL must be an address such as"),
        ("s3", {"AWS_REGION": "no region"}, "AWS_REGION must be the name of a region"),
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/no/file"}, "set GOOGLE_APPLICATION_CREDENT"),
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": "{}"}, "set GOOGLE_APPLICATION_CREDENTIALS"),
        ("az", {"AZURE_STORAGE_ACCOUNT_KEY": "key"}, "set AZURE_STORAGE_ACCOUNT_NAME and"),
        ("az", {"AZURE_STORAGE_ENDPOINT": "no address"}, "AZURE_STORAGE_ENDPOINT must be an addr"),
    ],
)
def test_settings_that_cannot_be_read(
    address: str,
    variables: dict[str, str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert_one_sentence(run_digits(tmp_path, f"{address}://sweeps/of-all", capsys), said)


def test_a_store_that_does_not_answer(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(BucketError, match=f"the store of {address} cannot be used now"):
        Bucket(address, patience=0.5).entries()
