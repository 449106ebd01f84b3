"""The hub's errors as ours: what was wrong, and the cure."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from data.errors import UnusableEncoder

TRANSPORTS = ("httpx", "httpx2", "httpcore")
"""What huggingface_hub speaks through, by its version; their errors are told alike."""


def from_transport(error: Exception) -> bool:
    """Whether the connection failed, so that another attempt may do better."""
    return type(error).__module__.split(".")[0] in TRANSPORTS


@contextmanager
def in_our_words(endpoint: str, repository: str, revision: str | None) -> Iterator[None]:
    """Raise UnusableEncoder for what goes wrong inside between us and the hub."""
    from huggingface_hub import errors

    again = "what came so far is kept, and the next pull goes on with it"
    try:
        yield
    except errors.GatedRepoError as error:
        raise UnusableEncoder(
            f"{repository} is gated: ask for access on {endpoint}/{repository}, then `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UnusableEncoder(
            f"{endpoint} shows no repository {repository}: check the spelling; for a private one, `hf auth login` first"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UnusableEncoder(
            f"{repository} has no revision {revision}: leave @REVISION out, or see {endpoint}/{repository}"
        ) from error
    except errors.EntryNotFoundError as error:
        raise UnusableEncoder(f"{repository} lacks a file that was asked for; see {endpoint}/{repository}") from error
    except errors.HFValidationError as error:
        raise UnusableEncoder(f"{repository} is no name of a repository: write it as OWNER/NAME") from error
    except errors.OfflineModeIsEnabled as error:
        raise UnusableEncoder("HF_HUB_OFFLINE is set, so nothing is fetched: unset it to pull") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise UnusableEncoder(f"{endpoint} answered {status} for {repository}; {again}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnusableEncoder(f"the disk is full: make room, then pull again; {again}") from error
        if error.errno is not None and error.filename is not None:
            raise
        raise UnusableEncoder(f"{repository} did not come whole from {endpoint}; {again}") from error
    except Exception as error:
        if not from_transport(error):
            raise
        raise UnusableEncoder(
            f"{endpoint} cannot be reached ({type(error).__name__}): is there a network? {again}"
        ) from error
