"""What is wrong when a store answers with an error, as one sentence without any secret."""

from __future__ import annotations

import re

from sweeper.bucket.address import BucketAddress
from sweeper.errors import BucketError

__all__ = ["complaint", "lacks_bucket", "odd_setting", "unread"]

CODE = re.compile(r"<Code>(\w+)</Code>")
STATUS = re.compile(r"status code: (\d{3})")
METADATA = "169.254."  # where a cloud's own machines have their credentials
SECRETS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE of ~/.aws/credentials",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
REGION = (
    "301",
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken")
UNSUPPORTED = ("501", "NotImplemented")
LONGEST = 200
ENDPOINT = re.compile(r"https?://[\w.:\[\]-]+(/[\w./-]*)?")
NAMED = re.compile(r"[\w-]*")


def complaint(address: BucketAddress, error: BaseException) -> BucketError:
    """The error for a user that an error of obstore means."""
    text = str(error)
    found = {match[1] for match in (CODE.search(text), STATUS.search(text)) if match}
    said = _lasting(address, text, found)
    if said:
        return BucketError(said, lasting=True)
    return BucketError(f"the store of {address} cannot be used now: {_short(text)}")


def lacks_bucket(error: BaseException) -> bool:
    """Whether an error says that there is no such bucket, and not only that an object is gone."""
    return any(code in str(error) for code in NO_BUCKET)


def odd_setting(address: BucketAddress, variable: str, endpoint: str, region: str) -> str:
    """What is wrong with an endpoint or a region, of which obstore ends the program; "" if none.

    variable : the one that sets the endpoint.
    """
    if endpoint and not ENDPOINT.fullmatch(endpoint):
        return f"{variable} must be an address such as https://HOST for {address}"
    if not NAMED.fullmatch(region):
        return f"AWS_REGION must be the name of a region for {address}, not {region!r}"
    return ""


def unread(address: BucketAddress, error: BaseException) -> str:
    """What to do about credentials that obstore cannot read."""
    return (
        f"the credentials for {address} cannot be read ({_short(str(error)).rstrip('.')}); "
        f"{SECRETS[address.scheme]}"
    )


def _lasting(address: BucketAddress, text: str, found: set[str]) -> str:
    """The sentence for an error that would come again; "" for others."""
    if found.intersection(NO_BUCKET):
        return f"there is no bucket {address.bucket!r} for {address}; make it, or correct the name"
    if found.intersection(REGION) or "redirect without LOCATION" in text:
        return (
            f"the bucket of {address} lies in another region than the one that is set; set "
            "AWS_REGION to the bucket's"
        )
    if found.intersection(CLOCK):
        return (
            f"the clock of this machine differs too much from the store's of {address}; set it by "
            "a time server (NTP)"
        )
    if METADATA in text:
        return f"there are no credentials for {address}; {SECRETS[address.scheme]}"
    if found.intersection((*REFUSED, "401", "403")):
        why = ", ".join(sorted(found))
        return (
            f"the store refuses the credentials for {address} ({why}); {SECRETS[address.scheme]}"
        )
    if found.intersection(UNSUPPORTED):
        return f"the store of {address} does not support a request that a storage needs"
    return ""


def _short(text: str) -> str:
    """The first line of obstore's text, without its times and the query of an address."""
    line = re.sub(r"\?\S*", "", text.split("\n", 1)[0]).strip()
    line = re.sub(r"^Generic \w+ error: ", "", line)
    line = re.sub(r" in [\d.]+\w+(, after .*?)?\s+- ", ": ", line)
    return line[:LONGEST]
